package libct

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"rt/libct/cgroup"
	"rt/libct/host"
	"rt/libct/store"
)

// Kill sends a signal to the container's init. With all, a container that has
// stopped is no error, and without a pid namespace of its own every process of
// it gets the signal, as in runc. SIGKILL does in any case.
func (r *Runtime) Kill(id string, sig unix.Signal, all bool) error {
	dir, err := r.open(id)
	if err != nil {
		return err
	}
	defer dir.Close()
	rec, err := dir.Record()
	if err != nil {
		return err
	}
	if all && rec.PidShared {
		return signalAll(rec, sig)
	}
	err = signalInit(dir.Dir, rec, sig)
	if all && errors.Is(err, ErrNotRunning) {
		return nil
	}
	if err == nil && sig == unix.SIGKILL && rec.PidShared {
		return signalAll(rec, sig)
	}
	return err
}

// signalAll sends a signal to every process of the container.
func signalAll(rec *store.Record, sig unix.Signal) error {
	g, err := group(rec)
	if err != nil {
		return err
	}
	if sig == unix.SIGKILL {
		return g.Kill()
	}
	return g.Signal(sig)
}

func signalInit(dir *store.Dir, rec *store.Record, sig unix.Signal) error {
	if rec.Status == store.Creating {
		return ErrNotRunning
	}
	g, err := group(rec)
	if err != nil {
		return err
	}
	pidfd, err := openInit(rec, g)
	if err != nil {
		return err
	}
	defer unix.Close(pidfd)
	if endsByDefault(sig) {
		// The first process of a pid namespace ignores signals it has no handler
		// for, and a parked one has none yet: what would end it must.
		if waits, err := parked(dir); err == nil && waits {
			sig = unix.SIGKILL
		}
	}
	if err := unix.PidfdSendSignal(pidfd, sig, nil, 0); err != nil {
		if err == unix.ESRCH {
			return ErrNotRunning
		}
		return fmt.Errorf("unable to signal init: %w", err)
	}
	if sig == unix.SIGKILL {
		// A frozen process of cgroup v1 takes no signal before it is thawed.
		return thaw(g)
	}
	return nil
}

// thaw lets a killed container take the signal.
func thaw(g *cgroup.Group) error {
	if frozen, err := g.Frozen(); err != nil || !frozen {
		return err
	}
	return g.Thaw()
}

// openInit holds the container's init by a pidfd, and makes sure it is the
// container's: a record may lie, or be made to. Its pid must be in its cgroup, or,
// since a container may move itself where it can write, be the first of a pid
// namespace as no process of the host's is.
func openInit(rec *store.Record, g *cgroup.Group) (int, error) {
	pidfd, err := store.OpenProcess(rec.Pid, rec.StartTime)
	if errors.Is(err, store.ErrNotRunning) {
		return -1, ErrNotRunning
	}
	if err != nil {
		return -1, err
	}
	in, err := g.Holds(rec.Pid)
	if err == nil && !in && !rec.Rootless && !(rec.Namespaces&unix.CLONE_NEWPID != 0 && leads(rec.Pid)) {
		err = fmt.Errorf("process %d is not in the container's cgroup", rec.Pid)
	}
	if err != nil {
		unix.Close(pidfd)
		if alive, aerr := store.Alive(rec.Pid, rec.StartTime); aerr == nil && !alive {
			return -1, ErrNotRunning
		}
		return -1, err
	}
	return pidfd, nil
}

// leads reports whether a process is the first of a pid namespace below ours, by
// NSpid of proc_pid_status(5).
func leads(pid int) bool {
	text, err := host.ReadFile("/proc/"+strconv.Itoa(pid)+"/status", maxPasswd)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		if ids, ok := strings.CutPrefix(line, "NSpid:"); ok {
			f := strings.Fields(ids)
			return len(f) > 1 && f[len(f)-1] == "1"
		}
	}
	return false
}

// endsByDefault reports whether a signal's default action ends a process
// (signal(7)).
func endsByDefault(sig unix.Signal) bool {
	switch sig {
	case unix.SIGCHLD, unix.SIGCONT, unix.SIGSTOP, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, unix.SIGURG, unix.SIGWINCH, 0:
		return false
	}
	return sig > 0 && sig <= 64
}
