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
	opLoad32  = unix.BPF_LDX | unix.BPF_MEM | unix.BPF_W
	opMove    = unix.BPF_ALU | 0xb0 | unix.BPF_X // dst = src
	opSet     = unix.BPF_ALU | 0xb0 | unix.BPF_K // dst = imm
	opAnd     = unix.BPF_ALU | unix.BPF_AND | unix.BPF_K
	opShift   = unix.BPF_ALU | unix.BPF_RSH | unix.BPF_K
	opUnequal = 0x06 | 0x50 | unix.BPF_K // JMP32: if dst != imm goto
	opAnyBit  = 0x06 | unix.BPF_JSET | unix.BPF_K
	opExit    = unix.BPF_JMP | 0x90
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

// appendRule appends the block of one rule; every jump in it that is not
// taken within the block leads to its end.
func appendRule(prog []insn, r *rule) []insn {
	start := len(prog)
	switch r.kind {
	case 'b':
		prog = append(prog, insn{code: opUnequal, regs: regKind, imm: unix.BPF_DEVCG_DEV_BLOCK})
	case 'c':
		prog = append(prog, insn{code: opUnequal, regs: regKind, imm: unix.BPF_DEVCG_DEV_CHAR})
	}
	if r.major != anyNumber {
		prog = append(prog, insn{code: opUnequal, regs: regMajor, imm: int32(uint32(r.major))})
	}
	if r.minor != anyNumber {
		prog = append(prog, insn{code: opUnequal, regs: regMinor, imm: int32(uint32(r.minor))})
	}
	if r.access != allAccess {
		if r.allow {
			prog = append(prog, insn{code: opAnd, regs: regWanted, imm: int32(allAccess &^ r.access)},
				insn{code: opUnequal, regs: regWanted})
		} else {
			// There is no jump for "no bit": jump over the jump.
			prog = append(prog, insn{code: opAnyBit, regs: regWanted, imm: int32(r.access), offset: 1},
				insn{code: unix.BPF_JMP | unix.BPF_JA})
		}
	}
	prog = appendVerdict(prog, r.allow)
	for i := start; i < len(prog); i++ {
		class := prog[i].code & 0x07
		if (class == 0x06 || prog[i].code == unix.BPF_JMP|unix.BPF_JA) && prog[i].offset == 0 {
			prog[i].offset = int16(len(prog) - i - 1)
		}
	}
	return prog
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
