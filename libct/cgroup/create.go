package cgroup

import (
	"errors"
	"fmt"
	"path"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Create makes the group's directory in every hierarchy, with its parents,
// ready for limits and processes: on v1 cpuset gets its parent's CPUs and
// memory nodes, on v2 the controllers are enabled down the path. A directory
// that exists already must have no processes and must not be frozen. The
// mode is 0755 less the umask.
// If Create fails it has removed again what it made.
func (g *Group) Create(r *specs.LinuxResources) error {
	for i := range g.dirs {
		g.dirs[i].lost = nil
		err := g.create(&g.dirs[i], r)
		if err == nil {
			continue
		}
		if g.rootless && !g.named && refused(err) && !(g.unified && len(needs(r)) > 0) {
			g.dirs[i].lost = err
			continue
		}
		if g.rootless && !g.named && refused(err) {
			err = fmt.Errorf("rootless needs no limits + no cgrouppath when no permission is granted for cgroups: %w", err)
		}
		return errors.Join(err, g.Undo())
	}
	return nil
}

func (g *Group) create(d *dir, r *specs.LinuxResources) error {
	existed, err := d.mkdir()
	if err == nil && existed {
		err = d.vacant()
	}
	switch {
	case err != nil:
		return err
	case d.V2:
		return g.prepareV2(d, r)
	case d.has("cpuset"):
		return d.inheritCpuset(r)
	}
	return nil
}

// mkdir makes the directory and the parents that are missing.
func (d *dir) mkdir() (existed bool, err error) {
	// A neighbour's Undo may remove a parent between two steps.
	const tries = 20
	for range tries {
		switch err = mkdir(d.path); err {
		case nil:
			if d.made == 0 {
				d.made = len(d.path)
			}
			return false, nil
		case unix.EEXIST:
			return true, nil
		case unix.ENOENT:
		default:
			return false, pathError("mkdir", d.path, err)
		}
		if err = d.mkdirParents(); err != nil && !absent(err) {
			return false, err
		}
	}
	return false, err
}

// mkdirParents makes what is missing between the mount and the directory.
func (d *dir) mkdirParents() error {
	for end := len(d.Mount) + 1; end < len(d.path); end++ {
		if d.path[end] != '/' {
			continue
		}
		switch err := mkdir(d.path[:end]); err {
		case nil:
			if d.made == 0 || end < d.made {
				d.made = end
			}
		case unix.EEXIST:
		default:
			return pathError("mkdir", d.path[:end], err)
		}
	}
	return nil
}

func mkdir(path string) error {
	for {
		if err := unix.Mkdirat(unix.AT_FDCWD, path, 0o755); err != unix.EINTR {
			return err
		}
	}
}

// Adopt prepares a group that a service manager has made, with a process in it:
// directories that it leaves to us are made, and on v1 cpuset gets what it
// needs. Join is next.
func (g *Group) Adopt(r *specs.LinuxResources) error {
	for i := range g.dirs {
		d := &g.dirs[i]
		_, err := d.mkdir()
		if err == nil && !d.V2 && d.has("cpuset") {
			err = d.inheritCpuset(r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Vacant returns an error, NotEmptyError or ErrFrozen, if the group is there and
// in use.
func (g *Group) Vacant() error {
	for i := range g.dirs {
		if err := g.dirs[i].vacant(); err != nil {
			return err
		}
	}
	return nil
}

// vacant refuses a directory that is in use by someone else.
func (d *dir) vacant() error {
	pids, err := procs(d.path)
	if err != nil && !absent(err) {
		return err
	}
	if len(pids) > 0 {
		return &NotEmptyError{Path: d.path, Procs: len(pids)}
	}
	frozen, err := d.frozen()
	if err != nil && !absent(err) {
		return err
	}
	if frozen {
		return pathError("create", d.path, ErrFrozen)
	}
	return nil
}

// inheritCpuset gives the v1 cpuset what it needs before a process can join:
// CPUs and memory nodes. A value that the configuration sets is only made
// possible, by seeing to the parent.
func (d *dir) inheritCpuset(r *specs.LinuxResources) error {
	cpus, mems := d.path, d.path
	if r != nil && r.CPU != nil && r.CPU.Cpus != "" {
		cpus = path.Dir(d.path)
	}
	if r != nil && r.CPU != nil && r.CPU.Mems != "" {
		mems = path.Dir(d.path)
	}
	if _, err := d.inherit(cpus, "cpuset.cpus"); err != nil {
		return err
	}
	_, err := d.inherit(mems, "cpuset.mems")
	return err
}

// inherit returns the value of a cpuset file after copying it from the
// parent if it is empty, as it is in every group that was made just now.
func (d *dir) inherit(at, file string) (string, error) {
	if d.made == 0 || len(at) < d.made {
		value, err := readKnob(at, file)
		if err != nil || value != "" || at == d.Mount {
			return value, err
		}
	}
	value, err := d.inherit(path.Dir(at), file)
	if err != nil {
		return "", err
	}
	return value, writeFile(at, file, value)
}

// Undo removes what Create made and nothing else. Parents that others use
// by now stay. It may be called more than once.
func (g *Group) Undo() error {
	var errs []error
	for i := range g.dirs {
		d := &g.dirs[i]
		if d.made == 0 {
			continue
		}
		if err := removeTree(d.path, soon(undoWait)); err != nil {
			errs = append(errs, err)
			continue
		}
		for p := path.Dir(d.path); len(p) >= d.made; p = path.Dir(p) {
			if unix.Rmdir(p) != nil {
				break
			}
		}
		d.made = 0
	}
	return errors.Join(errs...)
}
