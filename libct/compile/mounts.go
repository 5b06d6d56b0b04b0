package compile

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/plan"
)

// IsBind reports whether a mount of config.json is a bind mount.
func IsBind(m *specs.Mount) bool {
	for _, o := range m.Options {
		if o == "bind" || o == "rbind" {
			return true
		}
	}
	return m.Type == "bind"
}

// SlotSource is the name of the input with a clone of the source of mount i,
// which the parent makes where the child may not reach the source.
func SlotSource(i int) string { return "source " + strconv.Itoa(i) }

// SlotIdmap is the name of the input with the user namespace whose maps mount i
// is shown through.
func SlotIdmap(i int) string { return "idmap " + strconv.Itoa(i) }

// IdmapOf is the mapping of an id-mapped mount: its own, or with the options
// idmap and ridmap that of the container's user namespace: no mapping at all
// means the maps of the user namespace that is joined.
func IdmapOf(s *specs.Spec, m *specs.Mount) (uids, gids []specs.LinuxIDMapping, ok bool) {
	o := parseOptions(m.Options)
	switch {
	case len(m.UIDMappings) > 0:
		return m.UIDMappings, m.GIDMappings, true
	case o.idmap && s.Linux != nil && len(s.Linux.UIDMappings) > 0:
		return s.Linux.UIDMappings, s.Linux.GIDMappings, true
	case o.idmap && JoinedUserns(s) != "":
		return nil, nil, true
	}
	return nil, nil, false
}

// JoinedUserns is the path of the user namespace that the container joins, or "".
func JoinedUserns(s *specs.Spec) string {
	if s.Linux != nil {
		for _, ns := range s.Linux.Namespaces {
			if ns.Type == specs.UserNamespace {
				return ns.Path
			}
		}
	}
	return ""
}

// SourceByParent reports whether the parent must clone the source of bind mount
// m: in a user namespace the child cannot pass directories that are closed to
// others, nor map ids of a mount of the host's.
func SourceByParent(in *Input, m *specs.Mount) bool {
	if in.Rootless && !in.Clones || in.Spec.Linux == nil || !IsBind(m) || below(m.Source, in.Rootfs) {
		return false
	}
	for _, ns := range in.Spec.Linux.Namespaces {
		if ns.Type == specs.UserNamespace || (ns.Type == specs.MountNamespace && ns.Path != "") {
			return true
		}
	}
	return false
}

// IdmapByParent reports whether the parent must map the ids of a mount that the
// child has cloned: in a user namespace the child may not.
func IdmapByParent(in *Input, m *specs.Mount) bool {
	_, _, ok := IdmapOf(in.Spec, m)
	if !ok || !IsBind(m) || SourceByParent(in, m) || in.Rootless || in.Spec.Linux == nil {
		return false
	}
	for _, ns := range in.Spec.Linux.Namespaces {
		if ns.Type == specs.UserNamespace {
			return true
		}
	}
	return false
}

