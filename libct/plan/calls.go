package plan

import (
	"fmt"
	"strconv"
	"syscall"
)

// The constructors below take what the system call takes, in its order. A
// descriptor is an Arg: V(slot) or Cwd().

// Openat is openat(dir, path, flags, mode).
func Openat(dir Arg, path string, flags uint64, mode uint32) Op {
	return op(sysOpenat, dir, S(path), F(flags, &openFlags), Mode(mode))
}

// Openat2 is openat2(dir, path, {flags, mode, resolve}), since Linux 5.6. The
// child repeats it on EAGAIN, which a racing rename causes.
func Openat2(dir Arg, path string, flags uint64, mode uint32, resolve uint64) Op {
	how := Le64(Le64(Le64(nil, flags), uint64(mode)), resolve)
	text := "{" + openFlags.Text(flags)
	if mode != 0 {
		text += fmt.Sprintf(", %#o", mode)
	}
	text += ", " + resolveFlags.Text(resolve) + "}"
	return op(sysOpenat2, dir, S(path), B(how, text), N(len(how)))
}

// Close is close(fd).
func Close(fd Slot) Op { return op(sysClose, V(fd)) }

// CloseRange is close_range(first, last, flags), since Linux 5.9.
func CloseRange(first int, cloexec bool) Op {
	flags := uint64(0)
	if cloexec {
		flags = 4
	}
	return op(sysCloseRange, N(first), F(1<<32-1, &allFds), F(flags, &closeRangeFlags))
}

var allFds = FlagSet{Exact: true, Names: []FlagName{{1<<32 - 1, "~0U"}}}

// Dup3 is dup3(from, to, flags).
func Dup3(from Slot, to int, flags uint64) Op {
	return op(sysDup3, V(from), N(to), F(flags, &openFlags))
}

// Fcntl is fcntl(fd, cmd, arg).
func Fcntl(fd Slot, cmd, arg uint64) Op {
	return op(sysFcntl, V(fd), F(cmd, &fcntlCommands), N(int(arg)))
}

// KeepOnExec is fcntl(fd, F_SETFD, 0).
func KeepOnExec(fd int) Op { return op(sysFcntl, N(fd), F(2, &fcntlCommands), N(0)) }

// Read is read(fd, buf, n).
func Read(fd Slot, n int) Op { return op(sysRead, V(fd), O(n), N(n)) }

// Write is write(fd, data), which must be taken whole.
func Write(fd Arg, data []byte) Op {
	return op(sysWrite, fd, B(data, ""), N(len(data))).Expect(len(data), syscall.EIO)
}

// Mkdirat is mkdirat(dir, path, mode).
func Mkdirat(dir Arg, path string, mode uint32) Op {
	return op(sysMkdirat, dir, S(path), Mode(mode))
}

// Mknodat is mknodat(dir, path, mode, dev).
func Mknodat(dir Arg, path string, mode uint32, major, minor int64) Op {
	dev := uint64(minor&0xff) | uint64(major&0xfff)<<8 | uint64(minor&^0xff)<<12 | uint64(major&^0xfff)<<32
	text := FlagSet{Exact: true, Names: []FlagName{{dev, fmt.Sprintf("makedev(%d, %d)", major, minor)}}}
	return op(sysMknodat, dir, S(path), Mode(mode), F(dev, &text))
}

// Symlinkat is symlinkat(target, dir, path).
func Symlinkat(target string, dir Arg, path string) Op {
	return op(sysSymlinkat, S(target), dir, S(path))
}

// Unlinkat is unlinkat(dir, path, flags).
func Unlinkat(dir Arg, path string) Op {
	return op(sysUnlinkat, dir, S(path), N(0))
}

// Fchmodat is fchmodat(dir, path, mode).
func Fchmodat(dir Arg, path string, mode uint32) Op {
	return op(sysFchmodat, dir, S(path), Mode(mode))
}

// Fchmod is fchmod(fd, mode).
func Fchmod(fd Slot, mode uint32) Op { return op(sysFchmod, V(fd), Mode(mode)) }

// Fchownat is fchownat(dir, path, uid, gid, flags).
func Fchownat(dir Arg, path string, uid, gid uint32, flags uint64) Op {
	return op(sysFchownat, dir, S(path), N(int(uid)), N(int(gid)), F(flags, &atFlags))
}

