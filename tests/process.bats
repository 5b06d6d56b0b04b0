#!/usr/bin/env bats
# process: runtime-spec config.md#process, #linux-process, #user.
load lib

status_field() { sh_run "awk '/^$1:/{\$1=\"\"; print}' /proc/self/status"; out=$(echo $out); }

caps() {
	config --argjson c "$1" '.process.capabilities = $c'
	sh_run "awk '/^Cap/{print \$1, \$2}' /proc/self/status"
	out=$(sed 's/0000000000000000/0/; s/ 0*\([1-9a-f]\)/ \1/' <<<"$out" | tr '\n' ' ')
}

@test "no capabilities" {
	# hardening S19; CAP_CHOWN is bit 0, CAP_KILL bit 5.
	caps '{}'
	is "$out" "CapInh: 0 CapPrm: 0 CapEff: 0 CapBnd: 0 CapAmb: 0 "
}

@test "bounding, permitted and effective of root" {
	caps '{"bounding": ["CAP_CHOWN", "CAP_KILL"], "permitted": ["CAP_CHOWN", "CAP_KILL"], "effective": ["CAP_CHOWN"]}'
	is "$out" "CapInh: 0 CapPrm: 21 CapEff: 21 CapBnd: 21 CapAmb: 0 "
}

@test "a user has no capabilities after execve" {
	config '.process.user = {uid: 1000, gid: 1000}'
	caps '{"bounding": ["CAP_CHOWN", "CAP_KILL"], "permitted": ["CAP_CHOWN", "CAP_KILL"], "effective": ["CAP_CHOWN"]}'
	is "$out" "CapInh: 0 CapPrm: 0 CapEff: 0 CapBnd: 21 CapAmb: 0 "
}

@test "a user's ambient capabilities" {
	config '.process.user = {uid: 1000, gid: 1000}'
	caps '{"bounding": ["CAP_CHOWN", "CAP_KILL"], "permitted": ["CAP_KILL"], "inheritable": ["CAP_KILL"], "effective": ["CAP_KILL"], "ambient": ["CAP_KILL"]}'
	is "$out" "CapInh: 20 CapPrm: 20 CapEff: 20 CapBnd: 21 CapAmb: 20 "
}

@test "inheritable is empty unless asked for" {
	# CVE-2022-29162
	caps '{"bounding": ["CAP_KILL"], "permitted": ["CAP_KILL"], "effective": ["CAP_KILL"]}'
	has "$out" "CapInh: 0 "
}

