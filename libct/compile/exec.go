package compile

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/plan"
)

// env is the process's environment: of a name given twice the last value
// counts, HOME is added from the user's entry in the container's passwd, and
// socket activation adds its two.
func (c *compiler) env(p *specs.Process) []string {
	env := make([]string, 0, len(p.Env)+3)
	seen := make(map[string]int, len(p.Env))
	for _, e := range p.Env {
		name, _, _ := strings.Cut(e, "=")
		if at, ok := seen[name]; ok {
			env[at] = e
			continue
		}
		seen[name] = len(env)
		env = append(env, e)
	}
	if at, ok := seen["HOME"]; (!ok || env[at] == "HOME=") && c.in.Home != "" {
		if ok {
			env[at] = "HOME=" + c.in.Home
		} else {
			env = append(env, "HOME="+c.in.Home)
		}
	}
	if c.in.ListenFds > 0 {
		env = append(env, "LISTEN_FDS="+strconv.Itoa(c.in.ListenFds), "LISTEN_PID=1")
	}
	return env
}

// defaultPath is the search path of an environment without PATH, as the kernel
// of every runtime has it.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// candidates are the files that args[0] can mean. A name with a slash means
// itself; another is looked for in PATH.
func candidates(name string, env []string) []string {
	if strings.Contains(name, "/") {
		return []string{name}
	}
	path := defaultPath
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, "PATH="); ok {
			path = v
		}
	}
	var list []string
	for _, dir := range strings.Split(path, ":") {
		if dir == "" {
			dir = "."
		}
		list = append(list, strings.TrimSuffix(dir, "/")+"/"+name)
	}
	return list
}

// lookupExecutable finds out before the container counts as created whether
// there is anything to execute, with the user's own rights. A filter that is in
// force may not know faccessat2, or allow neither call: then execve tells.
func (c *compiler) lookupExecutable(p *specs.Process, filtered bool) {
	quoted := "exec: " + strconv.Quote(p.Args[0])
	c.b.Step(quoted)
	if filtered {
		now, old := c.b.Slot("faccessat2"), c.b.Slot("faccessat")
		c.b.Add(plan.Faccessat2("/", 0).To(now).Or(unix.ENOSYS, unix.EPERM, unix.EACCES),
			plan.Faccessat("/", 0).To(old).IfNot(now).Or(unix.ENOSYS, unix.EPERM, unix.EACCES))
		c.lookupBy(p, plan.Faccessat2, now)
		c.lookupBy(p, plan.Faccessat, old)
	} else {
		c.lookupBy(p, plan.Faccessat2, plan.None)
	}
	if strings.Contains(p.Args[0], "/") {
		c.b.Add(plan.Openat(plan.Cwd(), p.Args[0], unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0).
			ExpectError(unix.ENOTDIR, unix.EISDIR).Saying(quoted + ":"))
	}
}

// lookupBy asks with the given call, if the slot when is None or succeeded.
func (c *compiler) lookupBy(p *specs.Process, access func(string, uint64) plan.Op, when plan.Slot) {
	quoted := "exec: " + strconv.Quote(p.Args[0])
	if strings.Contains(p.Args[0], "/") {
		c.b.Add(access(p.Args[0], 0).If(when).Saying(quoted+": stat "+p.Args[0]+":"),
			access(p.Args[0], 1).If(when).Saying(quoted+":"))
		return
	}
	found := c.b.Slot("exe")
	list := candidates(p.Args[0], c.env(p))
	for i, path := range list {
		o := access(path, 1).To(found).If(when)
		if i > 0 {
			o = o.IfNot(found)
		}
		if i < len(list)-1 {
			o = o.Or(unix.ENOENT, unix.EACCES, unix.ENOTDIR, unix.ELOOP)
		}
		c.b.Add(o.Saying(quoted + ": executable file not found in $PATH"))
	}
}

// LastFds is how many descriptors a plan holds just above the preserved ones
// until execve; inputs must lie above them.
const LastFds = 8

// closeOthers moves what the child still needs next to the preserved descriptors
// and closes all others: a parked container holds nothing of the host's. It
// comes before seccomp, whose filter may refuse close_range. also are inputs to
// keep besides.
func (c *compiler) closeOthers(also ...string) {
	c.b.Step("close other descriptors")
	at := 3 + c.in.PreserveFds
	keep := func(name string) plan.Slot {
		s := c.b.Input(name)
		c.b.Add(plan.Dup3(s, at, unix.O_CLOEXEC).To(s))
		at++
		return s
	}
	keep(SlotSync)
	for _, name := range also {
		keep(name)
	}
	if c.in.Park {
		c.parked = keep(SlotExec)
		c.b.SetStatus(keep(SlotStatus))
	}
	c.b.Add(plan.CloseRange(at, false))
	for fd := 3; fd < 3+c.in.PreserveFds; fd++ {
		// rt has made them close-on-exec, so that hooks do not get them.
		c.b.Add(plan.KeepOnExec(fd))
	}
}

// wait is the last barrier: the cgroup's limits are set, the container recorded.
// A parked container then waits for a byte in the exec fifo.
func (c *compiler) wait() {
	c.b.Step("ready")
	c.b.Barrier(c.sync, BarrierReady, "ready")
	c.b.Step("outlive the parent")
	c.b.Add(plan.Prctl(unix.PR_SET_PDEATHSIG, 0, 0))
	if c.in.Park {
		c.b.Step("wait for start")
		c.b.Add(plan.Close(c.sync), plan.Read(c.parked, 1).Expect(1, unix.ECANCELED))
	}
}

func (c *compiler) exec(p *specs.Process) {
	quoted := "exec: " + strconv.Quote(p.Args[0])
	c.b.Step(quoted)
	env := c.env(p)
	c.b.Add(plan.UnblockSignals(0))
	list := candidates(p.Args[0], env)
	for i, path := range list {
		o := plan.Execve(path, p.Args, env).Saying("exec " + path + ":")
		if i < len(list)-1 {
			o = o.Or(unix.ENOENT, unix.EACCES, unix.ENOTDIR, unix.ELOOP)
		}
		c.b.Add(o)
	}
}
