#!/usr/bin/env bats
# linux.seccomp: runtime-spec config-linux.md#seccomp. hardening S25.
load lib

prepare() {
	root_needed
	grep -q '^Seccomp:' /proc/self/status || skip "host: no seccomp"
	bundle
	payload
	case "$(uname -m)" in
	x86_64) ARCH=SCMP_ARCH_X86_64 NR_GETPID=39 NR_DUP=32 NR_PERSONALITY=135 NR_GETTID=186 ;;
	aarch64) ARCH=SCMP_ARCH_AARCH64 NR_GETPID=172 NR_DUP=23 NR_PERSONALITY=92 NR_GETTID=178 ;;
	*) skip "host: unknown architecture" ;;
	esac
	SOCK=$(mktemp -u /tmp/rt-bats-XXXXXX)
}

# profile JQ sets linux.seccomp: everything allowed but for the given rules.
profile() {
	config --arg a "$ARCH" ".linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", architectures: [\$a]} + $1"
}

# errno NR ARG… makes a raw system call in a container; the errno is in $out.
errno() {
	config '.process.args = ["payload", "syscall"] + $ARGS.positional' --args "$@"
	ok run --bundle "$BUNDLE" "$ID"
}

@test "no profile: no filter" {
	sh_run "awk '/^Seccomp:/{print \$2}' /proc/self/status"
	is "$out" 0
}

@test "a profile is in force: mode 2" {
	profile '{syscalls: [{names: ["getpid"], action: "SCMP_ACT_ERRNO"}]}'
	sh_run "awk '/^Seccomp:/{print \$2}' /proc/self/status"
	is "$out" 2
}

@test "an empty profile that allows everything" {
	profile '{}'
	sh_run 'echo fine'
	is "$out" fine
}

@test "SCMP_ACT_ERRNO is EPERM by default" {
	profile '{syscalls: [{names: ["getpid"], action: "SCMP_ACT_ERRNO"}]}'
	errno $NR_GETPID
	is "$out" 1
}

@test "errnoRet" {
	profile '{syscalls: [{names: ["getpid"], action: "SCMP_ACT_ERRNO", errnoRet: 77}]}'
	errno $NR_GETPID
	is "$out" 77
}

@test "defaultErrnoRet" {
	profile '{defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 38, syscalls: [{action: "SCMP_ACT_ALLOW", names: [
		"read", "write", "close", "mmap", "munmap", "mprotect", "madvise", "brk", "rt_sigaction", "rt_sigprocmask", "sigaltstack",
		"gettid", "getpid", "clone", "clone3", "futex", "sched_getaffinity", "openat", "fcntl", "arch_prctl", "set_robust_list",
		"exit_group", "exit", "execve", "epoll_create1", "epoll_ctl", "epoll_pwait", "eventfd2", "pipe2", "nanosleep", "tgkill",
		"prlimit64", "getrlimit", "setrlimit", "rt_sigreturn", "sched_yield", "timer_create", "timer_settime", "uname", "prctl",
		"capget", "capset", "setuid", "setgid", "setgroups", "fstat", "newfstatat", "fstatfs", "getdents64", "chdir", "getcwd",
		"epoll_wait", "getppid", "fchdir", "readlinkat", "statx", "faccessat2", "faccessat", "lstat", "stat", "open", "setresuid",
		"setresgid", "close_range", "rseq", "set_tid_address", "getuid", "geteuid", "getgid", "getegid", "execveat", "poll", "ppoll"]}]}'
	errno $NR_PERSONALITY 0xffffffff
	is "$out" 38
}

@test "a rule that names what this kernel does not know is passed over" {
	profile '{syscalls: [{names: ["no_such_call", "getpid"], action: "SCMP_ACT_ERRNO"}]}'
	errno $NR_GETPID
	is "$out" 1
}

@test "an argument rule" {
	profile '{syscalls: [{names: ["personality"], action: "SCMP_ACT_ERRNO", errnoRet: 55, args: [{index: 0, value: 8, op: "SCMP_CMP_EQ"}]}]}'
	errno $NR_PERSONALITY 8
	is "$out" 55
	errno $NR_PERSONALITY 0
	is "$out" 0
}

@test "argument operators" {
	# operator, rule's value, argument that matches, argument that does not
	while read -r op value hit miss; do
		profile "{syscalls: [{names: [\"dup\"], action: \"SCMP_ACT_ERRNO\", errnoRet: 55, args: [{index: 0, value: $value, op: \"$op\"}]}]}"
		errno $NR_DUP "$hit"
		is "$op $hit: $out" "$op $hit: 55"
		errno $NR_DUP "$miss"
		is "$op $miss: $out" "$op $miss: 9"
	done <<-'T'
		SCMP_CMP_NE 100 101 100
		SCMP_CMP_LT 100 99 100
		SCMP_CMP_LE 100 100 101
		SCMP_CMP_GE 100 100 99
		SCMP_CMP_GT 100 101 100
	T
}

