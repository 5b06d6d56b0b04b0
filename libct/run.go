package libct

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"rt/libct/store"
)

// Run creates a container and runs it, in the foreground until it ends or, with
// o.Detach, until it has started. The exit code is the container's, 128+N if
// signal N ended it.
func (r *Runtime) Run(id string, o CreateOptions) (exitCode int, err error) {
	c := r.creation(id, o, false)
	defer c.close()
	f := &foreground{p: &c.process}
	if !o.Detach {
		if !o.NoSubreaper {
			if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
				return 0, fmt.Errorf("become subreaper: %w", err)
			}
		}
		if err := f.prepare(); err != nil {
			return 0, err
		}
	}
	if err := c.make(); err != nil {
		return 0, errors.Join(err, c.undo())
	}
	if err := c.poststart(); err != nil {
		return 0, errors.Join(err, c.undo())
	}
	if o.Detach {
		if c.notify >= 0 {
			if err := r.awaitReady(c.notify, c.pidfd, c.pid); err != nil {
				r.warn(err.Error()) // as runc: the container runs
			}
		}
		return 0, nil
	}
	f.notify, c.notify = c.notify, -1
	code, err := f.wait()
	if err != nil {
		return 0, errors.Join(err, c.undo())
	}
	if o.Keep {
		return code, nil
	}
	return code, c.finish()
}

func (c *creation) poststart() error {
	return runHooks("poststart", c.rec.Poststart, c.state(statusRunning))
}

// finish deletes a container that has ended.
func (c *creation) finish() error {
	err := c.r.removeFrom(c.layout, c.dir, c.rec)
	if errors.Is(err, store.ErrNotExist) {
		return nil
	}
	return err
}
