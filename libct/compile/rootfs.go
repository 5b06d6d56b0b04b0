package compile

import (
	"golang.org/x/sys/unix"

	"rt/libct/plan"
)

const (
	// inRoot resolves a path as the container will: symbolic links stay inside,
	// magic links (/proc/PID/fd) lead nowhere.
	inRoot = unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS
	opath  = unix.O_PATH | unix.O_CLOEXEC
)

func (c *compiler) hasMounts() bool { return c.ns.has(unix.CLONE_NEWNS) }

// detachFromHost keeps the mounts to come from reaching the host.
func (c *compiler) detachFromHost() {
	if !c.hasMounts() {
		return
	}
	c.b.Step("keep mounts from the host")
	propagation := uint64(unix.MS_SLAVE | unix.MS_REC)
	if p := c.rootPropagation(); p&unix.MS_SHARED != 0 {
		// Volumes shared with the host must stay so; the rootfs's own mount
		// point must not, or the container's mounts would appear there.
		c.b.Add(plan.MountSetattr(plan.Cwd(), c.in.RootMount, 0, 0, 0, unix.MS_PRIVATE, plan.None))
		return
	} else if p != 0 {
		propagation = p &^ unix.MS_UNBINDABLE
		if propagation&^unix.MS_REC == 0 {
			propagation = unix.MS_PRIVATE | unix.MS_REC
		}
	}
	c.b.Add(plan.Mount("", "/", "", propagation, ""))
}

// rootPropagation is linux.rootfsPropagation as MS_* flags, 0 if not given.
func (c *compiler) rootPropagation() uint64 {
	if c.spec.Linux == nil || c.spec.Linux.RootfsPropagation == "" {
		return 0
	}
	var o mountOptions
	o.propagation(c.spec.Linux.RootfsPropagation)
	if len(o.propagations) == 0 {
		return 0
	}
	return o.propagations[0]
}

// rootfs mounts everything and makes the result the root directory.
func (c *compiler) rootfs() {
	c.root = c.b.Slot("root")
	if !c.hasMounts() {
		c.chrootOnly()
		return
	}
	c.b.Step("mount rootfs " + c.in.Rootfs)
	at := c.b.Slot("at")
	c.b.Add(
		plan.Openat(plan.Cwd(), c.in.Rootfs, opath|unix.O_DIRECTORY, 0).To(at),
		plan.OpenTree(plan.Cwd(), c.in.Rootfs, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE).To(c.root),
	)
	if c.rootPropagation()&unix.MS_SHARED != 0 {
		// pivot_root takes no shared root; it becomes so afterwards.
		c.b.Add(plan.MountSetattr(plan.V(c.root), "", unix.AT_EMPTY_PATH, 0, 0, unix.MS_PRIVATE, plan.None))
	}
	c.b.Add(plan.MoveMount(c.root, at), plan.Umask(0))
	for i := range c.spec.Mounts {
		c.mount(i)
	}
	c.devices()
	c.console()
	c.nullDevice()
	if c.devReadonly {
		c.b.Step("read-only /dev")
		c.b.Add(plan.MountSetattr(plan.V(c.b.Slot("dev")), "", unix.AT_EMPTY_PATH, unix.MOUNT_ATTR_RDONLY, 0, 0, plan.None))
	}
	c.hooksBarrier()
	c.sysctls()
	c.masks()
	c.landlockRules(c.root)
	c.pivot()
	c.propagateRoot()
}

// hooksBarrier lets the parent move network devices and run hooks, after the
// mounts and before pivot_root (runtime-spec, runtime.md#lifecycle).
func (c *compiler) hooksBarrier() {
	//lint:ignore SA1019 prestart is deprecated, and still used
	if h := c.spec.Hooks; h != nil && len(h.Prestart)+len(h.CreateRuntime)+len(h.CreateContainer) > 0 {
		c.b.Barrier(c.sync, BarrierHooks, "hooks")
	} else if c.spec.Linux != nil && len(c.spec.Linux.NetDevices) > 0 {
		c.b.Barrier(c.sync, BarrierHooks, "net devices")
	}
}

