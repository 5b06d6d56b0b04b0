package libct

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/cgroup"
	"rt/libct/hook"
	"rt/libct/resctrl"
	"rt/libct/store"
)

// deadline is how long delete waits for killed processes and busy cgroups.
const deadline = 10 * time.Second

// Delete removes a stopped container and all that belongs to it. With force it
// is killed first, and whatever state its record is in, delete returns without
// an error only when nothing of the container is left.
func (r *Runtime) Delete(id string, force bool) error {
	dir, err := r.open(id)
	switch {
	case errors.Is(err, store.ErrNotExist) && force:
		return nil
	case errors.Is(err, store.ErrCorrupt) && force:
		return r.deleteEntry(id)
	case err != nil:
		return err
	}
	defer dir.Close()
	rec, err := dir.Record()
	switch {
	case errors.Is(err, store.ErrNotExist) && force:
		// Claimed by a create that was killed, or that is just writing it.
		return dir.Remove()
	case errors.Is(err, store.ErrCorrupt) && force:
		return r.deleteDamaged(dir.Dir)
	case err != nil:
		return err
	}
	st, err := status(dir.Dir, rec)
	if err != nil && !force {
		return err
	}
	// A created container has run nothing of its own: like runc, delete ends it.
	if !force && st != statusStopped && st != string(store.Created) {
		return fmt.Errorf("cannot delete container %s that is not stopped: %s", id, st)
	}
	return r.remove(dir.Dir, rec)
}

// remove ends what runs and takes the container apart, its record last.
func (r *Runtime) remove(dir *store.Dir, rec *store.Record) error {
	layout, err := cgroup.Probe()
	if err != nil {
		return err
	}
	return r.removeFrom(layout, dir, rec)
}

// removeFrom is remove where the hierarchies are known.
func (r *Runtime) removeFrom(layout cgroup.Layout, dir *store.Dir, rec *store.Record) error {
	g, err := groupToClear(dir, rec, layout)
	if err != nil {
		return err
	}
	if err := killInit(rec, g); err != nil {
		return err
	}
	if rec.SystemdCgroup {
		err = r.clearScope(g, rec.ID, rec.Rootless, rec.Status == store.Creating)
	} else {
		err = clearGroup(g, rec.ID, rec.Rootless)
	}
	if err != nil {
		return err
	}
	if err := resctrl.Remove(rdtGroup(rec)); err != nil {
		return err
	}
	if err := r.poststop(dir, rec); err != nil {
		return err
	}
	return dir.Remove()
}

// groupToClear is the cgroup of the record, or, should that be another
// container's, of the copy that is kept beside the record.
func groupToClear(dir *store.Dir, rec *store.Record, layout cgroup.Layout) (*cgroup.Group, error) {
	g, err := cgroup.FromPaths(layout, rec.Cgroups, rec.Rootless)
	if err == nil {
		if mine, err := owned(g, rec.ID, rec.Rootless); err != nil || mine {
			return g, err
		}
	}
	paths, cerr := dir.Cgroups()
	if cerr != nil {
		return g, err
	}
	second, cerr := cgroup.FromPaths(layout, paths, rec.Rootless)
	if cerr != nil {
		return g, err
	}
	rec.Cgroups = paths
	return second, nil
}

// poststop runs the poststop hooks, of several deletes at once only one.
func (r *Runtime) poststop(dir *store.Dir, rec *store.Record) error {
	if len(rec.Poststop) == 0 || rec.Status == store.Creating {
		return nil
	}
	var hooks []specs.Hook
	err := dir.Update(func(rec *store.Record) error {
		hooks, rec.Poststop = rec.Poststop, nil
		return nil
	})
	if errors.Is(err, store.ErrNotExist) {
		return nil // another delete was faster
	}
	if err != nil {
		return err
	}
	s := &State{OCIVersion: rec.OCIVersion, ID: rec.ID, Status: statusStopped, Bundle: rec.Bundle, Annotations: rec.Annotations}
	// As runc: a failed poststop hook is told, and deletes all the same
	// (runtime-spec runtime.md#lifecycle, step 13).
	r.runPoststop(hooks, s)
	return nil
}

