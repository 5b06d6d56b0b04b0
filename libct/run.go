package libct

import (
	"errors"
	"fmt"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

	"rt/libct/console"
	"rt/libct/store"
)

// Run creates a container and runs it, in the foreground until it ends or, with
// o.Detach, until it has started. The exit code is the container's, 128+N if
// signal N ended it.
func (r *Runtime) Run(id string, o CreateOptions) (exitCode int, err error) {
	c := r.creation(id, o, false)
	defer c.close()
	f := &foreground{c: c}
	if !o.Detach {
		if err := f.prepare(); err != nil {
			return 0, err
		}
		defer f.stop()
	}
	if err := c.make(); err != nil {
		return 0, errors.Join(err, c.undo())
	}
	if err := c.poststart(); err != nil {
		return 0, errors.Join(err, c.undo())
	}
	if o.Detach {
		return 0, nil
	}
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
	err := c.r.remove(c.dir, c.rec)
	if errors.Is(err, store.ErrNotExist) {
		return nil
	}
	return err
}

// foreground is the attendance of a container run in the foreground: it passes
// signals on, reaps, and connects the terminal.
type foreground struct {
	c       *creation
	signals chan os.Signal
}

// prepare comes before the container: no signal of its time is lost.
func (f *foreground) prepare() error {
	if !f.c.o.NoSubreaper {
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("become subreaper: %w", err)
		}
	}
	f.signals = make(chan os.Signal, 256)
	signal.Notify(f.signals)
	return nil
}

func (f *foreground) stop() { signal.Stop(f.signals) }

// wait attends to the container until its init has ended.
func (f *foreground) wait() (int, error) {
	c := f.c
	if c.master >= 0 && c.o.ConsoleSocket == "" {
		term, err := console.HostTerminal()
		if err != nil {
			return 0, err
		}
		s, err := console.Attach(c.master, term, 0, 1)
		if err != nil {
			return 0, err
		}
		defer s.Close()
	}
	if code, done := f.reap(); done {
		return code, nil
	}
	for sig := range f.signals {
		switch sig {
		case unix.SIGCHLD:
			if code, done := f.reap(); done {
				return code, nil
			}
		case unix.SIGURG, unix.SIGPIPE:
			// Go's preemption signal, and a broken pipe of our own.
		default:
			if err := unix.PidfdSendSignal(c.pidfd, sig.(unix.Signal), nil, 0); err != nil && err != unix.ESRCH {
				return 0, fmt.Errorf("pass %v on to init: %w", sig, err)
			}
		}
	}
	return 0, errors.New("signals ended before the container")
}

// reap collects every child that has ended, orphans of the container among
// them, and reports whether init has.
func (f *foreground) reap() (code int, done bool) {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil || pid <= 0:
			return code, done
		case pid == f.c.pid:
			code, done = exitCode(status), true
		}
	}
}

func exitCode(status unix.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}