@test "masked comparison, and values above 32 bits" {
	profile '{syscalls: [{names: ["getpid"], action: "SCMP_ACT_ERRNO", errnoRet: 55, args: [{index: 1, value: 240, valueTwo: 80, op: "SCMP_CMP_MASKED_EQ"}]}]}'
	errno $NR_GETPID 0 0x5f
	is "$out" 55
	errno $NR_GETPID 0 0x6f
	is "$out" 0
	profile '{syscalls: [{names: ["getpid"], action: "SCMP_ACT_ERRNO", errnoRet: 55, args: [{index: 0, value: 4294967297, op: "SCMP_CMP_EQ"}]}]}'
	errno $NR_GETPID 0x100000001
	is "$out" 55
	errno $NR_GETPID 1
	is "$out" 0
}

@test "two conditions on different arguments must both hold" {
	profile '{syscalls: [{names: ["getpid"], action: "SCMP_ACT_ERRNO", errnoRet: 55, args: [
		{index: 0, value: 3, op: "SCMP_CMP_EQ"}, {index: 1, value: 4, op: "SCMP_CMP_EQ"}]}]}'
	errno $NR_GETPID 3 4
	is "$out" 55
	errno $NR_GETPID 3 5
	is "$out" 0
}

@test "two conditions on one argument are alternatives, as libseccomp has it in runc" {
	profile '{syscalls: [{names: ["getpid"], action: "SCMP_ACT_ERRNO", errnoRet: 55, args: [
		{index: 0, value: 3, op: "SCMP_CMP_EQ"}, {index: 0, value: 4, op: "SCMP_CMP_EQ"}]}]}'
	for a in 3:55 4:55 5:0; do
		errno $NR_GETPID "${a%:*}"
		is "$a $out" "$a ${a#*:}"
	done
}

@test "the kill actions" {
	# SCMP_ACT_KILL ends one thread only: the others of a Go program go on.
	for action in SCMP_ACT_KILL SCMP_ACT_KILL_THREAD SCMP_ACT_KILL_PROCESS SCMP_ACT_TRAP; do
		profile "{syscalls: [{names: [\"personality\"], action: \"$action\"}]}"
		script "timeout -s KILL 1 payload syscall $NR_PERSONALITY 0 >/tmp/o 2>/dev/null; echo \$?; cat /tmp/o"
		ok run --bundle "$BUNDLE" "$ID"
		[ "$(head -n 1 <<<"$out")" != 0 ]
		is "$(sed 1d <<<"$out")" ""
	done
}

@test "SCMP_ACT_LOG lets the call through" {
	profile '{syscalls: [{names: ["getpid"], action: "SCMP_ACT_LOG"}]}'
	errno $NR_GETPID
	is "$out" 0
}

@test "the filter's flags" {
	newer_than_runc_1_1 "seccomp flags"
	for f in SECCOMP_FILTER_FLAG_LOG SECCOMP_FILTER_FLAG_SPEC_ALLOW SECCOMP_FILTER_FLAG_TSYNC; do
		profile "{flags: [\"$f\"], syscalls: [{names: [\"getpid\"], action: \"SCMP_ACT_ERRNO\"}]}"
		errno $NR_GETPID
		is "$out" 1
	done
}

@test "a filter without noNewPrivileges, and for a user without capabilities" {
	profile '{syscalls: [{names: ["getpid"], action: "SCMP_ACT_ERRNO"}]}'
	config '.process.noNewPrivileges = false | .process.capabilities = {} | .process.user = {uid: 1000, gid: 1000}'
	errno $NR_GETPID
	is "$out" 1
}

@test "a filter may deny what the runtime itself used before" {
	profile '{syscalls: [{names: ["mount", "umount2", "pivot_root", "setresuid", "setuid", "setgroups", "capset", "open_tree", "move_mount",
		"fsopen", "setns", "unshare", "chdir", "mknod", "mknodat", "sethostname"], action: "SCMP_ACT_ERRNO"}]}'
	config '.process.noNewPrivileges = true'
	sh_run 'echo fine'
	is "$out" fine
}

@test "a system call newer than the profile is ENOSYS, not EPERM" {
	# runc's patchbpf: glibc falls back on ENOSYS only.
	config --arg a "$ARCH" '.linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO", architectures: [$a],
		syscalls: [{names: ["read", "write", "execve", "exit_group", "exit", "brk", "mmap", "munmap", "mprotect", "openat", "close", "fstat",
		"newfstatat", "rt_sigaction", "rt_sigprocmask", "arch_prctl", "futex", "gettid", "getpid", "tgkill", "clone", "fcntl", "madvise",
		"sigaltstack", "sched_getaffinity", "epoll_create1", "epoll_ctl", "epoll_pwait", "eventfd2", "pipe2", "nanosleep", "prlimit64",
		"getrlimit", "setrlimit", "sched_yield", "rt_sigreturn", "prctl", "capset", "capget", "setuid", "setgid", "setgroups", "getdents64",
		"chdir", "getcwd", "fchdir", "faccessat2", "stat", "lstat", "statx", "open", "readlinkat", "getppid", "set_tid_address",
		"set_robust_list", "rseq", "uname", "epoll_wait", "fstatfs", "setresuid", "setresgid", "getuid", "geteuid", "close_range"], action: "SCMP_ACT_ALLOW"}]}'
	errno 1000
	is "$out" 38
	errno $NR_PERSONALITY 0
	is "$out" 1
}