@test "each capability the host can give" {
	# hardening S19
	bound=$((16#$(awk '/^CapBnd/{print $2}' /proc/self/status)))
	names=(CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
		NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN
		SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE
		MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE)
	config '.process.args = ["grep", "CapEff", "/proc/self/status"]'
	for ((i = 0; i < 41; i++)); do
		(((bound >> i) & 1)) || continue
		config --arg c "CAP_${names[i]}" '.process.capabilities = {bounding: [$c], permitted: [$c], effective: [$c]}'
		ok run --bundle "$BUNDLE" "$ID"
		is "$((16#${out##*[[:space:]]}))" $((1 << i))
	done
}

@test "an unknown capability is ignored with a warning" {
	config '.process.capabilities.bounding += ["CAP_DREAM"]'
	ok run --bundle "$BUNDLE" "$ID"
	has "$err" CAP_DREAM
}

@test "a capability the host lacks" {
	bound=$((16#$(awk '/^CapBnd/{print $2}' /proc/self/status)))
	((!((bound >> 24) & 1))) || skip "host: has every capability"
	config '.process.capabilities.bounding += ["CAP_SYS_RESOURCE"]'
	oci run --bundle "$BUNDLE" "$ID"
	[ "$code" = 0 ] || has "$err" "operation not permitted"
}

@test "noNewPrivileges" {
	status_field NoNewPrivs
	is "$out" 1
	config '.process.noNewPrivileges = false'
	status_field NoNewPrivs
	is "$out" 0
}

@test "noNewPrivileges and a setuid program" {
	# hardening S32
	payload
	chmod 4755 "$BUNDLE/rootfs/bin/payload"
	config '.process.user = {uid: 1000, gid: 1000} | .process.args = ["payload", "ids"]'
	ok run --bundle "$BUNDLE" "$ID"
	is "$out" "1000 1000 1000"
	config '.process.noNewPrivileges = false'
	ok run --bundle "$BUNDLE" "$ID"
	is "$out" "1000 0 0"
}

@test "user, group and additional groups" {
	# hardening S23
	config '.process.user = {uid: 1000, gid: 3000, additionalGids: [5, 6, 7]}'
	sh_run 'id -u; id -g; id -G'
	is "$out" $'1000\n3000\n3000 5 6 7'
	status_field Groups
	is "$(tr ' ' '\n' <<<"$out" | sort -n | tr '\n' ' ')" "5 6 7 "
}

@test "no additional groups: the runtime's own are dropped" {
	# hardening S23
	config '.process.user = {uid: 1000, gid: 1000}'
	status_field Groups
	is "$out" ""
	config '.process.user = {uid: 0, gid: 0}'
	status_field Groups
	[ -z "$out" ] || is "$out" 0
}

@test "users by number need no passwd file" {
	rm "$BUNDLE/rootfs/etc/passwd" "$BUNDLE/rootfs/etc/group"
	config '.process.user = {uid: 2000000000, gid: 2000000001}'
	sh_run "awk '/^[UG]id/' /proc/self/status"
	has "$out" 2000000000
	has "$out" 2000000001
}

@test "real, effective, saved and file system ids are all set" {
	config '.process.user = {uid: 1000, gid: 1001}'
	status_field Uid
	is "$out" "1000 1000 1000 1000"
	status_field Gid
	is "$out" "1001 1001 1001 1001"
}

@test "umask" {
	umask 077
	status_field Umask
	is "$out" 0022
	config '.process.user.umask = 23'
	status_field Umask
	is "$out" 0027
}

@test "env is exact, in order, and nothing of the runtime's" {
	config '.process.env = ["PATH=/bin", "B=2", "A=1", "EMPTY=", "SP=a b", "NL=x\ny"]'
	config '.process.args = ["cat", "/proc/self/environ"]'
	ok run --bundle "$BUNDLE" "$ID"
	is "$(tr '\0' '|' <"$T/out" | sed 's/|HOME=[^|]*//')" $'PATH=/bin|B=2|A=1|EMPTY=|SP=a b|NL=x\ny|'
}

@test "HOME is set from the container's passwd when missing" {
	config '.process.user = {uid: 1000, gid: 1000}'
	sh_run 'echo $HOME'
	is "$out" /home
	config '.process.env += ["HOME=/mine"]'
	sh_run 'echo $HOME'
	is "$out" /mine
}

@test "without PATH in env" {
	config '.process.env = ["A=1"]'
	config '.process.args = ["/bin/sh", "-c", "echo found"]'
	ok run --bundle "$BUNDLE" "$ID"
	is "$out" found
}

@test "cwd" {
	config '.process.cwd = "/tmp"'
	sh_run pwd
	is "$out" /tmp
}

@test "a missing cwd is made" {
	config '.process.cwd = "/made/for/me"'
	sh_run pwd
	is "$out" /made/for/me
}

@test "cwd of a user, not enterable by root without capabilities" {
	mkdir -m 700 "$BUNDLE/rootfs/home/u"
	chown 1000:1000 "$BUNDLE/rootfs/home/u"
	config '.process.cwd = "/home/u" | .process.user = {uid: 1000, gid: 1000} | .process.capabilities = {}'
	sh_run pwd
	is "$out" /home/u
}

@test "rlimits" {
	config '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 100, hard: 200}, {type: "RLIMIT_CORE", soft: 0, hard: 0},
		{type: "RLIMIT_FSIZE", soft: 1048576, hard: 2097152}, {type: "RLIMIT_STACK", soft: 1048576, hard: 8388608}]'
	sh_run 'cat /proc/self/limits'
	matches "$out" 'Max open files +100 +200'
	matches "$out" 'Max core file size +0 +0'
	matches "$out" 'Max file size +1048576 +2097152'
	matches "$out" 'Max stack size +1048576 +8388608'
}

@test "without rlimits the container has the caller's" {
	# Go raises RLIMIT_NOFILE of itself at start; the container must not see that.
	config '.process.args = ["cat", "/proc/self/limits"]'
	ulimit -Sn 512
	peer_defect "runc 1.1 hands Go's raised soft limit on"
	ok run --bundle "$BUNDLE" "$ID"
	matches "$out" "Max open files +512 "
}

@test "an rlimit above the caller's hard limit, without CAP_SYS_RESOURCE" {
	bound=$((16#$(awk '/^CapEff/{print $2}' /proc/self/status)))
	((!((bound >> 24) & 1))) || skip "host: may raise limits"
	config '.process.rlimits = [{type: "RLIMIT_CORE", soft: 1, hard: 2}]'
	ulimit -Hc 0
	refused run --bundle "$BUNDLE" "$ID"
	has "$err" "operation not permitted"
	is "$(status_of)" absent
}

@test "oomScoreAdj" {
	config '.process.oomScoreAdj = 500'
	sh_run 'cat /proc/self/oom_score_adj'
	is "$out" 500
	config 'del(.process.oomScoreAdj)'
	sh_run 'cat /proc/self/oom_score_adj'
	is "$out" "$(cat /proc/self/oom_score_adj)"
}

@test "scheduler" {
	newer_than_runc_1_1 scheduler
	payload
	config '.process.scheduler = {policy: "SCHED_BATCH", nice: 5} | .process.args = ["payload", "sched"]'
	ok run --bundle "$BUNDLE" "$ID"
	has "$out" "policy=3 nice=5"
}

@test "scheduler: bad values" {
	newer_than_runc_1_1 scheduler
	for s in '{policy: "SCHED_DREAM"}' '{policy: "SCHED_OTHER", nice: 100}' '{policy: "SCHED_OTHER", priority: 5}' '{policy: "SCHED_BATCH", flags: ["X"]}'; do
		config ".process.scheduler = $s"
		refused create --bundle "$BUNDLE" "$ID"
		is "$(status_of)" absent
	done
}

@test "ioPriority" {
	newer_than_runc_1_1 ioPriority
	payload
	config '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 6} | .process.args = ["payload", "sched"]'
	ok run --bundle "$BUNDLE" "$ID"
	has "$out" "ioclass=2 ioprio=6"
	config '.process.ioPriority = {class: "IOPRIO_CLASS_XX", priority: 6}'
	refused create --bundle "$BUNDLE" "$ID"
}

@test "personality" {
	newer_than_runc_1_1 personality
	[ "$(uname -m)" = x86_64 ] || skip "host: not x86_64"
	config '.linux.personality = {domain: "LINUX32"}'
	sh_run 'uname -m'
	is "$out" i686
}

@test "execCPUAffinity does not change the init process" {
	newer_than_runc_1_1 execCPUAffinity
	config '.process.execCPUAffinity = {initial: "0", final: "0"}'
	sh_run "grep Cpus_allowed_list /proc/self/status | awk '{print \$2}'"
	is "$out" "$(awk '/Cpus_allowed_list/{print $2}' /proc/self/status)"
}

@test "a session keyring of its own, and --no-new-keyring" {
	payload
	config '.process.args = ["payload", "keyring"]'
	ok run --bundle "$BUNDLE" "$ID"
	has "$out" "_ses.$ID"
	config '.process.args = ["payload", "keyring"]'
	oci run --no-new-keyring --bundle "$BUNDLE" "$ID"
	lacks "$out" "_ses.$ID"
}

@test "the process is the leader of a session, and pid 1" {
	sh_run "awk '{print \$1, \$5, \$6}' /proc/1/stat"
	is "$out" "1 1 1"
}

@test "the parent-death signal, timers and dumpable are as after a fresh execve" {
	sh_run "awk '/^(Seccomp|Threads|TracerPid):/{print \$2}' /proc/self/status; cat /proc/self/timerslack_ns 2>/dev/null; stat -c %u /proc/self/mem"
	is "$(tail -n 1 <<<"$out")" 0
}

@test "an AppArmor profile on a host without AppArmor" {
	[ ! -d /sys/kernel/security/apparmor ] || skip "host: has AppArmor"
	config '.process.apparmorProfile = "some-profile"'
	refused run --bundle "$BUNDLE" "$ID"
	matches "$(message)" 'unable to apply apparmor profile: apparmor failed to apply profile: write /proc/.*attr/.*exec: invalid argument$'
	config '.process.apparmorProfile = "unconfined"'
	! is_rt || ok run --bundle "$BUNDLE" "$ID"
}

@test "an SELinux label on a host without SELinux" {
	[ ! -d /sys/fs/selinux ] || skip "host: has SELinux"
	config '.process.selinuxLabel = "system_u:system_r:container_t:s0"'
	refused run --bundle "$BUNDLE" "$ID"
	has "$(message)" "selinux label is specified in config, but selinux is disabled or not supported"
	config 'del(.process.selinuxLabel) | .linux.mountLabel = "system_u:object_r:container_file_t:s0"'
	refused run --bundle "$BUNDLE" "$ID"
}

@test "a missing cwd is made in a read-only root too" {
	config '.root.readonly = true | .process.cwd = "/made/for/me"'
	sh_run 'pwd; mkdir /made/more 2>&1 || true'
	is "$(sed -n 1p <<<"$out")" /made/for/me
	has "$out" Read-only
}
