package seccomp

import (
	"fmt"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// target is one value of seccomp_data.arch and the ABIs behind it: two for
// x86_64 when x32 is allowed, else one.
type target struct {
	audit uint32
	abis  []abi
}

// archNames are the architectures that runc knows, sorted.
var archNames = [...]string{
	"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM", "SCMP_ARCH_LOONGARCH64",
	"SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64", "SCMP_ARCH_MIPS64N32",
	"SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32",
	"SCMP_ARCH_PPC", "SCMP_ARCH_PPC64", "SCMP_ARCH_PPC64LE",
	"SCMP_ARCH_RISCV64", "SCMP_ARCH_S390", "SCMP_ARCH_S390X",
	"SCMP_ARCH_X32", "SCMP_ARCH_X86", "SCMP_ARCH_X86_64",
}

// targets returns what the filter must tell apart on a host: its native ABI,
// listed or not, and the listed ones that its kernel can run. The order does
// not depend on the profile's.
func targets(listed []specs.Arch, h Host) ([]target, error) {
	has := func(want specs.Arch) bool {
		for _, arch := range listed {
			if arch == want {
				return true
			}
		}
		return false
	}
	for _, arch := range listed {
		if !known(arch) {
			return nil, fmt.Errorf("unknown architecture %q", arch)
		}
	}
	switch h.Arch {
	case "amd64":
		out := []target{{auditX8664, []abi{abiX8664}}}
		if has(specs.ArchX32) {
			out[0].abis = []abi{abiX8664, abiX32}
		}
		if has(specs.ArchX86) {
			out = append(out, target{auditI386, []abi{abiX86}})
		}
		return out, nil
	case "arm64":
		out := []target{{auditAarch64, []abi{abiAarch64}}}
		if has(specs.ArchARM) {
			out = append(out, target{auditArm, []abi{abiArm}})
		}
		return out, nil
	}
	return nil, fmt.Errorf("host architecture %q has no system call table", h.Arch)
}

func known(arch specs.Arch) bool {
	for _, name := range archNames {
		if name == string(arch) {
			return true
		}
	}
	return false
}

// socketcall(2) and ipc(2) of 32-bit x86 do the work of other calls,
// selected by their first argument.
const (
	nrSocketcall = 102
	nrIpc        = 117
)

// mux returns the multiplexer and selector for a name on 32-bit x86.
func mux(name string) (nr int32, selector uint64, ok bool) {
	if n := socketSelector(name); n != 0 {
		return nrSocketcall, n, true
	}
	if n := ipcSelector(name); n != 0 {
		return nrIpc, n, true
	}
	return 0, 0, false
}

// socketSelector returns SYS_* of <linux/net.h>, 0 for another call.
func socketSelector(name string) uint64 {
	switch name {
	case "socket":
		return 1
	case "bind":
		return 2
	case "connect":
		return 3
	case "listen":
		return 4
	case "accept":
		return 5
	case "getsockname":
		return 6
	case "getpeername":
		return 7
	case "socketpair":
		return 8
	case "send":
		return 9
	case "recv":
		return 10
	case "sendto":
		return 11
	case "recvfrom":
		return 12
	case "shutdown":
		return 13
	case "setsockopt":
		return 14
	case "getsockopt":
		return 15
	case "sendmsg":
		return 16
	case "recvmsg":
		return 17
	case "accept4":
		return 18
	case "recvmmsg":
		return 19
	case "sendmmsg":
		return 20
	}
	return 0
}

// ipcSelector returns the call number of <linux/ipc.h>, 0 for another call.
func ipcSelector(name string) uint64 {
	switch name {
	case "semop":
		return 1
	case "semget":
		return 2
	case "semctl":
		return 3
	case "semtimedop":
		return 4
	case "msgsnd":
		return 11
	case "msgrcv":
		return 12
	case "msgget":
		return 13
	case "msgctl":
		return 14
	case "shmat":
		return 21
	case "shmdt":
		return 22
	case "shmget":
		return 23
	case "shmctl":
		return 24
	}
	return 0
}

// muxRule turns a rule for a multiplexed call into the rule for the
// multiplexer. Conditions on the first argument give way to the selector, and
// the others stay, as libseccomp has it, though the real arguments are behind
// a pointer that no filter can follow.
func muxRule(r rule, selector uint64) rule {
	conds := make([]cond, 0, len(r.conds)+1)
	conds = append(conds, cond{0, opEQ, selector, 0xffffffff})
	for _, c := range r.conds {
		if c.arg != 0 {
			conds = append(conds, c)
		}
	}
	return rule{r.action, conds}
}
