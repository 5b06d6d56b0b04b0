package cgroup

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// insn is one eBPF instruction (struct bpf_insn, linux/bpf.h).
type insn struct {
	code   uint8
	regs   uint8 // destination in the low half, source in the high one
	offset int16
	imm    int32
}

// The opcodes in use: class | size or operation | source.
const (
	opLoad32   = unix.BPF_LDX | unix.BPF_MEM | unix.BPF_W
	opMove     = unix.BPF_ALU | 0xb0 | unix.BPF_X // dst = src
	opSet      = unix.BPF_ALU | 0xb0 | unix.BPF_K // dst = imm
	opAnd      = unix.BPF_ALU | unix.BPF_AND | unix.BPF_K
	opSubtract = unix.BPF_ALU | unix.BPF_SUB | unix.BPF_X
	opShift    = unix.BPF_ALU | unix.BPF_RSH | unix.BPF_K
	opUnequal  = 0x06 | 0x50 | unix.BPF_K // JMP32: if dst != imm goto
	opEqual    = 0x06 | unix.BPF_JEQ | unix.BPF_K
	opExit     = unix.BPF_JMP | 0x90
)

// Registers: the context, and what prologue loads from it.
const (
	regResult  = 0
	regContext = 1
	regKind    = 2
	regWanted  = 3
	regMajor   = 4
	regMinor   = 5
)

// prologue loads struct bpf_cgroup_dev_ctx: access<<16 | type, major, minor.
var prologue = [...]insn{
	{code: opLoad32, regs: regKind | regContext<<4},
	{code: opMove, regs: regWanted | regKind<<4},
	{code: opAnd, regs: regKind, imm: 0xffff},
	{code: opShift, regs: regWanted, imm: 16},
	{code: opLoad32, regs: regMajor | regContext<<4, offset: 4},
	{code: opLoad32, regs: regMinor | regContext<<4, offset: 8},
}

// compile makes a program of type BPF_PROG_TYPE_CGROUP_DEVICE that decides as
// the rules do: for each wanted operation the last rule that speaks of it
// wins; what no rule speaks of is denied. Going backwards, an allowing rule
// strikes what it grants off the wanted set.
func compile(rules []rule) []insn {
	prog := append(make([]insn, 0, len(prologue)+8*len(rules)+2), prologue[:]...)
	for i := len(rules) - 1; i >= 0; i-- {
		r := &rules[i]
		if r.all() {
			// No rule before it can matter.
			return appendVerdict(prog, r.allow)
		}
		prog = appendRule(prog, r)
	}
	return appendVerdict(prog, false)
}

func appendVerdict(prog []insn, allow bool) []insn {
	result := insn{code: opSet, regs: regResult}
	if allow {
		result.imm = 1
	}
	return append(prog, result, insn{code: opExit})
}

// appendRule appends the block of one rule; a jump that does not stay within
// it leads to its end.
func appendRule(prog []insn, r *rule) []insn {
	start := len(prog)
	var loaded []insn // what the comparisons have told the verifier about
	switch r.kind {
	case 'b':
		prog = append(prog, insn{code: opUnequal, regs: regKind, imm: unix.BPF_DEVCG_DEV_BLOCK})
		loaded = append(loaded, prologue[0], prologue[2])
	case 'c':
		prog = append(prog, insn{code: opUnequal, regs: regKind, imm: unix.BPF_DEVCG_DEV_CHAR})
		loaded = append(loaded, prologue[0], prologue[2])
	}
	if r.major != anyNumber {
		prog = append(prog, insn{code: opUnequal, regs: regMajor, imm: int32(uint32(r.major))})
		loaded = append(loaded, prologue[4])
	}
	if r.minor != anyNumber {
		prog = append(prog, insn{code: opUnequal, regs: regMinor, imm: int32(uint32(r.minor))})
		loaded = append(loaded, prologue[5])
	}
	if r.access == allAccess {
		prog = appendVerdict(prog, r.allow)
	} else {
		prog = appendPartial(prog, r, loaded)
	}
	for i := start; i < len(prog); i++ {
		if prog[i].code == opUnequal && prog[i].offset == 0 {
			prog[i].offset = int16(len(prog) - i - 1)
		}
	}
	return prog
}

// appendPartial decides some of the operations and goes on with the others.
// What the verifier learns on the way it would follow to the end by itself
// for each rule, and give up after some hundred: so the wanted set is changed
// by subtraction, of which it does not keep track, and the other registers
// are loaded anew, although they have not changed.
func appendPartial(prog []insn, r *rule, loaded []insn) []insn {
	const verdict = 2 // instructions
	prog = append(prog, insn{code: opMove, regs: regResult | regWanted<<4},
		insn{code: opAnd, regs: regResult, imm: int32(r.access)})
	if r.allow {
		prog = append(prog, insn{code: opSubtract, regs: regWanted | regResult<<4},
			insn{code: opUnequal, regs: regWanted, offset: verdict})
	} else {
		prog = append(prog, insn{code: opEqual, regs: regResult, offset: verdict})
	}
	return append(appendVerdict(prog, r.allow), loaded...)
}

// applyDevicesV2 attaches the program to the group, beside what ancestors
// have, and takes the place of those that the group itself had.
func (d *dir) applyDevicesV2(rules []rule) error {
	group, err := open(d.path, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return pathError("open", d.path, err)
	}
	defer unix.Close(group)
	var old []int
	if d.made == 0 {
		if old, err = attachedPrograms(group); err != nil {
			return fmt.Errorf("devices: query eBPF programs of %s: %w", d.path, err)
		}
		defer closeAll(old)
	}
	prog, err := loadProgram(compile(rules))
	if err != nil {
		return fmt.Errorf("devices: load eBPF program: %w", err)
	}
	defer unix.Close(prog)
	if err := exchange(group, prog, old); err != nil {
		return fmt.Errorf("devices: attach eBPF program to %s: %w", d.path, err)
	}
	return nil
}

// exchange attaches prog and detaches old. At no moment is the group without
// a program: restrictions add up (BPF_F_ALLOW_MULTI).
func exchange(group, prog int, old []int) error {
	if len(old) == 1 {
		return attachProgram(group, prog, old[0])
	}
	err := attachProgram(group, prog, -1)
	if err != nil {
		return err
	}
	for _, fd := range old {
		err = errors.Join(err, detachProgram(group, fd))
	}
	return err
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}
