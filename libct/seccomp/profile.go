package seccomp

import (
	"errors"
	"fmt"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// cond is one comparison: argument & mask OP value.
type cond struct {
	arg   uint8
	op    op
	value uint64
	mask  uint64 // all ones but for opMasked
}

// rule says what happens to one system call whose conditions all hold. The
// conditions are in order of arg, each arg at most once.
type rule struct {
	action uint32
	conds  []cond
}

// call is a rule under the name it was written for.
type call struct {
	row  *syscallRow
	rule rule
}

// profile is an OCI profile with its words understood, for any ABI.
type profile struct {
	action uint32 // the default
	flags  uint32
	notify bool
	calls  []call        // in the profile's order
	named  []*syscallRow // every known name, with or without a rule
}

// parse reads the profile's words, and refuses what Compile says it refuses.
func parse(p *specs.LinuxSeccomp, h Host) (*profile, error) {
	def, err := action(p.DefaultAction, p.DefaultErrnoRet, h)
	if err != nil {
		return nil, fmt.Errorf("default %w", err)
	}
	if def == retNotify {
		return nil, errors.New("SCMP_ACT_NOTIFY cannot be the default action")
	}
	out := &profile{action: def}
	if out.flags, err = flags(p.Flags, h); err != nil {
		return nil, err
	}
	names := 0
	for i := range p.Syscalls {
		names += len(p.Syscalls[i].Names)
	}
	out.calls = make([]call, 0, names)
	out.named = make([]*syscallRow, 0, names)
	for i := range p.Syscalls {
		if err := out.add(&p.Syscalls[i], h); err != nil {
			return nil, fmt.Errorf("syscalls[%d]: %w", i, err)
		}
	}
	return out, out.listen(p.ListenerPath, h)
}

// listen settles the flags that depend on SCMP_ACT_NOTIFY.
func (p *profile) listen(path string, h Host) error {
	switch {
	case p.notify && h.SupportedFlags&FlagNewListener == 0:
		return fmt.Errorf("action SCMP_ACT_NOTIFY: %w", ErrUnsupported)
	case p.notify && path == "":
		return errors.New("SCMP_ACT_NOTIFY needs listenerPath")
	case p.notify:
		p.flags |= FlagNewListener
	case p.flags&FlagWaitKillableRecv != 0: // the kernel's EINVAL, said early
		return errors.New("flag SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV needs a rule with SCMP_ACT_NOTIFY")
	}
	return nil
}

// add reads one entry of the profile's syscalls.
func (p *profile) add(s *specs.LinuxSyscall, h Host) error {
	act, err := action(s.Action, s.ErrnoRet, h)
	if err != nil {
		return err
	}
	alternatives, err := conditions(s.Args)
	if err != nil {
		return err
	}
	for _, name := range s.Names {
		if name == "" {
			return errors.New("a system call's name is empty")
		}
		if act == retNotify && name == "write" {
			// The notify descriptor's number is handed on with a write after
			// the filter is in force (as runc).
			return errors.New("SCMP_ACT_NOTIFY cannot be used for write")
		}
		row := lookup(name)
		if row == nil {
			continue
		}
		p.named = append(p.named, row)
		if act == p.action {
			continue // says nothing new
		}
		for _, conds := range alternatives {
			p.calls = append(p.calls, call{row, rule{act, conds}})
		}
	}
	// runc asks for a listener even if no rule for it remains.
	p.notify = p.notify || act == retNotify && len(s.Names) > 0
	return nil
}

// conditions returns the alternatives of a rule's arguments, each a list of
// conditions that must all hold. Several conditions on one argument make every
// condition of the rule an alternative of its own (runc, from the days when
// libseccomp took one condition for each argument).
func conditions(args []specs.LinuxSeccompArg) ([][]cond, error) {
	var byArg [6]cond
	var seen [6]bool
	all, twice := make([]cond, 0, len(args)), false
	for i := range args {
		a := &args[i]
		o, err := operator(a.Op)
		if err != nil {
			return nil, fmt.Errorf("args[%d]: %w", i, err)
		}
		if a.Index > 5 {
			return nil, fmt.Errorf("args[%d]: index %d is above 5", i, a.Index)
		}
		c := cond{uint8(a.Index), o, a.Value, ^uint64(0)}
		if o == opMasked {
			c.mask, c.value = a.Value, a.ValueTwo&a.Value
		}
		twice = twice || seen[c.arg]
		seen[c.arg], byArg[c.arg] = true, c
		all = append(all, c)
	}
	if twice {
		split := make([][]cond, len(all))
		for i := range all {
			split[i] = all[i : i+1]
		}
		return split, nil
	}
	all = all[:0]
	for i := range byArg {
		if seen[i] {
			all = append(all, byArg[i])
		}
	}
	return [][]cond{all}, nil
}

// forABI returns the conditions as an ABI compares them: on 32-bit ABIs the low
// words alone, as libseccomp does; comparisons under an empty mask always hold.
func forABI(conds []cond, wide bool) []cond {
	same := wide
	for i := range conds {
		same = same && conds[i].mask != 0
	}
	if same {
		return conds
	}
	out := make([]cond, 0, len(conds))
	for _, c := range conds {
		if !wide {
			c.value, c.mask = c.value&0xffffffff, c.mask&0xffffffff
		}
		if c.mask != 0 {
			out = append(out, c)
		}
	}
	return out
}
