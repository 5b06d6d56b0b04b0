package host

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// userInitIno is PROC_USER_INIT_INO of the kernel's proc_ns.h: the inode number
// of the initial user namespace, fixed since Linux 3.8. Comparing it is exact,
// where an identity uid_map is not: a nested namespace can have one too.
const userInitIno = 0xEFFFFFFD

func initialUserns() (bool, error) {
	const path = "/proc/self/ns/user"
	var st unix.Stat_t
	err := unix.Stat(path, &st)
	if err == unix.ENOENT && unix.Access("/proc/self/stat", unix.F_OK) == nil {
		return true, nil // a kernel without user namespaces
	}
	if err != nil {
		return false, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return st.Ino == userInitIno, nil
}

// LSM is a set of security modules.
type LSM uint

// The modules whose profiles and labels a config can name.
const (
	AppArmor LSM = 1 << iota
	SELinux
)

// Has reports whether all modules of m are enabled.
func (l LSM) Has(m LSM) bool { return l&m == m }

func (l LSM) String() string {
	switch l {
	case 0:
		return "none"
	case AppArmor:
		return "apparmor"
	case SELinux:
		return "selinux"
	}
	return "apparmor,selinux"
}

// enabledLSMs reads the kernel's list, or where securityfs is not mounted asks
// each module's own files. An unreadable file means that the module cannot be
// used from here, so errors are an answer and not a failure.
func enabledLSMs() LSM {
	var buf [256]byte
	if n, err := ReadInto("/sys/kernel/security/lsm", buf[:]); err == nil {
		l := parseLSMs(string(buf[:n]))
		if l.Has(SELinux) && !selinuxfs() {
			l &^= SELinux
		}
		return l
	}
	var l LSM
	if n, err := ReadInto("/sys/module/apparmor/parameters/enabled", buf[:]); err == nil && n > 0 && buf[0] == 'Y' {
		l |= AppArmor
	}
	if selinuxfs() {
		l |= SELinux
	}
	return l
}

// selinuxfs reports whether SELinux shows itself to this process: a container of
// another runtime has a read-only selinuxfs or none, which means not to use it.
func selinuxfs() bool {
	var fs unix.Statfs_t
	return unix.Statfs("/sys/fs/selinux", &fs) == nil && fs.Type == unix.SELINUX_MAGIC && fs.Flags&unix.ST_RDONLY == 0
}

func parseLSMs(list string) (l LSM) {
	for name := range strings.SplitSeq(strings.TrimSpace(list), ",") {
		switch name {
		case "apparmor":
			l |= AppArmor
		case "selinux":
			l |= SELinux
		}
	}
	return l
}

// landlockABI asks the kernel (landlock_create_ruleset(2),
// LANDLOCK_CREATE_RULESET_VERSION): ENOSYS and EOPNOTSUPP mean that Landlock is
// not built in, or not enabled at boot.
func landlockABI() int {
	abi, _, errno := unix.RawSyscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(abi)
}

// seccompFlags passes each flag with a filter at address zero: EFAULT means
// that the flag was accepted, EINVAL that it is unknown.
func seccompFlags() (known uint) {
	for _, flag := range [...]uint{
		unix.SECCOMP_FILTER_FLAG_TSYNC,
		unix.SECCOMP_FILTER_FLAG_LOG,
		unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW,
		unix.SECCOMP_FILTER_FLAG_NEW_LISTENER,
		unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH,
		unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
	} {
		with := flag
		if flag == unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV {
			with |= unix.SECCOMP_FILTER_FLAG_NEW_LISTENER // invalid without
		}
		_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, uintptr(with), 0)
		if errno == unix.EFAULT {
			known |= flag
		}
	}
	return known
}
