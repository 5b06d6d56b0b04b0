package compile

import (
	"sort"
	"strings"

	"golang.org/x/sys/unix"

	"rt/libct/host"
	"rt/libct/plan"
	"rt/libct/spec"
)

// masks hides linux.maskedPaths and makes linux.readonlyPaths read-only
// (runtime-spec config-linux.md#masked-paths, #readonly-paths).
func (c *compiler) masks() {
	if c.spec.Linux == nil {
		return
	}
	for _, p := range c.spec.Linux.ReadonlyPaths {
		c.readonlyPath(clean(p))
	}
	if len(c.spec.Linux.MaskedPaths) > 0 {
		c.emptyTmpfs()
	}
	for _, p := range c.spec.Linux.MaskedPaths {
		c.maskPath(clean(p))
	}
}

// readonlyPath mounts the path on itself, read-only. What is not there needs
// nothing.
func (c *compiler) readonlyPath(path string) {
	c.b.Step("read-only path " + path)
	t, ro := c.b.Slot("target"), c.b.Slot("mnt")
	c.b.Add(
		c.lookup(inside(path), opath).To(t).Or(unix.ENOENT),
		plan.OpenTree(plan.V(t), "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE|unix.AT_EMPTY_PATH).To(ro).If(t),
		plan.MountSetattr(plan.V(ro), "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, unix.MOUNT_ATTR_RDONLY, 0, 0, plan.None).If(ro),
		plan.MoveMount(ro, t).If(ro),
	)
	c.done(ro, t)
}

func inside(path string) string {
	if path == "/" {
		return "."
	}
	return strings.TrimPrefix(path, "/")
}

// maskPath covers a file with the host's /dev/null, opened before pivot_root
// where no image can have replaced it (CVE-2025-31133), and a directory with an
// empty read-only tmpfs. Which of the two the path is, the kernel says: a file
// does not mount on a directory.
func (c *compiler) maskPath(path string) {
	c.b.Step("mask " + path)
	t, null, done := c.b.Slot("target"), c.b.Slot("null"), c.b.Slot("masked")
	c.b.Add(c.lookup(inside(path), opath).To(t).Or(unix.ENOENT, unix.ENOTDIR))
	if !isKnownDirectory(path) {
		c.b.Add(plan.OpenTree(plan.Cwd(), "/dev/null", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC).To(null).If(t),
			plan.MoveMount(null, t).To(done).If(null).Or(unix.ENOTDIR, unix.EINVAL))
		c.maskDirectory(t, func(o plan.Op) plan.Op { return o.IfNot(done) })
		c.done(null, t)
		return
	}
	c.maskDirectory(t, func(o plan.Op) plan.Op { return o.If(t) })
	c.done(t)
}

// clonesDetached is whether a detached mount can be cloned (Linux 6.15): then all
// masked directories share one tmpfs.
func (c *compiler) clonesDetached() bool { return c.in.Facts.Has(host.CloneDetached) }

// emptyTmpfs makes what masked directories share.
func (c *compiler) emptyTmpfs() {
	if !c.clonesDetached() {
		return
	}
	c.b.Step("empty directory for masked paths")
	fs := c.b.Slot("fs")
	c.b.Add(plan.Fsopen("tmpfs").To(fs))
	c.mountLabel(fs, "tmpfs", mountOptions{})
	c.b.Add(plan.FsconfigString(fs, "nr_blocks", "1"), plan.FsconfigString(fs, "nr_inodes", "1"),
		plan.FsconfigCreate(fs), plan.Fsmount(fs, maskAttrs).To(c.b.Slot("empty")))
	c.done(fs)
}

const maskAttrs = unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC

func (c *compiler) maskDirectory(t plan.Slot, when func(plan.Op) plan.Op) {
	if c.clonesDetached() {
		clone := c.b.Slot("mnt")
		c.b.Add(when(plan.OpenTree(plan.V(c.b.Slot("empty")), "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH).To(clone)),
			plan.MoveMount(clone, t).If(clone))
		c.done(clone)
		return
	}
	fs, empty := c.b.Slot("fs"), c.b.Slot("empty")
	c.b.Add(when(plan.Fsopen("tmpfs").To(fs)))
	c.mountLabel(fs, "tmpfs", mountOptions{})
	c.b.Add(plan.FsconfigString(fs, "nr_blocks", "1").If(fs),
		plan.FsconfigString(fs, "nr_inodes", "1").If(fs),
		plan.FsconfigCreate(fs).If(fs),
		plan.Fsmount(fs, maskAttrs).To(empty).If(fs),
		plan.MoveMount(empty, t).If(empty))
	c.done(fs, empty)
}

// isKnownDirectory saves the try with a file for paths that are directories on
// every kernel that has them.
func isKnownDirectory(path string) bool {
	switch path {
	case "/proc/acpi", "/proc/asound", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap":
		return true
	}
	return false
}

// sysctls writes linux.sysctl through a procfs of our own, which no mount of
// the container can have replaced or covered. The kernel takes the namespaces of
// the writer.
func (c *compiler) sysctls() {
	if c.spec.Linux == nil || len(c.spec.Linux.Sysctl) == 0 {
		return
	}
	fs, proc, fd := c.b.Slot("fs"), c.b.Slot("proc"), c.b.Slot("sysctl")
	c.b.Step("linux.sysctl")
	c.b.Add(plan.Fsopen("proc").To(fs), plan.FsconfigCreate(fs), plan.Fsmount(fs, 0).To(proc))
	keys := make([]string, 0, len(c.spec.Linux.Sysctl))
	for k := range c.spec.Linux.Sysctl {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		c.b.Step("linux.sysctl " + k)
		c.b.Add(
			plan.Openat2(plan.V(proc), "sys/"+spec.SysctlPath(k), unix.O_WRONLY|unix.O_CLOEXEC, 0, unix.RESOLVE_BENEATH|unix.RESOLVE_NO_SYMLINKS|unix.RESOLVE_NO_XDEV).To(fd),
			plan.Write(plan.V(fd), []byte(c.spec.Linux.Sysctl[k])),
			plan.Close(fd))
	}
}
