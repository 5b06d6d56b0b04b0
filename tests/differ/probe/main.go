// Probe is the program that the containers of the comparison run. It prints
// everything a process can see of itself, one fact a line, and then carries out
// the actions it was given as arguments. As a hook (probe hook LOG NAME …) it
// writes what it sees to LOG instead. It is static and imports std, x/sys/unix
// and the recorder of the inherited limit alone, and must never fail on a file
// that is not there: an absence is a fact, too.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"rt/libct/host/nofile"
)

// fact prints one line; the first word is the section.
func fact(section, format string, args ...any) {
	fmt.Printf("%s: %s\n", section, strings.TrimSpace(fmt.Sprintf(format, args...)))
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == "hook" {
		hook(os.Args[2], os.Args[3], os.Args[4:])
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "quiet" {
		actions(os.Args[2:])
		return
	}
	descriptors("fd")
	process()
	status()
	limits()
	terminal()
	namespaces("ns")
	mounts()
	devices()
	kernel()
	masks()
	actions(os.Args[1:])
}

// text is a file's content, or the errno that there is instead of it.
func text(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return "!" + errno(err)
	}
	return strings.TrimSpace(string(data))
}

func errno(err error) string {
	for {
		if e, ok := err.(syscall.Errno); ok {
			return unix.ErrnoName(e)
		}
		inner, ok := err.(interface{ Unwrap() error })
		if !ok {
			return err.Error()
		}
		err = inner.Unwrap()
	}
}

// descriptors come first: later ones may be Go's.
func descriptors(section string) {
	for fd := range 24 {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		if err != nil {
			continue
		}
		target, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
		if err != nil {
			target = "!" + errno(err)
		}
		target, _, _ = strings.Cut(target, ":[")
		var st unix.Stat_t
		_ = unix.Fstat(fd, &st)
		fact(section, "%d %s flags %#o uid %d", fd, target, flags, st.Uid)
	}
}

func process() {
	for i, arg := range os.Args {
		fact("arg", "%d %q", i, arg)
	}
	env := os.Environ()
	sort.Strings(env)
	for _, v := range env {
		fact("env", "%q", v)
	}
	cwd, err := os.Readlink("/proc/self/cwd")
	fact("process", "cwd %s %v", cwd, err == nil)
	buf := make([]byte, 4096)
	n, err := unix.Getcwd(buf)
	fact("process", "getcwd %s %v", strings.TrimRight(string(buf[:max(n, 0)]), "\x00"), err)
	sid, _ := unix.Getsid(0)
	fact("process", "pid %v ppid %v sid %v pgrp %v", os.Getpid() == 1, os.Getppid() == 0, sid == os.Getpid(), unix.Getpgrp() == os.Getpid())
	var uts unix.Utsname
	_ = unix.Uname(&uts)
	fact("uts", "hostname %s", unix.ByteSliceToString(uts.Nodename[:]))
	fact("uts", "domainname %s", unix.ByteSliceToString(uts.Domainname[:]))
	fact("uts", "machine %s", unix.ByteSliceToString(uts.Machine[:]))
	persona, _, _ := unix.RawSyscall(unix.SYS_PERSONALITY, 0xffffffff, 0, 0)
	fact("process", "personality %#x", persona)
	for _, file := range []string{"oom_score_adj", "uid_map", "gid_map", "setgroups", "timens_offsets", "attr/current", "coredump_filter", "loginuid"} {
		fact("process", "%s %q", file, text("/proc/self/"+file))
	}
	for _, line := range strings.Split(text("/proc/self/cgroup"), "\n") {
		_, line, _ = strings.Cut(line, ":")
		fact("cgroup", "%s", line)
	}
	if attr, err := unix.SchedGetAttr(0, 0); err == nil {
		fact("process", "sched policy %d nice %d priority %d flags %#x runtime %d", attr.Policy, attr.Nice, attr.Priority, attr.Flags, attr.Runtime)
	}
	ioprio, _, _ := unix.RawSyscall(unix.SYS_IOPRIO_GET, 1, 0, 0)
	fact("process", "ioprio %#x", ioprio)
	var cpus unix.CPUSet
	_ = unix.SchedGetaffinity(0, &cpus)
	fact("process", "cpus %d", cpus.Count())
	prctls()
}

