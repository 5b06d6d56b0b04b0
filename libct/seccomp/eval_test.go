package seccomp

import "testing"

// TestEval runs what compiled filters never use, so that the evaluator can be
// trusted with anybody's program.
func TestEval(t *testing.T) {
	retA := Insn{0x16, 0, 0, 0}
	data := Data{Nr: 7, Arch: auditX8664, IP: 0x1111111122222222, Args: [6]uint64{5: 0x3333333344444444}}
	imm := func(a, x uint32, then ...Insn) []Insn {
		return append([]Insn{{0x00, 0, 0, a}, {0x01, 0, 0, x}}, append(then, retA)...)
	}
	for i, c := range []struct {
		prog []Insn
		want uint32
	}{
		{[]Insn{{opLoad, 0, 0, 0}, retA}, 7},
		{[]Insn{{opLoad, 0, 0, 4}, retA}, auditX8664},
		{[]Insn{{opLoad, 0, 0, 8}, retA}, 0x22222222},
		{[]Insn{{opLoad, 0, 0, 12}, retA}, 0x11111111},
		{[]Insn{{opLoad, 0, 0, 56}, retA}, 0x44444444},
		{[]Insn{{opLoad, 0, 0, 60}, retA}, 0x33333333},
		{[]Insn{{0x80, 0, 0, 0}, retA}, 64},
		{[]Insn{{0x81, 0, 0, 0}, {0x87, 0, 0, 0}, retA}, 64},
		{imm(9, 4, Insn{0x04, 0, 0, 1}), 10},
		{imm(9, 4, Insn{0x0c, 0, 0, 0}), 13},
		{imm(9, 4, Insn{0x14, 0, 0, 10}), 0xffffffff},
		{imm(9, 4, Insn{0x1c, 0, 0, 0}), 5},
		{imm(9, 4, Insn{0x24, 0, 0, 3}), 27},
		{imm(9, 4, Insn{0x2c, 0, 0, 0}), 36},
		{imm(9, 4, Insn{0x34, 0, 0, 2}), 4},
		{imm(9, 4, Insn{0x3c, 0, 0, 0}), 2},
		{imm(9, 0, Insn{0x3c, 0, 0, 0}), 0}, // ends the program
		{imm(9, 4, Insn{0x44, 0, 0, 2}), 11},
		{imm(9, 4, Insn{0x4c, 0, 0, 0}), 13},
		{imm(9, 8, Insn{0x5c, 0, 0, 0}), 8},
		{imm(9, 4, Insn{0x64, 0, 0, 2}), 36},
		{imm(9, 4, Insn{0x6c, 0, 0, 0}), 144},
		{imm(9, 4, Insn{0x74, 0, 0, 1}), 4},
		{imm(9, 3, Insn{0x7c, 0, 0, 0}), 1},
		{imm(1, 0, Insn{0x84, 0, 0, 0}), 0xffffffff},
		{imm(9, 4, Insn{0xa4, 0, 0, 1}), 8},
		{imm(9, 1, Insn{0xac, 0, 0, 0}), 8},
		{imm(9, 4, Insn{0x87, 0, 0, 0}), 4},
		{imm(9, 4, Insn{0x07, 0, 0, 0}, Insn{0x00, 0, 0, 1}, Insn{0x0c, 0, 0, 0}), 10},
		{imm(9, 4, Insn{0x02, 0, 0, 15}, Insn{0x61, 0, 0, 15}, Insn{0x87, 0, 0, 0}), 9},
		{imm(9, 4, Insn{0x03, 0, 0, 0}, Insn{0x60, 0, 0, 0}), 4},
		{imm(9, 9, Insn{0x1d, 1, 0, 0}, retA, Insn{opRet, 0, 0, 1}), 1},
		{imm(9, 8, Insn{0x2d, 1, 0, 0}, retA, Insn{opRet, 0, 0, 1}), 1},
		{imm(9, 9, Insn{0x3d, 1, 0, 0}, retA, Insn{opRet, 0, 0, 1}), 1},
		{imm(9, 8, Insn{0x4d, 1, 0, 0}, retA, Insn{opRet, 0, 0, 1}), 1},
		{imm(9, 8, Insn{0x45, 1, 0, 6}, retA, Insn{opRet, 0, 0, 1}), 9},
		{imm(9, 8, Insn{opJA, 0, 0, 1}, retA, Insn{opRet, 0, 0, 1}), 1},
	} {
		got, steps, err := Eval(c.prog, data)
		if err != nil || got != c.want || steps == 0 {
			t.Errorf("case %d: got %#x after %d steps, %v, want %#x", i, got, steps, err, c.want)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	ret := Insn{opRet, 0, 0, 0}
	for name, prog := range map[string][]Insn{
		"nothing":                 {},
		"too much":                make([]Insn, MaxInsns+1),
		"no return":               {{opLoad, 0, 0, 0}},
		"unaligned load":          {{opLoad, 0, 0, 2}, ret},
		"load behind the end":     {{opLoad, 0, 0, 64}, ret},
		"load of a byte":          {{0x30, 0, 0, 0}, ret},
		"jump behind the end":     {{opJA, 0, 0, 1}, ret},
		"long jump":               {{opJA, 0, 0, 0xffffffff}, ret},
		"true behind the end":     {{opJEQ, 1, 0, 0}, ret},
		"false behind the end":    {{opJEQ, 0, 1, 0}, ret},
		"division by zero":        {{0x34, 0, 0, 0}, ret},
		"shift by 32":             {{0x64, 0, 0, 32}, ret},
		"remainder":               {{0x94, 0, 0, 1}, ret},
		"scratch word 16":         {{0x02, 0, 0, 16}, ret},
		"unwritten scratch":       {{0x60, 0, 0, 0}, ret},
		"maybe unwritten scratch": {{opJEQ, 0, 1, 0}, {0x02, 0, 0, 3}, {0x60, 0, 0, 3}, ret},
	} {
		if _, _, err := Eval(prog, Data{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	both := []Insn{{opJEQ, 1, 0, 0}, {0x02, 0, 0, 3}, {0x02, 0, 0, 3}, {0x60, 0, 0, 3}, ret}
	if err := Check(both); err != nil {
		t.Error("written on both paths: ", err)
	}
}
