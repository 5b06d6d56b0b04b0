package libct

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/child"
	"rt/libct/hook"
	"rt/libct/host"
	"rt/libct/jsontext"
	"rt/libct/plan"
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

// containerHooks run in the namespaces of a container's init, as processes of a
// plan of their own.
type containerHooks struct {
	pidfd      int
	namespaces uint64
	facts      host.Facts
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

// plan enters the namespaces and executes the hook.
func (c containerHooks) plan(h *specs.Hook) *plan.Plan {
	b := plan.NewBuilder()
	target, stdin := b.Input("init"), b.Input("stdin")
	b.Step("hook " + h.Path)
	b.Add(plan.Prctl(unix.PR_SET_PDEATHSIG, uint64(unix.SIGKILL), 0))
	b.Add(plan.DefaultSignal(32), plan.DefaultSignal(33))
	if c.namespaces != 0 {
		b.Add(plan.Setns(target, c.namespaces))
	}
	if c.namespaces&unix.CLONE_NEWUSER != 0 {
		b.Add(plan.Setresgid(0).Or(unix.EINVAL), plan.Setresuid(0).Or(unix.EINVAL))
	}
	if c.namespaces&(unix.CLONE_NEWPID|unix.CLONE_NEWTIME) != 0 {
		b.Add(plan.CloneParent(0, b.Slot("pid")))
		b.Add(plan.Prctl(unix.PR_SET_PDEATHSIG, uint64(unix.SIGKILL), 0))
	}
	b.Add(plan.Setrlimit(unix.RLIMIT_NOFILE, c.facts.Nofile.Soft, c.facts.Nofile.Hard).Or(unix.EPERM))
	b.Add(plan.Chdir("/"), plan.Dup3(stdin, 0, 0), plan.CloseRange(3, true), plan.UnblockSignals(0))
	args := h.Args
	if len(args) == 0 {
		args = []string{h.Path}
	}
	b.Add(plan.Execve(h.Path, args, h.Env))
	return b.Plan()
}

func (c containerHooks) one(h *specs.Hook, state []byte) error {
	p := c.plan(h)
	if err := p.Check(); err != nil {
		return err
	}
	read, err := stateFile(state)
	if err != nil {
		return err
	}
	defer unix.Close(read)
	proc, err := child.Start(p, []int64{int64(c.pidfd), int64(read)}, -1)
	if err != nil {
		return err
	}
	defer proc.Close()
	pid, pidfd := proc.Pid, proc.Pidfd
	if c.namespaces&(unix.CLONE_NEWPID|unix.CLONE_NEWTIME) != 0 {
		if _, err := reap(proc.Pid); err != nil {
			return err
		}
		if err := proc.Err(); err != nil {
			return err
		}
		var ok bool
		if pid, ok = proc.Named("pid"); !ok {
			return errors.New("the hook's process was not cloned")
		}
		if pidfd, err = unix.PidfdOpen(pid, 0); err != nil {
			return err
		}
		defer unix.Close(pidfd)
	}
	return c.await(proc, h, pid, pidfd)
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
		return fmt.Errorf("%s: killed by %v", h.Path, status.Signal())
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
	if _, err := unix.Seek(fd, 0, os.SEEK_SET); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}
