package seccomp

import (
	"testing"
	"time"
)

// TestDockerSize bounds what Docker's default profile costs: instructions, and
// steps for each known call.
func TestDockerSize(t *testing.T) {
	for _, c := range []struct {
		h     Host
		audit uint32
		insns int
		mean  float64
	}{{amd64, auditX8664, 350, 11}, {arm64, auditAarch64, 280, 11}} {
		p := docker(t, c.h)
		prog, err := Compile(p, c.h)
		if err != nil {
			t.Fatal(err)
		}
		sum, worst, n := 0, 0, 0
		for i := range syscalls {
			nr := syscalls[i].nr[abisOf(c.audit)[0]]
			if nr < 0 {
				continue
			}
			_, steps := eval(prog.Insns, &Data{Nr: uint32(nr), Arch: c.audit})
			sum, worst, n = sum+steps, max(worst, steps), n+1
		}
		mean := float64(sum) / float64(n)
		t.Logf("%s: %d instructions, %.2f steps on average, at most %d", c.h.Arch, len(prog.Insns), mean, worst)
		if len(prog.Insns) > c.insns || mean > c.mean || worst > 16 {
			t.Errorf("want at most %d instructions, %.1f steps on average, 16 at most", c.insns, c.mean)
		}
	}
}

// TestLargeProfiles keeps hostile profiles cheap: they compile or are refused
// in well under a second.
func TestLargeProfiles(t *testing.T) {
	begin := time.Now()
	for name, p := range largeProfiles() {
		prog, err := Compile(p, amd64)
		if err == nil {
			err = Check(prog.Insns)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		t.Logf("%s: %v", name, err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

func BenchmarkCompileDocker(b *testing.B) {
	p := docker(b, amd64)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(p, amd64); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkKeyDocker(b *testing.B) {
	p := docker(b, amd64)
	for b.Loop() {
		Key(p, amd64)
	}
}

func BenchmarkParseDocker(b *testing.B) {
	prog, err := Compile(docker(b, amd64), amd64)
	if err != nil {
		b.Fatal(err)
	}
	data := prog.Marshal()
	for b.Loop() {
		if _, err := Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}
