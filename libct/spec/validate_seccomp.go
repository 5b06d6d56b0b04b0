package spec

import (
	"errors"
	"fmt"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// ValidateSeccomp is Validate for linux.seccomp alone. A profile with neither
// a default action nor system calls means no filter, as in runc. Names of
// system calls are not judged: an old kernel knows fewer than a new profile.
func ValidateSeccomp(v *specs.LinuxSeccomp) error {
	if v == nil || isNoFilter(v) {
		return nil
	}
	const field = "linux.seccomp"
	if err := validateAction(field+".defaultAction", v.DefaultAction); err != nil {
		return err
	}
	if v.DefaultAction == specs.ActNotify {
		// Nobody would answer for the calls that lead up to the program's start.
		return fmt.Errorf("%s.defaultAction: %s cannot be the default", field, specs.ActNotify)
	}
	if err := validateErrno(field+".defaultErrnoRet", v.DefaultAction, v.DefaultErrnoRet); err != nil {
		return err
	}
	if err := each(field+".architectures", v.Architectures, validateArch); err != nil {
		return err
	}
	if err := each(field+".flags", v.Flags, validateFlag); err != nil {
		return err
	}
	if err := validateListener(v); err != nil {
		return err
	}
	return each(field+".syscalls", v.Syscalls, validateSyscall)
}

// isNoFilter says whether a profile is there in name only.
func isNoFilter(v *specs.LinuxSeccomp) bool { return v.DefaultAction == "" && len(v.Syscalls) == 0 }

func validateAction(field string, a specs.LinuxSeccompAction) error {
	switch a {
	case specs.ActKill, specs.ActKillProcess, specs.ActKillThread, specs.ActTrap, specs.ActErrno,
		specs.ActTrace, specs.ActAllow, specs.ActLog, specs.ActNotify:
		return nil
	case "":
		return fmt.Errorf("%s: must not be empty", field)
	}
	return fmt.Errorf("%s: unknown action %s", field, quote(string(a)))
}

// validateErrno: runtime-spec config-linux.md#seccomp wants an error for an
// errno that the action has no use for. An errno is at most MAX_ERRNO, 4095;
// what a tracer is told, 16 bits.
func validateErrno(field string, a specs.LinuxSeccompAction, ret *uint) error {
	switch {
	case ret == nil:
		return nil
	case a == specs.ActErrno && *ret > 4095:
		return fmt.Errorf("%s: must be at most 4095, have %d", field, *ret)
	case a == specs.ActTrace && *ret > 65535:
		return fmt.Errorf("%s: must be at most 65535, have %d", field, *ret)
	case a != specs.ActErrno && a != specs.ActTrace:
		return fmt.Errorf("%s: %s returns none", field, a)
	}
	return nil
}

func validateArch(a *specs.Arch) error {
	switch *a {
	case specs.ArchX86, specs.ArchX86_64, specs.ArchX32, specs.ArchARM, specs.ArchAARCH64,
		specs.ArchMIPS, specs.ArchMIPS64, specs.ArchMIPS64N32, specs.ArchMIPSEL, specs.ArchMIPSEL64,
		specs.ArchMIPSEL64N32, specs.ArchPPC, specs.ArchPPC64, specs.ArchPPC64LE, specs.ArchS390,
		specs.ArchS390X, specs.ArchPARISC, specs.ArchPARISC64, specs.ArchRISCV64,
		specs.ArchLOONGARCH64, specs.ArchM68K, specs.ArchSH, specs.ArchSHEB:
		return nil
	}
	return fmt.Errorf(": unknown architecture %s", quote(string(*a)))
}

// flagTsync is not in runtime-spec's list but in its text's history; runc
// takes it, and so do profiles.
const flagTsync = "SECCOMP_FILTER_FLAG_TSYNC"

func validateFlag(f *specs.LinuxSeccompFlag) error {
	switch *f {
	case flagTsync, specs.LinuxSeccompFlagLog, specs.LinuxSeccompFlagSpecAllow,
		specs.LinuxSeccompFlagWaitKillableRecv:
		return nil
	}
	return fmt.Errorf(": unknown flag %s", quote(string(*f)))
}

// validateListener wants an agent for SCMP_ACT_NOTIFY.
func validateListener(v *specs.LinuxSeccomp) error {
	if v.ListenerPath == "" {
		if v.ListenerMetadata != "" {
			return errors.New("linux.seccomp.listenerMetadata: needs listenerPath")
		}
		if usesNotify(v) {
			return fmt.Errorf("linux.seccomp.listenerPath: must not be empty when %s is used", specs.ActNotify)
		}
		return nil
	}
	return noNUL("linux.seccomp.listenerPath", v.ListenerPath)
}

func usesNotify(v *specs.LinuxSeccomp) bool {
	for i := range v.Syscalls {
		if v.Syscalls[i].Action == specs.ActNotify {
			return true
		}
	}
	return false
}

func validateSyscall(s *specs.LinuxSyscall) error {
	if err := validateAction(".action", s.Action); err != nil {
		return err
	}
	if err := validateErrno(".errnoRet", s.Action, s.ErrnoRet); err != nil {
		return err
	}
	for i, name := range s.Names {
		switch {
		case name == "":
			return fmt.Errorf(".names[%d]: must not be empty", i)
		case name == "write" && s.Action == specs.ActNotify:
			return fmt.Errorf(".names[%d]: %s cannot be used for the write syscall", i, specs.ActNotify)
		}
	}
	return each(".args", s.Args, func(a *specs.LinuxSeccompArg) error {
		if a.Index > 5 {
			return fmt.Errorf(".index: must be from 0 to 5, have %d", a.Index)
		}
		switch a.Op {
		case specs.OpNotEqual, specs.OpLessThan, specs.OpLessEqual, specs.OpEqualTo,
			specs.OpGreaterEqual, specs.OpGreaterThan, specs.OpMaskedEqual:
			return nil
		}
		return fmt.Errorf(".op: unknown operator %s", quote(string(a.Op)))
	})
}
