package cgroup

import (
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// undoWait bounds how long Undo waits for a killed first process to leave.
const undoWait = 2 * time.Second

func soon(d time.Duration) time.Time { return time.Now().Add(d) }

// pause waits a little longer each time where the kernel has nothing to wait
// for, and reports whether there is still time.
func pause(delay *time.Duration, deadline time.Time) bool {
	left := time.Until(deadline)
	if left <= 0 {
		return false
	}
	*delay = min(max(2**delay, 20*time.Microsecond), 10*time.Millisecond)
	time.Sleep(min(*delay, left))
	return true
}

// awaitEvent waits until cgroup.events of a v2 group has the line
// (cgroup-v2.rst: the kernel signals a change by POLLPRI). A removed group
// is reported as absent.
func awaitEvent(group, line string, deadline time.Time) error {
	path := group + "/cgroup.events"
	fd, err := open(path, unix.O_RDONLY)
	if err != nil {
		return pathError("open", path, err)
	}
	defer unix.Close(fd)
	var buf [256]byte
	for {
		n, err := unix.Pread(fd, buf[:], 0)
		if err != nil && err != unix.EINTR {
			return pathError("read", path, err)
		}
		if err == nil && hasItem(string(buf[:n]), line, "\n") {
			return nil
		}
		timeout, ok := pollTimeout(deadline)
		if !ok {
			return pathError("wait for "+strings.ReplaceAll(line, " ", "=")+" of", group, ErrTimeout)
		}
		_, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLPRI}}, timeout)
		if err != nil && err != unix.EINTR {
			return pathError("poll", path, err)
		}
	}
}

// pollTimeout returns milliseconds, rounded up, and whether any are left.
func pollTimeout(deadline time.Time) (int, bool) {
	left := time.Until(deadline)
	if left <= 0 {
		return 0, false
	}
	return int(min(left, time.Hour)/time.Millisecond) + 1, true
}

// awaitExit waits until one of the processes has ended or the deadline has
// passed, and reports which. Fewer are watched if descriptors run out.
func awaitExit(pids []int, deadline time.Time) bool {
	const watched = 64
	var fds []unix.PollFd
	defer func() {
		for _, p := range fds {
			unix.Close(int(p.Fd))
		}
	}()
	for _, pid := range pids[:min(len(pids), watched)] {
		fd, err := unix.PidfdOpen(pid, 0)
		if err == unix.ESRCH {
			return true
		}
		if err == nil {
			fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
		}
	}
	timeout, ok := pollTimeout(deadline)
	if !ok || len(fds) == 0 {
		return ok
	}
	_, err := unix.Poll(fds, timeout)
	return err == nil || err == unix.EINTR
}

// Wait returns when no process is left in the group or below it, or with
// ErrTimeout. Processes that have ended but were not reaped do not count.
func (g *Group) Wait(timeout time.Duration) error {
	deadline := soon(timeout)
	if d := g.v2(); d != nil {
		if err := awaitEvent(d.path, "populated 0", deadline); err != nil && !absent(err) {
			return err
		}
	}
	d := g.anyV1()
	var delay time.Duration
	for d != nil {
		pids, err := procs(d.path)
		if len(pids) == 0 {
			if absent(err) {
				return nil
			}
			return err
		}
		if !awaitExit(pids, deadline) || !pause(&delay, deadline) {
			return pathError("wait for the end of "+list(pids)+" in", d.path, ErrTimeout)
		}
	}
	return nil
}
