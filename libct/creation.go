package libct

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/cgroup"
	"rt/libct/compile"
	"rt/libct/host"
	"rt/libct/resctrl"
	"rt/libct/spec"
	"rt/libct/store"
	"rt/libct/systemd"
)

// creation is a container being made. Its steps run in order; whatever the last
// one was, undo clears what they left.
type creation struct {
	process
	id string
	o  CreateOptions
	// park makes the container wait for start.
	park bool

	input  compile.Input
	layout cgroup.Layout
	root   *store.Root
	dir    *store.Dir
	rec    *store.Record
	group  *cgroup.Group
	// scope is the group's unit, nil without systemd.
	scope *scope
	// grouped is set once the cgroup is ours.
	grouped bool
	// rdt has the container's resctrl group, rdtBegun is set before it is made.
	rdt      resctrl.FS
	rdtBegun bool
	// scored is the process whose OOM score was set last.
	scored int
	// mapped is how many of the mounts the child has come to with BarrierIdmap.
	mapped int
	// notified is whether the container reports readiness, notify the socket
	// for that; -1 without.
	notified bool
	notify   int
	// filed is set once there may be a pid file.
	filed bool
	// hooked is set once a hook has run, so that poststop hooks must.
	hooked bool
}

func (r *Runtime) creation(id string, o CreateOptions, park bool) *creation {
	return &creation{process: r.process("init", initError, o.PreserveFds), id: id, o: o, park: park, notify: -1}
}

// Create makes a container that waits for Start. When it fails, nothing of the
// container is left.
func (r *Runtime) Create(id string, o CreateOptions) error {
	c := r.creation(id, o, true)
	defer c.close()
	if err := c.make(); err != nil {
		return errors.Join(err, c.undo())
	}
	return nil
}

