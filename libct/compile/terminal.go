package compile

import (
	"golang.org/x/sys/unix"

	"rt/libct/plan"
)

func (c *compiler) hasTerminal() bool { return c.spec.Process != nil && c.spec.Process.Terminal }

// console makes the pty in the container's own devpts, gets its slave from the
// master and never by name (CVE-2025-52565), mounts it on /dev/console, and
// lets the parent fetch the master.
func (c *compiler) console() {
	if !c.hasTerminal() {
		return
	}
	c.b.Step("process.terminal")
	ptmx, pts := c.b.Slot(SlotConsole), c.b.Slot("pts")
	c.b.Add(
		plan.Openat2(plan.V(c.root), "dev/pts/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0, inRoot|unix.RESOLVE_NO_SYMLINKS).To(ptmx),
		plan.Ioctl(ptmx, unix.TIOCSPTLCK, plan.B([]byte{0, 0, 0, 0}, "[0]")),
		plan.Ioctl(ptmx, unix.TIOCGPTPEER, plan.N(unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)).To(pts),
	)
	c.terminalSize(ptmx)
	if !c.devFromHost() {
		c.b.Step("mount /dev/console")
		dev, t, mnt := c.b.Slot("dev"), c.b.Slot("target"), c.b.Slot("mnt")
		c.b.Add(
			plan.Mknodat(plan.V(dev), "console", unix.S_IFREG|0o666, 0, 0).Or(unix.EEXIST, unix.EROFS),
			plan.Openat2(plan.V(dev), "console", opath|unix.O_NOFOLLOW, 0, unix.RESOLVE_BENEATH|unix.RESOLVE_NO_SYMLINKS).To(t),
			plan.OpenTree(plan.V(pts), "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH).To(mnt),
			plan.MoveMount(mnt, t))
	}
}

// terminalSize sets process.consoleSize.
func (c *compiler) terminalSize(ptmx plan.Slot) {
	if s := c.spec.Process.ConsoleSize; s != nil && (s.Height != 0 || s.Width != 0) {
		size := []byte{byte(s.Height), byte(s.Height >> 8), byte(s.Width), byte(s.Width >> 8), 0, 0, 0, 0}
		c.b.Add(plan.Ioctl(ptmx, unix.TIOCSWINSZ, plan.B(size, "{consoleSize}")))
	}
}

// terminal makes the pty the standard descriptors and the controlling terminal.
func (c *compiler) terminal() {
	if !c.hasTerminal() {
		return
	}
	pts := c.b.Slot("pts")
	if !c.hasMounts() {
		c.b.Step("process.terminal")
		ptmx := c.b.Slot(SlotConsole)
		c.b.Add(plan.Openat2(plan.Cwd(), "/dev/pts/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0, unix.RESOLVE_NO_SYMLINKS).To(ptmx),
			plan.Ioctl(ptmx, unix.TIOCSPTLCK, plan.B([]byte{0, 0, 0, 0}, "[0]")),
			plan.Ioctl(ptmx, unix.TIOCGPTPEER, plan.N(unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)).To(pts))
		c.terminalSize(ptmx)
	}
	c.b.Barrier(c.sync, BarrierConsole, "console")
	c.b.Step("process.terminal")
	uid := c.spec.Process.User.UID
	if uid != 0 {
		c.b.Add(plan.Fchownat(plan.V(pts), "", uid, ^uint32(0), unix.AT_EMPTY_PATH))
	}
	c.b.Add(plan.Dup3(pts, 0, 0), plan.Dup3(pts, 1, 0), plan.Dup3(pts, 2, 0), plan.Ioctl(pts, unix.TIOCSCTTY, plan.N(0)))
}

// nullDevice puts the container's own null device in place of the host's as
// standard descriptors, as runc does: no descriptor then leads out of the
// container's mounts, which a checkpoint could not restore. Where it cannot be
// opened, the host's stays.
func (c *compiler) nullDevice() {
	if c.hasTerminal() || c.in.Null == [3]bool{} {
		return
	}
	c.b.Step("null device as standard descriptor")
	null := c.b.Slot("null")
	c.b.Add(c.lookup("dev/null", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC).To(null).
		Or(unix.ENOENT, unix.EACCES, unix.EPERM, unix.ENXIO))
	for fd, is := range c.in.Null {
		if is {
			c.b.Add(plan.Dup3(null, fd, 0).If(null))
		}
	}
	c.done(null)
}
