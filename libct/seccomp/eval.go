package seccomp

import (
	"errors"
	"fmt"
)

// Data is what a filter sees: struct seccomp_data.
type Data struct {
	Nr   uint32
	Arch uint32 // AUDIT_ARCH_*
	IP   uint64
	Args [6]uint64
}

// word returns the aligned 32-bit word at an offset of struct seccomp_data, as
// laid out on a little-endian host.
func (d *Data) word(offset uint32) uint32 {
	switch {
	case offset == offNr:
		return d.Nr
	case offset == offArch:
		return d.Arch
	case offset < offArgs:
		return half(d.IP, offset)
	}
	return half(d.Args[(offset-offArgs)/8], offset)
}

func half(v uint64, offset uint32) uint32 {
	if offset&4 != 0 {
		return uint32(v >> 32)
	}
	return uint32(v)
}

// Parts of a classic BPF code (<linux/bpf_common.h>).
const (
	classLD, classLDX, classST, classSTX = 0, 1, 2, 3
	classALU, classJMP, classRET         = 4, 5, 6
	classMISC                            = 7

	dataSize = 64 // sizeof(struct seccomp_data)
	memWords = 16 // BPF_MEMWORDS
)

// Check applies the rules of the kernel's bpf_check_classic and
// seccomp_check_filter: a program that passes is one that seccomp(2) takes.
func Check(prog []Insn) error {
	if len(prog) == 0 || len(prog) > MaxInsns {
		return fmt.Errorf("program of %d instructions", len(prog))
	}
	for i, in := range prog {
		if err := checkInsn(prog, i, in); err != nil {
			return fmt.Errorf("instruction %d (code %#x, k %#x): %w", i, in.Code, in.K, err)
		}
	}
	if prog[len(prog)-1].Code&7 != classRET {
		return errors.New("the last instruction does not return")
	}
	return checkMem(prog)
}

func checkInsn(prog []Insn, i int, in Insn) error {
	left := uint64(len(prog) - i - 1)
	switch in.Code {
	case opLoad:
		if in.K >= dataSize || in.K&3 != 0 {
			return errors.New("load outside of seccomp_data")
		}
	case 0x80, 0x81, 0x00, 0x01: // LD/LDX W LEN, LD/LDX IMM
	case 0x60, 0x61, 0x02, 0x03: // LD/LDX MEM, ST, STX
		if in.K >= memWords {
			return errors.New("no such scratch word")
		}
	case 0x34: // DIV K
		if in.K == 0 {
			return errors.New("division by zero")
		}
	case 0x64, 0x74: // LSH K, RSH K
		if in.K >= 32 {
			return errors.New("shift by more than 31")
		}
	case 0x04, 0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x3c, 0x44, 0x4c, 0x54, 0x5c, 0x6c, 0x7c, 0x84, 0xa4, 0xac:
	case 0x07, 0x87: // TAX, TXA
	case opRet, 0x16: // RET K, RET A
	case opJA:
		if uint64(in.K) >= left {
			return errors.New("jump behind the end")
		}
	case opJEQ, 0x1d, opJGT, 0x2d, opJGE, 0x3d, 0x45, 0x4d:
		if uint64(in.Jt) >= left || uint64(in.Jf) >= left {
			return errors.New("jump behind the end")
		}
	default:
		return errors.New("not allowed in a seccomp filter")
	}
	return nil
}

// checkMem refuses reading a scratch word that some path did not write.
func checkMem(prog []Insn) error {
	masks := make([]uint16, len(prog))
	for i := range masks {
		masks[i] = 0xffff
	}
	valid := uint16(0)
	for i, in := range prog {
		valid &= masks[i]
		switch in.Code {
		case 0x02, 0x03:
			valid |= 1 << in.K
		case 0x60, 0x61:
			if valid&(1<<in.K) == 0 {
				return fmt.Errorf("instruction %d reads scratch word %d before it is written", i, in.K)
			}
		case opJA:
			masks[i+1+int(in.K)] &= valid
			valid = 0xffff
		case opJEQ, 0x1d, opJGT, 0x2d, opJGE, 0x3d, 0x45, 0x4d:
			masks[i+1+int(in.Jt)] &= valid
			masks[i+1+int(in.Jf)] &= valid
			valid = 0xffff
		}
	}
	return nil
}

// machine is the state of a running program.
type machine struct {
	a, x uint32
	mem  [memWords]uint32
}

// Eval runs a program over a call and returns its SECCOMP_RET_* value and the
// number of instructions it took. A program that Check refuses is an error.
func Eval(prog []Insn, d Data) (ret uint32, steps int, err error) {
	if err := Check(prog); err != nil {
		return 0, 0, err
	}
	ret, steps = eval(prog, &d)
	return ret, steps, nil
}

// eval runs a program that passed Check: it ends, for jumps only go forward.
func eval(prog []Insn, d *Data) (ret uint32, steps int) {
	var m machine
	for pc := 0; ; pc++ {
		steps++
		in := prog[pc]
		switch in.Code & 7 {
		case classRET:
			if in.Code == opRet {
				return in.K, steps
			}
			return m.a, steps
		case classJMP:
			pc += m.jump(in)
		case classALU:
			ok := m.alu(in)
			if !ok {
				return 0, steps // division by a zero X ends a filter with 0
			}
		case classMISC:
			if in.Code == 0x07 {
				m.x = m.a
			} else {
				m.a = m.x
			}
		default:
			m.move(in, d)
		}
	}
}

// move runs loads and stores.
func (m *machine) move(in Insn, d *Data) {
	switch in.Code & 7 {
	case classST:
		m.mem[in.K] = m.a
		return
	case classSTX:
		m.mem[in.K] = m.x
		return
	}
	var v uint32
	switch in.Code & 0xe0 {
	case 0x20:
		v = d.word(in.K)
	case 0x80:
		v = dataSize
	case 0x60:
		v = m.mem[in.K]
	default:
		v = in.K
	}
	if in.Code&7 == classLD {
		m.a = v
	} else {
		m.x = v
	}
}

// jump returns how many instructions to skip.
func (m *machine) jump(in Insn) int {
	v, yes := in.K, false
	if in.Code&0x08 != 0 {
		v = m.x
	}
	switch in.Code & 0xf0 {
	case 0x00:
		return int(in.K)
	case 0x10:
		yes = m.a == v
	case 0x20:
		yes = m.a > v
	case 0x30:
		yes = m.a >= v
	case 0x40:
		yes = m.a&v != 0
	}
	if yes {
		return int(in.Jt)
	}
	return int(in.Jf)
}

// alu runs arithmetic, and is false on a division by zero.
func (m *machine) alu(in Insn) bool {
	v := in.K
	if in.Code&0x08 != 0 {
		v = m.x
	}
	switch in.Code & 0xf0 {
	case 0x00:
		m.a += v
	case 0x10:
		m.a -= v
	case 0x20:
		m.a *= v
	case 0x30:
		if v == 0 {
			return false
		}
		m.a /= v
	case 0x40:
		m.a |= v
	case 0x50:
		m.a &= v
	case 0x60:
		m.a <<= v & 31
	case 0x70:
		m.a >>= v & 31
	case 0x80:
		m.a = -m.a
	case 0xa0:
		m.a ^= v
	}
	return true
}
