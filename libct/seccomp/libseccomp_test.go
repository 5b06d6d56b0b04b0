package seccomp

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// SCMP_ARCH_* of <seccomp.h>.
var tokens = [abiCount]uint32{auditX8664, auditI386, 0x4000003e, auditAarch64, auditArm}

// peer is the real libseccomp behind testdata/libseccomp.c.
type peer struct {
	in  io.Writer
	out *bufio.Reader
}

func newPeer(t *testing.T) *peer {
	t.Helper()
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("host: no gcc")
	}
	dir := t.TempDir()
	probe := exec.Command(gcc, "-fsyntax-only", "-include", "seccomp.h", "-x", "c", "/dev/null")
	if err := probe.Run(); err != nil {
		t.Skip("host: no libseccomp-dev")
	}
	binary := filepath.Join(dir, "libseccomp")
	out, err := exec.Command(gcc, "-O1", "-o", binary, "testdata/libseccomp.c", "-lseccomp").CombinedOutput()
	if err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	cmd := exec.Command(binary)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error("libseccomp driver: ", err)
		}
	})
	return &peer{in, bufio.NewReader(stdout)}
}

func (p *peer) resolve(t *testing.T, a abi, name string) int {
	t.Helper()
	nr := 0
	fmt.Fprintf(p.in, "resolve %d %s\n", tokens[a], name)
	if _, err := fmt.Fscanln(p.out, &nr); err != nil {
		t.Fatal(err)
	}
	return nr
}

// compile asks libseccomp what runc asks it. It is nil where libseccomp
// refuses the profile.
func (p *peer) compile(t *testing.T, prof *specs.LinuxSeccomp, h Host) []Insn {
	t.Helper()
	var b strings.Builder
	optimize := 1
	if len(prof.Syscalls) > 32 {
		optimize = 2
	}
	def := naiveAction(prof.DefaultAction, prof.DefaultErrnoRet)
	fmt.Fprintf(&b, "init %d %d\n", def, optimize)
	archs := map[specs.Arch]abi{"SCMP_ARCH_X86_64": abiX8664, "SCMP_ARCH_X86": abiX86, "SCMP_ARCH_X32": abiX32}
	if h.Arch == "arm64" {
		archs = map[specs.Arch]abi{"SCMP_ARCH_AARCH64": abiAarch64, "SCMP_ARCH_ARM": abiArm}
		fmt.Fprintf(&b, "arch %d\ndrop %d\n", tokens[abiAarch64], tokens[abiX8664])
	}
	for _, arch := range prof.Architectures {
		if a, ok := archs[arch]; ok {
			fmt.Fprintf(&b, "arch %d\n", tokens[a])
		}
	}
	for _, s := range prof.Syscalls {
		act := naiveAction(s.Action, s.ErrnoRet)
		if act == def {
			continue
		}
		for _, name := range s.Names {
			for _, args := range peerArgs(s.Args) {
				fmt.Fprintf(&b, "rule %d %s %d%s\n", act, name, strings.Count(args, ";"), strings.ReplaceAll(args, ";", ""))
			}
		}
	}
	b.WriteString("export\n")
	if _, err := io.WriteString(p.in, b.String()); err != nil {
		t.Fatal(err)
	}
	return p.read(t)
}

func (p *peer) read(t *testing.T) []Insn {
	t.Helper()
	verdict, n := "", 0
	if _, err := fmt.Fscanln(p.out, &verdict, &n); err != nil {
		t.Fatal(err)
	}
	if verdict != "ok" {
		return nil
	}
	insns := make([]Insn, n)
	for i := range insns {
		in := &insns[i]
		if _, err := fmt.Fscanln(p.out, &in.Code, &in.Jt, &in.Jf, &in.K); err != nil {
			t.Fatal(err)
		}
	}
	return insns
}

// peerArgs writes conditions for the driver, split as runc splits them.
func peerArgs(args []specs.LinuxSeccompArg) []string {
	ops := map[specs.LinuxSeccompOperator]int{
		specs.OpNotEqual: 1, specs.OpLessThan: 2, specs.OpLessEqual: 3, specs.OpEqualTo: 4,
		specs.OpGreaterEqual: 5, specs.OpGreaterThan: 6, specs.OpMaskedEqual: 7,
	}
	var split []string
	twice, seen := false, make(map[uint]bool)
	for _, a := range args {
		split = append(split, fmt.Sprintf(" %d %d %d %d;", a.Index, ops[a.Op], a.Value, a.ValueTwo))
		twice, seen[a.Index] = twice || seen[a.Index], true
	}
	if twice {
		return split
	}
	return []string{strings.Join(split, "")}
}

