// Package seccomp turns the seccomp section of an OCI config into the BPF
// program that seccomp(2) loads, and evaluates such programs for tests. A
// profile means here what it means to runc with libseccomp, ABI by ABI and
// call by call. The package is pure: it may import the standard library's
// encodings, hashes and strings and specs-go; it opens nothing, makes no system
// call, and does no work before it is called.
package seccomp

import (
	"errors"
	"fmt"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Insn is one BPF instruction: struct sock_filter of <linux/filter.h>.
type Insn struct {
	Code   uint16
	Jt, Jf uint8
	K      uint32
}

// MaxInsns is the kernel's limit on a program, BPF_MAXINSNS.
const MaxInsns = 4096

// Flags of seccomp(2): SECCOMP_FILTER_FLAG_*, for Host.SupportedFlags and
// Program.Flags.
const (
	FlagTsync            = 1 << 0 // since Linux 3.17
	FlagLog              = 1 << 1 // since Linux 4.14
	FlagSpecAllow        = 1 << 2 // since Linux 4.17
	FlagNewListener      = 1 << 3 // since Linux 5.0
	FlagTsyncEsrch       = 1 << 4 // since Linux 5.7
	FlagWaitKillableRecv = 1 << 5 // since Linux 5.19
)

// Host is what a program depends on beside the profile.
type Host struct {
	Arch           string    // "amd64" or "arm64", as in runtime.GOARCH
	SupportedFlags uint32    // the Flag bits that the kernel knows
	Actions        ActionSet // the kernel's actions; empty refuses none
}

// Program is a compiled profile.
type Program struct {
	Insns  []Insn
	Flags  uint32 // for seccomp(2); FlagNewListener exactly when Notify
	Notify bool   // some rule asks for SCMP_ACT_NOTIFY

	ListenerPath     string // socket that gets the notify descriptor
	ListenerMetadata string // opaque, for the agent at ListenerPath
}

// Errors that callers may want to tell apart.
var (
	// ErrTooLong: the filter would exceed MaxInsns instructions.
	ErrTooLong = errors.New("filter is longer than 4096 instructions")
	// ErrUnsupported: the kernel lacks a flag or an action of the profile.
	ErrUnsupported = errors.New("not supported by this kernel")
)

// Compile returns the program for a profile, or nil for a nil profile and for
// one with neither a default action nor a rule, which runc takes as "off". (A
// profile that only says SCMP_ACT_ALLOW is not off: it keeps calls of foreign
// ABIs out.)
//
// It is an error: an action, operator, architecture or flag that runc does not
// know; a flag or action that the kernel lacks; an argument index above 5; an
// errno that does not fit the 16 bits it has; SCMP_ACT_NOTIFY as the default,
// on write(2) (the runtime itself must still write) or without listenerPath;
// two rules of one call with the same conditions and different actions (as
// libseccomp's EEXIST); a program above MaxInsns. It is no error: an unknown
// system call name, which a newer kernel may know; an architecture that this
// host cannot run, from which no call can come; any number of conditions, as
// two on one argument make the rule one rule for each condition.
func Compile(p *specs.LinuxSeccomp, h Host) (*Program, error) {
	if p == nil || p.DefaultAction == "" && len(p.Syscalls) == 0 {
		return nil, nil
	}
	prof, err := parse(p, h)
	if err != nil {
		return nil, fmt.Errorf("seccomp: %w", err)
	}
	archs, err := targets(p.Architectures, h)
	if err != nil {
		return nil, fmt.Errorf("seccomp: %w", err)
	}
	insns, err := generate(prof, archs)
	if err != nil {
		return nil, fmt.Errorf("seccomp: %w", err)
	}
	out := &Program{Insns: insns, Flags: prof.flags, Notify: prof.notify}
	if prof.notify {
		out.ListenerPath, out.ListenerMetadata = p.ListenerPath, p.ListenerMetadata
	}
	return out, nil
}