func prctls() {
	for _, p := range []struct {
		name   string
		option int
	}{{"dumpable", unix.PR_GET_DUMPABLE}, {"securebits", unix.PR_GET_SECUREBITS}, {"keepcaps", unix.PR_GET_KEEPCAPS}, {"thp_disable", unix.PR_GET_THP_DISABLE}, {"no_new_privs", unix.PR_GET_NO_NEW_PRIVS}} {
		v, _, _ := unix.RawSyscall6(unix.SYS_PRCTL, uintptr(p.option), 0, 0, 0, 0, 0)
		fact("prctl", "%s %d", p.name, v)
	}
	for _, p := range []struct {
		name   string
		option int
	}{{"pdeathsig", unix.PR_GET_PDEATHSIG}, {"child_subreaper", unix.PR_GET_CHILD_SUBREAPER}} {
		var v int32
		_, _, _ = unix.RawSyscall(unix.SYS_PRCTL, uintptr(p.option), uintptr(unsafe.Pointer(&v)), 0)
		fact("prctl", "%s %d", p.name, v)
	}
	keyring, err := unix.KeyctlString(unix.KEYCTL_DESCRIBE, unix.KEY_SPEC_SESSION_KEYRING)
	fact("keyring", "%s %v", keyring, err)
	var mode int
	_, _, e := unix.RawSyscall6(unix.SYS_GET_MEMPOLICY, uintptr(unsafe.Pointer(&mode)), 0, 0, 0, 0, 0)
	fact("process", "mempolicy %d %d", mode, e)
}

func status() {
	wanted := "Name Umask Uid Gid Groups SigPnd SigBlk SigIgn CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp Seccomp_filters Speculation_Store_Bypass TracerPid"
	for _, line := range strings.Split(text("/proc/self/status"), "\n") {
		key, value, _ := strings.Cut(line, ":")
		if key != "" && strings.Contains(" "+wanted+" ", " "+key+" ") {
			value = strings.Join(strings.Fields(value), " ")
			if n, err := strconv.ParseUint(value, 16, 64); key == "SigPnd" && err == nil {
				// SIGURG is from the probe's own Go to its threads.
				value = fmt.Sprintf("%016x", n&^(1<<(unix.SIGURG-1)))
			}
			fact("status", "%s %s", key, value)
		}
	}
}

func limits() {
	for i, line := range strings.Split(text("/proc/self/limits"), "\n") {
		if i > 0 && !strings.HasPrefix(line, "Max open files") {
			fact("limit", "%s", strings.Join(strings.Fields(line), " "))
		}
	}
	soft, hard, _ := nofile.Inherited() // Go has raised it since
	fact("limit", "Max open files %d %d", soft, hard)
}

func terminal() {
	for fd := range 3 {
		size, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
		if err != nil {
			continue
		}
		attr, _ := unix.IoctlGetTermios(fd, unix.TCGETS)
		fact("tty", "%d %dx%d iflag %#o oflag %#o cflag %#o lflag %#o", fd, size.Row, size.Col, attr.Iflag, attr.Oflag, attr.Cflag, attr.Lflag)
	}
	fd, err := unix.Open("/dev/tty", unix.O_RDWR, 0)
	if err == nil {
		pgrp, _ := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
		fact("tty", "controlling, foreground %v", pgrp == unix.Getpgrp())
		unix.Close(fd)
	} else {
		fact("tty", "controlling !%s", errno(err))
	}
}

// namespaces tells whose each one is, by the list that the caller left.
func namespaces(section string, files ...string) {
	known := map[string]string{}
	for _, file := range append(files, "/.namespaces") {
		for _, line := range strings.Split(text(file), "\n") {
			if link, owner, ok := strings.Cut(line, " "); ok {
				known[link] = owner
			}
		}
	}
	for _, name := range []string{"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"} {
		link, err := os.Readlink("/proc/self/ns/" + name)
		owner := known[link]
		switch {
		case err != nil:
			owner = "!" + errno(err)
		case owner == "":
			owner = "own"
		}
		fact(section, "%s %s", name, owner)
	}
}