// Fchdir is fchdir(fd).
func Fchdir(fd Slot) Op { return op(sysFchdir, V(fd)) }

// Chdir is chdir(path).
func Chdir(path string) Op { return op(sysChdir, S(path)) }

// Chroot is chroot(path).
func Chroot(path string) Op { return op(sysChroot, S(path)) }

// Getcwd is getcwd into a buffer; the kernel writes "(unreachable)" before a
// path outside the root, so the first byte tells (CVE-2024-21626).
func Getcwd() Op { return op(sysGetcwd, O(4096), N(4096)) }

// Fsopen is fsopen(type), close-on-exec, since Linux 5.2.
func Fsopen(fstype string) Op { return op(sysFsopen, S(fstype), F(1, &fsopenFlags)) }

// FsconfigString is fsconfig(fd, FSCONFIG_SET_STRING, key, value).
func FsconfigString(fd Slot, key, value string) Op {
	return op(sysFsconfig, V(fd), F(1, &fsconfigCommands), S(key), S(value), N(0))
}

// FsconfigFlag is fsconfig(fd, FSCONFIG_SET_FLAG, key).
func FsconfigFlag(fd Slot, key string) Op {
	return op(sysFsconfig, V(fd), F(0, &fsconfigCommands), S(key), N(0), N(0))
}

// FsconfigCreate is fsconfig(fd, FSCONFIG_CMD_CREATE).
func FsconfigCreate(fd Slot) Op {
	return op(sysFsconfig, V(fd), F(6, &fsconfigCommands), N(0), N(0), N(0))
}

// Fsmount is fsmount(fd, attrs), close-on-exec.
func Fsmount(fd Slot, attrs uint64) Op {
	return op(sysFsmount, V(fd), F(1, &fsmountFlags), F(attrs, &MountAttrs))
}

// OpenTree is open_tree(dir, path, flags), since Linux 5.2.
func OpenTree(dir Arg, path string, flags uint64) Op {
	return op(sysOpenTree, dir, S(path), F(flags, &openTreeFlags))
}

// MoveMount attaches the detached mount from to the place that the descriptor
// to stands for.
func MoveMount(from, to Slot) Op {
	return op(sysMoveMount, V(from), S(""), V(to), S(""), F(0x44, &moveMountFlags))
}

// MoveMountAt attaches the detached mount from at a path below dir.
func MoveMountAt(from Slot, dir Arg, path string) Op {
	return op(sysMoveMount, V(from), S(""), dir, S(path), F(0x4, &moveMountFlags))
}

// MountSetattr is mount_setattr(dir, path, flags, attr), since Linux 5.12.
// userns is the slot of a user namespace for MOUNT_ATTR_IDMAP, or None; it
// must be an input.
func MountSetattr(dir Arg, path string, flags, set, clear, propagation uint64, userns Slot) Op {
	attr := Le64(Le64(Le64(Le64(nil, set), clear), propagation), 0)
	text := "{set=" + MountAttrs.Text(set)
	if clear != 0 {
		text += ", clr=" + MountAttrs.Text(clear)
	}
	if propagation != 0 {
		text += ", propagation=" + Propagation.Text(propagation)
	}
	arg := B(attr, text)
	if userns != None {
		arg.Text += ", userns=slot " + strconv.Itoa(int(userns))
		arg.Patch = &Patch{Slot: userns, Offset: 24}
	}
	arg.Text += "}"
	return op(sysMountSetattr, dir, S(path), F(flags, &atFlags), arg, N(len(attr)))
}

// Mount is the old mount(2); only for propagation of "/" and remounts.
func Mount(source, target, fstype string, flags uint64, data string) Op {
	return op(sysMount, S(source), S(target), S(fstype), F(flags, &mountFlags), S(data))
}

// Umount2 is umount2(path, MNT_DETACH).
func Umount2(path string) Op { return op(sysUmount2, S(path), F(2, &umountFlags)) }

// Unmount is umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW): of what is mounted
// there, never of what a symbolic link leads to.
func Unmount(path string) Op { return op(sysUmount2, S(path), F(0xa, &umountFlags)) }

