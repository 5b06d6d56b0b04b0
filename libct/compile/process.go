package compile

import (
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/plan"
	"rt/libct/spec"
)

// identity sets hostname and domainname, and brings up lo.
func (c *compiler) identity() {
	c.loopback()
	if c.spec.Hostname != "" {
		c.b.Step("hostname")
		c.b.Add(plan.Sethostname(c.spec.Hostname))
	}
	if c.spec.Domainname != "" {
		c.b.Step("domainname")
		c.b.Add(plan.Setdomainname(c.spec.Domainname))
	}
}

// process sets up the process itself and ends in execve. The order is that of
// privileges: what needs them comes first.
func (c *compiler) process() {
	p := c.spec.Process
	c.keyring()
	c.limits(p, anywhere)
	c.schedule(p)
	c.cwd(p, true)
	c.readonlyRoot()
	c.restrict()
	c.closeOthers()
	c.confineAndExec(p)
}

// confineAndExec takes the rights of the container's process and becomes it.
func (c *compiler) confineAndExec(p *specs.Process) {
	early := c.in.Seccomp != nil && !p.NoNewPrivileges
	c.groupsAndBounding(p)
	if early {
		c.seccomp()
	}
	c.user(p)
	c.cwd(p, false)
	c.lookupExecutable(p, early)
	if p.NoNewPrivileges {
		c.b.Step("process.noNewPrivileges")
		c.b.Add(plan.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0))
	}
	if c.in.Seccomp != nil && !early && c.in.Seccomp.Notify {
		c.seccomp()
		early = true
	}
	c.wait()
	if c.in.Seccomp != nil && !early {
		c.seccomp()
	}
	c.exec(p)
}

// keyring gives the container a session keyring of its own, so that the
// caller's keys stay out of reach.
func (c *compiler) keyring() {
	if c.in.NoNewKeyring {
		return
	}
	c.b.Step("session keyring")
	ring := c.b.Slot("keyring")
	// Its owner may search it beside what is usual (keyrings(7)), as in runc.
	const usual, search = 0x3f130000, 0x080000
	c.b.Add(plan.JoinSessionKeyring("_ses."+c.in.ID).To(ring).Or(unix.ENOSYS, unix.EDQUOT, unix.EPERM),
		plan.KeyctlSetperm(ring, usual|search).If(ring).Or(unix.EPERM, unix.EACCES))
}

var rlimits = [...]string{
	"RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_DATA", "RLIMIT_STACK", "RLIMIT_CORE", "RLIMIT_RSS", "RLIMIT_NPROC",
	"RLIMIT_NOFILE", "RLIMIT_MEMLOCK", "RLIMIT_AS", "RLIMIT_LOCKS", "RLIMIT_SIGPENDING", "RLIMIT_MSGQUEUE",
	"RLIMIT_NICE", "RLIMIT_RTPRIO", "RLIMIT_RTTIME",
}

// Rlimit is the number of a resource limit by its name in a specification.
func Rlimit(name string) (int, bool) {
	for i, n := range rlimits {
		if n == name {
			return i, true
		}
	}
	return 0, false
}

// Which limits are set: raising one needs a capability outside of user
// namespaces, but with RLIMIT_NPROC set the child could not clone once more.
type which int

const (
	anywhere which = iota
	beforeUserns
	insideUserns
)

// limits sets process.rlimits; RLIMIT_NOFILE, which Go raises in every process,
// goes back to what the caller had.
func (c *compiler) limits(p *specs.Process, w which) {
	nofile := w == insideUserns
	for _, l := range p.Rlimits {
		for i, name := range rlimits {
			if name == l.Type && (w == anywhere || (w == insideUserns) == (i == unix.RLIMIT_NPROC)) {
				c.b.Step("process.rlimits " + name)
				c.b.Add(plan.Setrlimit(uint64(i), l.Soft, l.Hard))
				nofile = nofile || i == unix.RLIMIT_NOFILE
			}
		}
	}
	if !nofile {
		c.b.Step("inherited RLIMIT_NOFILE")
		c.b.Add(plan.Setrlimit(unix.RLIMIT_NOFILE, c.in.Facts.Nofile.Soft, c.in.Facts.Nofile.Hard))
	}
}

