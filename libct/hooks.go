package libct

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/cgroup"
	"rt/libct/child"
	"rt/libct/compile"
	"rt/libct/hook"
	"rt/libct/host"
	"rt/libct/jsontext"
)

// stateJSON is what hooks read on standard input (runtime-spec
// runtime.md#state).
func (s *State) stateJSON() []byte {
	w := jsontext.NewWriter("")
	member := func(key, value string) {
		w.Key(key)
		w.String(value)
	}
	w.Object(func() {
		member("ociVersion", s.OCIVersion)
		member("id", s.ID)
		member("status", s.Status)
		w.Key("pid")
		w.Int(int64(s.Pid))
		member("bundle", s.Bundle)
		if len(s.Annotations) > 0 {
			w.Key("annotations")
			w.Object(func() {
				for _, key := range slices.Sorted(maps.Keys(s.Annotations)) {
					member(key, s.Annotations[key])
				}
			})
		}
	})
	return w.Bytes()
}

// runHooks runs hooks of the runtime's namespaces in order, until one fails.
func runHooks(kind string, hooks []specs.Hook, s *State) error {
	if len(hooks) == 0 {
		return nil
	}
	return hook.RunAll(kind, hooks, s.stateJSON())
}

// errKilled is a hook's end by a signal, as init's end is to all in its pid
// namespace.
var errKilled = errors.New("killed")

// containerHooks run in the namespaces of a container's init, as processes of a
// plan of their own.
type containerHooks struct {
	pidfd      int
	namespaces uint64
	// input has the facts and, for confined hooks, the process, the filter and
	// the cgroups that they are held to.
	input compile.Input
	// group is the container's, for confined hooks; otherwise nil.
	group *cgroup.Group
}

func (c containerHooks) run(kind string, hooks []specs.Hook, s *State) error {
	if len(hooks) == 0 {
		return nil
	}
	state := s.stateJSON()
	for i := range hooks {
		if err := c.one(&hooks[i], state); err != nil {
			return fmt.Errorf("error running %s hook #%d: %w", kind, i, err)
		}
	}
	return nil
}

func (c containerHooks) one(h *specs.Hook, state []byte) error {
	proc, err := c.launch(h, state)
	if err != nil {
		return err
	}
	defer proc.Close()
	pid, pidfd := proc.Pid, proc.Pidfd
	if c.namespaces&(unix.CLONE_NEWPID|unix.CLONE_NEWTIME) != 0 {
		if _, err := reap(proc.Pid); err != nil {
			return err
		}
		// One that has failed already is reaped too: while it is there, init's
		// pid namespace does not end.
		var ok bool
		if pid, ok = proc.Named("pid"); !ok {
			if err := proc.Err(); err != nil {
				return err
			}
			return errors.New("the hook's process was not cloned")
		}
		if pidfd, err = unix.PidfdOpen(pid, 0); err != nil {
			return err
		}
		defer unix.Close(pidfd)
	}
	return c.await(proc, h, pid, pidfd)
}

// launch starts the hook's process.
func (c containerHooks) launch(h *specs.Hook, state []byte) (*child.Process, error) {
	in := inputs{}
	defer in.close()
	dir := -1
	if c.group != nil {
		if err := in.openTasks(c.group); err != nil {
			return nil, err
		}
		fd, err := c.group.Fd()
		if err != nil {
			return nil, err
		}
		if dir = fd; dir >= 0 {
			defer unix.Close(dir)
		}
		if err := in.openConfinement(&c.input, 0); err != nil {
			return nil, err
		}
		c.input.Hierarchies, c.input.Placed = hierarchies(c.group), false
	}
	p, err := compile.Hook(c.input, c.namespaces, h, c.group != nil)
	if err != nil {
		return nil, err
	}
	read, err := stateFile(state)
	if err != nil {
		return nil, err
	}
	in[compile.SlotStdin] = read
	if in[compile.SlotInit], err = unix.FcntlInt(uintptr(c.pidfd), unix.F_DUPFD_CLOEXEC, 3); err != nil {
		return nil, fmt.Errorf("duplicate init's pidfd: %w", err)
	}
	values, err := in.values(p)
	if err != nil {
		return nil, err
	}
	proc, err := child.Start(p, values, dir)
	if err != nil && c.input.Rootless && dir >= 0 && refusesProcess(err) {
		// A user's scope is in another subtree; see execution.attach.
		return child.Start(p, values, -1)
	}
	return proc, err
}

// confined is what startContainer hooks are held to.
func (s *starting) confined() (in compile.Input, err error) {
	k, err := readKept(s.dir)
	if err != nil {
		return in, fmt.Errorf("read what hooks of %s are held to: %w", s.dir.ID(), err)
	}
	in.Spec, in.Home, in.Seccomp, in.Rootless = k.spec, k.home, k.filter, s.rec.Rootless
	in.Spec.Annotations = s.rec.Annotations
	in.Facts, err = host.Probe()
	return in, err
}

func (c containerHooks) await(proc *child.Process, h *specs.Hook, pid, pidfd int) error {
	timeout := time.Duration(-1)
	if h.Timeout != nil {
		timeout = time.Duration(*h.Timeout) * time.Second
	}
	done, err := poll(pidfd, unix.POLLIN, timeout)
	if err != nil || !done {
		_ = unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0)
	}
	status, werr := reap(pid)
	switch {
	case err != nil:
		return err
	case !done:
		return fmt.Errorf("%s: timed out after %v", h.Path, timeout)
	case werr != nil:
		return werr
	case proc.Err() != nil:
		return proc.Err()
	case status.Signaled():
		return fmt.Errorf("%s: %w by %v", h.Path, errKilled, status.Signal())
	case status.ExitStatus() != 0:
		return fmt.Errorf("%s: exit status %d", h.Path, status.ExitStatus())
	}
	return nil
}

// stateFile is a descriptor to read the state from: a file in memory, so that a
// hook that does not read blocks nobody.
func stateFile(state []byte) (int, error) {
	fd, err := unix.MemfdCreate("state", unix.MFD_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("memfd_create: %w", err)
	}
	if _, err := unix.Write(fd, state); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("write the state for a hook: %w", err)
	}
	if _, err := unix.Seek(fd, 0, io.SeekStart); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}
