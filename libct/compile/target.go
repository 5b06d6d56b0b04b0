package compile

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"rt/libct/plan"
)

// kind is what a missing mount target is made as.
type kind int

const (
	directory kind = iota
	file
	// likeSource makes what the slot "mnt" refers to: a file or a directory.
	likeSource
	// plain is a directory that no symbolic link leads to.
	plain
)

// target opens dest inside the root for a mount to come, into slot "target",
// and makes it if it is missing. Every step goes through openat2, so whatever
// links the image has, nothing outside the root is opened or made
// (CVE-2021-30465).
func (c *compiler) target(dest string, k kind) plan.Slot {
	t := c.b.Slot("target")
	path := strings.TrimPrefix(dest, "/")
	if path == "" {
		path = "."
	}
	c.b.Add(c.lookupTarget(path, k).To(t).Or(unix.ENOENT))
	if path != "." {
		c.makeTarget(path, k, t)
	}
	return t
}

func (c *compiler) lookup(path string, flags uint64) plan.Op {
	return plan.Openat2(plan.V(c.root), path, flags, 0, inRoot)
}

func (c *compiler) makeTarget(path string, k kind, t plan.Slot) {
	parts := strings.Split(path, "/")
	parent, spare := c.root, [2]plan.Slot{c.b.Slot("dir0"), c.b.Slot("dir1")}
	for i := range parts[:len(parts)-1] {
		prefix := strings.Join(parts[:i+1], "/")
		d := spare[i%2]
		c.b.Add(
			c.lookup(prefix, opath|unix.O_DIRECTORY).To(d).IfNot(t).Or(unix.ENOENT),
			plan.Mkdirat(plan.V(parent), parts[i], 0o755).IfNot(d).Or(unix.EEXIST),
			c.lookup(prefix, opath|unix.O_DIRECTORY).To(d).IfNot(d),
		)
		parent = d
	}
	name := parts[len(parts)-1]
	mkdir := plan.Mkdirat(plan.V(parent), name, 0o755).Or(unix.EEXIST)
	mkfile := plan.Mknodat(plan.V(parent), name, unix.S_IFREG|0o755, 0, 0).Or(unix.EEXIST)
	switch k {
	case directory, plain:
		c.b.Add(mkdir.IfNot(t))
	case file:
		c.b.Add(mkfile.IfNot(t))
	case likeSource:
		isDir := c.b.Slot("isdir")
		c.b.Add(
			plan.Openat(plan.V(c.b.Slot("mnt")), ".", opath|unix.O_DIRECTORY, 0).To(isDir).IfNot(t).Or(unix.ENOTDIR, unix.EACCES),
			mkdir.If(isDir), mkfile.IfNot(isDir), plan.Close(isDir).If(isDir),
		)
	}
	c.b.Add(c.lookupTarget(path, k).To(t).IfNot(t))
}

// lookupTarget opens a target of that kind.
func (c *compiler) lookupTarget(path string, k kind) plan.Op {
	if k != plain {
		return c.lookup(path, opath)
	}
	return c.lookup(path, opath|unix.O_DIRECTORY|unix.O_NOFOLLOW).
		Saying("filesystem " + strconv.Quote("/"+path) + " must be mounted on ordinary directory:")
}

// done closes a passing descriptor when there are so many mounts that the limit
// of open files could be reached; otherwise close-on-exec does it for free.
func (c *compiler) done(slots ...plan.Slot) {
	if !c.tidy {
		return
	}
	for _, s := range slots {
		c.b.Add(plan.Close(s).If(s))
	}
}
