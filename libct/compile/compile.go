// Package compile turns a config.json and the facts of a host into a plan: the
// system calls that make the container.
//
// It is pure: no I/O, no system call, no environment. It may import spec,
// host (for Facts), plan, and the constants of x/sys/unix. One file per section
// of the runtime spec.
package compile

import (
	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/host"
	"rt/libct/plan"
)

// Input is all that a plan depends on.
type Input struct {
	// Spec is a validated config.json.
	Spec *specs.Spec
	// Facts are the host's.
	Facts host.Facts
	// ID is the container's.
	ID string
	// Rootfs is the absolute path of the root file system, Bundle of the bundle.
	Rootfs, Bundle string
	// Park makes the container wait for start after it is set up.
	Park bool
	// NoPivot moves the root instead of pivot_root, for a rootfs on a ramdisk.
	NoPivot bool
	// KernelMounts are, with NoPivot, the mount points outside of Rootfs where
	// all of a proc or sysfs file system is mounted.
	KernelMounts []string
	// NoNewKeyring keeps the caller's session keyring.
	NoNewKeyring bool
	// PreserveFds is how many descriptors from 3 on the container gets.
	PreserveFds int
	// ListenFds, if not zero, is the LISTEN_FDS of socket activation.
	ListenFds int
	// Hierarchies are the cgroup hierarchies of the container, in the order of
	// /sys/fs/cgroup.
	Hierarchies []Hierarchy
	// Placed makes the child wait until the parent has put it into its cgroups.
	Placed bool
	// Home is the home directory of the container's user, for an environment
	// without HOME; empty if there is none to add.
	Home string
	// Chown tells which of the standard descriptors are given to the
	// container's user, so that it can reopen /dev/stdout.
	Chown [3]bool
	// Null tells which of the standard descriptors are the host's null device.
	Null [3]bool
	// RootMount is the mount point that holds Rootfs; needed only when
	// rootfsPropagation is shared.
	RootMount string
	// Seccomp is the compiled filter, or nil.
	Seccomp *Filter
	// Destinations are the mounts, by index in Spec.Mounts, whose destination is
	// a dangling symbolic link of the image, resolved inside the root.
	Destinations map[int]string
	// Modes are those of the directories that tmpfs mounts, by index in
	// Spec.Mounts, will cover: the tmpfs gets the same.
	Modes map[int]uint32
	// Rootless is set when the caller lacks privileges in the initial user
	// namespace.
	Rootless bool
	// Clones is set when such a caller may clone mounts all the same: it is root
	// in a user namespace that has a mount namespace, as under rootless Podman.
	Clones bool
}

// Hierarchy is a cgroup hierarchy that the container is in.
type Hierarchy struct {
	// Name is the directory below /sys/fs/cgroup, such as "cpu,cpuacct"; empty
	// for a host with cgroup v2 only.
	Name string
	// Dir is the container's directory in it, as the host sees it.
	Dir string
	// V2 marks the unified hierarchy.
	V2 bool
	// Join makes the child write itself into the hierarchy (v1), through an
	// input named "cgroup " + Name.
	Join bool
	// Links are other names for it: "cpu" for "cpu,cpuacct".
	Links []string
}

// Filter is a seccomp program.
type Filter struct {
	// Flags are SECCOMP_FILTER_FLAG_*.
	Flags uint32
	// Program are the instructions, eight bytes each.
	Program []byte
	// Notify is whether a listener must be fetched.
	Notify bool
}

// Names of slots that libct fills or reads.
const (
	// SlotSync is the child's end of the socket to its parent.
	SlotSync = "sync"
	// SlotPeer is the parent's end, of which the child has a copy.
	SlotPeer = "peer"
	// SlotExec and SlotStatus are the two fifos of a parked container.
	SlotExec   = "exec"
	SlotStatus = "status"
	// SlotPid is the pid of the process that goes on after a Clone op.
	SlotPid = "pid"
	// SlotConsole is the pty's master, SlotListener seccomp's notify descriptor.
	SlotConsole  = "ptmx"
	SlotListener = "listener"
	// SlotCopyTo and SlotCopyFrom are tmpcopyup's tmpfs and the directory
	// under it.
	SlotCopyTo   = "mnt"
	SlotCopyFrom = "target"
)

