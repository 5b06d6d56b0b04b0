package seccomp

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	moby "github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
)

var (
	allFlags = uint32(FlagTsync | FlagLog | FlagSpecAllow | FlagNewListener | FlagTsyncEsrch | FlagWaitKillableRecv)
	amd64    = Host{Arch: "amd64", SupportedFlags: allFlags}
	arm64    = Host{Arch: "arm64", SupportedFlags: allFlags}
)

func hostArches(h Host) []specs.Arch {
	if h.Arch == "arm64" {
		return []specs.Arch{specs.ArchAARCH64, specs.ArchARM}
	}
	return []specs.Arch{specs.ArchX86_64, specs.ArchX86, specs.ArchX32}
}

// docker is Docker's default profile for a container with Docker's default
// capabilities that play a part in it.
func docker(t testing.TB, h Host) *specs.LinuxSeccomp {
	t.Helper()
	spec := &specs.Spec{Process: &specs.Process{Capabilities: &specs.LinuxCapabilities{
		Bounding: []string{"CAP_CHOWN", "CAP_SYS_CHROOT", "CAP_AUDIT_WRITE"},
	}}}
	p, err := moby.GetDefaultProfile(spec)
	if err != nil {
		t.Fatal(err)
	}
	p.Architectures = hostArches(h)
	return p
}

