// Package hook runs the hooks that belong into the runtime's namespaces:
// prestart, createRuntime, poststart and poststop (runtime-spec
// config.md#posix-platform-hooks).
//
// It may import the standard library, x/sys/unix and the spec's types; os/exec
// is left out, which brings goroutines and wants to wait for everybody who
// holds a pipe. It must never run a hook inside a container.
package hook

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// ErrTimeout is matched by the error of a hook that ran past its timeout.
var ErrTimeout = errors.New("hook ran past specified timeout")

// RunAll runs hooks in order and stops at the first that fails. name is the
// kind of the hooks, as config.json calls it.
func RunAll(name string, hooks []specs.Hook, state []byte) error {
	for i := range hooks {
		if err := Run(name, i, &hooks[i], state); err != nil {
			return err
		}
	}
	return nil
}

// Run runs the i-th hook of a kind and waits for it, but for no process that it
// leaves behind. The hook reads state, the container's state as JSON, from its
// stdin, or not. Without an environment of its own it gets this process's, as
// in runc. Its error has runc's wording, and the head of the hook's output if
// that failed.
//
// The hook leads a process group of its own, all of which a timeout kills. It
// is killed too if the calling process dies.
func Run(name string, i int, h *specs.Hook, state []byte) error {
	if err := run(h, state); err != nil {
		return fmt.Errorf("error running %s hook #%d: %w", name, i, err)
	}
	return nil
}

func run(h *specs.Hook, state []byte) error {
	if h.Path == "" || h.Path[0] != '/' {
		return fmt.Errorf("path %q is not absolute", h.Path)
	}
	limit, err := timeout(h)
	if err != nil {
		return err
	}
	// The kernel kills the hook when the thread that made it ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	pipes, theirs, err := openPipes(state)
	if err != nil {
		return err
	}
	defer pipes.close()
	p, err := start(h, theirs)
	for _, f := range theirs {
		_ = f.Close() // the hook has its own now
	}
	if err != nil {
		return err
	}
	timedOut, err := pipes.serve(p.fd, limit)
	if timedOut || err != nil {
		p.kill()
	}
	status, waitErr := p.Wait()
	_ = unix.Close(p.fd)
	switch {
	case timedOut:
		return fmt.Errorf("%w of %.1fs", ErrTimeout, limit.Seconds())
	case err != nil || waitErr != nil:
		return errors.Join(err, waitErr)
	case !status.Success():
		return fmt.Errorf("%s, stdout: %s, stderr: %s", status, &pipes.out, &pipes.err)
	}
	return nil
}

// timeout returns a hook's timeout, zero for none.
func timeout(h *specs.Hook) (time.Duration, error) {
	if h.Timeout == nil {
		return 0, nil
	}
	seconds := int64(*h.Timeout)
	if seconds <= 0 {
		return 0, fmt.Errorf("timeout %d is not greater than zero", seconds)
	}
	return time.Duration(min(seconds, math.MaxInt64/int64(time.Second))) * time.Second, nil
}

// process is a running hook, its group and its pidfd.
type process struct {
	*os.Process
	fd int
}

func start(h *specs.Hook, files []*os.File) (*process, error) {
	args, env := h.Args, h.Env
	if len(args) == 0 {
		args = []string{h.Path}
	}
	if env == nil {
		env = os.Environ()
	}
	p := &process{fd: -1}
	var err error
	p.Process, err = os.StartProcess(h.Path, args, &os.ProcAttr{
		Env: env, Files: files,
		Sys: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return nil, err
	}
	// The process is our child and not waited for: the pid is still its own.
	if p.fd, err = unix.PidfdOpen(p.Pid, 0); err != nil {
		p.kill()
		_, waitErr := p.Wait()
		return nil, errors.Join(&fs.PathError{Op: "pidfd_open", Path: strconv.Itoa(p.Pid), Err: err}, waitErr)
	}
	return p, nil
}

// kill kills the hook's group, and the hook itself should it have left that.
// It is not waited for yet, so neither number can be another's; where kill
// fails there is nothing to kill.
func (p *process) kill() {
	_ = unix.Kill(-p.Pid, unix.SIGKILL)
	_ = unix.Kill(p.Pid, unix.SIGKILL)
}