// mounts prints mountinfo without ids; peer groups are only told to exist.
func mounts() {
	for _, line := range strings.Split(text("/proc/self/mountinfo"), "\n") {
		f := strings.Fields(line)
		if len(f) < 10 {
			continue
		}
		i, optional := 6, ""
		for ; f[i] != "-"; i++ {
			name, _, _ := strings.Cut(f[i], ":")
			optional += " " + name
		}
		fact("mount", "%s %s root %s%s - %s %s %s", f[4], f[5], f[3], optional, f[i+1], f[i+2], f[i+3])
	}
}

func devices() {
	tree("dev", "/dev")
}

func tree(section, root string) {
	_ = filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			fact(section, "%s !%s", path, errno(err))
			return nil
		}
		entry(section, path)
		return nil
	})
}

func entry(section, path string) {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		fact(section, "%s !%s", path, errno(err))
		return
	}
	what := ""
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFLNK:
		target, _ := os.Readlink(path)
		what = " -> " + target
	case unix.S_IFCHR, unix.S_IFBLK:
		what = fmt.Sprintf(" %d:%d", unix.Major(st.Rdev), unix.Minor(st.Rdev))
	}
	fact(section, "%s %#o %d:%d%s", path, st.Mode, st.Uid, st.Gid, what)
}

func kernel() {
	for _, key := range []string{"kernel/domainname", "kernel/shmmax", "kernel/shm_rmid_forced", "kernel/msgmax", "kernel/sem",
		"fs/mqueue/msg_max", "net/ipv4/ip_forward", "net/ipv4/ping_group_range", "net/core/somaxconn", "net/ipv4/ip_unprivileged_port_start", "vm/overcommit_memory"} {
		fact("sysctl", "%s %q", key, text("/proc/sys/"+key))
	}
	for _, line := range strings.Split(text("/proc/net/dev"), "\n") {
		if name, _, ok := strings.Cut(line, ":"); ok && name != "" {
			fact("net", "%s", name)
		}
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return
	}
	if req, err := unix.NewIfreq("lo"); err == nil {
		_ = unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, req)
		fact("net", "lo up %v", req.Uint16()&unix.IFF_UP != 0)
	}
	unix.Close(fd)
}

// masks opens what is masked or read-only in most containers, for reading and
// for writing, and says what came of it.
func masks() {
	for _, path := range []string{"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
		"/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/proc/interrupts", "/sys/devices/virtual/powercap",
		"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sys/kernel/hostname", "/proc/sysrq-trigger", "/proc/bus/pci", "/proc/irq/default_smp_affinity"} {
		probe("path", path)
	}
}

func probe(section, path string) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		fact(section, "%s !%s", path, errno(err))
		return
	}
	got := ""
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		entries, err := os.ReadDir(path)
		got = fmt.Sprintf("directory empty %v", err == nil && len(entries) == 0)
		if err := unix.Access(path, unix.W_OK); err != nil {
			got += " access !" + errno(err)
		}
		if e := unix.Mkdir(path+"/differ", 0o700); e == nil {
			unix.Rmdir(path + "/differ")
			got += " mkdir ok"
		} else {
			got += " mkdir !" + errno(e)
		}
	} else {
		got = opens(path)
	}
	fact(section, "%s %#o %s", path, st.Mode, got)
}

func opens(path string) string {
	got := ""
	if fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0); err != nil {
		got = "read !" + errno(err)
	} else {
		var one [1]byte
		n, err := unix.Read(fd, one[:])
		got = fmt.Sprintf("read %d %v", n, err)
		unix.Close(fd)
	}
	if fd, err := unix.Open(path, unix.O_WRONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0); err != nil {
		got += " write !" + errno(err)
	} else {
		got += " write ok"
		unix.Close(fd)
	}
	return got
}
