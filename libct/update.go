package libct

import (
	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/cgroup"
	"rt/libct/spec"
	"rt/libct/store"
	"rt/libct/systemd"
)

// Update changes the limits of a container that has not stopped, all or none
// of them: if one is refused, the old ones stay in force. What change leaves
// out, and numbers that are 0, stay as they are; -1 is no limit. As in runc,
// device rules are passed over: a manager that hands in the whole of
// linux.resources must not undo what was added to them since.
//
// Nothing but the sum of memory and swap is recorded: the cgroup's own files
// say all that a later update builds on.
func (r *Runtime) Update(id string, change *specs.LinuxResources, rdt RdtChange) error {
	c, err := r.control(id)
	if err != nil {
		return err
	}
	defer c.Close()
	if c.status == statusStopped || c.status == string(store.Creating) {
		return ErrNotRunning
	}
	if err := spec.ValidateUpdate(change); err != nil {
		return err
	}
	r.warnKernelMemory(change)
	full := *change
	full.Devices = nil
	swap := c.keepSwap(&full)
	if err := c.update(&full, rdt); err != nil {
		return r.access("update", err)
	}
	if swap == c.rec.MemorySwap {
		return nil
	}
	return c.Dir.Update(func(rec *store.Record) error {
		rec.MemorySwap = swap
		return nil
	})
}

// update changes the limits in the cgroup, in resctrl, and in systemd if that has
// made the cgroup.
func (c *controlled) update(change *specs.LinuxResources, rdt RdtChange) error {
	more := func() error {
		if rdt == (RdtChange{}) {
			return nil
		}
		return updateRdt(c.handle, rdt)
	}
	if !c.rec.SystemdCgroup {
		return c.group.Update(change, more)
	}
	s := &scope{
		// By its cgroup, which is known to be the container's.
		Group: c.group, unit: systemd.Unit{Name: systemd.UnitAt(c.group.Members()), Slice: c.rec.Slice},
		user: c.rec.Rootless, unified: c.layout.Mode() == cgroup.ModeUnified,
	}
	defer s.close()
	return s.update(change, more)
}

// keepSwap adds the sum of memory and swap that is in force to a change of the
// memory limit alone: cgroup v2 limits swap by itself, so that its limit has to
// follow. It returns the sum to record.
func (c *controlled) keepSwap(change *specs.LinuxResources) int64 {
	if change.Memory == nil {
		return c.rec.MemorySwap
	}
	m := *change.Memory
	change.Memory = &m
	switch {
	case m.Swap != nil && *m.Swap != 0:
		return *m.Swap
	case m.Limit != nil && *m.Limit == -1:
		return 0 // no limit of memory is none of both
	case m.Limit != nil && *m.Limit != 0 && c.rec.MemorySwap != 0 && c.group.Unified("memory"):
		m.Swap = &c.rec.MemorySwap
	}
	return c.rec.MemorySwap
}

// warnKernelMemory tells that a limit which Linux 5.4 has dropped is of no use.
func (r *Runtime) warnKernelMemory(change *specs.LinuxResources) {
	m := change.Memory
	//lint:ignore SA1019 this is about its being deprecated
	if m != nil && (m.Kernel != nil || m.KernelTCP != nil) {
		r.warn("Kernel memory settings are ignored and will be removed")
	}
}
