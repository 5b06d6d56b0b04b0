package cgroup

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// killFreezeWait bounds how long Kill tries to freeze on v1: a process that
// hangs in the kernel must not keep the others alive.
const killFreezeWait = 500 * time.Millisecond

// Kill ends every process in the group and below it with SIGKILL, frozen or
// not, and returns when all have been signalled; Wait waits for their end.
// On v2 the kernel does it in one step (cgroup.kill, since Linux 5.14), so
// that no fork can escape; what is in v1 alone is frozen, signalled and
// thawed until nothing new appears. Rootless, a group without any directory
// has no processes that could be found: nothing is done.
func (g *Group) Kill() error {
	if d := g.v2(); d != nil {
		if err := writeFile(d.path, "cgroup.kill", "1"); err != nil && !absent(err) {
			return err
		}
	}
	if g.anyV1() == nil {
		return nil
	}
	return g.killV1()
}

func (g *Group) killV1() error {
	members, freezer := g.anyV1(), g.v1("freezer")
	killed := make(map[int]bool)
	for {
		pids, err := procs(members.path)
		if err != nil || !fresh(pids, killed) {
			if absent(err) {
				err = nil
			}
			// Also a group that someone else froze must let them die.
			return errors.Join(err, thawIfFrozen(freezer))
		}
		if freezer != nil {
			// Nothing forks while frozen, so the next listing is complete. If
			// it cannot be frozen the loop goes on until it is.
			if freezer.freeze(soon(killFreezeWait)) == nil {
				pids, err = procs(members.path)
			}
		}
		for _, pid := range pids {
			killed[pid] = true
			err = errors.Join(err, members.signal(pid, unix.SIGKILL))
		}
		if err = errors.Join(err, thawIfFrozen(freezer)); err != nil && !absent(err) {
			return err
		}
	}
}

// fresh says whether a process has not been signalled yet.
func fresh(pids []int, done map[int]bool) bool {
	for _, pid := range pids {
		if !done[pid] {
			return true
		}
	}
	return false
}

func thawIfFrozen(freezer *dir) error {
	if freezer == nil {
		return nil
	}
	if err := freezer.thaw(); err != nil && !absent(err) {
		return err
	}
	return nil
}

// Signal sends a signal to every process in the group and below it. Unlike
// Kill it may miss those that are being forked.
func (g *Group) Signal(sig unix.Signal) error {
	d := g.members()
	if d == nil {
		return nil
	}
	pids, err := g.Procs()
	for _, pid := range pids {
		err = errors.Join(err, d.signal(pid, sig))
	}
	return err
}

// signal signals one process if it is in the group at this moment. A process
// that is gone is no error.
func (d *dir) signal(pid int, sig unix.Signal) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err == unix.ESRCH || err == unix.EINVAL { // EINVAL: not a thread group's leader
		return nil
	}
	if err != nil {
		return pathError("pidfd_open", list([]int{pid}), err)
	}
	defer unix.Close(fd)
	if held, err := d.holds(pid); err != nil || !held {
		return err
	}
	if err := unix.PidfdSendSignal(fd, sig, nil, 0); err != nil && err != unix.ESRCH {
		return pathError("signal", list([]int{pid}), err)
	}
	return nil
}