// withoutNew drops the names that this libseccomp is too old for.
func (p *peer) withoutNew(t *testing.T, prof *specs.LinuxSeccomp, cache map[string]bool) {
	t.Helper()
	for i := range prof.Syscalls {
		prof.Syscalls[i].Names = slices.DeleteFunc(slices.Clone(prof.Syscalls[i].Names), func(name string) bool {
			isNew, ok := cache[name]
			if !ok {
				isNew = lookup(name) != nil && p.resolve(t, abiX8664, name) == -1
				cache[name] = isNew
			}
			return isNew
		})
	}
}

func TestTableAgreesWithLibseccomp(t *testing.T) {
	p := newPeer(t)
	agree, newer := 0, 0
	for i := range syscalls {
		row := &syscalls[i]
		for a := range abiCount {
			theirs := p.resolve(t, a, row.name)
			if _, _, muxed := mux(row.name); a == abiX86 && muxed {
				if nr, sel, _ := mux(row.name); theirs != -100-int(sel) && theirs != -200-int(sel) ||
					(theirs > -200) != (nr == nrSocketcall) {
					t.Errorf("%s: selector %d, libseccomp %d", row.name, sel, theirs)
				}
				continue
			}
			switch {
			case theirs < 0 && row.nr[a] >= 0:
				newer++
			case theirs != int(row.nr[a]) && (theirs >= 0 || row.nr[a] >= 0):
				t.Errorf("%s on ABI %d: %d, libseccomp %d", row.name, a, row.nr[a], theirs)
			default:
				agree++
			}
		}
	}
	if t.Logf("%d agree, %d newer than this libseccomp", agree, newer); agree < 2000 || newer > 300 {
		t.Error("libseccomp knows too little of the table")
	}
}

func TestAgreesWithLibseccomp(t *testing.T) {
	p := newPeer(t)
	cache := make(map[string]bool)
	for _, h := range []Host{amd64, arm64} {
		check := func(t *testing.T, prof *specs.LinuxSeccomp, seed uint64) bool {
			p.withoutNew(t, prof, cache)
			theirs := p.compile(t, prof, h)
			ours, err := Compile(prof, h)
			if (theirs == nil) != (err != nil) {
				t.Logf("seed %d: libseccomp refuses: %v, we: %v", seed, theirs == nil, err)
			}
			if theirs == nil || err != nil {
				return (theirs == nil) == (err != nil)
			}
			return compareProgs(t, prof, h, ours.Insns, theirs, seed)
		}
		t.Run("docker/"+h.Arch, func(t *testing.T) {
			if !check(t, docker(t, h), 1) {
				t.Fatal("decisions differ")
			}
		})
		t.Run("podman/"+h.Arch, func(t *testing.T) {
			if !check(t, podman(t, h), 1) {
				t.Fatal("decisions differ")
			}
		})
		t.Run("random/"+h.Arch, func(t *testing.T) {
			for seed := range uint64(200) {
				if !check(t, randomProfile(seeded(seed), h, false), seed) {
					t.Errorf("seed %d: decisions differ", seed)
				}
			}
		})
		t.Run("mixed/"+h.Arch, func(t *testing.T) {
			odd := 0
			for seed := range uint64(200) {
				if !check(t, randomProfile(seeded(seed), h, true), seed) {
					odd++
				}
			}
			t.Logf("%d of 200 differ", odd)
		})
	}
}

func compareProgs(t *testing.T, prof *specs.LinuxSeccomp, h Host, ours, theirs []Insn, seed uint64) bool {
	t.Helper()
	if err := Check(theirs); err != nil {
		t.Fatal("libseccomp's program: ", err)
	}
	bad := 0
	calls(seeded(seed), prof, func(d Data) {
		got, _ := eval(ours, &d)
		want, _ := eval(theirs, &d)
		if a, ok := abiOf(prof, h, d); ok && naiveNewer(prof, a, d.Nr) {
			want = 0x00050026
		}
		if got != want {
			if bad++; bad <= 2 {
				t.Logf("seed %d: arch %#x nr %d args %#x: got %#x, libseccomp %#x", seed, d.Arch, int32(d.Nr), d.Args, got, want)
			}
		}
	})
	return bad == 0
}

// abiOf returns the ABI that runc's patchbpf takes a call for.
func abiOf(prof *specs.LinuxSeccomp, h Host, d Data) (abi, bool) {
	has := func(a specs.Arch) bool { return slices.Contains(prof.Architectures, a) }
	amd := h.Arch == "amd64"
	switch d.Arch {
	case auditX8664:
		if d.Nr&x32Bit != 0 {
			return abiX32, amd && has(specs.ArchX32)
		}
		return abiX8664, amd
	case auditI386:
		return abiX86, amd && has(specs.ArchX86)
	case auditAarch64:
		return abiAarch64, !amd
	case auditArm:
		return abiArm, !amd && has(specs.ArchARM)
	}
	return 0, false
}
