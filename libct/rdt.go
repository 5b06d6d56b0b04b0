package libct

import (
	"errors"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/resctrl"
	"rt/libct/store"
)

// rdtOf is linux.intelRdt, or nil.
func rdtOf(s *specs.Spec) *specs.LinuxIntelRdt {
	if s.Linux == nil {
		return nil
	}
	return s.Linux.IntelRdt
}

// findRdt finds the resctrl that linux.intelRdt asks for, checked to have what it
// wants of it.
func findRdt(s *specs.Spec) (fs resctrl.FS, err error) {
	r := rdtOf(s)
	if r == nil {
		return fs, nil
	}
	if err := resctrl.CheckClosID(r.ClosID); err != nil {
		return fs, err
	}
	if fs, err = resctrl.Find(); err != nil {
		return fs, resctrl.Disabled(err)
	}
	return fs, fs.Check(r)
}

// planRdt notes in the record what makeRdt will make, before it is there.
func (c *creation) planRdt() (err error) {
	r := rdtOf(c.input.Spec)
	if r == nil {
		return nil
	}
	if c.rdt, err = findRdt(c.input.Spec); err != nil {
		return err
	}
	g, err := c.rdt.Plan(r, c.id)
	c.rec.RdtGroup, c.rec.RdtMade, c.rec.RdtMonitor = g.Dir, g.Made, g.Monitor
	return err
}

// makeRdt makes the container's resctrl group.
func (c *creation) makeRdt() error {
	r := rdtOf(c.input.Spec)
	if r == nil {
		return nil
	}
	c.rdtBegun = true
	g := rdtGroup(c.rec)
	err := c.rdt.Make(&g, r)
	if g.Made == c.rec.RdtMade {
		return err
	}
	// It was there all of a sudden: it is another's.
	c.rec.RdtMade = g.Made
	if err != nil {
		return err
	}
	return c.dir.Update(func(rec *store.Record) error { rec.RdtMade = g.Made; return nil })
}

// joinRdt moves a process into the container's resctrl group.
func (c *creation) joinRdt(pid int) error {
	if c.rec.RdtGroup == "" {
		return nil
	}
	return c.rdt.Add(rdtGroup(c.rec), pid)
}

// joinRdt does the same for one more process. As in runc, a group that somebody
// has removed is none to join.
func (e *execution) joinRdt() error {
	if e.rec.RdtGroup == "" {
		return nil
	}
	fs, err := resctrl.Find()
	if err != nil {
		return nil
	}
	return fs.Join(rdtGroup(e.rec), e.pid)
}

// rdtGroup is the group of a record.
func rdtGroup(rec *store.Record) resctrl.Group {
	return resctrl.Group{Dir: rec.RdtGroup, Made: rec.RdtMade, Monitor: rec.RdtMonitor}
}

// RdtChange is update's part of Intel RDT: schemata of the L3 cache and of memory
// bandwidth; "" leaves one as it is.
type RdtChange struct{ L3Cache, MemoryBandwidth string }

// updateRdt writes them. As in runc, a container made without linux.intelRdt gets
// a group of its own, with its init.
func updateRdt(h *handle, change RdtChange) error {
	l3Cache, memoryBandwidth := change.L3Cache, change.MemoryBandwidth
	fs, err := resctrl.Find()
	if err = errors.Join(err, resctrl.CheckLine(l3Cache), resctrl.CheckLine(memoryBandwidth)); err == nil {
		err = fs.Enabled(l3Cache != "", memoryBandwidth != "")
	} else if errors.Is(err, resctrl.ErrNone) {
		err = resctrl.FS{}.Enabled(l3Cache != "", memoryBandwidth != "")
	}
	if err != nil {
		return err
	}
	rec, err := h.Record()
	if err != nil {
		return err
	}
	if rec.RdtGroup == "" {
		if rec, err = newRdt(h, fs); err != nil {
			return err
		}
	}
	return fs.Update(rec.RdtGroup, l3Cache, memoryBandwidth)
}

// newRdt makes a group for a living container, recorded first.
func newRdt(h *handle, fs resctrl.FS) (made *store.Record, err error) {
	r := &specs.LinuxIntelRdt{}
	g, err := fs.Plan(r, h.ID())
	if err != nil {
		return nil, err
	}
	note := func(rec *store.Record) error {
		rec.RdtGroup, rec.RdtMade = g.Dir, g.Made
		made = rec
		return nil
	}
	if err = h.Update(note); err == nil {
		err = fs.Make(&g, r)
	}
	if made != nil && made.RdtMade != g.Made { // it was there all of a sudden
		err = errors.Join(err, h.Update(note))
	}
	if err == nil {
		err = fs.Add(g, made.Pid)
	}
	return made, err
}
