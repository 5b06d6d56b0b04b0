// Package libct is the engine: containers and their lives, for the command line
// and the CRI server alike.
//
// It decides nothing about how a container is set up (compile does) and sets
// nothing up itself (child does): it opens what the plan needs, answers the
// child at its barriers, keeps the record, and undoes what failed.
package libct

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"rt/libct/cgroup"
	"rt/libct/host"
	"rt/libct/plan"
	"rt/libct/store"
)

// Runtime is a directory of containers and how to treat them.
type Runtime struct {
	// Root is the directory of the records, such as /run/rt.
	Root string
	// Rootless is "true", "false" or "auto": whether cgroups that cannot be
	// made are tolerated.
	Rootless string
	// SystemdCgroup selects the systemd cgroup driver.
	SystemdCgroup bool
	// NotifySocket is $NOTIFY_SOCKET: where systemd wants to hear that what is
	// started is ready (sd_notify(3)), or "".
	NotifySocket string
	// Warn and Debug take one line each; nil drops it.
	Warn, Debug func(string)

	// edit changes a plan before it is run: tests make its ops fail.
	edit func(*plan.Plan)
}

// CreateOptions are the flags of create and run.
type CreateOptions struct {
	// Bundle is the directory of config.json; absolute, or relative to the
	// working directory.
	Bundle string
	// ConsoleSocket gets the pty's master, PidfdSocket a pidfd of init, both as
	// SCM_RIGHTS; PidFile gets init's pid.
	ConsoleSocket, PidfdSocket, PidFile string
	// NoPivot and NoNewKeyring as the flags of that name.
	NoPivot, NoNewKeyring bool
	// PreserveFds is how many descriptors from 3 on the container gets, those
	// of socket activation included, of which there are ListenFds.
	PreserveFds, ListenFds int
	// Detach, Keep and NoSubreaper are of run only.
	Detach, Keep, NoSubreaper bool
}

// State is what state and list print (runtime-spec runtime.md#state, and runc's
// additions).
type State struct {
	OCIVersion, ID string
	// Pid is init's, 0 when it has ended.
	Pid int
	// Status is creating, created, running, paused or stopped.
	Status         string
	Bundle, Rootfs string
	Created        time.Time
	Annotations    map[string]string
	// Owner is the user that created the container: a name, or "#" and a uid.
	Owner string
}

// The texts are runc's: managers search for them.
var (
	// ErrRunning, ErrStopped: start.
	ErrRunning = errors.New("cannot start an already running container")
	ErrStopped = errors.New("cannot start a container that has stopped")
	// ErrPaused: start of a paused container.
	ErrPaused = errors.New("cannot start a container in the paused state")
	// ErrNotRunning: kill and pause.
	ErrNotRunning = errors.New("container not running")
	// ErrNotPaused: resume.
	ErrNotPaused = errors.New("container not paused")
)

func (r *Runtime) warn(text string) {
	if r.Warn != nil {
		r.Warn(text)
	}
}

func (r *Runtime) debug(text string) {
	if r.Debug != nil {
		r.Debug(text)
	}
}

// handle is an open container and the root it is in.
type handle struct {
	*store.Dir
	root *store.Root
}

// Close closes both.
func (h *handle) Close() {
	h.Dir.Close()
	h.root.Close()
}

// open finds an existing container.
func (r *Runtime) open(id string) (*handle, error) {
	if err := store.CheckID(id); err != nil {
		return nil, err
	}
	root, err := store.OpenRoot(r.Root)
	if err != nil {
		return nil, err
	}
	dir, err := root.Open(id)
	if err != nil {
		root.Close()
		return nil, err
	}
	return &handle{Dir: dir, root: root}, nil
}

// rootless reports whether failures of cgroups are tolerated.
func (r *Runtime) rootless(f host.Facts) bool {
	switch r.Rootless {
	case "true":
		return true
	case "false":
		return false
	}
	return !f.Privileged()
}

// group is the cgroup of a record.
func group(rec *store.Record) (*cgroup.Group, error) {
	layout, err := cgroup.Probe()
	if err != nil {
		return nil, err
	}
	return cgroup.FromPaths(layout, rec.Cgroups, rec.Rootless)
}

// poll waits for a descriptor, without end if timeout is negative. It returns
// false when the time is over.
func poll(fd int, events int16, timeout time.Duration) (bool, error) {
	deadline := time.Now().Add(timeout)
	for {
		ms := -1
		if timeout >= 0 {
			ms = int((time.Until(deadline) + time.Millisecond - 1) / time.Millisecond)
			ms = max(ms, 0)
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: events}}, ms)
		if err == unix.EINTR {
			continue
		}
		return n > 0, err
	}
}
