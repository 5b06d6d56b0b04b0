package libct

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"rt/libct/console"
	"rt/libct/signals"
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
	err := c.r.removeFrom(c.layout, c.dir, c.rec)
	if errors.Is(err, store.ErrNotExist) {
		return nil
	}
	return err
}

// foreground is the attendance of a container run in the foreground: it passes
// signals on, reaps, and connects the terminal.
type foreground struct {
	c *creation
	// signals is where a byte for each signal comes from.
	signals int
}

// prepare comes before the container: no signal of its time is lost.
func (f *foreground) prepare() (err error) {
	if !f.c.o.NoSubreaper {
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("become subreaper: %w", err)
		}
	}
	f.signals, err = signals.Open()
	return err
}

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
	buf := make([]byte, 64)
	for {
		if _, err := poll(f.signals, unix.POLLIN, -1); err != nil {
			return 0, fmt.Errorf("wait for signals: %w", err)
		}
		n, err := unix.Read(f.signals, buf)
		if err != nil {
			return 0, fmt.Errorf("read signals: %w", err)
		}
		for _, b := range buf[:n] {
			if code, done, err := f.attend(unix.Signal(b)); done || err != nil {
				return code, err
			}
		}
	}
}

// attend reaps for SIGCHLD and passes every other signal on, but for that of a
// broken pipe, which is our own.
func (f *foreground) attend(sig unix.Signal) (code int, done bool, err error) {
	switch sig {
	case unix.SIGCHLD:
		code, done = f.reap()
	case unix.SIGPIPE:
	default:
		err = unix.PidfdSendSignal(f.c.pidfd, sig, nil, 0)
		if err != nil && err != unix.ESRCH {
			return 0, false, fmt.Errorf("pass %v on to init: %w", sig, err)
		}
		err = nil
	}
	return code, done, err
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
