package libct

import (
	"errors"
	"fmt"
	"io/fs"

	"rt/libct/cgroup"
	"rt/libct/store"
)

// Pause freezes every process of a created or running container and returns
// when all of them stand still. Processes that cannot be frozen within ten
// seconds (one hangs in the kernel) let all go on, and are an error that
// matches cgroup.ErrTimeout.
func (r *Runtime) Pause(id string) error {
	c, err := r.control(id)
	if err != nil {
		return err
	}
	defer c.Close()
	switch c.status {
	case statusRunning, string(store.Created):
		return r.access("pause", c.group.Freeze())
	}
	return ErrNotRunning
}

// Resume lets the processes of a paused container go on.
func (r *Runtime) Resume(id string) error {
	c, err := r.control(id)
	if err != nil {
		return err
	}
	defer c.Close()
	if c.status != statusPaused {
		return ErrNotPaused
	}
	return r.access("resume", c.group.Thaw())
}

// Processes returns the pids, as the caller sees them, of all processes in a
// container's cgroup and below it: none once it has stopped.
func (r *Runtime) Processes(id string) ([]int, error) {
	c, err := r.control(id)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if c.group.Members() == "" && c.status != statusStopped {
		return nil, errors.New("unable to get all container pids: cgroups not configured for container")
	}
	pids, err := c.group.Procs()
	if err != nil {
		return nil, r.access("ps", fmt.Errorf("unable to get all container pids: %w", err))
	}
	return pids, nil
}

// controlled is a container whose cgroup is acted upon.
type controlled struct {
	*handle
	rec    *store.Record
	status string
	layout cgroup.Layout
	group  *cgroup.Group
}

// control finds a container and its cgroup, which it makes sure is the
// container's own, whatever the record says.
func (r *Runtime) control(id string) (*controlled, error) {
	h, err := r.open(id)
	if err != nil {
		return nil, err
	}
	c := &controlled{handle: h}
	if err := c.look(); err != nil {
		h.Close()
		return nil, err
	}
	return c, nil
}

func (c *controlled) look() (err error) {
	if c.rec, err = c.Record(); err != nil {
		return err
	}
	if c.status, err = status(c.Dir, c.rec); err != nil {
		return err
	}
	if c.layout, err = cgroup.Probe(); err != nil {
		return err
	}
	if c.group, err = cgroup.FromPaths(c.layout, c.rec.Cgroups, c.rec.Rootless); err != nil {
		return err
	}
	if c.rec.Rootless {
		c.group.DropAbsent()
	}
	mine, err := owned(c.group, c.rec.ID, c.rec.Rootless)
	if err == nil && !mine {
		err = fmt.Errorf("cgroup %s is not container %s's", c.group.Members(), c.rec.ID)
	}
	return err
}

// access tells, as runc, what may be behind a cgroup's refusal.
func (r *Runtime) access(verb string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		r.warn("rt " + verb + " failure might be caused by lack of full access to cgroups")
	}
	return err
}
