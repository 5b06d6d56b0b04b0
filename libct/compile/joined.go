package compile

import (
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/plan"
)

// BarrierBegin: the parent sets what it can no longer reach once the child
// cannot be dumped.
const BarrierBegin = 'b'

// SlotRoot is init's root directory, for a container without a mount namespace.
const SlotRoot = "root"

// Exec compiles the plan of one process more in a running container: in.Spec has
// the process and the container's linux.seccomp, personality and memoryPolicy.
// namespaces are the CLONE_NEW* flags of those to join, which are init's.
//
// Nothing of the container's may reach the process before it is the container's
// itself: it cannot be dumped before it enters the first namespace, has no
// descriptor of the host's but two when it sees the container's files
// (CVE-2016-9962, CVE-2024-21626), and is seen in the container's pid namespace
// only then.
func Exec(in Input, namespaces uint64) (*plan.Plan, error) {
	c := &compiler{in: &in, spec: in.Spec, b: plan.NewBuilder()}
	p := in.Spec.Process
	c.sync = c.b.Input(SlotSync)
	c.guardChild()
	if in.Rootless {
		c.b.Barrier(c.sync, BarrierBegin, "begin")
		c.b.Add(plan.Prctl(unix.PR_SET_DUMPABLE, 0, 0))
	}
	c.joinCgroups()
	c.label(p)
	c.execAffinity(p.ExecCPUAffinity)
	keep := []string{SlotInit}
	if namespaces&unix.CLONE_NEWNS == 0 {
		keep = append(keep, SlotRoot)
	}
	c.closeOthers(keep...)
	user := namespaces&unix.CLONE_NEWUSER != 0
	if user {
		c.limits(p, beforeUserns)
	}
	c.enter(namespaces)
	c.landlockInside()
	c.terminal()
	c.keyring()
	if user {
		c.limits(p, insideUserns)
	} else {
		c.limits(p, anywhere)
	}
	c.priorities(p)
	c.cwd(p, true)
	c.restrict()
	c.confineAndExec(p)
	if c.err != nil {
		return nil, c.err
	}
	out := c.b.Plan()
	return out, out.Check()
}

// enter joins init's namespaces, all by one call: each is checked with the
// rights from before, and the user namespace counts for what comes after.
func (c *compiler) enter(namespaces uint64) {
	init := c.b.Input(SlotInit)
	c.b.Step("enter the container's namespaces")
	if namespaces != 0 {
		c.b.Add(plan.Setns(init, namespaces))
	}
	if namespaces&unix.CLONE_NEWUSER != 0 {
		c.becomeRoot()
	}
	c.b.Step("enter the container's namespaces")
	c.b.Add(plan.Close(init))
	if namespaces&unix.CLONE_NEWNS == 0 {
		// The mounts are the host's; init has changed its root.
		root := c.b.Input(SlotRoot)
		c.b.Add(plan.Fchdir(root), plan.Chroot("."), plan.Chdir("/"), plan.Close(root))
	}
	if namespaces&(unix.CLONE_NEWPID|unix.CLONE_NEWTIME) != 0 {
		vm := uint64(unix.CLONE_VM)
		if namespaces&unix.CLONE_NEWTIME != 0 {
			vm = 0
		}
		// Only the leader of a session may take a controlling terminal.
		c.b.Add(plan.CloneParent(vm, c.b.Slot(SlotPid)), plan.Setsid())
		c.armDeathSignal()
	}
}

// execAffinity sets process.execCPUAffinity.final, now that the process is in
// the container's cgroup; initial it was born with. Without either the caller's
// affinity is not the container's.
func (c *compiler) execAffinity(a *specs.CPUAffinity) {
	switch {
	case a == nil || a.Initial == "" && a.Final == "":
		c.allCPUs()
	case a.Final != "":
		mask, err := CPUs(a.Final)
		if err != nil {
			c.fail(fmt.Errorf("process.execCPUAffinity.final: %w", err))
			return
		}
		c.b.Step("process.execCPUAffinity.final")
		c.b.Add(plan.SchedSetaffinity(mask, "["+a.Final+"]").Saying("error setting final CPU affinity " + strconv.Quote(a.Final) + ":"))
	}
}

// CPUs turns a list such as "0-3,7" into the mask of sched_setaffinity(2).
func CPUs(list string) (mask []byte, err error) { return bitList(list) }
