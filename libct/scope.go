package libct

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/cgroup"
	"rt/libct/compile"
	"rt/libct/systemd"
)

// scope is a container's cgroup that systemd makes: a unit, and the group for
// all that is not systemd's.
type scope struct {
	*cgroup.Group
	unit systemd.Unit
	// user is whether it is the caller's own systemd; unified a host of cgroup
	// v2 only.
	user, unified bool
	// annotations are the properties that config.json gives.
	annotations []systemd.Property
	bus         *systemd.Bus // nil until it is needed
}

// newScope finds out where a container's scope will be, and makes nothing.
func newScope(l cgroup.Layout, cgroupsPath string, in *compile.Input, user bool) (*scope, error) {
	if !systemd.Running() {
		return nil, systemd.ErrNotRunning
	}
	s := &scope{user: user, unified: l.Mode() == cgroup.ModeUnified}
	if user && !s.unified {
		return nil, errors.New("cannot use rootless systemd cgroups manager on cgroup v1")
	}
	var err error
	if s.unit, err = systemd.Parse(cgroupsPath, in.ID, user); err != nil {
		return nil, fmt.Errorf("linux.cgroupsPath: %w", err)
	}
	if !strings.HasSuffix(s.unit.Name, ".scope") {
		// systemd puts no processes into a slice.
		return nil, fmt.Errorf("linux.cgroupsPath: a container cannot be the slice %s", s.unit.Name)
	}
	if s.annotations, err = systemd.Annotations(in.Spec.Annotations); err != nil {
		return nil, err
	}
	place, err := s.unit.Path()
	if err != nil {
		return nil, fmt.Errorf("linux.cgroupsPath: %w", err)
	}
	if user {
		// Only there a user's systemd can make cgroups, and only it knows where.
		err := s.connect()
		if err != nil {
			return nil, err
		}
		root, err := s.bus.Root()
		if err != nil {
			s.close()
			return nil, err
		}
		place = root + place
	}
	if s.Group, err = cgroup.New(l, place, in.ID, user); err != nil {
		s.close()
		return nil, fmt.Errorf("linux.cgroupsPath: %w", err)
	}
	return s, nil
}

func (s *scope) connect() (err error) {
	if s.bus == nil {
		s.bus, err = systemd.Connect(s.user)
	}
	return err
}

func (s *scope) close() {
	if s.bus != nil {
		s.bus.Close()
		s.bus = nil
	}
}

// host is what the translation of r depends on.
func (s *scope) host(r *specs.LinuxResources) (h systemd.Host, err error) {
	h = systemd.Host{V2: s.unified, User: s.user}
	if systemd.NeedsVersion(r) {
		h.Version, err = s.bus.Version()
	}
	return h, err
}

// update changes limits, all or none: the cgroup judges them first, since it
// can be put back, then more does. systemd may write more of a controller than it
// was told, so that the cgroup comes last again.
func (s *scope) update(r *specs.LinuxResources, more func() error) error {
	if err := s.connect(); err != nil {
		return err
	}
	full, err := s.Complete(r)
	if err != nil {
		return err
	}
	full = systemd.Round(full)
	h, err := s.host(full)
	if err != nil {
		return err
	}
	properties, err := systemd.Resources(full, h)
	if err != nil {
		return err
	}
	return s.Update(full, func() error {
		if err := more(); err != nil {
			return err
		}
		if err := s.bus.Set(s.unit.Name, properties); err != nil {
			return err
		}
		return s.Group.Apply(full)
	})
}

// expectScope checks that the scope's cgroup is free; systemd makes it once
// there is a process to put into it.
func (c *creation) expectScope() error {
	if err := c.group.Vacant(); err != nil {
		return err
	}
	c.input.Hierarchies, c.input.Placed = hierarchies(c.group), true
	unjoined(c.input.Hierarchies)
	return c.scope.connect()
}

// unjoined are hierarchies that the child does not join by itself.
func unjoined(list []compile.Hierarchy) {
	for i := range list {
		list[i].Join = false
	}
}

// place has systemd make the scope with the child, which waits for it.
func (c *creation) place() error {
	if c.scope == nil {
		return nil
	}
	b, err := c.hear()
	if err != nil {
		return err
	}
	if b != compile.BarrierScope {
		return c.died()
	}
	if err := c.startScope(c.pid); err != nil {
		if c.gone(err) {
			return c.died() // that is why
		}
		return err
	}
	if _, err := unix.Write(c.sync, []byte{b}); err != nil && err != unix.EPIPE {
		return fmt.Errorf("answer init: %w", err)
	}
	return nil
}

// startScope makes the scope with a process in it.
func (c *creation) startScope(pid int) error {
	if err := c.makeScope(pid); err != nil {
		return fmt.Errorf("unable to apply cgroup configuration: %w", err)
	}
	return nil
}

