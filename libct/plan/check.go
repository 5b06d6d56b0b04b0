package plan

import "fmt"

// Check finds what would make a plan wrong on every machine: a slot that is
// used before it is set, ops after execve other than execve, more than six
// arguments or four tolerated errnos, a patch of a slot that is no input. The
// child relies on it.
func (p *Plan) Check() error {
	set := make([]bool, len(p.Slots))
	for i, s := range p.Slots {
		set[i] = s.Input
	}
	exec := false
	for i := range p.Ops {
		o := &p.Ops[i]
		if exec && o.Call.Name != "execve" {
			return fmt.Errorf("op %d %s: after execve", i, o.Call.Name)
		}
		exec = exec || o.Call.Name == "execve"
		if err := p.checkOp(o, set); err != nil {
			return fmt.Errorf("op %d %s: %w", i, o.Call.Name, err)
		}
		if o.Into != None {
			set[o.Into] = true
		}
	}
	return nil
}

func (p *Plan) checkOp(o *Op, set []bool) error {
	if len(o.Args) > 6 || len(o.Tolerate) > 4 {
		return fmt.Errorf("%d arguments, %d tolerated errnos", len(o.Args), len(o.Tolerate))
	}
	if o.Kind == Clone && o.Into == None {
		return fmt.Errorf("no slot for the pid")
	}
	use := func(s Slot) error {
		if s < 0 || int(s) >= len(set) || !set[s] {
			return fmt.Errorf("slot %s is not set", p.slot(s))
		}
		return nil
	}
	if o.Guard != None {
		if err := use(o.Guard); err != nil {
			return err
		}
	}
	for j := range o.Args {
		a := &o.Args[j]
		if a.Kind == FromSlot {
			if err := use(Slot(a.N)); err != nil {
				return err
			}
		}
		if a.Patch != nil && !p.Slots[a.Patch.Slot].Input {
			return fmt.Errorf("patched slot %s is no input", p.slot(a.Patch.Slot))
		}
	}
	return nil
}