// propagateRoot applies linux.rootfsPropagation to the new root.
func (c *compiler) propagateRoot() {
	if p := c.rootPropagation(); p != 0 {
		c.b.Step("linux.rootfsPropagation " + c.spec.Linux.RootfsPropagation)
		flags := uint64(0)
		if p&unix.MS_REC != 0 {
			flags = unix.AT_RECURSIVE
		}
		c.b.Add(plan.MountSetattr(plan.Cwd(), "/", flags, 0, 0, p&^unix.MS_REC, plan.None))
	}
}

// readonlyRoot applies root.readonly, once the working directory is there.
func (c *compiler) readonlyRoot() {
	if c.hasMounts() && c.spec.Root != nil && c.spec.Root.Readonly {
		c.b.Step("root.readonly")
		c.b.Add(plan.MountSetattr(plan.Cwd(), "/", 0, unix.MOUNT_ATTR_RDONLY, 0, 0, plan.None))
	}
}

// pivot makes the root tree the root directory and drops the host's.
func (c *compiler) pivot() {
	if c.in.NoPivot {
		c.hideKernelMounts()
		// On a ramdisk pivot_root does not work (pivot_root(2), EINVAL): the
		// root is moved over "/". The host's tree stays below, out of reach of
		// path names only.
		c.b.Step("move root")
		slash := c.b.Slot("at")
		c.b.Add(plan.Fchdir(c.root),
			plan.Openat(plan.Cwd(), "/", opath|unix.O_DIRECTORY, 0).To(slash),
			plan.MoveMount(c.root, slash), plan.Chroot("."), plan.Chdir("/"))
		return
	}
	c.b.Step("pivot_root")
	if p := c.rootPropagation(); p == 0 || p == unix.MS_SLAVE|unix.MS_REC || p == unix.MS_PRIVATE|unix.MS_REC {
		c.b.Add(plan.Fchdir(c.root), plan.PivotRoot(".", "."), plan.Umount2("."), plan.Chdir("/"))
		return
	}
	// detachFromHost has left mounts shared: dropping the host's tree would
	// unmount everything on the host too. Only the old root's: below the new one,
	// volumes stay shared.
	old := c.b.Slot("old")
	c.b.Add(plan.Openat(plan.Cwd(), "/", opath|unix.O_DIRECTORY, 0).To(old),
		plan.Fchdir(c.root), plan.PivotRoot(".", "."),
		plan.MountSetattr(plan.V(old), "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, 0, 0, unix.MS_SLAVE, plan.None),
		plan.Umount2("."), plan.Chdir("/"), plan.Close(old))
}

// hideKernelMounts takes the host's whole proc and sysfs mounts out of the tree
// that stays below a moved root: while one is there, the kernel lets a container
// with a user namespace of its own mount another, without the masks.
func (c *compiler) hideKernelMounts() {
	found, gone := c.b.Slot("found"), c.b.Slot("gone")
	for _, p := range c.in.KernelMounts {
		c.b.Step("hide " + p)
		c.b.Add(
			// Not there any more if it was below one that is gone.
			plan.Mount("", p, "", unix.MS_SLAVE|unix.MS_REC, "").To(found).Or(unix.ENOENT, unix.EINVAL),
			plan.Umount2(p).To(gone).If(found).Or(unix.EINVAL, unix.EPERM),
			plan.Mount("tmpfs", p, "tmpfs", 0, "").IfNot(gone))
	}
}

// chrootOnly is for a container without a mount namespace.
func (c *compiler) chrootOnly() {
	c.hooksBarrier()
	c.sysctls()
	if r, _, err := Landlock(c.in); r != nil || err != nil {
		c.b.Step("open rootfs " + c.in.Rootfs)
		c.b.Add(plan.Openat(plan.Cwd(), c.in.Rootfs, opath|unix.O_DIRECTORY, 0).To(c.root))
		c.landlockRules(c.root)
	}
	c.b.Step("chroot " + c.in.Rootfs)
	c.b.Add(plan.Chroot(c.in.Rootfs), plan.Chdir("/"))
}