func below(path, dir string) bool {
	path = clean(path)
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

// mount compiles mount i: a detached mount with all its attributes, attached
// last, so that nobody ever sees it half made.
func (c *compiler) mount(i int) {
	m := &c.spec.Mounts[i]
	dest := clean(m.Destination)
	if d, ok := c.in.Destinations[i]; ok {
		dest = clean(d)
	}
	c.b.Step(mountName(m))
	o := parseOptions(m.Options)
	if m.Type == "bind" && !o.bind {
		o.bind = true
	}
	switch {
	case o.remount:
		c.remount(dest, o)
	case o.bind:
		c.bind(i, m, dest, o)
	case m.Type == "cgroup" || m.Type == "cgroup2":
		c.cgroupMount(m, dest, o)
	case isLong(o):
		c.longMount(m, dest, o)
	default:
		c.filesystem(i, m, dest, o)
	}
}

func mountName(m *specs.Mount) string {
	source := m.Source
	if !IsBind(m) {
		source = m.Type
	}
	return "mount " + source + " → " + m.Destination
}

// filesystem mounts a new file system.
func (c *compiler) filesystem(i int, m *specs.Mount, dest string, o mountOptions) {
	fs, mnt := c.b.Slot("fs"), c.b.Slot("mnt")
	var t plan.Slot
	if o.copyUp {
		t = c.target(dest, directory)
	}
	c.superblock(i, m, o)
	set := o.set
	if o.copyUp {
		set &^= unix.MOUNT_ATTR_RDONLY
	}
	if dest == "/dev" && set&unix.MOUNT_ATTR_RDONLY != 0 {
		// Only once the nodes are there.
		set &^= unix.MOUNT_ATTR_RDONLY
		c.devReadonly = true
	}
	c.b.Add(plan.FsconfigCreate(fs), plan.Fsmount(fs, set).To(mnt))
	c.labelQueues(mnt, m.Type)
	switch {
	case m.Type == "proc" || m.Type == "sysfs":
		// A link of the image's would put the kernel's files where nobody
		// guards them (CVE-2019-19921, CVE-2023-27561).
		t = c.target(dest, plain)
	case !o.copyUp:
		t = c.target(dest, directory)
	}
	c.b.Add(plan.MoveMount(mnt, t))
	if o.copyUp {
		c.b.Barrier(c.sync, BarrierCopyUp, "tmpcopyup "+dest)
		if o.set&unix.MOUNT_ATTR_RDONLY != 0 && !c.devReadonly {
			c.b.Add(plan.MountSetattr(plan.V(mnt), "", unix.AT_EMPTY_PATH, unix.MOUNT_ATTR_RDONLY, 0, 0, plan.None))
		}
	}
	c.recursiveAttributes(mnt, o)
	c.propagate(mnt, o)
	c.done(fs, mnt, t)
}

// superblock configures a new file system in slot "fs".
func (c *compiler) superblock(i int, m *specs.Mount, o mountOptions) {
	fs := c.b.Slot("fs")
	c.b.Add(plan.Fsopen(m.Type).To(fs))
	c.mountLabel(fs, m.Type, o)
	if m.Source != "" {
		c.b.Add(plan.FsconfigString(fs, "source", m.Source))
	}
	if mode, ok := c.in.Modes[i]; ok {
		// A mode among the options comes later, and counts.
		c.b.Add(plan.FsconfigString(fs, "mode", strconv.FormatUint(uint64(mode), 8)))
	}
	for _, f := range o.flags {
		c.b.Add(plan.FsconfigFlag(fs, f))
	}
	for _, d := range o.data {
		if key, value, ok := strings.Cut(d, "="); ok {
			c.b.Add(plan.FsconfigString(fs, key, value).Saying(optionName(m, d)))
		} else {
			c.b.Add(plan.FsconfigFlag(fs, d).Saying(optionName(m, d)))
		}
	}
}

// optionName names one option in the error of its call.
func optionName(m *specs.Mount, option string) string {
	return mountName(m) + ": option " + strconv.Quote(option) + ":"
}

// bind mounts a clone of the source tree.
func (c *compiler) bind(i int, m *specs.Mount, dest string, o mountOptions) {
	mnt := c.b.Slot("mnt")
	flags := uint64(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC)
	if o.recursive {
		flags |= unix.AT_RECURSIVE
	}
	switch {
	case SourceByParent(c.in, m):
		mnt = c.b.Input(SlotSource(i))
	case below(m.Source, c.in.Rootfs) && clean(m.Source) != c.in.Rootfs:
		// A source inside the rootfs is what the mounts before it made of it,
		// and the image may have put links there.
		src := c.b.Slot("src")
		inside := strings.TrimPrefix(clean(m.Source), strings.TrimSuffix(c.in.Rootfs, "/")+"/")
		c.b.Add(c.lookup(inside, opath).To(src),
			plan.OpenTree(plan.V(src), "", flags|unix.AT_EMPTY_PATH).To(mnt))
		c.done(src)
	default:
		c.b.Add(plan.OpenTree(plan.Cwd(), m.Source, flags).To(mnt))
	}
	c.attributes(i, mnt, o)
	if mnt != c.b.Slot("mnt") {
		// likeSource looks at "mnt".
		c.b.Add(plan.Fcntl(mnt, unix.F_DUPFD_CLOEXEC, 0).To(c.b.Slot("mnt")))
	}
	t := c.target(dest, likeSource)
	c.b.Add(plan.MoveMount(mnt, t))
	c.propagate(mnt, o)
	c.done(c.b.Slot("mnt"), t)
}

// attributes sets the attributes of a detached bind mount.
func (c *compiler) attributes(i int, mnt plan.Slot, o mountOptions) {
	if o.set|o.clear != 0 {
		c.b.Add(plan.MountSetattr(plan.V(mnt), "", unix.AT_EMPTY_PATH, o.set, clearFor(o.set, o.clear), 0, plan.None))
	}
	c.recursiveAttributes(mnt, o)
	m := &c.spec.Mounts[i]
	if IdmapByParent(c.in, m) {
		// A detached mount of the child's has to be in "mnt" for the parent.
		c.b.Barrier(c.sync, BarrierIdmap, "id-mapped mount "+m.Destination)
	} else if _, _, ok := IdmapOf(c.spec, m); ok && !SourceByParent(c.in, m) {
		flags := uint64(unix.AT_EMPTY_PATH)
		if o.ridmap {
			flags |= unix.AT_RECURSIVE
		}
		c.b.Add(plan.MountSetattr(plan.V(mnt), "", flags, unix.MOUNT_ATTR_IDMAP, 0, 0, c.b.Input(SlotIdmap(i))))
	}
}

func (c *compiler) recursiveAttributes(mnt plan.Slot, o mountOptions) {
	if o.recSet|o.recClear != 0 {
		c.b.Add(plan.MountSetattr(plan.V(mnt), "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, o.recSet, clearFor(o.recSet, o.recClear), 0, plan.None))
	}
}

// clearFor is what must be cleared along with set: the kernel wants the whole
// access time field cleared when any of it is set.
func clearFor(set, clear uint64) uint64 {
	if set&atime != 0 {
		clear |= atime
	}
	return clear &^ (set &^ atime)
}

// propagate sets the propagation types, which only an attached mount keeps.
func (c *compiler) propagate(mnt plan.Slot, o mountOptions) {
	for _, p := range o.propagations {
		flags := uint64(unix.AT_EMPTY_PATH)
		if p&unix.MS_REC != 0 {
			flags |= unix.AT_RECURSIVE
		}
		c.b.Add(plan.MountSetattr(plan.V(mnt), "", flags, 0, 0, p&^unix.MS_REC, plan.None))
	}
}

// remount changes the attributes of what is mounted at dest.
func (c *compiler) remount(dest string, o mountOptions) {
	t := c.b.Slot("target")
	path := strings.TrimPrefix(dest, "/")
	if path == "" {
		path = "."
	}
	c.b.Add(c.lookup(path, opath).To(t))
	if o.set|o.clear != 0 {
		c.b.Add(plan.MountSetattr(plan.V(t), "", unix.AT_EMPTY_PATH, o.set, clearFor(o.set, o.clear), 0, plan.None))
	}
	c.recursiveAttributes(t, o)
	c.propagate(t, o)
	c.done(t)
}