// cwd changes to process.cwd, first as root, and again as the user if root may
// not (a directory on NFS). getcwd begins with a slash only inside the root: a
// descriptor of the host's left open is no way out (CVE-2024-21626).
func (c *compiler) cwd(p *specs.Process, asRoot bool) {
	c.b.Step("process.cwd " + p.Cwd)
	done := c.b.Slot("cwd")
	if asRoot {
		c.b.Add(plan.Chdir(p.Cwd).To(done).Or(unix.EACCES, unix.ENOENT))
		if !c.hasMounts() {
			return
		}
		for i := 1; i < len(p.Cwd); i++ {
			if i+1 == len(p.Cwd) || p.Cwd[i+1] == '/' {
				c.b.Add(plan.Mkdirat(plan.Cwd(), p.Cwd[:i+1], 0o755).IfNot(done).Or(unix.EEXIST, unix.ENOENT, unix.EACCES, unix.EROFS))
			}
		}
		return
	}
	c.b.Add(plan.Chdir(p.Cwd).IfNot(done).Saying("chdir to cwd ("+strconv.Quote(p.Cwd)+") set in config.json failed:"),
		plan.Getcwd().ExpectByte('/', unix.ENOENT).Saying("current working directory is outside of container mount namespace root -- possible container breakout detected"))
}

// groupsAndBounding does what needs the caller's capabilities.
func (c *compiler) groupsAndBounding(p *specs.Process) {
	c.b.Step("process.capabilities.bounding")
	keep := uint64(0) // without process.capabilities: else execve would give root all
	if p.Capabilities != nil {
		keep = c.capSet(p.Capabilities.Bounding)
	}
	for n := 0; n <= c.in.Facts.LastCap; n++ {
		if keep>>n&1 == 0 {
			c.b.Add(plan.Prctl(unix.PR_CAPBSET_DROP, uint64(n), 0))
		}
	}
	c.b.Step("process.user")
	for fd, chown := range c.in.Chown {
		if chown && p.User.UID != 0 {
			c.b.Add(plan.Fchownat(plan.N(fd), "", p.User.UID, ^uint32(0), unix.AT_EMPTY_PATH).Or(unix.EPERM, unix.EINVAL, unix.EROFS, unix.EACCES))
		}
	}
}

// user takes the ids and capabilities of the container's process.
func (c *compiler) user(p *specs.Process) {
	c.b.Step("process.user")
	umask := uint32(0o022)
	if p.User.Umask != nil {
		umask = *p.User.Umask
	}
	c.b.Add(plan.Umask(umask))
	groups := plan.Setgroups(p.User.AdditionalGids)
	if c.in.Rootless && len(p.User.AdditionalGids) == 0 {
		// A user's own maps deny setgroups (user_namespaces(7)).
		groups = groups.Or(unix.EPERM)
	}
	c.b.Add(groups.For("process.user.additionalGids"))
	c.b.Add(plan.Prctl(unix.PR_SET_KEEPCAPS, 1, 0))
	c.b.Add(plan.Setresgid(p.User.GID).For(fmt.Sprintf("process.user.gid %d", p.User.GID)),
		plan.Setresuid(p.User.UID).For(fmt.Sprintf("process.user.uid %d", p.User.UID)),
		plan.Prctl(unix.PR_SET_KEEPCAPS, 0, 0),
		plan.Prctl(unix.PR_SET_DUMPABLE, 0, 0))
	c.armDeathSignal()
	c.capabilities(p.Capabilities)
}

// capabilities sets the thread's sets. Without process.capabilities there are
// none.
func (c *compiler) capabilities(caps *specs.LinuxCapabilities) {
	c.b.Step("process.capabilities")
	if caps == nil {
		c.b.Add(plan.Capset(0, 0, 0))
		return
	}
	inheritable, ambient := c.capSet(caps.Inheritable), c.capSet(caps.Ambient)
	c.b.Add(plan.Capset(c.capSet(caps.Effective), c.capSet(caps.Permitted), inheritable))
	for n := 0; n <= c.in.Facts.LastCap; n++ {
		if ambient>>n&1 == 1 {
			// As runc: what cannot be raised (not permitted or not inheritable)
			// is left out; spec.Warnings tells.
			c.b.Add(plan.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, uint64(n)).Or(unix.EPERM))
		}
	}
}

// capSet turns names into bits. A capability that the kernel or the caller does
// not have is left out; spec.Warnings tells.
func (c *compiler) capSet(names []string) (set uint64) {
	for _, name := range names {
		if n, ok := spec.Capability(name); ok && int(n) <= c.in.Facts.LastCap {
			set |= 1 << n
		}
	}
	return set
}

func (c *compiler) seccomp() {
	f := c.in.Seccomp
	c.b.Step("linux.seccomp")
	o := plan.Seccomp(uint64(f.Flags), f.Program)
	if f.Notify {
		o = o.To(c.b.Slot(SlotListener))
	}
	c.b.Add(o)
	if f.Notify {
		c.b.Barrier(c.sync, BarrierListener, "seccomp listener")
		c.b.Add(plan.Close(c.b.Slot(SlotListener)))
	}
}
