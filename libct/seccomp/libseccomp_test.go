package seccomp

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
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
	def := naiveAction(prof.DefaultAction, prof.DefaultErrnoRet)
	fmt.Fprintf(&b, "init %d\n", def)
	native, archs := abiX8664, map[specs.Arch]abi{"SCMP_ARCH_X86_64": abiX8664, "SCMP_ARCH_X86": abiX86, "SCMP_ARCH_X32": abiX32}
	if h.Arch == "arm64" {
		native, archs = abiAarch64, map[specs.Arch]abi{"SCMP_ARCH_AARCH64": abiAarch64, "SCMP_ARCH_ARM": abiArm}
	}
	fmt.Fprintf(&b, "native %d\n", tokens[native])
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
				isNew = p.isNew(t, name)
				cache[name] = isNew
			}
			return isNew
		})
	}
}

// isNew reports whether the table has a number that this libseccomp lacks.
func (p *peer) isNew(t *testing.T, name string) bool {
	row := lookup(name)
	for a := range abiCount {
		if row != nil && row.nr[a] >= 0 && p.resolve(t, a, name) < 0 {
			if _, _, muxed := mux(name); a != abiX86 || !muxed {
				return true
			}
		}
	}
	return false
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

// tally is how a set of profiles went: decisions that agree, decisions in which
// libseccomp contradicts the profile and we do not, profiles that only
// libseccomp or only we refuse.
type tally struct{ agree, theirFault, theyRefuse, weRefuse int }

// TestAgreesWithLibseccomp compares every decision. libseccomp (2.5 and 2.6)
// joins the comparisons of several conditional rules of one call into a tree,
// and loses matches when their words coincide. Where that happens the profile's
// own words decide: a difference passes only if libseccomp's decision is none
// that naive finds in the profile, and ours is one. Profiles as people write
// them, with one conditional rule for a call, must agree without exception.
func TestAgreesWithLibseccomp(t *testing.T) {
	p := newPeer(t)
	isNew := make(map[string]bool)
	for _, h := range []Host{amd64, arm64} {
		exact := func(t *testing.T, n tally) {
			if n.theirFault+n.theyRefuse+n.weRefuse != 0 || n.agree < 10000 {
				t.Errorf("%+v", n)
			}
		}
		t.Run("docker/"+h.Arch, func(t *testing.T) {
			exact(t, p.compare(t, docker(t, h), h, 1, isNew))
		})
		t.Run("podman/"+h.Arch, func(t *testing.T) {
			exact(t, p.compare(t, podman(t, h), h, 1, isNew))
		})
		t.Run("single/"+h.Arch, func(t *testing.T) {
			exact(t, p.compareMany(t, h, shape{single: true, ops: poolOps}, isNew))
		})
		t.Run("many/"+h.Arch, func(t *testing.T) {
			n := p.compareMany(t, h, shape{ops: poolOps}, isNew)
			if n.theirFault*100 > n.agree || n.theyRefuse+n.weRefuse > 10 {
				t.Errorf("%+v", n)
			}
		})
		t.Run("mixed/"+h.Arch, func(t *testing.T) {
			n := p.compareMany(t, h, shape{mixed: true, ops: poolOps[:1]}, isNew)
			if n.theirFault*100 > n.agree || n.theyRefuse > 20 || n.weRefuse > 5 {
				t.Errorf("%+v", n)
			}
		})
	}
}

func (p *peer) compareMany(t *testing.T, h Host, is shape, isNew map[string]bool) (sum tally) {
	t.Helper()
	for seed := range uint64(60) {
		n := p.compare(t, randomProfile(seeded(seed), h, is), h, seed, isNew)
		sum.agree += n.agree
		sum.theirFault += n.theirFault
		sum.theyRefuse += n.theyRefuse
		sum.weRefuse += n.weRefuse
	}
	t.Logf("%+v", sum)
	return sum
}

func (p *peer) compare(t *testing.T, prof *specs.LinuxSeccomp, h Host, seed uint64, isNew map[string]bool) (n tally) {
	t.Helper()
	p.withoutNew(t, prof, isNew)
	theirs := p.compile(t, prof, h)
	ours, err := Compile(prof, h)
	switch {
	case theirs == nil && err != nil:
		return tally{}
	case theirs == nil:
		return tally{theyRefuse: 1}
	case err != nil:
		return tally{weRefuse: 1}
	}
	if err := Check(theirs); err != nil {
		t.Fatal("libseccomp's program: ", err)
	}
	bad := 0
	calls(seeded(seed), prof, func(d Data) {
		got, _ := eval(ours.Insns, &d)
		want, _ := eval(theirs, &d)
		if a, ok := abiOf(prof, h, d); ok && naiveNewer(prof, a, d.Nr) {
			want = 0x00050026 // runc puts this in front of libseccomp's program
		}
		if got == want {
			n.agree++
			return
		}
		if may := naive(prof, h, d); slices.Contains(may, got) && !slices.Contains(may, want) {
			n.theirFault++
			return
		}
		if bad++; bad <= 2 {
			t.Errorf("seed %d: arch %#x nr %d args %#x: got %#x, libseccomp %#x", seed, d.Arch, int32(d.Nr), d.Args, got, want)
		}
	})
	return n
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

// TestKernelAgreesWithCheck loads programs: compiled ones, and such with one
// instruction spoilt, where the kernel and Check must say the same.
func TestKernelAgreesWithCheck(t *testing.T) {
	p := newPeer(t)
	load := func(prog []Insn) syscall.Errno {
		var b strings.Builder
		fmt.Fprintf(&b, "load %d", len(prog))
		for _, in := range prog {
			fmt.Fprintf(&b, " %d %d %d %d", in.Code, in.Jt, in.Jf, in.K)
		}
		b.WriteString("\n")
		if _, err := io.WriteString(p.in, b.String()); err != nil {
			t.Fatal(err)
		}
		rc := 0
		if _, err := fmt.Fscanln(p.out, &rc); err != nil {
			t.Fatal(err)
		}
		return syscall.Errno(rc)
	}
	refused := 0
	for seed := range uint64(150) {
		prof := docker(t, amd64)
		if seed > 0 {
			prof = randomProfile(seeded(seed), amd64, shape{ops: poolOps})
		}
		prog, err := Compile(prof, amd64)
		if err != nil {
			t.Fatal(err)
		}
		if seed < 50 {
			if errno := load(prog.Insns); errno != 0 {
				t.Errorf("seed %d: the kernel refuses our program: %v", seed, errno)
			}
		}
		r := seeded(seed)
		in := &prog.Insns[r.IntN(len(prog.Insns))]
		switch r.IntN(4) {
		case 0:
			in.Code = uint16(r.IntN(256))
		case 1:
			in.Jt = uint8(r.IntN(256))
		case 2:
			in.Jf = uint8(r.IntN(256))
		case 3:
			in.K, in.Code = r.Uint32N(80), uint16(r.IntN(256))
		}
		errno := load(prog.Insns)
		if err := Check(prog.Insns); (err != nil) != (errno != 0) {
			t.Errorf("seed %d: Check says %v, the kernel %v (%+v)", seed, err, errno, *in)
		}
		if errno != 0 {
			refused++
		}
	}
	t.Logf("%d of 150 spoilt programs refused", refused)
	if refused < 30 || refused > 130 {
		t.Errorf("%d of 150 spoilt programs refused: a one-sided test", refused)
	}
}
