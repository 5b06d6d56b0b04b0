package plan

import (
	"strconv"
	"strings"
)

// FlagSet names the bits of a kernel flag word for printing. Values holds
// "NAME" at the index of its bits in Bits; whole-word values (AT_FDCWD, an
// operation code) stand in a set with Exact true.
type FlagSet struct {
	Exact bool
	Names []FlagName
	// Zero is printed for no flags; empty prints 0.
	Zero string
}

// FlagName is one flag.
type FlagName struct {
	Bits uint64
	Name string
}

// Text prints n in the set's names, bits without a name in hexadecimal.
func (s *FlagSet) Text(n uint64) string {
	if n == 0 && s.Zero != "" {
		return s.Zero
	}
	if s.Exact {
		for _, f := range s.Names {
			if f.Bits == n {
				return f.Name
			}
		}
		return strconv.FormatInt(int64(n), 10)
	}
	var parts []string
	for _, f := range s.Names {
		if n&f.Bits == f.Bits && f.Bits != 0 {
			parts = append(parts, f.Name)
			n &^= f.Bits
		}
	}
	if n != 0 {
		parts = append(parts, "0x"+strconv.FormatUint(n, 16))
	}
	if len(parts) == 0 {
		return "0"
	}
	return strings.Join(parts, "|")
}

var atFd = FlagSet{Exact: true, Names: []FlagName{{atFdcwd, "AT_FDCWD"}}}

var namespaceFlags = FlagSet{Names: []FlagName{
	{0x80, "CLONE_NEWTIME"}, {0x20000, "CLONE_NEWNS"}, {0x2000000, "CLONE_NEWCGROUP"},
	{0x4000000, "CLONE_NEWUTS"}, {0x8000000, "CLONE_NEWIPC"}, {0x10000000, "CLONE_NEWUSER"},
	{0x20000000, "CLONE_NEWPID"}, {0x40000000, "CLONE_NEWNET"}, {0x100, "CLONE_VM"}, {0x8000, "CLONE_PARENT"},
	{0x100000, "CLONE_PARENT_SETTID"}, {0x1000, "CLONE_PIDFD"},
}}

var openFlags = FlagSet{Zero: "O_RDONLY", Names: []FlagName{
	{0x200000, "O_PATH"}, {oDirectory, "O_DIRECTORY"}, {oNofollow, "O_NOFOLLOW"},
	{0x2, "O_RDWR"}, {0x1, "O_WRONLY"}, {0x40, "O_CREAT"}, {0x80, "O_EXCL"}, {0x100, "O_NOCTTY"},
	{0x200, "O_TRUNC"}, {0x800, "O_NONBLOCK"}, {0x80000, "O_CLOEXEC"},
}}

var resolveFlags = FlagSet{Names: []FlagName{
	{0x10, "RESOLVE_IN_ROOT"}, {0x8, "RESOLVE_BENEATH"}, {0x4, "RESOLVE_NO_SYMLINKS"},
	{0x2, "RESOLVE_NO_MAGICLINKS"}, {0x1, "RESOLVE_NO_XDEV"},
}}

var atFlags = FlagSet{Names: []FlagName{
	{0x1000, "AT_EMPTY_PATH"}, {0x100, "AT_SYMLINK_NOFOLLOW"}, {0x8000, "AT_RECURSIVE"}, {0x200, "AT_EACCESS"},
}}

var openTreeFlags = FlagSet{Names: []FlagName{
	{1, "OPEN_TREE_CLONE"}, {0x80000, "OPEN_TREE_CLOEXEC"}, {0x8000, "AT_RECURSIVE"},
	{0x1000, "AT_EMPTY_PATH"}, {0x100, "AT_SYMLINK_NOFOLLOW"}, {0x800, "AT_NO_AUTOMOUNT"},
}}

var moveMountFlags = FlagSet{Names: []FlagName{
	{0x4, "MOVE_MOUNT_F_EMPTY_PATH"}, {0x40, "MOVE_MOUNT_T_EMPTY_PATH"},
}}

var fsconfigCommands = FlagSet{Exact: true, Names: []FlagName{
	{0, "FSCONFIG_SET_FLAG"}, {1, "FSCONFIG_SET_STRING"}, {5, "FSCONFIG_SET_FD"}, {6, "FSCONFIG_CMD_CREATE"},
}}

var fsopenFlags = FlagSet{Names: []FlagName{{1, "FSOPEN_CLOEXEC"}}}

var fsmountFlags = FlagSet{Names: []FlagName{{1, "FSMOUNT_CLOEXEC"}}}

// MountAttrs names the MOUNT_ATTR_* bits of mount_setattr and fsmount
// (include/uapi/linux/mount.h).
var MountAttrs = FlagSet{Names: []FlagName{
	{0x1, "MOUNT_ATTR_RDONLY"}, {0x2, "MOUNT_ATTR_NOSUID"}, {0x4, "MOUNT_ATTR_NODEV"}, {0x8, "MOUNT_ATTR_NOEXEC"},
	{0x70, "MOUNT_ATTR__ATIME"}, {0x10, "MOUNT_ATTR_NOATIME"}, {0x20, "MOUNT_ATTR_STRICTATIME"},
	{0x80, "MOUNT_ATTR_NODIRATIME"}, {0x100000, "MOUNT_ATTR_IDMAP"}, {0x200000, "MOUNT_ATTR_NOSYMFOLLOW"},
}}