// runPoststop runs them all, whatever becomes of each.
func (r *Runtime) runPoststop(hooks []specs.Hook, s *State) {
	state := s.stateJSON()
	for i := range hooks {
		if err := hook.Run("poststop", i, &hooks[i], state); err != nil {
			r.warn(err.Error())
		}
	}
}

// killInit kills init and waits until it is gone: with its pid namespace all
// others go.
func killInit(rec *store.Record, g *cgroup.Group) error {
	if rec.Status == store.Creating {
		return nil // the record's pid is the creator's
	}
	pidfd, err := openInit(rec, g)
	if err != nil {
		return nil // not running, or not ours: the cgroup is cleared next
	}
	defer unix.Close(pidfd)
	if err := unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0); err != nil && err != unix.ESRCH {
		return fmt.Errorf("kill init of %s: %w", rec.ID, err)
	}
	if err := thaw(g); err != nil {
		return err
	}
	gone, err := poll(pidfd, unix.POLLIN, patience)
	if err == nil && !gone {
		// Init's end waits for all in its pid namespace, and they for whoever
		// traces them: CRIU, which in a restore is in the cgroup too.
		if err = killGroup(g, rec.ID, rec.Rootless); err == nil {
			gone, err = poll(pidfd, unix.POLLIN, deadline)
		}
	}
	if err == nil && !gone {
		err = fmt.Errorf("init of %s, process %d, did not end within %v of SIGKILL", rec.ID, rec.Pid, deadline)
	}
	return err
}

// patience is how long a killed init usually needs at most.
const patience = time.Second

// recheck is how long clearGroup waits for processes to end before it looks for
// new ones: a create that is still at work may put its child into the cgroup
// after the kill.
const recheck = 50 * time.Millisecond

// clearGroup kills every process of a container's cgroup and removes it. A
// cgroup that is another's is left alone, and is an error only if it is in use.
func clearGroup(g *cgroup.Group, id string, rootless bool) error {
	for end := time.Now().Add(deadline); ; {
		if err := killGroup(g, id, rootless); err != nil {
			return err
		}
		err := g.Delete(recheck)
		if !errors.Is(err, unix.EBUSY) || time.Now().After(end) {
			return err
		}
	}
}

// killGroup kills every process of a container's cgroup.
func killGroup(g *cgroup.Group, id string, rootless bool) error {
	procs, err := g.Procs()
	if err != nil || len(procs) == 0 {
		return err
	}
	mine, err := owned(g, id, rootless)
	if err != nil {
		return err
	}
	if !mine {
		return fmt.Errorf("cgroup %s has processes and is not container %s's", g.Members(), id)
	}
	return g.Kill()
}

// deleteDamaged clears a container whose record cannot be read, by the copy of
// its cgroup paths. Is that damaged too, only a cgroup named by the id can be
// found, and without one it is an error: something may be left.
func (r *Runtime) deleteDamaged(dir *store.Dir) error {
	paths, err := dir.Cgroups()
	if errors.Is(err, os.ErrNotExist) {
		return dir.Remove() // there never was a cgroup
	}
	layout, perr := cgroup.Probe()
	if perr != nil {
		return perr
	}
	var g *cgroup.Group
	if err == nil {
		g, err = cgroup.FromPaths(layout, paths, true)
	}
	if err != nil {
		byID, nerr := cgroup.New(layout, "", dir.ID(), true)
		if nerr != nil || unix.Access(byID.Members(), unix.F_OK) != nil {
			return fmt.Errorf("cgroup of %s is unknown: %w", dir.ID(), err)
		}
		g = byID
	}
	if inScope(g) {
		err = r.clearScope(g, dir.ID(), false, true)
	} else {
		err = clearGroup(g, dir.ID(), false)
	}
	if err != nil {
		return err
	}
	return dir.Remove()
}

// deleteEntry removes what is under an id and is no container's directory.
func (r *Runtime) deleteEntry(id string) error {
	root, err := store.OpenRoot(r.Root)
	if err != nil {
		return err
	}
	defer root.Close()
	return root.Remove(id)
}
