package plan

// System call numbers of linux/arm64: arch/*/entry/syscalls and
// include/uapi/asm-generic/unistd.h.
var (
	sysCapset                = Call{"capset", 91}
	sysChdir                 = Call{"chdir", 49}
	sysChroot                = Call{"chroot", 51}
	sysClone3                = Call{"clone3", 435}
	sysClose                 = Call{"close", 57}
	sysCloseRange            = Call{"close_range", 436}
	sysDup3                  = Call{"dup3", 24}
	sysExecve                = Call{"execve", 221}
	sysFaccessat             = Call{"faccessat", 48}
	sysFaccessat2            = Call{"faccessat2", 439}
	sysFchdir                = Call{"fchdir", 50}
	sysFchmod                = Call{"fchmod", 52}
	sysFchmodat              = Call{"fchmodat", 53}
	sysFchownat              = Call{"fchownat", 54}
	sysFcntl                 = Call{"fcntl", 25}
	sysFsconfig              = Call{"fsconfig", 431}
	sysFsetxattr             = Call{"fsetxattr", 7}
	sysFsmount               = Call{"fsmount", 432}
	sysFsopen                = Call{"fsopen", 430}
	sysGetcwd                = Call{"getcwd", 17}
	sysIoctl                 = Call{"ioctl", 29}
	sysIoprioSet             = Call{"ioprio_set", 30}
	sysKeyctl                = Call{"keyctl", 219}
	sysLandlockAddRule       = Call{"landlock_add_rule", 445}
	sysLandlockCreateRuleset = Call{"landlock_create_ruleset", 444}
	sysLandlockRestrictSelf  = Call{"landlock_restrict_self", 446}
	sysMkdirat               = Call{"mkdirat", 34}
	sysMknodat               = Call{"mknodat", 33}
	sysMount                 = Call{"mount", 40}
	sysMountSetattr          = Call{"mount_setattr", 442}
	sysMoveMount             = Call{"move_mount", 429}
	sysOpenTree              = Call{"open_tree", 428}
	sysOpenat                = Call{"openat", 56}
	sysOpenat2               = Call{"openat2", 437}
	sysPersonality           = Call{"personality", 92}
	sysPivotRoot             = Call{"pivot_root", 41}
	sysPrctl                 = Call{"prctl", 167}
	sysPrlimit64             = Call{"prlimit64", 261}
	sysRead                  = Call{"read", 63}
	sysRtSigaction           = Call{"rt_sigaction", 134}
	sysRtSigprocmask         = Call{"rt_sigprocmask", 135}
	sysSchedSetaffinity      = Call{"sched_setaffinity", 122}
	sysSchedSetattr          = Call{"sched_setattr", 274}
	sysSeccomp               = Call{"seccomp", 277}
	sysSetMempolicy          = Call{"set_mempolicy", 237}
	sysSetdomainname         = Call{"setdomainname", 162}
	sysSetgroups             = Call{"setgroups", 159}
	sysSethostname           = Call{"sethostname", 161}
	sysSetns                 = Call{"setns", 268}
	sysSetresgid             = Call{"setresgid", 149}
	sysSetresuid             = Call{"setresuid", 147}
	sysSetsid                = Call{"setsid", 157}
	sysSymlinkat             = Call{"symlinkat", 36}
	sysUmask                 = Call{"umask", 166}
	sysUmount2               = Call{"umount2", 39}
	sysUnlinkat              = Call{"unlinkat", 35}
	sysUnshare               = Call{"unshare", 97}
	sysWrite                 = Call{"write", 64}
	sysSocket                = Call{"socket", 198}
)
