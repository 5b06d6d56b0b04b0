package spec

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func validateProcess(s *specs.Spec) error { return ValidateProcess(s.Process) }

// ValidateProcess is Validate for a process alone, as exec --process gives it.
func ValidateProcess(p *specs.Process) error {
	if p == nil {
		return errors.New("process: must not be empty")
	}
	for _, check := range [...]func(*specs.Process) error{
		validateCommand, validateUser, validateCapabilities, validateRlimits, validateScheduler,
		validateIOPriority, validateAffinity,
	} {
		if err := check(p); err != nil {
			return err
		}
	}
	return nil
}

func validateCommand(p *specs.Process) error {
	if err := absolute("process.cwd", p.Cwd); err != nil {
		return err
	}
	if len(p.Args) == 0 {
		return errors.New("process.args: must not be empty")
	}
	if p.Args[0] == "" {
		return errors.New("process.args[0]: must not be empty")
	}
	if err := noNULs("process.args", p.Args); err != nil {
		return err
	}
	if err := validateEnv("process.env", p.Env); err != nil {
		return err
	}
	if b := p.ConsoleSize; p.Terminal && b != nil && (b.Height > math.MaxUint16 || b.Width > math.MaxUint16) {
		return fmt.Errorf("process.consoleSize: must be at most %d each way", math.MaxUint16)
	}
	if p.OOMScoreAdj != nil {
		return between("process.oomScoreAdj", int64(*p.OOMScoreAdj), -1000, 1000)
	}
	return nil
}

// validateEnv wants NAME=VALUE, as runc 1.3 does.
func validateEnv(field string, env []string) error {
	for i, e := range env {
		switch strings.IndexByte(e, '=') {
		case -1:
			return fmt.Errorf("%s[%d]: want NAME=VALUE, have %s", field, i, quote(e))
		case 0:
			return fmt.Errorf("%s[%d]: the name must not be empty", field, i)
		}
	}
	return noNULs(field, env)
}

// maxGroups is the kernel's NGROUPS_MAX.
const maxGroups = 65536

// validateUser refuses the id 4294967295, which setresuid(2) takes as "leave
// it as it is": the process would stay root.
func validateUser(p *specs.Process) error {
	const none = math.MaxUint32
	u := &p.User
	switch {
	case u.UID == none:
		return fmt.Errorf("process.user.uid: %d is not an id", u.UID)
	case u.GID == none:
		return fmt.Errorf("process.user.gid: %d is not an id", u.GID)
	case len(u.AdditionalGids) > maxGroups:
		return fmt.Errorf("process.user.additionalGids: more than %d groups", maxGroups)
	}
	for i, gid := range u.AdditionalGids {
		if gid == none {
			return fmt.Errorf("process.user.additionalGids[%d]: %d is not an id", i, gid)
		}
	}
	return nil
}

// validateCapabilities wants effective within permitted, without which
// capset(2) fails. Unknown names are ignored with a warning, as in runc.
func validateCapabilities(p *specs.Process) error {
	if p.Capabilities == nil {
		return nil
	}
	permitted := capabilitySet(p.Capabilities.Permitted)
	for i, name := range p.Capabilities.Effective {
		if n, ok := Capability(name); ok && permitted&(1<<n) == 0 {
			return fmt.Errorf("process.capabilities.effective[%d]: %s is not in permitted", i, name)
		}
	}
	return nil
}

func validateRlimits(p *specs.Process) error {
	seen := map[string]bool{}
	return each("process.rlimits", p.Rlimits, func(l *specs.POSIXRlimit) error {
		switch {
		case !isRlimit(l.Type):
			return fmt.Errorf(".type: unknown limit %s", quote(l.Type))
		case seen[l.Type]:
			return fmt.Errorf(".type: %s is there twice", l.Type)
		case l.Soft > l.Hard:
			return fmt.Errorf(".soft: %d is above hard, %d", l.Soft, l.Hard)
		}
		seen[l.Type] = true
		return nil
	})
}

