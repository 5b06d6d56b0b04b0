package seccomp

import (
	"fmt"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// SECCOMP_RET_* of <linux/seccomp.h>.
const (
	retKillProcess = 0x80000000
	retKillThread  = 0x00000000
	retTrap        = 0x00030000
	retErrno       = 0x00050000
	retNotify      = 0x7fc00000
	retTrace       = 0x7ff00000
	retLog         = 0x7ffc0000
	retAllow       = 0x7fff0000

	retEnosys = retErrno | 38
)

// ActionSet is a set of seccomp actions that a kernel offers.
type ActionSet uint16

// actions holds runc's words and, for each, the kernel's own word in
// /proc/sys/kernel/seccomp/actions_avail; an action's place is its bit.
var actions = [...]struct {
	name, kernel string
	ret          uint32
}{
	{"SCMP_ACT_ALLOW", "allow", retAllow},
	{"SCMP_ACT_ERRNO", "errno", retErrno},
	{"SCMP_ACT_KILL", "kill_thread", retKillThread},
	{"SCMP_ACT_KILL_PROCESS", "kill_process", retKillProcess},
	{"SCMP_ACT_KILL_THREAD", "kill_thread", retKillThread},
	{"SCMP_ACT_LOG", "log", retLog},
	{"SCMP_ACT_NOTIFY", "user_notif", retNotify},
	{"SCMP_ACT_TRACE", "trace", retTrace},
	{"SCMP_ACT_TRAP", "trap", retTrap},
}

// ParseActions reads the text of /proc/sys/kernel/seccomp/actions_avail; words
// it does not know are skipped.
func ParseActions(text string) ActionSet {
	var set ActionSet
	for _, word := range strings.Fields(text) {
		for i := range actions {
			if actions[i].kernel == word {
				set |= 1 << i
			}
		}
	}
	return set
}

// action returns the SECCOMP_RET_* value of a profile's action. Without an
// errno, ERRNO and TRACE carry EPERM, as in runc; the other actions ignore it.
func action(name specs.LinuxSeccompAction, errno *uint, h Host) (uint32, error) {
	for i := range actions {
		if actions[i].name != string(name) {
			continue
		}
		if h.Actions != 0 && h.Actions&(1<<i) == 0 {
			return 0, fmt.Errorf("action %s: %w", name, ErrUnsupported)
		}
		ret := actions[i].ret
		if ret != retErrno && ret != retTrace {
			return ret, nil
		}
		if errno == nil {
			return ret | 1, nil
		}
		if *errno > 0xffff { // runc would cut it to another errno, even to 0
			return 0, fmt.Errorf("errno %d of action %s is above 65535", *errno, name)
		}
		return ret | uint32(*errno), nil
	}
	return 0, fmt.Errorf("unknown action %q", name)
}

// permissive reports whether a default action lets unknown calls through. A
// tracer is expected to deal with them itself (runc patchbpf).
func permissive(ret uint32) bool {
	switch ret & 0xffff0000 {
	case retAllow, retLog, retTrace:
		return true
	}
	return false
}

// op is a comparison of an argument with a value.
type op uint8

const (
	opEQ op = iota
	opGE
	opGT
	opLE
	opLT
	opMasked
	opNE
)

// operators is indexed by op.
var operators = [...]string{
	"SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE",
	"SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE",
}

func operator(name specs.LinuxSeccompOperator) (op, error) {
	for i := range operators {
		if operators[i] == string(name) {
			return op(i), nil
		}
	}
	return 0, fmt.Errorf("unknown operator %q", name)
}

// filterFlags are the flags that a profile may name, in runc's order.
var filterFlags = [...]struct {
	name string
	bit  uint32
}{
	{"SECCOMP_FILTER_FLAG_TSYNC", FlagTsync},
	{"SECCOMP_FILTER_FLAG_SPEC_ALLOW", FlagSpecAllow},
	{"SECCOMP_FILTER_FLAG_LOG", FlagLog},
	{"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", FlagWaitKillableRecv},
}

// flags returns the bits for seccomp(2). Absent flags (nil, not empty) mean
// SPEC_ALLOW where the kernel has it; TSYNC is accepted and left out, for the
// filter is loaded by a process of one thread. Both as runc.
func flags(names []specs.LinuxSeccompFlag, h Host) (uint32, error) {
	if names == nil {
		return FlagSpecAllow & h.SupportedFlags, nil
	}
	var bits uint32
next:
	for _, name := range names {
		for _, f := range filterFlags {
			if f.name != string(name) {
				continue
			}
			if f.bit == FlagTsync {
				continue next
			}
			if h.SupportedFlags&f.bit == 0 {
				return 0, fmt.Errorf("flag %s: %w", name, ErrUnsupported)
			}
			bits |= f.bit
			continue next
		}
		return 0, fmt.Errorf("unknown flag %q", name)
	}
	return bits, nil
}

// KnownActions returns the actions a profile may name, sorted.
func KnownActions() []string {
	names := make([]string, len(actions))
	for i := range actions {
		names[i] = actions[i].name
	}
	return names
}

// KnownOperators returns the comparisons a profile may name, sorted.
func KnownOperators() []string { return append([]string(nil), operators[:]...) }

// KnownArchs returns the architectures a profile may name, sorted.
func KnownArchs() []string { return append([]string(nil), archNames[:]...) }

// KnownFlags returns the filter flags a profile may name, in runc's order.
func KnownFlags() []string {
	names := make([]string, len(filterFlags))
	for i := range filterFlags {
		names[i] = filterFlags[i].name
	}
	return names
}

// SupportedFlags returns those of KnownFlags that the host's kernel has.
func SupportedFlags(h Host) []string {
	var names []string
	for _, f := range filterFlags {
		if f.bit == FlagTsync || h.SupportedFlags&f.bit != 0 {
			names = append(names, f.name)
		}
	}
	return names
}
