package spec

import "github.com/opencontainers/runtime-spec/specs-go"

func putProcess(w *writer, p *specs.Process) {
	optObject(w, "process", p, func(w *writer, p *specs.Process) {
		optBool(w, "terminal", p.Terminal)
		optObject(w, "consoleSize", p.ConsoleSize, func(w *writer, b *specs.Box) {
			putUint(w, "height", b.Height)
			putUint(w, "width", b.Width)
		})
		w.Key("user")
		putUser(w, &p.User)
		optArray(w, "args", p.Args, str)
		optString(w, "commandLine", p.CommandLine)
		optArray(w, "env", p.Env, str)
		putString(w, "cwd", p.Cwd)
		optObject(w, "capabilities", p.Capabilities, putCapabilities)
		optArray(w, "rlimits", p.Rlimits, putRlimit)
		optBool(w, "noNewPrivileges", p.NoNewPrivileges)
		optString(w, "apparmorProfile", p.ApparmorProfile)
		optPtr(w, "oomScoreAdj", p.OOMScoreAdj, putInt)
		optObject(w, "scheduler", p.Scheduler, putScheduler)
		optString(w, "selinuxLabel", p.SelinuxLabel)
		optObject(w, "ioPriority", p.IOPriority, func(w *writer, p *specs.LinuxIOPriority) {
			putString(w, "class", p.Class)
			putInt(w, "priority", p.Priority)
		})
		optObject(w, "execCPUAffinity", p.ExecCPUAffinity, func(w *writer, a *specs.CPUAffinity) {
			optString(w, "initial", a.Initial)
			optString(w, "final", a.Final)
		})
	})
}

func putUser(w *writer, u *specs.User) {
	w.Object(func() {
		putUint(w, "uid", u.UID)
		putUint(w, "gid", u.GID)
		optPtr(w, "umask", u.Umask, putUint)
		optArray(w, "additionalGids", u.AdditionalGids, func(w *writer, n *uint32) { w.Uint(uint64(*n)) })
		optString(w, "username", u.Username)
	})
}

func putCapabilities(w *writer, c *specs.LinuxCapabilities) {
	optArray(w, "bounding", c.Bounding, str)
	optArray(w, "effective", c.Effective, str)
	optArray(w, "inheritable", c.Inheritable, str)
	optArray(w, "permitted", c.Permitted, str)
	optArray(w, "ambient", c.Ambient, str)
}

func putRlimit(w *writer, l *specs.POSIXRlimit) {
	w.Object(func() {
		putString(w, "type", l.Type)
		putUint(w, "hard", l.Hard)
		putUint(w, "soft", l.Soft)
	})
}

func putScheduler(w *writer, s *specs.Scheduler) {
	putString(w, "policy", s.Policy)
	optInt(w, "nice", s.Nice)
	optInt(w, "priority", s.Priority)
	optArray(w, "flags", s.Flags, str)
	optUint(w, "runtime", s.Runtime)
	optUint(w, "deadline", s.Deadline)
	optUint(w, "period", s.Period)
}
