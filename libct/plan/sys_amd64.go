package plan

// System call numbers of linux/amd64: arch/*/entry/syscalls and
// include/uapi/asm-generic/unistd.h.
var (
	sysCapset                = Call{"capset", 126}
	sysChdir                 = Call{"chdir", 80}
	sysChroot                = Call{"chroot", 161}
	sysClone3                = Call{"clone3", 435}
	sysClose                 = Call{"close", 3}
	sysCloseRange            = Call{"close_range", 436}
	sysDup3                  = Call{"dup3", 292}
	sysExecve                = Call{"execve", 59}
	sysFaccessat             = Call{"faccessat", 269}
	sysFaccessat2            = Call{"faccessat2", 439}
	sysFchdir                = Call{"fchdir", 81}
	sysFchmod                = Call{"fchmod", 91}
	sysFchmodat              = Call{"fchmodat", 268}
	sysFchownat              = Call{"fchownat", 260}
	sysFcntl                 = Call{"fcntl", 72}
	sysFsconfig              = Call{"fsconfig", 431}
	sysFsetxattr             = Call{"fsetxattr", 190}
	sysFsmount               = Call{"fsmount", 432}
	sysFsopen                = Call{"fsopen", 430}
	sysGetcwd                = Call{"getcwd", 79}
	sysIoctl                 = Call{"ioctl", 16}
	sysIoprioSet             = Call{"ioprio_set", 251}
	sysKeyctl                = Call{"keyctl", 250}
	sysLandlockAddRule       = Call{"landlock_add_rule", 445}
	sysLandlockCreateRuleset = Call{"landlock_create_ruleset", 444}
	sysLandlockRestrictSelf  = Call{"landlock_restrict_self", 446}
	sysMkdirat               = Call{"mkdirat", 258}
	sysMknodat               = Call{"mknodat", 259}
	sysMount                 = Call{"mount", 165}
	sysMountSetattr          = Call{"mount_setattr", 442}
	sysMoveMount             = Call{"move_mount", 429}
	sysOpenTree              = Call{"open_tree", 428}
	sysOpenat                = Call{"openat", 257}
	sysOpenat2               = Call{"openat2", 437}
	sysPersonality           = Call{"personality", 135}
	sysPivotRoot             = Call{"pivot_root", 155}
	sysPrctl                 = Call{"prctl", 157}
	sysPrlimit64             = Call{"prlimit64", 302}
	sysRead                  = Call{"read", 0}
	sysRtSigaction           = Call{"rt_sigaction", 13}
	sysRtSigprocmask         = Call{"rt_sigprocmask", 14}
	sysSchedSetaffinity      = Call{"sched_setaffinity", 203}
	sysSchedSetattr          = Call{"sched_setattr", 314}
	sysSeccomp               = Call{"seccomp", 317}
	sysSetMempolicy          = Call{"set_mempolicy", 238}
	sysSetdomainname         = Call{"setdomainname", 171}
	sysSetgroups             = Call{"setgroups", 116}
	sysSethostname           = Call{"sethostname", 170}
	sysSetns                 = Call{"setns", 308}
	sysSetresgid             = Call{"setresgid", 119}
	sysSetresuid             = Call{"setresuid", 117}
	sysSetsid                = Call{"setsid", 112}
	sysSymlinkat             = Call{"symlinkat", 266}
	sysUmask                 = Call{"umask", 95}
	sysUmount2               = Call{"umount2", 166}
	sysUnlinkat              = Call{"unlinkat", 263}
	sysUnshare               = Call{"unshare", 272}
	sysWrite                 = Call{"write", 1}
	sysSocket                = Call{"socket", 41}
)
