package compile

import (
	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/plan"
)

// namespaces says, by kind, what happens to each.
type namespaces struct {
	// made and joined are CLONE_NEW* sets.
	made, joined uint64
}

func (n namespaces) has(flag uint64) bool { return (n.made|n.joined)&flag != 0 }

// Flag is the CLONE_NEW* flag of a namespace type, 0 if there is none.
func Flag(t specs.LinuxNamespaceType) uint64 {
	switch t {
	case specs.PIDNamespace:
		return unix.CLONE_NEWPID
	case specs.NetworkNamespace:
		return unix.CLONE_NEWNET
	case specs.MountNamespace:
		return unix.CLONE_NEWNS
	case specs.IPCNamespace:
		return unix.CLONE_NEWIPC
	case specs.UTSNamespace:
		return unix.CLONE_NEWUTS
	case specs.UserNamespace:
		return unix.CLONE_NEWUSER
	case specs.CgroupNamespace:
		return unix.CLONE_NEWCGROUP
	case specs.TimeNamespace:
		return unix.CLONE_NEWTIME
	}
	return 0
}

// SlotNamespace is the name of the input that holds the namespace to join.
func SlotNamespace(t specs.LinuxNamespaceType) string { return "ns " + string(t) }

func (c *compiler) namespaceKinds() (n namespaces) {
	if c.spec.Linux == nil {
		return n
	}
	for _, ns := range c.spec.Linux.Namespaces {
		if ns.Path == "" {
			n.made |= Flag(ns.Type)
		} else {
			n.joined |= Flag(ns.Type)
		}
	}
	return n
}

// enterNamespaces gets the child into its namespaces with as few steps as the
// kernel allows: usually all in the one clone3.
func (c *compiler) enterNamespaces() {
	made := c.ns.made &^ unix.CLONE_NEWCGROUP
	offsets := c.spec.Linux != nil && len(c.spec.Linux.TimeOffsets) > 0 && made&unix.CLONE_NEWTIME != 0
	// A namespace to join may belong to the host's user namespace, so joining
	// comes before a new user namespace; and what is made must belong to the
	// new or joined user namespace, so making comes after.
	late := c.ns.joined&unix.CLONE_NEWUSER != 0 || (c.ns.joined != 0 && made&unix.CLONE_NEWUSER != 0)
	again := c.ns.joined&unix.CLONE_NEWPID != 0 || c.ns.joined&unix.CLONE_NEWTIME != 0 || offsets
	first := made
	switch {
	case late:
		first = 0
	case again:
		first &^= unix.CLONE_NEWPID | unix.CLONE_NEWTIME
	}
	if first&unix.CLONE_NEWUSER != 0 {
		// The file systems that an ipc or mount namespace is born with belong to
		// whoever makes it: that must be the user namespace's root.
		first &= unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWTIME
	}
	c.b.SetClone(first)
	if first&unix.CLONE_NEWUSER != 0 {
		c.mapIDs()
	}
	c.join()
	if late && made&unix.CLONE_NEWUSER != 0 {
		c.b.Step("make namespaces")
		c.b.Add(plan.Unshare(unix.CLONE_NEWUSER))
		c.mapIDs()
	}
	if c.ns.joined&unix.CLONE_NEWUSER != 0 {
		c.becomeRoot()
	}
	if rest := made &^ first &^ unix.CLONE_NEWUSER; rest != 0 {
		c.b.Step("make namespaces")
		c.b.Add(plan.Unshare(rest))
	}
	if offsets {
		c.b.Barrier(c.sync, BarrierClone, "time offsets")
	}
	if again || (late && made&unix.CLONE_NEWPID != 0) {
		c.b.Step("enter the pid and time namespaces")
		// Only the leader of a session may take a controlling terminal.
		c.b.Add(plan.CloneParent(0, c.b.Slot(SlotPid)), plan.Setsid())
		c.armDeathSignal()
	}
	if c.ns.made&unix.CLONE_NEWCGROUP != 0 {
		c.b.Step("make namespaces")
		c.b.Add(plan.Unshare(unix.CLONE_NEWCGROUP))
	}
}

// mapIDs waits for the id maps of the user namespace just made and becomes its
// root.
func (c *compiler) mapIDs() {
	c.b.Barrier(c.sync, BarrierMaps, "id maps")
	c.becomeRoot()
}

// becomeRoot takes the ids 0 of the user namespace, so that what the child makes
// belongs to its root; the capabilities stay, since the ids were not root's
// before. An id 0 that is not mapped is tolerated: the container's process may
// run as another.
func (c *compiler) becomeRoot() {
	c.b.Step("become root of the user namespace")
	c.b.Add(plan.Setresgid(0).Or(unix.EINVAL, unix.EPERM), plan.Setresuid(0).Or(unix.EINVAL, unix.EPERM))
	c.armDeathSignal()
	c.b.Add(plan.Prctl(unix.PR_SET_DUMPABLE, 0, 0))
}

// join enters the namespaces given by path. A namespace may belong to the host
// or to the joined user namespace, and setns wants capabilities in its owner:
// what is refused before the user namespace is tried again after it.
func (c *compiler) join() {
	if c.ns.joined == 0 {
		return
	}
	user := c.ns.joined&unix.CLONE_NEWUSER != 0
	each := func(do func(t specs.LinuxNamespaceType, fd plan.Slot, flag uint64)) {
		for _, ns := range c.spec.Linux.Namespaces {
			if ns.Path != "" && ns.Type != specs.UserNamespace {
				c.b.Step("join " + string(ns.Type) + " namespace " + ns.Path)
				do(ns.Type, c.b.Input(SlotNamespace(ns.Type)), Flag(ns.Type))
			}
		}
	}
	if !user {
		each(func(_ specs.LinuxNamespaceType, fd plan.Slot, flag uint64) { c.b.Add(plan.Setns(fd, flag)) })
		return
	}
	each(func(t specs.LinuxNamespaceType, fd plan.Slot, flag uint64) {
		c.b.Add(plan.Setns(fd, flag).To(c.b.Slot("joined " + string(t))).Or(unix.EPERM))
	})
	for _, ns := range c.spec.Linux.Namespaces {
		if ns.Type == specs.UserNamespace {
			c.b.Step("join user namespace " + ns.Path)
			c.b.Add(plan.Setns(c.b.Input(SlotNamespace(ns.Type)), unix.CLONE_NEWUSER))
		}
	}
	each(func(t specs.LinuxNamespaceType, fd plan.Slot, flag uint64) {
		c.b.Add(plan.Setns(fd, flag).IfNot(c.b.Slot("joined " + string(t))))
	})
}
