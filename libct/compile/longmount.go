package compile

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/plan"
)

const (
	// fsconfigValue is what fsconfig takes of a value, with its NUL.
	fsconfigValue = 256
	// mountData is what mount(2) takes of all options; it cuts off the rest.
	mountData = 4096
)

// isLong reports an option that fsconfig refuses and mount(2) takes: overlay's
// lowerdir, as a rule. The kernel's newer lowerdir+ is overlay's alone and since
// Linux 6.5.
func isLong(o mountOptions) bool {
	long, all := false, 0
	for _, d := range o.data {
		_, value, _ := strings.Cut(d, "=")
		long = long || len(value) >= fsconfigValue
		all += len(d) + 1
	}
	return long && all < mountData && !o.copyUp
}

// longMount mounts a new file system by mount(2) onto the working directory,
// so that here, too, no path is looked up twice. What may be done to a mount is
// set afterwards, as for every other.
func (c *compiler) longMount(m *specs.Mount, dest string, o mountOptions) {
	mnt, cwd := c.b.Slot("mnt"), c.b.Slot("cwd")
	data := o.data
	if l := c.spec.Linux; l != nil && l.MountLabel != "" && !o.labelled() {
		data = append(data[:len(data):len(data)], "context="+strconv.Quote(l.MountLabel))
	}
	t := c.target(dest, directory)
	c.b.Add(
		plan.Openat(plan.Cwd(), ".", opath|unix.O_DIRECTORY, 0).To(cwd),
		plan.Fchdir(t),
		plan.Mount(m.Source, ".", m.Type, superblockBits(o.flags), strings.Join(data, ",")),
		plan.Fchdir(cwd),
		c.lookupTarget(strings.TrimPrefix(dest, "/"), directory).To(mnt),
		plan.MountSetattr(plan.V(mnt), "", unix.AT_EMPTY_PATH, o.set, clearFor(o.set, o.clear), 0, plan.None),
	)
	c.recursiveAttributes(mnt, o)
	c.propagate(mnt, o)
	c.done(cwd, mnt, t)
}

// superblockBits are mount(2)'s bits of the flags that fsconfig takes by name.
func superblockBits(names []string) uint64 {
	var bits uint64
	for _, name := range names {
		switch name {
		case "sync":
			bits |= unix.MS_SYNCHRONOUS
		case "dirsync":
			bits |= unix.MS_DIRSYNC
		case "mand":
			bits |= unix.MS_MANDLOCK
		case "lazytime":
			bits |= unix.MS_LAZYTIME
		}
	}
	return bits
}
