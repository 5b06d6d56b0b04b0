package cgroup

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Update is Apply for the group of a living container, all or nothing: if a
// value is refused, every limit is what it was before. What v2 keeps in one
// file and r has only a part of is completed from that file (see Complete).
// So it is if after, which is called with the new limits in force unless it is
// nil, fails. Updates of one group exclude each other.
func (g *Group) Update(r *specs.LinuxResources, after func() error) error {
	unlock, err := g.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if r, err = g.Complete(r); err != nil {
		return err
	}
	g.enableLate(r)
	before, err := g.save(r)
	if err != nil {
		return err
	}
	err = g.Apply(r)
	if err == nil && after != nil {
		err = after()
	}
	if err != nil {
		if failed := before.restore(); failed != nil {
			return fmt.Errorf("%w; the old limit is lost: %w", err, failed)
		}
	}
	return err
}

// lock keeps other updates of the group out, by a lock on its directory, which
// the kernel frees should this process die.
func (g *Group) lock() (unlock func(), err error) {
	d := g.members()
	if d == nil {
		return func() {}, nil
	}
	fd, err := open(d.path, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, pathError("open", d.path, err)
	}
	for {
		if err = unix.Flock(fd, unix.LOCK_EX); err != unix.EINTR {
			break
		}
	}
	if err != nil {
		unix.Close(fd)
		return nil, pathError("flock", d.path, err)
	}
	return func() { unix.Close(fd) }, nil
}

// Complete returns r with what it leaves out of a pair that cgroup v2 writes
// together, as the group has it now: of cpu.max the quota or the period, and
// memory.max to memory.swap, which v1 counts with it. r is not changed.
func (g *Group) Complete(r *specs.LinuxResources) (*specs.LinuxResources, error) {
	full := *r
	if r.CPU != nil && g.Unified("cpu") {
		c := *r.CPU
		if err := completeBandwidth(g.dirs[len(g.dirs)-1].path, &c); err != nil {
			return nil, err
		}
		full.CPU = &c
	}
	if r.Memory != nil && g.Unified("memory") {
		m := *r.Memory
		if err := completeMemory(g.dirs[len(g.dirs)-1].path, &m); err != nil {
			return nil, err
		}
		full.Memory = &m
	}
	return &full, nil
}

// Unified reports whether the group is limited by cgroup v2's controller of
// that name.
func (g *Group) Unified(controller string) bool {
	return g.find(controller) == nil && g.findV2(controller) != nil
}

// completeBandwidth reads "QUOTA PERIOD", where QUOTA may be max.
func completeBandwidth(dir string, c *specs.LinuxCPU) error {
	if set(c.Quota) == set(c.Period) {
		return nil
	}
	text, err := readKnob(dir, "cpu.max")
	if absent(err) {
		return nil // the group was made without the controller
	}
	if err != nil {
		return err
	}
	quota, period, _ := strings.Cut(text, " ")
	if !set(c.Period) {
		n, err := strconv.ParseUint(period, 10, 64)
		if err != nil {
			return pathError("read", dir+"/cpu.max", err)
		}
		c.Period = &n
		return nil
	}
	n := int64(-1)
	if quota != "max" {
		if n, err = strconv.ParseInt(quota, 10, 64); err != nil {
			return pathError("read", dir+"/cpu.max", err)
		}
	}
	c.Quota = &n
	return nil
}

func completeMemory(dir string, m *specs.LinuxMemory) error {
	if set(m.Limit) || !limits(m.Swap) {
		return nil
	}
	text, err := readKnob(dir, "memory.max")
	if absent(err) || text == "max" {
		return nil
	}
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return pathError("read", dir+"/memory.max", err)
	}
	m.Limit = &n
	return nil
}

// enableLate makes the files of controllers that the group was made without,
// so that they have an old value. Apply tells if that fails.
func (g *Group) enableLate(r *specs.LinuxResources) {
	for _, name := range needs(r) {
		if d := g.findV2(name); d != nil && d.lost == nil {
			d.late(name)
		}
	}
}
