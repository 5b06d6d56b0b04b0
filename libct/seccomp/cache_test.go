package seccomp

import (
	"reflect"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func TestMarshal(t *testing.T) {
	for seed := range uint64(50) {
		prog, err := Compile(randomProfile(seeded(seed), amd64, shape{ops: poolOps}), amd64)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(prog.Marshal())
		if err != nil || !reflect.DeepEqual(got, prog) {
			t.Fatalf("got %+v, %v, want %+v", got, err, prog)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	prog, err := Compile(docker(t, arm64), arm64)
	if err != nil {
		t.Fatal(err)
	}
	good := prog.Marshal()
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 0x40
		if _, err := Parse(bad); err == nil {
			t.Fatalf("byte %d changed unnoticed", i)
		}
		if _, err := Parse(good[:i]); err == nil {
			t.Fatalf("cut at %d unnoticed", i)
		}
	}
	for name, p := range map[string]*Program{
		"empty":    {},
		"no ret":   {Insns: []Insn{{opLoad, 0, 0, 0}}},
		"too long": {Insns: make([]Insn, MaxInsns+1)},
		"listener": {Insns: []Insn{{opRet, 0, 0, retAllow}}, Notify: true},
	} {
		if _, err := Parse(p.Marshal()); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := Parse(make([]byte, MaxStored+1)); err == nil {
		t.Error("large file accepted")
	}
}

func FuzzParse(f *testing.F) {
	f.Add((&Program{Insns: []Insn{{opRet, 0, 0, retAllow}}}).Marshal())
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, data []byte) {
		if p, err := Parse(data); err == nil {
			if _, _, err := Eval(p.Insns, Data{}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestKey changes every field of a profile and of the host, one at a time.
func TestKey(t *testing.T) {
	base := func() (*specs.LinuxSeccomp, Host) {
		return &specs.LinuxSeccomp{
			DefaultAction: "a", DefaultErrnoRet: errnoRet(0), Architectures: []specs.Arch{"b"},
			Flags: []specs.LinuxSeccompFlag{"c"}, ListenerPath: "d", ListenerMetadata: "e",
			Syscalls: []specs.LinuxSyscall{{
				Names: []string{"f", "g"}, Action: "h", ErrnoRet: errnoRet(0),
				Args: []specs.LinuxSeccompArg{{Op: "i"}},
			}},
		}, Host{Arch: "j"}
	}
	changes := []func(p *specs.LinuxSeccomp, h *Host){
		func(p *specs.LinuxSeccomp, h *Host) {},
		func(p *specs.LinuxSeccomp, h *Host) { p.DefaultAction = "" },
		func(p *specs.LinuxSeccomp, h *Host) { p.DefaultErrnoRet = nil },
		func(p *specs.LinuxSeccomp, h *Host) { p.DefaultErrnoRet = errnoRet(1) },
		func(p *specs.LinuxSeccomp, h *Host) { p.Architectures = nil },
		func(p *specs.LinuxSeccomp, h *Host) { p.Architectures = []specs.Arch{"b", "c"} },
		func(p *specs.LinuxSeccomp, h *Host) { p.Flags = nil },
		func(p *specs.LinuxSeccomp, h *Host) { p.Flags = []specs.LinuxSeccompFlag{} },
		func(p *specs.LinuxSeccomp, h *Host) { p.ListenerPath, p.ListenerMetadata = "de", "" },
		func(p *specs.LinuxSeccomp, h *Host) { p.ListenerMetadata = "" },
		func(p *specs.LinuxSeccomp, h *Host) { p.Syscalls = nil },
		func(p *specs.LinuxSeccomp, h *Host) { p.Syscalls[0].Names = []string{"fg"} },
		func(p *specs.LinuxSeccomp, h *Host) { p.Syscalls[0].Names = []string{"g", "f"} },
		func(p *specs.LinuxSeccomp, h *Host) { p.Syscalls[0].Action = "i" },
		func(p *specs.LinuxSeccomp, h *Host) { p.Syscalls[0].ErrnoRet = nil },
		func(p *specs.LinuxSeccomp, h *Host) { p.Syscalls[0].Args = nil },
		func(p *specs.LinuxSeccomp, h *Host) { p.Syscalls[0].Args[0].Index = 1 },
		func(p *specs.LinuxSeccomp, h *Host) { p.Syscalls[0].Args[0].Value = 1 },
		func(p *specs.LinuxSeccomp, h *Host) { p.Syscalls[0].Args[0].ValueTwo = 1 },
		func(p *specs.LinuxSeccomp, h *Host) { p.Syscalls[0].Args[0].Op = "" },
		func(p *specs.LinuxSeccomp, h *Host) { h.Arch = "k" },
		func(p *specs.LinuxSeccomp, h *Host) { h.SupportedFlags = 1 },
		func(p *specs.LinuxSeccomp, h *Host) { h.Actions = 1 },
	}
	seen := make(map[[32]byte]int)
	for i, change := range changes {
		p, h := base()
		change(p, &h)
		key := Key(p, h)
		if j, ok := seen[key]; ok {
			t.Errorf("changes %d and %d have the same key", i, j)
		}
		if seen[key] = i; key != Key(p, h) {
			t.Error("the key is not stable")
		}
	}
}