// make runs the steps.
func (c *creation) make() error {
	for _, step := range []func() error{c.load, c.claim, c.makeNotify, c.makeGroup, c.makeRdt, c.openInputs, c.launch, c.place, c.limit, c.attend, c.commit} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// load reads and checks config.json: nothing is made before all of it is known
// to be possible.
func (c *creation) load() error {
	if err := store.CheckID(c.id); err != nil {
		return err
	}
	if err := checkPreserved(c.o.PreserveFds); err != nil {
		return err
	}
	if err := c.r.describe(&c.input, c.id, c.o); err != nil {
		return err
	}
	c.input.Park = c.park
	c.notifyMount()
	p := c.input.Spec.Process
	detached := c.park || c.o.Detach
	err := checkConsole(p, detached, c.o.ConsoleSocket)
	if err == nil {
		c.layout, err = cgroup.Probe()
	}
	return err
}

// describe fills in what a plan depends on, as far as it is known before
// anything is made.
func (r *Runtime) describe(in *compile.Input, id string, o CreateOptions) error {
	bundle, err := filepath.Abs(o.Bundle)
	if err != nil {
		return err
	}
	s, err := spec.Load(bundle)
	if err != nil {
		return err
	}
	if err := validate(s); err != nil {
		return err
	}
	for _, w := range spec.Warnings(s) {
		r.warn(w)
	}
	facts, err := host.Probe()
	if err != nil {
		return err
	}
	if err := checkLabels(s, facts); err != nil {
		return err
	}
	if _, err := findRdt(s); err != nil {
		return err
	}
	rootfs := s.Root.Path
	if !filepath.IsAbs(rootfs) {
		rootfs = filepath.Join(bundle, rootfs)
	}
	rootfs = filepath.Clean(rootfs)
	for i := range s.Mounts {
		m := &s.Mounts[i]
		if compile.IsBind(m) && !filepath.IsAbs(m.Source) {
			m.Source = filepath.Join(bundle, m.Source)
		}
		// As runc: a destination that begins with the rootfs's own path means
		// the place in the rootfs.
		if rest, ok := strings.CutPrefix(filepath.Clean(m.Destination), rootfs+"/"); ok {
			m.Destination = "/" + rest
		}
	}
	*in = compile.Input{
		Spec: s, Facts: facts, ID: id, Bundle: bundle, Rootfs: rootfs,
		NoPivot: o.NoPivot, NoNewKeyring: o.NoNewKeyring,
		PreserveFds: o.PreserveFds, ListenFds: o.ListenFds, Rootless: !facts.Privileged(),
		Clones: !facts.Privileged() && mayClone(facts),
	}
	return r.checkLandlock(in)
}

// validate refuses what cannot be carried out.
func validate(s *specs.Spec) error {
	if err := spec.Validate(s); err != nil {
		return err
	}
	if err := spec.Unsupported(s); err != nil {
		return err
	}
	if s.Process == nil {
		return errors.New("process: must be given")
	}
	if len(s.Mounts) > 0 && !slices.ContainsFunc(namespacesOf(s), func(ns specs.LinuxNamespace) bool { return ns.Type == specs.MountNamespace }) {
		// runc makes them in the host's, and leaves them there.
		return errors.New("mounts: needs a mount namespace, or they would be made in the host's")
	}
	return nil
}

func namespacesOf(s *specs.Spec) []specs.LinuxNamespace {
	if s.Linux == nil {
		return nil
	}
	return s.Linux.Namespaces
}

// claim takes the id. From here on delete --force finds the container.
func (c *creation) claim() (err error) {
	in := &c.input
	path := ""
	if in.Spec.Linux != nil {
		path = in.Spec.Linux.CgroupsPath
	}
	if c.r.SystemdCgroup {
		if c.scope, err = newScope(c.layout, path, in, c.r.rootless(in.Facts)); err != nil {
			return err
		}
		c.group = c.scope.Group
	} else if c.group, err = cgroup.New(c.layout, path, c.id, c.r.rootless(in.Facts)); err != nil {
		return fmt.Errorf("linux.cgroupsPath: %w", err)
	}
	if c.root, err = store.MakeRoot(c.r.Root); err != nil {
		return err
	}
	self, err := store.ReadStat(unix.Getpid())
	if err != nil {
		return err
	}
	c.rec = &store.Record{
		ID: c.id, OCIVersion: in.Spec.Version, Bundle: in.Bundle, Rootfs: in.Rootfs, Created: time.Now().UTC(),
		Status: store.Creating, Pid: unix.Getpid(), StartTime: self.StartTime, Owner: uint32(in.Facts.UID),
		Rootless: c.r.rootless(in.Facts), NoPivot: c.o.NoPivot, Cgroups: c.group.Paths(), Annotations: in.Spec.Annotations,
	}
	if c.scope != nil {
		c.rec.SystemdCgroup, c.rec.Unit, c.rec.Slice = true, c.scope.unit.Name, c.scope.unit.Slice
	}
	if !in.Spec.Process.Terminal {
		c.rec.Stdio = pipesOf()
	}
	if l := in.Spec.Linux; l != nil && l.Resources != nil && l.Resources.Memory != nil && l.Resources.Memory.Swap != nil {
		c.rec.MemorySwap = *l.Resources.Memory.Swap
	}
	if h := in.Spec.Hooks; h != nil {
		c.rec.StartContainer, c.rec.Poststart, c.rec.Poststop = h.StartContainer, h.Poststart, h.Poststop
	}
	c.rec.PidShared = true
	if in.Spec.Linux != nil {
		for _, ns := range in.Spec.Linux.Namespaces {
			c.rec.Namespaces |= compile.Flag(ns.Type)
			if ns.Type == specs.PIDNamespace && ns.Path == "" {
				c.rec.PidShared = false
			}
		}
	}
	if err := c.planRdt(); err != nil {
		return err
	}
	c.dir, err = c.root.Claim(c.id, c.rec)
	return err
}

// makeGroup makes the container's cgroup.
func (c *creation) makeGroup() error {
	if c.scope != nil {
		return c.expectScope()
	}
	if err := c.group.Create(c.resources()); err != nil {
		return err // it has undone what it made
	}
	c.grouped = true
	if err := mark(c.group, c.id); err != nil {
		return err
	}
	// Before there is a child: cgroup v1 takes the rules one by one, beginning
	// with none allowed, and the child could need a device just then.
	if err := c.group.Apply(c.early()); err != nil {
		return err
	}
	c.input.Hierarchies = hierarchies(c.group)
	return nil
}

// early are the limits that must be there before a process joins.
func (c *creation) early() *specs.LinuxResources {
	l := c.input.Spec.Linux
	if l == nil {
		return nil
	}
	early := &specs.LinuxResources{Devices: cgroup.DeviceRules(l)}
	if l.Resources != nil && l.Resources.CPU != nil {
		// No process may join a v1 cpuset that has no CPUs or no memory.
		early.CPU = &specs.LinuxCPU{Cpus: l.Resources.CPU.Cpus, Mems: l.Resources.CPU.Mems}
	}
	return early
}

func hierarchies(g *cgroup.Group) []compile.Hierarchy {
	var list []compile.Hierarchy
	for _, p := range g.Places() {
		list = append(list, compile.Hierarchy{Name: p.Name, Dir: p.Dir, V2: p.V2, Join: !p.V2, Links: p.Links})
	}
	return list
}

// resources are linux.resources without the device rules.
func (c *creation) resources() *specs.LinuxResources {
	var r specs.LinuxResources
	if l := c.input.Spec.Linux; l != nil && l.Resources != nil {
		r = *l.Resources
	}
	r.Devices = nil
	return &r
}

// launch compiles the plan and starts the child.
func (c *creation) launch() (err error) {
	if c.plan, err = compile.Container(c.input); err != nil {
		return err
	}
	if c.r.edit != nil {
		c.r.edit(c.plan)
	}
	if c.park {
		if err := c.dir.WriteFile(lateFile, lateOps(c.plan)); err != nil {
			return err
		}
	}
	if err := c.keepProcess(); err != nil {
		return err
	}
	dir := -1
	if c.scope == nil {
		if dir, err = c.group.Fd(); err != nil {
			return err
		}
	}
	if dir >= 0 {
		defer unix.Close(dir)
	}
	if c.rec.Namespaces&unix.CLONE_NEWUSER != 0 {
		raiseHardLimits(c.input.Spec.Process)
	}
	return c.start(dir)
}

// attend answers init at its barriers.
func (c *creation) attend() error { return c.converse(c.answer) }

// limit writes the cgroup's limits while the child mounts.
func (c *creation) limit() error {
	r := c.resources()
	r.Devices = nil // in force already: makeGroup
	if c.scope != nil {
		r = systemd.Round(r)
	}
	if err := c.group.Apply(r); err != nil {
		return err
	}
	return c.oomScore()
}

// oomScore sets the score of the process that goes on.
func (c *creation) oomScore() error {
	c.scored = c.pid
	return oomScore(c.pid, c.input.Spec, c.input.Rootless || c.rec.Namespaces&unix.CLONE_NEWUSER != 0)
}

// undo clears everything in the reverse order of its making.
func (c *creation) undo() error {
	var errs []error
	if c.proc != nil {
		errs = append(errs, c.kill())
	}
	if c.filed {
		errs = append(errs, removePidFile(c.o.PidFile))
	}
	if c.hooked {
		c.r.runPoststop(c.rec.Poststop, c.state(statusStopped))
	}
	switch {
	case c.grouped && c.scope != nil:
		errs = append(errs, c.scope.undo(c.id))
	case c.grouped:
		errs = append(errs, c.group.Kill(), c.group.Undo())
	}
	if c.rdtBegun {
		errs = append(errs, resctrl.Remove(rdtGroup(c.rec)))
	}
	if c.dir != nil {
		errs = append(errs, c.dir.Remove())
	}
	return errors.Join(errs...)
}

// close closes what is open.
func (c *creation) close() {
	c.process.close()
	if c.notify >= 0 {
		unix.Close(c.notify)
	}
	if c.scope != nil {
		c.scope.close()
	}
	if c.dir != nil {
		c.dir.Close()
	}
	if c.root != nil {
		c.root.Close()
	}
}

// state is the container's state as hooks get it.
func (c *creation) state(status string) *State {
	s := &State{
		OCIVersion: c.rec.OCIVersion, ID: c.id, Pid: c.pid, Status: status, Bundle: c.rec.Bundle,
		Annotations: c.rec.Annotations,
	}
	if status == statusStopped {
		s.Pid = 0
	}
	return s
}