// podman is the profile of containers/common, as Debian installs it.
func podman(t testing.TB, h Host) *specs.LinuxSeccomp {
	t.Helper()
	const path = "/usr/share/containers/seccomp.json"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Skip("host: no ", path)
	}
	var file struct {
		DefaultAction   specs.LinuxSeccompAction
		DefaultErrnoRet *uint
		Syscalls        []struct {
			specs.LinuxSyscall
			Includes, Excludes struct{ Caps []string }
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	p := &specs.LinuxSeccomp{
		DefaultAction: file.DefaultAction, DefaultErrnoRet: file.DefaultErrnoRet,
		Architectures: hostArches(h),
	}
	for _, s := range file.Syscalls {
		if len(s.Includes.Caps) == 0 { // a container without capabilities
			p.Syscalls = append(p.Syscalls, s.LinuxSyscall)
		}
	}
	return p
}

var (
	poolActions = []specs.LinuxSeccompAction{
		specs.ActAllow, specs.ActErrno, specs.ActErrno, specs.ActKill, specs.ActKillProcess,
		specs.ActKillThread, specs.ActTrap, specs.ActTrace, specs.ActLog, specs.ActNotify,
	}
	poolOps = []specs.LinuxSeccompOperator{
		specs.OpEqualTo, specs.OpNotEqual, specs.OpLessThan, specs.OpLessEqual,
		specs.OpGreaterEqual, specs.OpGreaterThan, specs.OpMaskedEqual,
	}
	poolValues = []uint64{
		0, 1, 2, 5, 9, 16, 38, 40, 0xff, 0x7e020000, 0x7fffffff, 0x80000000, 0xffffffff,
		1 << 32, 1<<32 + 1, 5<<32 + 5, 0xffffffff << 32, 1 << 63, 1<<64 - 1,
	}
	// Names that some ABI treats in its own way.
	poolNames = []string{
		"read", "write", "socket", "accept", "accept4", "send", "recv", "socketcall", "ipc",
		"semop", "semtimedop", "shmat", "msgctl", "clone", "clone3", "personality", "ioctl",
		"waitpid", "_llseek", "set_tls", "cacheflush", "fadvise64_64", "arm_fadvise64_64",
		"futex_time64", "pselect6_time64", "mseal", "listns", "exit", "execve", "preadv2",
		"no_such_call", "restart_syscall",
	}
)

// shape restricts random profiles.
type shape struct {
	mixed  bool // conditional rules of a call may have several actions
	single bool // a call has one conditional rule, without alternatives
	ops    []specs.LinuxSeccompOperator
}

func randomProfile(r *rand.Rand, h Host, is shape) *specs.LinuxSeccomp {
	pick := func(n int) int { return r.IntN(n) }
	p := &specs.LinuxSeccomp{ListenerPath: "/agent"}
	for p.DefaultAction == "" || p.DefaultAction == specs.ActNotify {
		p.DefaultAction = poolActions[pick(len(poolActions))]
	}
	if pick(2) == 0 {
		errno := uint([]int{1, 38, 95}[pick(3)])
		p.DefaultErrnoRet = &errno
	}
	for _, arch := range append(hostArches(h), "SCMP_ARCH_MIPS64") {
		if pick(2) == 0 {
			p.Architectures = append(p.Architectures, arch)
		}
	}
	conditional := make(map[string]specs.LinuxSyscall)
	for range pick(40) {
		s := specs.LinuxSyscall{Action: poolActions[pick(len(poolActions))]}
		if pick(3) == 0 {
			errno := uint(pick(200))
			s.ErrnoRet = &errno
		}
		s.Args = randomArgs(r, is)
		for range 1 + pick(4) {
			one := s
			name := syscalls[pick(len(syscalls))].name
			if pick(2) == 0 {
				name = poolNames[pick(len(poolNames))]
			}
			if len(s.Args) > 0 || family(name) != name {
				first, ok := conditional[family(name)]
				switch {
				case !ok:
					conditional[family(name)] = s
				case is.single:
					continue
				case !is.mixed:
					one.Action, one.ErrnoRet = first.Action, first.ErrnoRet
				}
			}
			if one.Names = []string{name}; one.Action != specs.ActNotify || name != "write" {
				p.Syscalls = append(p.Syscalls, one)
			}
		}
	}
	return p
}

func randomArgs(r *rand.Rand, is shape) []specs.LinuxSeccompArg {
	var args []specs.LinuxSeccompArg
	seen := make(map[uint]bool)
	for r.IntN(3) != 0 && len(args) < 6 {
		a := specs.LinuxSeccompArg{
			Index: uint(r.IntN(6)), Op: is.ops[r.IntN(len(is.ops))],
			Value: poolValues[r.IntN(len(poolValues))], ValueTwo: poolValues[r.IntN(len(poolValues))],
		}
		if seen[a.Index] && is.single {
			continue
		}
		seen[a.Index] = true
		args = append(args, a)
	}
	return args
}

// family joins names whose rules meet in one multiplexer on 32-bit x86.
func family(name string) string {
	if nr, _, ok := mux(name); ok && nr == nrSocketcall || name == "socketcall" {
		return "socketcall"
	} else if ok || name == "ipc" {
		return "ipc"
	}
	return name
}

func seeded(n uint64) *rand.Rand { return rand.New(rand.NewPCG(n, 2026)) }

// auditArches returns every seccomp_data.arch worth a test on a host.
func auditArches() []uint32 {
	return []uint32{auditX8664, auditI386, auditAarch64, auditArm, 0, 0x80000016}
}

// numbers returns the system call numbers worth a test.
func numbers() []uint32 {
	var out []uint32
	for _, base := range []uint32{0, x32Bit} {
		for nr := uint32(0); nr <= 600; nr++ {
			out = append(out, base+nr)
		}
	}
	for nr := uint32(0xf0000 - 1); nr < 0xf0008; nr++ {
		out = append(out, nr)
	}
	for _, edge := range []uint32{x32Bit, 2 * x32Bit, 3 * x32Bit, 0} {
		out = append(out, edge-2, edge-1, edge, edge+1, edge+400)
	}
	return out
}

// arguments returns arguments at the edges of a profile's conditions.
func arguments(r *rand.Rand, p *specs.LinuxSeccomp, name string) [][6]uint64 {
	out := [][6]uint64{{}, {1, 2, 3, 4, 5, 6}}
	var edges [6][]uint64
	conds := 0
	for _, s := range p.Syscalls {
		if !slices.Contains(s.Names, name) {
			continue
		}
		for _, a := range s.Args {
			conds++
			for _, v := range []uint64{a.Value, a.ValueTwo, a.Value & a.ValueTwo} {
				edges[a.Index] = append(edges[a.Index], v-1, v, v+1, v|1<<32, v&0xffffffff, v^1<<40, ^v)
			}
		}
	}
	if conds == 0 {
		return out
	}
	for range min(24*conds, 200) {
		var args [6]uint64
		for i := range args {
			args[i] = r.Uint64N(21) // reaches the selectors of socketcall and ipc
			if len(edges[i]) > 0 && r.IntN(8) != 0 {
				args[i] = edges[i][r.IntN(len(edges[i]))]
			}
		}
		out = append(out, args)
	}
	return out
}

// calls visits the calls worth a test.
func calls(r *rand.Rand, p *specs.LinuxSeccomp, visit func(d Data)) {
	for _, arch := range auditArches() {
		names := make(map[uint32]string)
		for _, a := range abisOf(arch) {
			for i := range syscalls {
				names[uint32(syscalls[i].nr[a])] = syscalls[i].name
			}
		}
		delete(names, 0xffffffff) // -1: not in this ABI
		for _, nr := range numbers() {
			name := names[nr]
			list := arguments(r, p, name)
			if name == "socketcall" || name == "ipc" {
				for i := range syscalls {
					if mux, _, ok := mux(syscalls[i].name); ok && (mux == nrIpc) == (name == "ipc") {
						list = append(list, arguments(r, p, syscalls[i].name)...)
					}
				}
				for sel := range uint64(26) {
					list = append(list, [6]uint64{sel, 1, 2}, [6]uint64{sel | 1<<32})
				}
			}
			for _, args := range list {
				visit(Data{Nr: nr, Arch: arch, Args: args})
			}
		}
	}
}

func abisOf(audit uint32) []abi {
	switch audit {
	case auditX8664:
		return []abi{abiX8664, abiX32}
	case auditI386:
		return []abi{abiX86}
	case auditAarch64:
		return []abi{abiAarch64}
	case auditArm:
		return []abi{abiArm}
	}
	return nil
}
