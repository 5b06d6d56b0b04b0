package libct

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"

	"rt/libct/cgroup"
	"rt/libct/compile"
	"rt/libct/systemd"
)

// launch compiles the plan and starts the child in the container's cgroup.
func (e *execution) launch() error {
	namespaces, err := foreign(e.rec.Pid, e.rec.Namespaces)
	if err != nil {
		return err
	}
	entry, err := cgroup.Enter(e.rec.Cgroups, e.o.Cgroups, e.rec.Rootless)
	if err != nil {
		return fmt.Errorf("error adding pid to cgroups: %w", err)
	}
	for _, t := range entry.Tasks {
		e.input.Hierarchies = append(e.input.Hierarchies, compile.Hierarchy{Name: t.Name, Join: true})
		e.in["cgroup "+t.Name] = t.Fd
	}
	entry.Tasks = nil
	defer entry.Close()
	e.in[compile.SlotInit], e.init = e.init, -1
	if e.init, err = unix.FcntlInt(uintptr(e.in[compile.SlotInit]), unix.F_DUPFD_CLOEXEC, 3); err != nil {
		return fmt.Errorf("duplicate init's pidfd: %w", err)
	}
	if namespaces&unix.CLONE_NEWNS == 0 {
		e.in[compile.SlotRoot], e.root = e.root, -1
	}
	if namespaces&unix.CLONE_NEWUSER != 0 {
		raiseHardLimits(e.input.Spec.Process)
	}
	if e.plan, err = compile.Exec(e.input, namespaces); err != nil {
		return err
	}
	if e.r.edit != nil {
		e.r.edit(e.plan)
	}
	return e.enter(entry)
}

// enter starts the child in the group. A group of cgroup v2 takes none once
// controllers are enabled below it, or when it is gone: then, as in runc, init's
// own is the one to be in, unless the user named one.
func (e *execution) enter(entry *cgroup.Entry) error {
	err := error(unix.ENOENT)
	if !entry.Gone {
		err = e.bind(entry.Dir)
	}
	if entry.Dir < 0 && !entry.Gone || !refusesProcess(err) {
		return err
	}
	if len(e.o.Cgroups) == 0 {
		dir, oerr := cgroup.EnterOf(e.rec.Pid)
		if oerr == nil {
			e.r.debug("the container's cgroup takes no process (" + err.Error() + "), init's is joined")
			defer unix.Close(dir)
			err = e.bind(dir)
		}
	}
	if err != nil && e.rec.Rootless && refusesProcess(err) {
		e.outside = true
		return e.bind(-1)
	}
	if refusesProcess(err) {
		return fmt.Errorf("error adding pid to cgroups: %w", err)
	}
	return err
}

// attach has the user's systemd move the child into the container's scope: a
// user may not move a process from one subtree to another, and systemd's first
// process does it for the user's. As in runc, a failure is passed over.
func (e *execution) attach() {
	if !e.outside || !e.rec.SystemdCgroup || len(e.o.Cgroups) > 0 {
		return
	}
	bus, err := systemd.Connect(e.rec.Rootless)
	if err == nil {
		defer bus.Close()
		err = bus.Attach(e.rec.Unit, e.pid)
	}
	if err != nil {
		e.r.debug(err.Error())
	}
}

// refusesProcess reports whether a cgroup answered that to CLONE_INTO_CGROUP.
func refusesProcess(err error) bool {
	for _, e := range []unix.Errno{unix.EBUSY, unix.EOPNOTSUPP, unix.ENODEV, unix.ENOENT, unix.EACCES, unix.EPERM} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// bind starts the child on the CPUs of process.execCPUAffinity.initial: it is
// born on those of the thread that clones it.
func (e *execution) bind(cgroup int) error {
	a := e.input.Spec.Process.ExecCPUAffinity
	if a == nil || a.Initial == "" {
		return e.start(cgroup)
	}
	mask, err := compile.CPUs(a.Initial)
	if err != nil {
		return fmt.Errorf("process.execCPUAffinity.initial: %w", err)
	}
	var before, initial unix.CPUSet
	for i := range len(mask) * 8 {
		if mask[i/8]>>(i%8)&1 == 1 {
			initial.Set(i)
		}
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("sched_getaffinity: %w", err)
	}
	if err := unix.SchedSetaffinity(0, &initial); err != nil {
		return fmt.Errorf("error setting initial CPU affinity %q: %w", a.Initial, err)
	}
	err = e.start(cgroup)
	return errors.Join(err, unix.SchedSetaffinity(0, &before))
}

// foreign are the CLONE_NEW* flags of the namespaces of a process that are not
// this one's: known ones, as of its container, and what it has made since. To
// join one's own again does no harm but for the user namespace, which cannot be.
func foreign(pid int, known uint64) (flags uint64, err error) {
	flags = known &^ unix.CLONE_NEWUSER
	for _, ns := range [...]struct {
		name string
		flag uint64
	}{
		{"user", unix.CLONE_NEWUSER}, {"mnt", unix.CLONE_NEWNS}, {"pid", unix.CLONE_NEWPID}, {"net", unix.CLONE_NEWNET},
		{"ipc", unix.CLONE_NEWIPC}, {"uts", unix.CLONE_NEWUTS}, {"cgroup", unix.CLONE_NEWCGROUP}, {"time", unix.CLONE_NEWTIME},
	} {
		if flags&ns.flag != 0 {
			continue
		}
		var theirs, ours unix.Stat_t
		path := "/proc/" + strconv.Itoa(pid) + "/ns/" + ns.name
		if err := unix.Stat("/proc/self/ns/"+ns.name, &ours); err != nil {
			continue // a kernel without it
		}
		switch err := unix.Stat(path, &theirs); {
		case err == unix.ENOENT || err == unix.ESRCH:
			return 0, ErrExecStopped // init is ending
		case err != nil:
			return 0, fmt.Errorf("stat %s: %w", path, err)
		}
		if theirs.Ino != ours.Ino || theirs.Dev != ours.Dev {
			flags |= ns.flag
		}
	}
	return flags, nil
}