// PivotRoot is pivot_root(new, old).
func PivotRoot(newRoot, putOld string) Op { return op(sysPivotRoot, S(newRoot), S(putOld)) }

// Setns is setns(fd, flags).
func Setns(fd Slot, flags uint64) Op { return op(sysSetns, V(fd), F(flags, &namespaceFlags)) }

// Unshare is unshare(flags).
func Unshare(flags uint64) Op { return op(sysUnshare, F(flags, &namespaceFlags)) }

// CloneParent is the Clone op: the caller exits, a child of the same parent
// goes on. The new process's pid, as the caller's pid namespace sees it, is in
// slot s before that process runs. With CLONE_VM it takes the memory over, and
// nothing is copied; but then it stays in the caller's time namespace.
func CloneParent(flags uint64, s Slot) Op {
	const cloneParent, parentSetTid = 0x8000, 0x100000
	flags |= cloneParent | parentSetTid
	args := Le64(nil, flags)
	args = append(args, make([]byte, 80)...)
	o := op(sysClone3, B(args, "{"+namespaceFlags.Text(flags)+"}"), N(len(args)))
	o.Kind = Clone
	return o.To(s)
}

// Prctl is prctl(option, a, b, 0, 0).
func Prctl(option, a, b uint64) Op {
	second := N(int(a))
	if option == 47 {
		second = F(a, &ambientOps)
	}
	return op(sysPrctl, F(option, &prctlOptions), second, N(int(b)), N(0), N(0))
}

// Capset sets the three thread sets (_LINUX_CAPABILITY_VERSION_3).
func Capset(effective, permitted, inheritable uint64) Op {
	header := Le32(Le32(nil, 0x20080522), 0)
	var data []byte
	for shift := 0; shift < 64; shift += 32 {
		data = Le32(data, uint32(effective>>shift))
		data = Le32(data, uint32(permitted>>shift))
		data = Le32(data, uint32(inheritable>>shift))
	}
	text := fmt.Sprintf("{effective=%#x, permitted=%#x, inheritable=%#x}", effective, permitted, inheritable)
	return op(sysCapset, B(header, "{V3, 0}"), B(data, text))
}

// Setresuid is setresuid(uid, uid, uid).
func Setresuid(uid uint32) Op { return op(sysSetresuid, N(int(uid)), N(int(uid)), N(int(uid))) }

// Setresgid is setresgid(gid, gid, gid).
func Setresgid(gid uint32) Op { return op(sysSetresgid, N(int(gid)), N(int(gid)), N(int(gid))) }

// Setgroups is setgroups(groups).
func Setgroups(groups []uint32) Op {
	var data []byte
	text := "["
	for i, g := range groups {
		data = Le32(data, g)
		if i > 0 {
			text += " "
		}
		text += strconv.FormatUint(uint64(g), 10)
	}
	return op(sysSetgroups, N(len(groups)), B(data, text+"]"))
}

// Seccomp is seccomp(SECCOMP_SET_MODE_FILTER, flags, program): length
// instructions of eight bytes each, as struct sock_fprog wants them.
func Seccomp(flags uint64, program []byte) Op {
	n := len(program) / 8
	arg := B(program, fmt.Sprintf("{%d instructions}", n))
	arg.N = uint64(n)
	arg.Kind = Fprog
	return op(sysSeccomp, F(1, &seccompOps), F(flags, &seccompFlags), arg)
}

// Fprog is a struct sock_fprog whose filter is Data and whose length is N.
const Fprog ArgKind = Out + 1

// Fsetxattr is fsetxattr(fd, name, value, size, 0).
func Fsetxattr(fd Slot, name, value string) Op {
	return op(sysFsetxattr, V(fd), S(name), B([]byte(value), ""), N(len(value)), N(0))
}

// Ioctl is ioctl(fd, request, arg).
func Ioctl(fd Slot, request uint64, arg Arg) Op {
	return op(sysIoctl, V(fd), F(request, &ioctlRequests), arg)
}

