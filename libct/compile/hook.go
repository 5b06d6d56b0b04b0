package compile

import (
	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/plan"
)

// Slots of a hook's plan.
const (
	// SlotInit is a pidfd of the container's init, SlotStdin the hook's
	// standard input.
	SlotInit  = "init"
	SlotStdin = "stdin"
)

// Hook compiles the plan of a hook that runs in the namespaces of a container's
// init. A confined one (startContainer) executes a file of the container's,
// which an image has made: it gets no more rights than the container's process,
// by in.Spec.Process, in.Seccomp and the cgroups in in.Hierarchies. Another
// (createContainer) is the host's, and keeps the runtime's. As in runc, the
// first has the process's environment unless it gives one, and the second starts
// in the rootfs.
func Hook(in Input, namespaces uint64, h *specs.Hook, confined bool) (*plan.Plan, error) {
	c := &compiler{in: &in, spec: in.Spec, b: plan.NewBuilder()}
	c.b.Step("hook " + h.Path)
	c.armDeathSignal()
	c.b.Add(plan.DefaultSignal(32), plan.DefaultSignal(33))
	if confined {
		c.b.Add(plan.Prctl(unix.PR_SET_DUMPABLE, 0, 0))
		c.joinCgroups()
		c.label(in.Spec.Process)
	}
	c.b.Step("enter the namespaces of hook " + h.Path)
	if namespaces != 0 {
		c.b.Add(plan.Setns(c.b.Input(SlotInit), namespaces))
	}
	if namespaces&unix.CLONE_NEWUSER != 0 {
		c.b.Add(plan.Setresgid(0).Or(unix.EINVAL), plan.Setresuid(0).Or(unix.EINVAL))
	}
	if namespaces&(unix.CLONE_NEWPID|unix.CLONE_NEWTIME) != 0 {
		c.b.Add(plan.CloneParent(0, c.b.Slot(SlotPid)))
		c.armDeathSignal()
	}
	env, dir := h.Env, in.Rootfs
	if confined {
		dir = "/"
		if len(env) == 0 {
			env = c.env(in.Spec.Process)
		}
	}
	c.b.Add(plan.Setrlimit(unix.RLIMIT_NOFILE, in.Facts.Nofile.Soft, in.Facts.Nofile.Hard).Or(unix.EPERM),
		plan.Chdir(dir), plan.Dup3(c.b.Input(SlotStdin), 0, 0), plan.CloseRange(3, true))
	if confined {
		c.landlockInside()
		c.restrict()
		c.confine(in.Spec.Process)
	}
	c.b.Step("hook " + h.Path)
	c.b.Add(plan.UnblockSignals(0))
	args := h.Args
	if len(args) == 0 {
		args = []string{h.Path}
	}
	c.b.Add(plan.Execve(h.Path, args, env))
	if c.err != nil {
		return nil, c.err
	}
	p := c.b.Plan()
	return p, p.Check()
}

// confine takes the ids, capabilities and filter of the container's process.
// System calls that its filter would report to an agent fail with ENOSYS: the
// agent is the process's.
func (c *compiler) confine(p *specs.Process) {
	c.groupsAndBounding(p)
	if !p.NoNewPrivileges {
		c.filter()
	}
	c.user(p)
	if p.NoNewPrivileges {
		c.b.Step("process.noNewPrivileges")
		c.b.Add(plan.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0))
		c.filter()
	}
}

// filter installs the container's seccomp filter.
func (c *compiler) filter() {
	if f := c.in.Seccomp; f != nil {
		c.b.Step("linux.seccomp")
		c.b.Add(plan.Seccomp(uint64(f.Flags), f.Program))
	}
}
