package compile

import (
	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/plan"
)

// cgroupMount shows the container its cgroups: for each hierarchy a clone of the
// container's directory in the host's mount, below a tmpfs on v1 and hybrid
// hosts. A clone needs no new superblock, which outside a private cgroup
// namespace can take 10 ms, and shows nothing above the container's cgroup.
func (c *compiler) cgroupMount(m *specs.Mount, dest string, o mountOptions) {
	const sticky = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC
	clone := uint64(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC)
	mnt := c.b.Slot("mnt")
	if len(c.in.Hierarchies) == 1 && c.in.Hierarchies[0].V2 {
		c.b.Add(plan.OpenTree(plan.Cwd(), c.in.Hierarchies[0].Dir, clone).To(mnt))
		if o.set|o.clear != 0 {
			c.b.Add(plan.MountSetattr(plan.V(mnt), "", unix.AT_EMPTY_PATH, o.set, clearFor(o.set, o.clear), 0, plan.None))
		}
		t := c.target(dest, directory)
		c.b.Add(plan.MoveMount(mnt, t))
		c.propagate(mnt, o)
		c.done(mnt, t)
		return
	}
	fs, dir := c.b.Slot("fs"), c.b.Slot("cgroups")
	c.b.Add(plan.Fsopen("tmpfs").To(fs))
	c.mountLabel(fs, "tmpfs", o)
	c.b.Add(plan.FsconfigString(fs, "source", "tmpfs"), plan.FsconfigString(fs, "mode", "755"),
		plan.FsconfigCreate(fs), plan.Fsmount(fs, sticky).To(dir))
	t := c.target(dest, directory)
	c.b.Add(plan.MoveMount(dir, t))
	for _, h := range c.in.Hierarchies {
		if h.Name == "" {
			continue
		}
		c.b.Add(plan.Mkdirat(plan.V(dir), h.Name, 0o755),
			plan.OpenTree(plan.Cwd(), h.Dir, clone).To(mnt),
			plan.MoveMountAt(mnt, plan.V(dir), h.Name))
		c.done(mnt)
		for _, link := range h.Links {
			c.b.Add(plan.Symlinkat(h.Name, plan.V(dir), link).Or(unix.EEXIST))
		}
	}
	// One call for the tmpfs and all hierarchies on it.
	c.b.Add(plan.MountSetattr(plan.V(dir), "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, o.set|sticky, clearFor(o.set, o.clear)&^sticky, 0, plan.None))
	c.propagate(dir, o)
	c.done(fs, dir, t)
}