// Setrlimit is prlimit64(0, resource, {soft, hard}).
func Setrlimit(resource uint64, soft, hard uint64) Op {
	text := "{" + limit(soft) + ", " + limit(hard) + "}"
	return op(sysPrlimit64, N(0), F(resource, &resources), B(Le64(Le64(nil, soft), hard), text), N(0))
}

func limit(n uint64) string {
	if n == ^uint64(0) {
		return "RLIM_INFINITY"
	}
	return strconv.FormatUint(n, 10)
}

// Socket is socket(family, type, protocol).
func Socket(family, kind, protocol int) Op {
	return op(sysSocket, N(family), N(kind), N(protocol))
}

// Umask is umask(mask).
func Umask(mask uint32) Op { return op(sysUmask, Mode(mask)) }

// Setsid is setsid().
func Setsid() Op { return op(sysSetsid) }

// Sethostname is sethostname(name).
func Sethostname(name string) Op { return op(sysSethostname, S(name), N(len(name))) }

// Setdomainname is setdomainname(name).
func Setdomainname(name string) Op { return op(sysSetdomainname, S(name), N(len(name))) }

// SchedSetattr is sched_setattr(0, attr, 0); text is how attr is printed.
func SchedSetattr(attr []byte, text string) Op {
	return op(sysSchedSetattr, N(0), B(attr, text), N(0))
}

// SchedSetaffinity is sched_setaffinity(0, mask); text is the list of CPUs.
func SchedSetaffinity(mask []byte, text string) Op {
	return op(sysSchedSetaffinity, N(0), N(len(mask)), B(mask, text))
}

// IoprioSet is ioprio_set(IOPRIO_WHO_PROCESS, 0, priority).
func IoprioSet(priority int, text string) Op {
	set := FlagSet{Exact: true, Names: []FlagName{{uint64(priority), text}}}
	return op(sysIoprioSet, N(1), N(0), F(uint64(priority), &set))
}

// Personality is personality(domain).
func Personality(domain uint64) Op { return op(sysPersonality, N(int(domain))) }

// SetMempolicy is set_mempolicy(mode, nodes, bits); flags are in mode's upper
// bits.
func SetMempolicy(mode, flags uint64, nodes []byte, text string) Op {
	arg := N(0)
	bits := 0
	if len(nodes) > 0 {
		arg, bits = B(nodes, text), len(nodes)*8+1
	}
	m := F(mode, &memPolicies)
	if flags != 0 {
		m = N(int(mode | flags))
	}
	return op(sysSetMempolicy, m, arg, N(bits))
}

// JoinSessionKeyring is keyctl(KEYCTL_JOIN_SESSION_KEYRING, name).
func JoinSessionKeyring(name string) Op {
	return op(sysKeyctl, F(1, &keyctlOps), S(name), N(0), N(0), N(0))
}

// KeyctlSetperm is keyctl(KEYCTL_SETPERM, key, perm).
func KeyctlSetperm(key Slot, perm uint32) Op {
	return op(sysKeyctl, F(5, &keyctlOps), V(key), F(uint64(perm), &anyHex), N(0), N(0))
}

var anyHex = FlagSet{}

// Faccessat is faccessat(AT_FDCWD, path, mode).
func Faccessat(path string, mode uint64) Op {
	return op(sysFaccessat, Cwd(), S(path), F(mode, &accessModes))
}

// Faccessat2 is faccessat2(AT_FDCWD, path, mode, AT_EACCESS), since Linux 5.8.
func Faccessat2(path string, mode uint64) Op {
	return op(sysFaccessat2, Cwd(), S(path), F(mode, &accessModes), F(0x200, &atFlags))
}

// Execve is execve(path, argv, envp).
func Execve(path string, argv, envp []string) Op { return op(sysExecve, S(path), L(argv), L(envp)) }

// DefaultSignal is rt_sigaction(sig, SIG_DFL).
func DefaultSignal(sig int) Op {
	return op(sysRtSigaction, N(sig), B(make([]byte, 32), "{SIG_DFL}"), N(0), N(8))
}

// UnblockSignals is rt_sigprocmask(SIG_SETMASK, mask).
func UnblockSignals(mask uint64) Op {
	return op(sysRtSigprocmask, N(2), B(Le64(nil, mask), fmt.Sprintf("{%#x}", mask)), N(0), N(8))
}