@test "x32 calls are not a way around" {
	# hardening S25
	[ "$ARCH" = SCMP_ARCH_X86_64 ] || skip "host: not x86_64"
	profile '{syscalls: [{names: ["getpid"], action: "SCMP_ACT_ERRNO"}]}'
	script "timeout -s KILL 3 payload syscall $((0x40000000 + NR_GETPID)); true"
	oci run --bundle "$BUNDLE" "$ID"
	[ "$out" != 0 ]
}

@test "SCMP_ACT_NOTIFY sends the descriptor and the state to the listener" {
	"$RT_BATS_DIR/bin/payload" notify "$SOCK" >"$T/agent" 2>&1 </dev/null 3>&- 4>&- &
	BACKGROUND=$!
	eventually 5 test -S "$SOCK"
	config --arg s "$SOCK" --arg a "$ARCH" '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: [$a],
		listenerPath: $s, listenerMetadata: "some words", syscalls: [{names: ["personality"], action: "SCMP_ACT_NOTIFY"}]}'
	errno $NR_PERSONALITY 0
	is "$out" 42
	eventually 5 test -s "$T/agent"
	state=$(head -n 1 "$T/agent")
	is "$(jq -r '[.metadata, .state.id, .state.status, .fds[0]] | @tsv' <<<"$state")" "some words"$'\t'"$ID"$'\t'creating$'\t'seccompFd
	[ "$(jq .pid <<<"$state")" -gt 1 ]
	is "$(jq .state.pid <<<"$state")" "$(jq .pid <<<"$state")"
	kill "$BACKGROUND" 2>/dev/null || true
}

@test "SCMP_ACT_NOTIFY without a listener, or with one that is not there" {
	profile '{syscalls: [{names: ["personality"], action: "SCMP_ACT_NOTIFY"}]}'
	refused create --bundle "$BUNDLE" "$ID"
	has "$err" listenerPath
	config --arg s "$T/nosuch" '.linux.seccomp.listenerPath = $s'
	refused create --bundle "$BUNDLE" "$ID"
	is "$(status_of)" absent
}

@test "SCMP_ACT_NOTIFY as default action, or on write" {
	config --arg s "$SOCK" --arg a "$ARCH" '.linux.seccomp = {defaultAction: "SCMP_ACT_NOTIFY", architectures: [$a], listenerPath: $s}'
	refused create --bundle "$BUNDLE" "$ID"
	config '.linux.seccomp |= (.defaultAction = "SCMP_ACT_ALLOW" | .syscalls = [{names: ["write"], action: "SCMP_ACT_NOTIFY"}])'
	refused create --bundle "$BUNDLE" "$ID"
}

@test "unknown action, operator, architecture and flag" {
	for p in '{defaultAction: "SCMP_ACT_DREAM"}' '{syscalls: [{names: ["getpid"], action: "SCMP_ACT_DREAM"}]}' \
		'{architectures: ["SCMP_ARCH_DREAM"]}' '{flags: ["SECCOMP_FILTER_FLAG_DREAM"]}' \
		'{syscalls: [{names: ["getpid"], action: "SCMP_ACT_ERRNO", args: [{index: 0, value: 1, op: "SCMP_CMP_DREAM"}]}]}' \
		'{syscalls: [{names: ["getpid"], action: "SCMP_ACT_ERRNO", args: [{index: 7, value: 1, op: "SCMP_CMP_EQ"}]}]}'; do
		profile "$p"
		refused create --bundle "$BUNDLE" "$ID"
		is "$(status_of)" absent
	done
}

@test "a profile of 5,000 argument rules" {
	# hardening I06: compiled quickly, or refused.
	LIMIT=10
	profile '{syscalls: [range(5000) | {names: ["personality"], action: "SCMP_ACT_ERRNO", args: [{index: 0, value: (. + 100), op: "SCMP_CMP_EQ"}]}]}'
	script true
	oci run --bundle "$BUNDLE" "$ID"
	[ "$code" = 0 ] || [ -n "$err" ]
	is "$(status_of)" absent
}

@test "a filter that lacks what rt itself needs before it" {
	# As an older engine's profile answers to system calls it does not know.
	config '.process.noNewPrivileges = false'
	profile '{syscalls: [{names: ["close_range", "fsopen", "fsconfig", "openat2", "open_tree", "move_mount", "mount_setattr"],
		action: "SCMP_ACT_ERRNO", errnoRet: 38}]}'
	sh_run 'echo fine'
	is "$out" fine
}