func (c *creation) makeScope(pid int) error {
	r := c.resources()
	h, err := c.scope.host(r)
	if err != nil {
		return err
	}
	h.New = true
	properties, err := systemd.Resources(systemd.Round(r), h)
	if err != nil {
		return err
	}
	early := c.early()
	if early != nil {
		properties = append(properties, systemd.Devices(early.Devices, h)...)
	}
	// As in runc, what linux.resources says comes after the annotations.
	properties = append(c.scope.annotations, properties...)
	// A scope that was not made for sure is not ours to clear: without its
	// process, systemd gives it up by itself.
	if err := c.scope.bus.Start(c.scope.unit, describeScope(c.id), pid, c.scope.unified, properties); err != nil {
		return err
	}
	c.grouped = true
	if c.scope.unified {
		return c.verifyScope(pid, early)
	}
	if err := c.group.Adopt(r); err != nil {
		return err
	}
	if err := c.group.Apply(early); err != nil {
		return err
	}
	if err := c.group.Join(pid); err != nil {
		return err
	}
	return mark(c.group, c.id)
}

// verifyScope makes sure that systemd has put the child where we think.
func (c *creation) verifyScope(pid int, early *specs.LinuxResources) error {
	in, err := c.group.Holds(pid)
	if err != nil {
		return err
	}
	if !in {
		return fmt.Errorf("systemd did not put process %d into %s", pid, c.group.Members())
	}
	if err := mark(c.group, c.id); err != nil {
		return err
	}
	return c.group.Apply(early)
}

// undo removes the scope of a create that failed.
func (s *scope) undo(id string) error {
	return errors.Join(s.Kill(), s.Wait(deadline), s.remove(id, true))
}

// describeScope is what the unit of a container is described as; a unit with
// the description is the container's even before its cgroup has a mark.
func describeScope(id string) string { return "rt container " + id }

// remove has systemd forget the unit, and removes what it leaves of the cgroup.
// A unit is stopped if it is the container's: with marked, one that has this
// cgroup, otherwise one of the container's description, which a create that was
// killed may have left to systemd to start. By its name alone it could be
// another's.
func (s *scope) remove(id string, marked bool) error {
	if err := s.connect(); err != nil {
		return err
	}
	description, at, err := s.bus.Look(s.unit.Name)
	if err != nil {
		return err
	}
	here := at == s.Inside()
	switch {
	case here && marked, (here || at == "") && description == describeScope(id):
		if err := s.bus.Stop(s.unit.Name); err != nil {
			return err
		}
	case at != "":
		return s.deleteMarked(id)
	}
	return errors.Join(s.bus.Reset(s.unit.Name), s.deleteMarked(id))
}

// deleteMarked removes what is left of the cgroup, unless another create has it
// already, marked or not: of a scope whose cgroup is gone systemd never sees the
// end.
func (s *scope) deleteMarked(id string) error {
	if mine, err := owned(s.Group, id, s.user); err != nil || !mine {
		return err
	}
	if err := s.Delete(0); !errors.Is(err, unix.EBUSY) {
		return err
	}
	return nil
}

// inScope reports whether a group seems to be a systemd scope.
func inScope(g *cgroup.Group) bool {
	return strings.HasSuffix(g.Members(), ".scope") && systemd.Running()
}

// clearScope kills every process of a container's scope and removes it; creating
// says that the create may have been killed. Without systemd the cgroup is
// removed all the same.
func (r *Runtime) clearScope(g *cgroup.Group, id string, rootless, creating bool) error {
	ours, err := emptyScope(g, id, rootless, creating)
	if err != nil {
		return err
	}
	s := &scope{Group: g, unit: systemd.Unit{Name: systemd.UnitAt(g.Members())}, user: rootless || unix.Geteuid() != 0}
	defer s.close()
	if err := s.remove(id, ours); err != nil {
		r.warn(err.Error())
		return clearGroup(g, id, rootless)
	}
	return nil
}

// emptyScope kills what is in the scope until nothing is left in it, and
// reports whether it is there and the container's. The scope of a create that
// was killed may have no mark yet; its process is then ending by itself.
func emptyScope(g *cgroup.Group, id string, rootless, creating bool) (ours bool, err error) {
	for end := time.Now().Add(deadline); ; {
		err := killGroup(g, id, rootless)
		if err != nil && !creating {
			return false, err
		}
		left := g.Wait(recheck)
		if left == nil {
			break
		}
		if !errors.Is(left, cgroup.ErrTimeout) || time.Now().After(end) {
			return false, errors.Join(err, left)
		}
	}
	if unix.Access(g.Members(), unix.F_OK) != nil {
		return false, nil
	}
	return owned(g, id, rootless)
}
