package libct

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"rt/libct/cgroup"
	"rt/libct/store"
)

// Stats reads what the kernel has counted of a container that has not stopped.
func (r *Runtime) Stats(id string) (*cgroup.Stats, error) {
	c, err := r.live(id)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.stats()
}

func (c *controlled) stats() (*cgroup.Stats, error) {
	s, err := c.group.Stats()
	if err != nil {
		return nil, fmt.Errorf("unable to get container cgroup stats: %w", err)
	}
	return s, nil
}

// live is control for a container that has not stopped.
func (r *Runtime) live(id string) (*controlled, error) {
	c, err := r.control(id)
	if err != nil {
		return nil, err
	}
	if c.status == statusStopped || c.status == string(store.Creating) {
		c.Close()
		return nil, fmt.Errorf("container with id %s is not running", id)
	}
	return c, nil
}

// Observer takes what Events sees. An error of it ends Events.
type Observer struct {
	// OOM is called when the container has run out of memory, Stats once an
	// interval.
	OOM   func() error
	Stats func(*cgroup.Stats) error
}

// Events observes a container until it stops. Statistics that cannot be read are
// warned of, and tried again.
func (r *Runtime) Events(id string, interval time.Duration, o Observer) error {
	c, err := r.live(id)
	if err != nil {
		return err
	}
	defer c.Close()
	pidfd, err := openInit(c.rec, c.group)
	if err != nil {
		return err
	}
	defer unix.Close(pidfd)
	oom, err := c.group.OOM()
	if err != nil {
		return r.access("events", err)
	}
	defer oom.Close()
	for next := time.Now().Add(interval); ; {
		ended, err := await(pidfd, oom, time.Until(next))
		if err != nil {
			return err
		}
		// A container killed for lack of memory ends at the same time.
		if err := tellOOM(oom, o); err != nil || ended {
			return err
		}
		if time.Until(next) > 0 {
			continue
		}
		next = time.Now().Add(interval)
		if s, err := c.stats(); err != nil {
			r.warn(err.Error())
		} else if err := o.Stats(s); err != nil {
			return err
		}
	}
}

func tellOOM(oom *cgroup.OOM, o Observer) error {
	happened, err := oom.Happened()
	if err != nil || !happened {
		return err
	}
	return o.OOM()
}

// await waits for the end of init, a lack of memory, or the time to pass.
func await(pidfd int, oom *cgroup.OOM, timeout time.Duration) (ended bool, err error) {
	ms := max(0, (timeout+time.Millisecond-1)/time.Millisecond)
	fds := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}, oom.Poll()}
	_, err = unix.Poll(fds, int(min(ms, 1<<30)))
	if err != nil && err != unix.EINTR {
		return false, fmt.Errorf("poll: %w", err)
	}
	return err == nil && fds[0].Revents != 0, nil
}
