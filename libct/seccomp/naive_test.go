package seccomp

import (
	"slices"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// naive reads a profile as a person would, one call at a time, and returns
// every action that may be right for it: more than one only where rules with
// different actions match the same call (their order is the libseccomp test's
// matter).
func naive(p *specs.LinuxSeccomp, h Host, d Data) []uint32 {
	def := naiveAction(p.DefaultAction, p.DefaultErrnoRet)
	native := specs.ArchX86_64
	if h.Arch == "arm64" {
		native = specs.ArchAARCH64
	}
	has := func(a specs.Arch) bool { return a == native || slices.Contains(p.Architectures, a) }
	var a abi
	switch {
	case d.Arch == auditX8664 && h.Arch == "amd64" && d.Nr&x32Bit != 0 && has(specs.ArchX32):
		a = abiX32
	case d.Arch == auditX8664 && h.Arch == "amd64":
		a = abiX8664
	case d.Arch == auditI386 && h.Arch == "amd64" && has(specs.ArchX86):
		a = abiX86
	case d.Arch == auditAarch64 && h.Arch == "arm64":
		a = abiAarch64
	case d.Arch == auditArm && h.Arch == "arm64" && has(specs.ArchARM):
		a = abiArm
	default:
		return []uint32{0}
	}
	if naiveNewer(p, a, d.Nr) {
		return []uint32{0x00050026}
	}
	if a == abiX8664 && d.Nr >= x32Bit && !has(specs.ArchX32) {
		if d.Nr == 0xffffffff {
			return []uint32{def}
		}
		return []uint32{0}
	}
	return naiveRules(p, a, d, def)
}

// naiveNewer is runc's patchbpf.
func naiveNewer(p *specs.LinuxSeccomp, a abi, nr uint32) bool {
	switch p.DefaultAction {
	case specs.ActAllow, specs.ActLog, specs.ActTrace:
		return false
	}
	if a == abiX8664 && nr&x32Bit != 0 {
		return false
	}
	largest := int32(0)
	for _, s := range p.Syscalls {
		for _, name := range s.Names {
			row := lookup(name)
			if row == nil {
				continue
			}
			if _, _, muxed := mux(name); a == abiX86 && muxed {
				continue
			}
			largest = max(largest, row.nr[a])
		}
	}
	return largest != 0 && nr > uint32(largest)
}

func naiveRules(p *specs.LinuxSeccomp, a abi, d Data, def uint32) []uint32 {
	var may []uint32
	for _, s := range p.Syscalls {
		act := naiveAction(s.Action, s.ErrnoRet)
		if act == def {
			continue
		}
		for _, name := range s.Names {
			row := lookup(name)
			if row == nil {
				continue
			}
			direct := row.nr[a] >= 0 && uint32(row.nr[a]) == d.Nr
			muxNr, selector, muxed := mux(name)
			muxed = muxed && a == abiX86 && uint32(muxNr) == d.Nr
			if !direct && !muxed {
				continue
			}
			matches, always := naiveArgs(s.Args, a, d, muxed, selector)
			if always {
				return []uint32{act}
			}
			if matches {
				may = append(may, act)
			}
		}
	}
	if may == nil {
		return []uint32{def}
	}
	// An unconditional rule further down wins over conditional ones: it would
	// have returned above.
	return may
}

// naiveArgs reports whether a rule's conditions hold, and whether they are
// such that they always do.
func naiveArgs(args []specs.LinuxSeccompArg, a abi, d Data, muxed bool, selector uint64) (matches, always bool) {
	counts := make(map[uint]int)
	for _, arg := range args {
		counts[arg.Index]++
	}
	either := false
	for _, n := range counts {
		either = either || n > 1
	}
	and, or, allEmpty, anyEmpty := true, false, true, false
	for _, arg := range args {
		holds, empty := naiveCompare(arg, a, d.Args[arg.Index])
		if muxed && arg.Index == 0 {
			holds, empty = true, true
		}
		and, or = and && holds, or || holds
		allEmpty, anyEmpty = allEmpty && empty, anyEmpty || empty
	}
	matches, always = and, allEmpty
	if either {
		matches, always = or, anyEmpty
	}
	if muxed {
		matches, always = matches && uint32(d.Args[0]) == uint32(selector), false
	}
	return matches, always
}

func naiveCompare(arg specs.LinuxSeccompArg, a abi, v uint64) (holds, empty bool) {
	one, two := arg.Value, arg.ValueTwo
	if a == abiX86 || a == abiX32 || a == abiArm {
		v, one, two = uint64(uint32(v)), uint64(uint32(one)), uint64(uint32(two))
	}
	switch arg.Op {
	case specs.OpEqualTo:
		return v == one, false
	case specs.OpNotEqual:
		return v != one, false
	case specs.OpLessThan:
		return v < one, false
	case specs.OpLessEqual:
		return v <= one, false
	case specs.OpGreaterEqual:
		return v >= one, false
	case specs.OpGreaterThan:
		return v > one, false
	}
	return v&one == two&one, one == 0
}

func naiveAction(name specs.LinuxSeccompAction, errno *uint) uint32 {
	data := uint32(1)
	if errno != nil {
		data = uint32(*errno)
	}
	switch name {
	case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD":
		return 0
	case "SCMP_ACT_KILL_PROCESS":
		return 0x80000000
	case "SCMP_ACT_TRAP":
		return 0x00030000
	case "SCMP_ACT_ERRNO":
		return 0x00050000 | data
	case "SCMP_ACT_NOTIFY":
		return 0x7fc00000
	case "SCMP_ACT_TRACE":
		return 0x7ff00000 | data
	case "SCMP_ACT_LOG":
		return 0x7ffc0000
	}
	return 0x7fff0000
}

func compareNaive(t *testing.T, p *specs.LinuxSeccomp, h Host, seed uint64) {
	t.Helper()
	prog, err := Compile(p, h)
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(prog.Insns); err != nil {
		t.Fatal(err)
	}
	bad := 0
	calls(seeded(seed), p, func(d Data) {
		got, _ := eval(prog.Insns, &d)
		if want := naive(p, h, d); !slices.Contains(want, got) {
			if bad++; bad <= 5 {
				t.Errorf("seed %d %s: arch %#x nr %d (%#x) args %#x: got %#x, want one of %#x", seed, h.Arch, d.Arch, int32(d.Nr), d.Nr, d.Args, got, want)
			}
		}
	})
	if bad > 0 {
		t.Fatalf("%d calls differ", bad)
	}
}

func TestNaive(t *testing.T) {
	for _, h := range []Host{amd64, arm64} {
		t.Run("docker/"+h.Arch, func(t *testing.T) { compareNaive(t, docker(t, h), h, 1) })
		t.Run("podman/"+h.Arch, func(t *testing.T) { compareNaive(t, podman(t, h), h, 1) })
		t.Run("random/"+h.Arch, func(t *testing.T) {
			refused := 0
			for seed := range uint64(150) {
				p := randomProfile(seeded(seed), h, shape{mixed: seed%3 == 0, ops: poolOps})
				if _, err := Compile(p, h); err != nil {
					if seed%3 != 0 {
						t.Fatalf("seed %d: %v", seed, err)
					}
					refused++
					continue
				}
				compareNaive(t, p, h, seed)
			}
			if refused > 30 {
				t.Errorf("%d of 150 profiles refused: too many to learn from", refused)
			}
		})
	}
}