func isRlimit(name string) bool {
	switch name {
	case "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_DATA", "RLIMIT_STACK", "RLIMIT_CORE", "RLIMIT_RSS",
		"RLIMIT_NPROC", "RLIMIT_NOFILE", "RLIMIT_MEMLOCK", "RLIMIT_AS", "RLIMIT_LOCKS",
		"RLIMIT_SIGPENDING", "RLIMIT_MSGQUEUE", "RLIMIT_NICE", "RLIMIT_RTPRIO", "RLIMIT_RTTIME":
		return true
	}
	return false
}

// validateScheduler follows sched_setattr(2).
func validateScheduler(p *specs.Process) error {
	s := p.Scheduler
	if s == nil {
		return nil
	}
	switch s.Policy {
	case specs.SchedOther, specs.SchedBatch:
		if err := between("process.scheduler.nice", int64(s.Nice), -20, 19); err != nil {
			return err
		}
	case specs.SchedFIFO, specs.SchedRR:
		if err := between("process.scheduler.priority", int64(s.Priority), 1, 99); err != nil {
			return err
		}
	case specs.SchedIdle, specs.SchedDeadline:
	case "":
		return errors.New("process.scheduler.policy: must not be empty")
	case specs.SchedISO:
		return errors.New("process.scheduler.policy: Linux reserves SCHED_ISO and does not implement it")
	default:
		return fmt.Errorf("process.scheduler.policy: unknown policy %s", quote(string(s.Policy)))
	}
	if s.Priority != 0 && s.Policy != specs.SchedFIFO && s.Policy != specs.SchedRR {
		return fmt.Errorf("process.scheduler.priority: %s has none", s.Policy)
	}
	if err := validateDeadline(s); err != nil {
		return err
	}
	return each("process.scheduler.flags", s.Flags, func(f *specs.LinuxSchedulerFlag) error {
		switch *f {
		case specs.SchedFlagResetOnFork, specs.SchedFlagReclaim, specs.SchedFlagDLOverrun,
			specs.SchedFlagKeepPolicy, specs.SchedFlagKeepParams, specs.SchedFlagUtilClampMin,
			specs.SchedFlagUtilClampMax:
			return nil
		}
		return fmt.Errorf(": unknown flag %s", quote(string(*f)))
	})
}

// validateDeadline wants 1024 ns <= runtime <= deadline <= period (kernel:
// __checkparam_dl); a period of 0 is the deadline.
func validateDeadline(s *specs.Scheduler) error {
	switch {
	case s.Policy != specs.SchedDeadline && (s.Runtime != 0 || s.Deadline != 0 || s.Period != 0):
		return fmt.Errorf("process.scheduler: %s has no runtime, deadline and period", s.Policy)
	case s.Policy != specs.SchedDeadline:
		return nil
	case s.Runtime < 1024:
		return fmt.Errorf("process.scheduler.runtime: must be at least 1024, have %d", s.Runtime)
	case s.Deadline < s.Runtime:
		return fmt.Errorf("process.scheduler.deadline: %d is below runtime, %d", s.Deadline, s.Runtime)
	case s.Period != 0 && s.Period < s.Deadline:
		return fmt.Errorf("process.scheduler.period: %d is below deadline, %d", s.Period, s.Deadline)
	}
	return nil
}

func validateIOPriority(p *specs.Process) error {
	v := p.IOPriority
	if v == nil {
		return nil
	}
	switch v.Class {
	case specs.IOPRIO_CLASS_RT, specs.IOPRIO_CLASS_BE, specs.IOPRIO_CLASS_IDLE:
	default:
		return fmt.Errorf("process.ioPriority.class: unknown class %s", quote(string(v.Class)))
	}
	return between("process.ioPriority.priority", int64(v.Priority), 0, 7)
}

func validateAffinity(p *specs.Process) error {
	a := p.ExecCPUAffinity
	if a == nil {
		return nil
	}
	if err := validateList("process.execCPUAffinity.initial", a.Initial); err != nil {
		return err
	}
	return validateList("process.execCPUAffinity.final", a.Final)
}
