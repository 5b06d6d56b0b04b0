package libct

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/child"
	"rt/libct/compile"
	"rt/libct/host"
	"rt/libct/plan"
	"rt/libct/spec"
)

// AddMounts mounts these in a container that is created, running or paused. All
// are made, or none: what was mounted before one failed is unmounted again.
// Relative sources are taken from the working directory.
func (r *Runtime) AddMounts(id string, mounts []specs.Mount) error {
	return r.withInit(id, func(l live) error {
		if err := spec.ValidateMounts(mounts, l.namespaces&unix.CLONE_NEWUSER != 0); err != nil {
			return err
		}
		return l.add(mounts)
	})
}

// RemoveMounts unmounts what is mounted at these destinations of a container, in
// their order, up to the first that is no mount point. Of a mount the
// destination alone counts.
func (r *Runtime) RemoveMounts(id string, mounts []specs.Mount) error {
	var at []string
	for i, m := range mounts {
		if m.Destination == "" {
			return fmt.Errorf("mounts[%d].destination: must not be empty", i)
		}
		at = append(at, m.Destination)
	}
	return r.withInit(id, func(l live) error { return l.remove(at) })
}

// live is the init of a container that goes on, held by a pidfd.
type live struct {
	pid, pidfd int
	namespaces uint64
}

// withInit runs do for a container that has an init and mounts of its own.
func (r *Runtime) withInit(id string, do func(live) error) error {
	dir, err := r.open(id)
	if err != nil {
		return err
	}
	defer dir.Close()
	rec, err := dir.Record()
	if err != nil {
		return err
	}
	if st, err := status(dir.Dir, rec); err != nil {
		return err
	} else if st != statusRunning && st != statusPaused && st != "created" {
		return ErrNotRunning
	}
	if rec.Namespaces&unix.CLONE_NEWNS == 0 {
		return errors.New("the container has no mount namespace of its own")
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
	err = do(live{pid: rec.Pid, pidfd: pidfd, namespaces: rec.Namespaces})
	if errors.Is(err, unix.ESRCH) {
		return ErrNotRunning // it has ended meanwhile
	}
	return err
}

func (l live) add(mounts []specs.Mount) error {
	facts, err := host.Probe()
	if err != nil {
		return err
	}
	s := &specs.Spec{Mounts: mounts, Linux: &specs.Linux{}}
	if l.namespaces&unix.CLONE_NEWUSER != 0 {
		// Where id-mapped mounts without maps of their own take them from.
		path := "/proc/" + strconv.Itoa(l.pid) + "/ns/user"
		s.Linux.Namespaces = []specs.LinuxNamespace{{Type: specs.UserNamespace, Path: path}}
	}
	input := compile.Input{Spec: s, Facts: facts, Rootless: !facts.Privileged()}
	p, err := compile.AddMounts(input, l.namespaces)
	if err != nil {
		return err
	}
	in := inputs{}
	defer in.close()
	if !input.Rootless {
		if err := in.openSources(s, facts); err != nil {
			return err
		}
	}
	done, err := l.walk(p, in, "move_mount")
	if err == nil {
		return nil
	}
	var undo []string
	for _, m := range slices.Backward(mounts[:done]) {
		undo = append(undo, m.Destination)
	}
	if len(undo) > 0 {
		err = errors.Join(err, l.remove(undo))
	}
	return err
}

// openSources clones the bind mounts' sources, id-mapped if they are to be.
func (in inputs) openSources(s *specs.Spec, facts host.Facts) error {
	if err := in.openNamespaces(s); err != nil {
		return err
	}
	if err := in.openIdmaps(s, facts); err != nil {
		return err
	}
	for i := range s.Mounts {
		if !compile.IsBind(&s.Mounts[i]) {
			continue
		}
		if err := in.cloneSource(s, i); err != nil {
			return err
		}
	}
	return nil
}

func (l live) remove(destinations []string) error {
	p, err := compile.RemoveMounts(l.namespaces, destinations)
	if err != nil {
		return err
	}
	in := inputs{}
	defer in.close()
	done, err := l.walk(p, in, "umount2")
	var op *plan.OpError
	if errors.As(err, &op) && op.Errno == unix.EINVAL && done < len(destinations) {
		return fmt.Errorf("unmount %s: no mount point, or one that the container may not unmount: %w", destinations[done], err)
	}
	return err
}

// walk has a child run a plan that ends without execve. It returns how many
// calls of that name have succeeded.
func (l live) walk(p *plan.Plan, in inputs, name string) (done int, err error) {
	if in[compile.SlotInit], err = unix.FcntlInt(uintptr(l.pidfd), unix.F_DUPFD_CLOEXEC, 3); err != nil {
		return 0, fmt.Errorf("duplicate init's pidfd: %w", err)
	}
	values, err := in.values(p)
	if err != nil {
		return 0, err
	}
	proc, err := child.Start(p, values, -1)
	if err != nil {
		return 0, err
	}
	defer proc.Close()
	if _, err := reap(proc.Pid); err != nil {
		return 0, fmt.Errorf("wait for the child: %w", err)
	}
	if pid, ok := proc.Named(compile.SlotPid); ok {
		if _, err := reap(pid); err != nil {
			return 0, fmt.Errorf("wait for the child in the container: %w", err)
		}
	}
	end := len(p.Ops) - 1
	err = proc.Err()
	if err == nil && proc.Index() == end {
		return len(p.Ops), nil
	}
	for _, o := range p.Ops[:proc.Index()] {
		if o.Call.Name == name {
			done++
		}
	}
	if err == nil {
		at := p.Fail(proc.Index(), 0)
		err = fmt.Errorf("the child was killed at op %d %s", at.Index, at.Line)
	}
	return done, err
}
