package libct

import (
	"fmt"

	"golang.org/x/sys/unix"

	"rt/libct/console"
	"rt/libct/sdnotify"
	"rt/libct/signals"
)

// foreground is the attendance of a process run in the foreground: it passes
// signals on, reaps, and connects the terminal.
type foreground struct {
	p *process
	// signals is where a byte for each signal comes from.
	signals int
	// notify is the socket that a container reports readiness to, or -1.
	notify int
}

// prepare comes before the process runs: no signal of its time is lost.
func (f *foreground) prepare() (err error) {
	f.notify = -1
	f.signals, err = signals.Open()
	return err
}

// wait attends to the process until it has ended, and returns its exit code.
func (f *foreground) wait() (int, error) {
	if p := f.p; p.master >= 0 {
		term, err := console.HostTerminal()
		if err != nil {
			return 0, err
		}
		master := p.master
		p.master = -1 // the session's now
		s, err := console.Attach(master, term, 0, 1)
		if err != nil {
			return 0, err
		}
		defer s.Close()
	}
	defer f.deafen()
	if code, done := f.reap(); done {
		f.passReady() // its last words
		return code, nil
	}
	buf := make([]byte, 64)
	for {
		if err := f.await(); err != nil {
			return 0, err
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

// await waits for signals. A container's word that it is ready is passed on
// meanwhile, with rt as the process to watch: it is the service's, and ends with
// the container's status.
func (f *foreground) await() error {
	for {
		// A descriptor of -1 is passed over.
		list := []unix.PollFd{{Fd: int32(f.signals), Events: unix.POLLIN}, {Fd: int32(f.notify), Events: unix.POLLIN}}
		if _, err := unix.Poll(list, -1); err != nil && err != unix.EINTR {
			return fmt.Errorf("wait for signals: %w", err)
		}
		if list[1].Revents != 0 {
			f.passReady()
		}
		if list[0].Revents != 0 {
			return nil
		}
	}
}

// passReady passes it on once. A service manager that does not listen is no
// reason to end the container.
func (f *foreground) passReady() {
	if f.notify < 0 {
		return
	}
	ready, err := sdnotify.Heard(f.notify)
	if err == nil && !ready {
		return
	}
	if ready {
		err = f.p.r.tellReady(unix.Getpid())
	}
	if err != nil {
		f.p.r.warn(err.Error())
	}
	f.deafen()
}

// deafen closes the socket: what is said from now on is refused, and fills no
// queue.
func (f *foreground) deafen() {
	if f.notify >= 0 {
		unix.Close(f.notify)
		f.notify = -1
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
		err = unix.PidfdSendSignal(f.p.pidfd, sig, nil, 0)
		if err != nil && err != unix.ESRCH {
			return 0, false, fmt.Errorf("pass %v on to %s: %w", sig, f.p.name, err)
		}
		err = nil
	}
	return code, done, err
}

// reap collects every child that has ended, orphans of the container among
// them, and reports whether the process has.
func (f *foreground) reap() (code int, done bool) {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil || pid <= 0:
			return code, done
		case pid == f.p.pid:
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