// Propagation names the propagation types of mount_setattr and mount.
var Propagation = FlagSet{Names: []FlagName{
	{1 << 17, "MS_UNBINDABLE"}, {1 << 18, "MS_PRIVATE"}, {1 << 19, "MS_SLAVE"}, {1 << 20, "MS_SHARED"},
}}

var mountFlags = FlagSet{Names: []FlagName{
	{1, "MS_RDONLY"}, {2, "MS_NOSUID"}, {4, "MS_NODEV"}, {8, "MS_NOEXEC"}, {16, "MS_SYNCHRONOUS"},
	{32, "MS_REMOUNT"}, {64, "MS_MANDLOCK"}, {128, "MS_DIRSYNC"}, {4096, "MS_BIND"}, {8192, "MS_MOVE"},
	{16384, "MS_REC"}, {1 << 17, "MS_UNBINDABLE"}, {1 << 18, "MS_PRIVATE"}, {1 << 19, "MS_SLAVE"}, {1 << 20, "MS_SHARED"},
}}

var umountFlags = FlagSet{Names: []FlagName{{2, "MNT_DETACH"}, {8, "UMOUNT_NOFOLLOW"}}}

var closeRangeFlags = FlagSet{Names: []FlagName{{4, "CLOSE_RANGE_CLOEXEC"}}}

var prctlOptions = FlagSet{Exact: true, Names: []FlagName{
	{1, "PR_SET_PDEATHSIG"}, {4, "PR_SET_DUMPABLE"}, {8, "PR_SET_KEEPCAPS"}, {24, "PR_CAPBSET_DROP"},
	{28, "PR_SET_SECUREBITS"}, {38, "PR_SET_NO_NEW_PRIVS"}, {47, "PR_CAP_AMBIENT"},
}}

var ambientOps = FlagSet{Exact: true, Names: []FlagName{{2, "PR_CAP_AMBIENT_RAISE"}, {4, "PR_CAP_AMBIENT_CLEAR_ALL"}}}

var seccompOps = FlagSet{Exact: true, Names: []FlagName{{1, "SECCOMP_SET_MODE_FILTER"}}}

var seccompFlags = FlagSet{Names: []FlagName{
	{1, "SECCOMP_FILTER_FLAG_TSYNC"}, {2, "SECCOMP_FILTER_FLAG_LOG"}, {4, "SECCOMP_FILTER_FLAG_SPEC_ALLOW"},
	{8, "SECCOMP_FILTER_FLAG_NEW_LISTENER"}, {16, "SECCOMP_FILTER_FLAG_TSYNC_ESRCH"}, {32, "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"},
}}

var ioctlRequests = FlagSet{Exact: true, Names: []FlagName{
	{0x540E, "TIOCSCTTY"}, {0x5414, "TIOCSWINSZ"}, {0x5441, "TIOCGPTPEER"}, {0x40045431, "TIOCSPTLCK"},
	{0x8008B705, "NS_GET_ID"}, {0x5452, "FIOASYNC"}, {0x8914, "SIOCSIFFLAGS"}, {0x8913, "SIOCGIFFLAGS"},
}}

var resources = FlagSet{Exact: true, Names: []FlagName{
	{0, "RLIMIT_CPU"}, {1, "RLIMIT_FSIZE"}, {2, "RLIMIT_DATA"}, {3, "RLIMIT_STACK"}, {4, "RLIMIT_CORE"},
	{5, "RLIMIT_RSS"}, {6, "RLIMIT_NPROC"}, {7, "RLIMIT_NOFILE"}, {8, "RLIMIT_MEMLOCK"}, {9, "RLIMIT_AS"},
	{10, "RLIMIT_LOCKS"}, {11, "RLIMIT_SIGPENDING"}, {12, "RLIMIT_MSGQUEUE"}, {13, "RLIMIT_NICE"},
	{14, "RLIMIT_RTPRIO"}, {15, "RLIMIT_RTTIME"},
}}

var keyctlOps = FlagSet{Exact: true, Names: []FlagName{{1, "KEYCTL_JOIN_SESSION_KEYRING"}, {5, "KEYCTL_SETPERM"}}}

var memPolicies = FlagSet{Exact: true, Names: []FlagName{
	{0, "MPOL_DEFAULT"}, {1, "MPOL_PREFERRED"}, {2, "MPOL_BIND"}, {3, "MPOL_INTERLEAVE"}, {4, "MPOL_LOCAL"},
	{5, "MPOL_PREFERRED_MANY"}, {6, "MPOL_WEIGHTED_INTERLEAVE"},
}}

var fcntlCommands = FlagSet{Exact: true, Names: []FlagName{{2, "F_SETFD"}, {4, "F_SETFL"}}}

var accessModes = FlagSet{Zero: "F_OK", Names: []FlagName{{1, "X_OK"}, {2, "W_OK"}, {4, "R_OK"}}}
