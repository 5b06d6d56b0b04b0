package compile

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/plan"
)

// device is a node to make.
type device struct {
	path         string
	mode         uint32 // type and permissions
	major, minor int64
	uid, gid     uint32
}

// defaultDevices are the nodes every container gets (runtime-spec
// config-linux.md#default-devices).
var defaultDevices = [...]device{
	{path: "/dev/null", mode: unix.S_IFCHR | 0o666, major: 1, minor: 3},
	{path: "/dev/zero", mode: unix.S_IFCHR | 0o666, major: 1, minor: 5},
	{path: "/dev/full", mode: unix.S_IFCHR | 0o666, major: 1, minor: 7},
	{path: "/dev/random", mode: unix.S_IFCHR | 0o666, major: 1, minor: 8},
	{path: "/dev/urandom", mode: unix.S_IFCHR | 0o666, major: 1, minor: 9},
	{path: "/dev/tty", mode: unix.S_IFCHR | 0o666, major: 5, minor: 0},
}

// devLinks are the links of config-linux.md#default-devices and of /dev/core,
// as runc makes them.
var devLinks = [...][2]string{
	{"pts/ptmx", "ptmx"}, {"/proc/self/fd", "fd"}, {"/proc/self/fd/0", "stdin"},
	{"/proc/self/fd/1", "stdout"}, {"/proc/self/fd/2", "stderr"},
}

// devFromHost reports whether /dev is a bind mount, which rt leaves as it is.
func (c *compiler) devFromHost() bool {
	for i := range c.spec.Mounts {
		if clean(c.spec.Mounts[i].Destination) == "/dev" && IsBind(&c.spec.Mounts[i]) {
			return true
		}
	}
	return false
}

// devices makes the nodes and links of /dev, unless it is the host's.
func (c *compiler) devices() {
	if c.devFromHost() {
		return
	}
	c.b.Step("open /dev")
	dev := c.b.Slot("dev")
	c.b.Add(c.lookup("dev", opath|unix.O_DIRECTORY).To(dev).Or(unix.ENOENT),
		plan.Mkdirat(plan.V(c.root), "dev", 0o755).IfNot(dev),
		c.lookup("dev", opath|unix.O_DIRECTORY).To(dev).IfNot(dev))
	given := map[string]bool{}
	var list []device
	if c.spec.Linux != nil {
		for i := range c.spec.Linux.Devices {
			d := fromSpec(&c.spec.Linux.Devices[i])
			given[d.path] = true
			list = append(list, d)
		}
	}
	for _, d := range defaultDevices {
		if !given[d.path] {
			c.device(d, dev)
		}
	}
	for _, d := range list {
		c.device(d, dev)
	}
	c.b.Step("links in /dev")
	for _, l := range devLinks {
		op := plan.Symlinkat(l[0], plan.V(dev), l[1]).Or(unix.EEXIST)
		if l[1] == "ptmx" {
			// A node left here by an image would open the host's devpts.
			c.b.Add(plan.Unlinkat(plan.V(dev), "ptmx").Or(unix.ENOENT, unix.EROFS, unix.EISDIR, unix.EPERM))
		}
		c.b.Add(op)
	}
}

func fromSpec(d *specs.LinuxDevice) device {
	n := device{path: clean(d.Path), major: d.Major, minor: d.Minor, mode: 0o666}
	if d.FileMode != nil {
		n.mode = uint32(*d.FileMode) & 0o7777
	}
	if d.UID != nil {
		n.uid = *d.UID
	}
	if d.GID != nil {
		n.gid = *d.GID
	}
	switch d.Type {
	case "b":
		n.mode |= unix.S_IFBLK
	case "p":
		n.mode |= unix.S_IFIFO
	default:
		n.mode |= unix.S_IFCHR
	}
	return n
}

// device makes a node, or, where mknod is not allowed or something is there
// already, mounts the host's node on it: what the container finds is the device
// asked for, whatever the image had put in its place.
func (c *compiler) device(d device, dev plan.Slot) {
	c.b.Step("device " + d.path)
	parent, name := dev, strings.TrimPrefix(d.path, "/dev/")
	if name == d.path || strings.Contains(name, "/") {
		parent, name = c.parentOf(d.path)
	}
	node := c.b.Slot("node")
	if c.ns.has(unix.CLONE_NEWUSER) || c.in.Rootless {
		c.b.Add(plan.Mknodat(plan.V(parent), name, unix.S_IFREG|0o755, 0, 0).Or(unix.EEXIST, unix.EROFS))
		c.bindNode(d, parent, name, plan.None)
		return
	}
	c.b.Add(plan.Mknodat(plan.V(parent), name, d.mode, d.major, d.minor).To(node).Or(unix.EEXIST, unix.EPERM, unix.EROFS))
	if d.uid != 0 || d.gid != 0 {
		c.b.Add(plan.Fchownat(plan.V(parent), name, d.uid, d.gid, unix.AT_SYMLINK_NOFOLLOW).If(node))
	}
	if d.mode&unix.S_IFMT == unix.S_IFIFO {
		return
	}
	c.bindNode(d, parent, name, node)
}

// bindNode mounts the host's device on parent/name, if node failed.
func (c *compiler) bindNode(d device, parent plan.Slot, name string, node plan.Slot) {
	host, t := c.b.Slot("host"), c.b.Slot("target")
	open := plan.Openat2(plan.V(parent), name, opath|unix.O_NOFOLLOW, 0, unix.RESOLVE_BENEATH|unix.RESOLVE_NO_SYMLINKS).To(t)
	tree := plan.OpenTree(plan.Cwd(), d.path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC).To(host)
	if node != plan.None {
		c.b.Add(plan.Mknodat(plan.V(parent), name, unix.S_IFREG|0o755, 0, 0).IfNot(node).Or(unix.EEXIST, unix.EROFS))
		open, tree = open.IfNot(node), tree.IfNot(node)
	}
	c.b.Add(open, tree, plan.MoveMount(host, t).If(host))
}

// parentOf opens the directory of a path inside the root, making what is
// missing.
func (c *compiler) parentOf(path string) (plan.Slot, string) {
	i := strings.LastIndexByte(path, '/')
	dir, name := path[:i], path[i+1:]
	return c.target(dir, directory), name
}
