package compile

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/plan"
)

// AddMounts compiles the plan that mounts in.Spec.Mounts in a running
// container, whose namespaces are given and whose init's pidfd is SlotInit.
// Everything is made as a detached mount in the host's mount namespace, so that
// a source is never looked for in the container; then the child enters the
// container's and attaches each, inside the container's root, whatever links are
// there. Sources of bind mounts are the inputs SlotSource, cloned by the parent;
// a user's child clones them itself.
func AddMounts(in Input, namespaces uint64) (*plan.Plan, error) {
	c := &compiler{in: &in, spec: in.Spec, b: plan.NewBuilder()}
	list := make([]mountOptions, len(in.Spec.Mounts))
	var need uint64
	made := false // whether the child makes any of them
	for i := range in.Spec.Mounts {
		m := &in.Spec.Mounts[i]
		list[i] = parseOptions(m.Options)
		switch {
		case list[i].remount:
			return nil, fmt.Errorf("mounts[%d].options: remount changes a mount, and adds none", i)
		case list[i].copyUp:
			return nil, fmt.Errorf("mounts[%d].options: tmpcopyup is for create and run", i)
		case strings.HasPrefix(m.Type, "cgroup"):
			return nil, fmt.Errorf("mounts[%d].type: %s is for create and run", i, m.Type)
		}
		made = made || in.Rootless || !IsBind(m)
		need |= namespaceOf(m)
	}
	c.enterUser(namespaces, need, made)
	for i := range list {
		c.makeDetached(i, list[i])
	}
	c.enterMounts()
	c.b.Add(plan.Umask(0))
	for i := range list {
		c.attach(i, list[i])
	}
	p := c.b.Plan()
	return p, p.Check()
}

// RemoveMounts compiles the plan that unmounts what is mounted at these places
// of a running container: exactly that, found without following a link in the
// last component, even if it is in use.
func RemoveMounts(namespaces uint64, destinations []string) (*plan.Plan, error) {
	c := &compiler{b: plan.NewBuilder()}
	c.enterUser(namespaces, 0, false)
	c.enterMounts()
	dir := c.b.Slot("dir")
	for _, d := range destinations {
		c.b.Step("unmount " + d)
		path := clean(d)
		slash := strings.LastIndex(path, "/")
		parent := strings.TrimPrefix(path[:slash], "/")
		if parent == "" {
			parent = "."
		}
		c.b.Add(c.lookup(parent, opath|unix.O_DIRECTORY).To(dir), plan.Fchdir(dir), plan.Unmount(path[slash+1:]), plan.Close(dir))
	}
	p := c.b.Plan()
	return p, p.Check()
}

// namespaceOf is the kind of namespace that a file system shows a part of: that
// of its maker.
func namespaceOf(m *specs.Mount) uint64 {
	if IsBind(m) {
		return 0
	}
	switch m.Type {
	case "proc":
		return unix.CLONE_NEWPID
	case "sysfs":
		return unix.CLONE_NEWNET
	case "mqueue":
		return unix.CLONE_NEWIPC
	}
	return 0
}

// enterUser enters the container's user namespace, which new file systems
// belong to, and the other needed ones, but still sees the host's mounts: in a
// user namespace only a copy of them lets itself be mounted from.
func (c *compiler) enterUser(namespaces, need uint64, made bool) {
	c.b.Step("guard the child")
	c.armDeathSignal()
	c.b.Add(plan.Prctl(unix.PR_SET_DUMPABLE, 0, 0))
	c.b.Step("enter the container")
	if first := namespaces & (need | unix.CLONE_NEWUSER); first != 0 {
		c.b.Add(plan.Setns(c.b.Input(SlotInit), first))
		if first&unix.CLONE_NEWUSER != 0 {
			c.becomeRoot()
		}
		if first&unix.CLONE_NEWPID != 0 {
			c.b.Add(plan.CloneParent(0, c.b.Slot(SlotPid)))
			c.armDeathSignal()
		}
	}
	if made && namespaces&unix.CLONE_NEWUSER != 0 {
		c.b.Add(plan.Unshare(unix.CLONE_NEWNS))
	}
}

// enterMounts enters the container's mount namespace.
func (c *compiler) enterMounts() {
	c.b.Step("enter the container's mount namespace")
	c.root = c.b.Slot("root")
	c.b.Add(plan.Setns(c.b.Input(SlotInit), unix.CLONE_NEWNS),
		plan.Openat(plan.Cwd(), "/", opath|unix.O_DIRECTORY, 0).To(c.root))
}

// makeDetached puts mount i, with all its attributes, into its slot.
func (c *compiler) makeDetached(i int, o mountOptions) {
	m := &c.spec.Mounts[i]
	c.b.Step(mountName(m))
	set, mnt := o.set, c.b.Slot(SlotSource(i))
	flags := uint64(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC)
	switch {
	case !IsBind(m):
		fs := c.b.Slot("fs")
		c.superblock(i, m, o)
		c.b.Add(plan.FsconfigCreate(fs), plan.Fsmount(fs, set).To(mnt), plan.Close(fs))
		set = 0
	case !c.in.Rootless:
		c.b.Input(SlotSource(i))
	case slices.Contains(m.Options, "rbind"):
		flags |= unix.AT_RECURSIVE
		fallthrough
	default:
		c.b.Add(plan.OpenTree(plan.Cwd(), m.Source, flags).To(mnt))
	}
	if IsBind(m) && set|o.clear != 0 {
		c.b.Add(plan.MountSetattr(plan.V(mnt), "", unix.AT_EMPTY_PATH, set, clearFor(set, o.clear), 0, plan.None))
	}
	c.recursiveAttributes(mnt, o)
}

// attach mounts i. Without a propagation type of its own it is private, as
// crun's: what the host mounts below the source later is not for the container.
func (c *compiler) attach(i int, o mountOptions) {
	m := &c.spec.Mounts[i]
	c.b.Step(mountName(m))
	source, mnt := c.b.Slot(SlotSource(i)), c.b.Slot("mnt")
	// target looks at "mnt" to see what to make.
	c.b.Add(plan.Fcntl(source, unix.F_DUPFD_CLOEXEC, 0).To(mnt), plan.Close(source))
	kind := likeSource
	switch {
	case m.Type == "proc" || m.Type == "sysfs":
		kind = plain
	case !IsBind(m):
		kind = directory
	}
	t := c.target(clean(m.Destination), kind)
	c.b.Add(plan.MoveMount(mnt, t))
	if len(o.propagations) == 0 {
		o.propagations = []uint64{unix.MS_PRIVATE | unix.MS_REC}
	}
	c.propagate(mnt, o)
	c.b.Add(plan.Close(mnt), plan.Close(t))
}