// Barriers, as the byte that the child writes when it comes to one.
const (
	// BarrierScope: the parent has a service manager make the cgroup, with the
	// child in it.
	BarrierScope = 's'
	// BarrierMaps: the parent writes the id maps and time offsets.
	BarrierMaps = 'm'
	// BarrierClone: as maps, for the time offsets after unshare.
	BarrierClone = 't'
	// BarrierCopyUp: the parent copies a directory into a tmpfs.
	BarrierCopyUp = 'c'
	// BarrierIdmap: the parent maps the ids of the bind mount in slot "mnt".
	BarrierIdmap = 'i'
	// BarrierHooks: everything is mounted, nothing pivoted: net devices and the
	// hooks prestart, createRuntime, createContainer.
	BarrierHooks = 'h'
	// BarrierConsole: the pty's master can be fetched.
	BarrierConsole = 'p'
	// BarrierListener: the seccomp listener can be fetched.
	BarrierListener = 'l'
	// BarrierReady: all is done; the parent lets the container run, or, with
	// Park, records it and goes.
	BarrierReady = 'r'
)

type compiler struct {
	in   *Input
	spec *specs.Spec
	b    *plan.Builder
	sync plan.Slot
	root plan.Slot
	// parked is the exec fifo of a container that waits for start.
	parked plan.Slot
	ns     namespaces
	// devReadonly: /dev becomes read-only after its nodes are made.
	devReadonly bool
	// tidy closes descriptors on the way, for plans with very many mounts.
	tidy bool
	err  error
}

// Container compiles the plan of the container's init. The error names the
// field of config.json.
func Container(in Input) (*plan.Plan, error) {
	c := &compiler{in: &in, spec: in.Spec, b: plan.NewBuilder()}
	c.sync = c.b.Input(SlotSync)
	c.tidy = len(in.Spec.Mounts) > 64
	c.ns = c.namespaceKinds()
	c.guardChild()
	c.joinCgroups()
	c.label(in.Spec.Process)
	c.enterNamespaces()
	c.detachFromHost()
	c.rootfs()
	c.identity()
	c.terminal()
	c.process()
	if c.err != nil {
		return nil, c.err
	}
	p := c.b.Plan()
	return p, p.Check()
}

// fail remembers the first error.
func (c *compiler) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// guardChild makes the child die with its parent and hides its memory, which is
// a copy of the parent's, from anyone in the container's namespaces.
func (c *compiler) guardChild() {
	c.b.Step("guard the child")
	c.armDeathSignal()
	// Or the child would keep the socket open for itself: a parent that died
	// before the line above is found out at the first barrier.
	c.b.Add(plan.Close(c.b.Input(SlotPeer)))
	if !c.in.Rootless {
		// Of an undumpable process the files in /proc belong to root, so a user
		// could not write the child's id maps: there it waits for the maps.
		c.b.Add(plan.Prctl(unix.PR_SET_DUMPABLE, 0, 0))
	}
	// Go leaves two signals of the C library as it found them.
	c.b.Add(plan.DefaultSignal(32), plan.DefaultSignal(33))
	c.b.Add(plan.Setsid().Or(unix.EPERM))
}

// armDeathSignal must be repeated after every change of ids, which clears it.
func (c *compiler) armDeathSignal() {
	c.b.Add(plan.Prctl(unix.PR_SET_PDEATHSIG, uint64(unix.SIGKILL), 0))
}

// joinCgroups writes the child into the v1 hierarchies, through files the
// parent has opened: "0" to tasks moves one thread and does not wait for a
// grace period, which a write to cgroup.procs does.
func (c *compiler) joinCgroups() {
	c.b.Step("join cgroups")
	if c.in.Placed {
		c.b.Barrier(c.sync, BarrierScope, "scope")
	}
	for _, h := range c.in.Hierarchies {
		if h.Join {
			c.b.Add(plan.Write(plan.V(c.b.Input("cgroup "+h.Name)), []byte("0")))
		}
	}
}
