#!/usr/bin/env bats
# hooks: runtime-spec config.md#posix-platform-hooks and runtime.md#lifecycle.
load lib

# hook NAME SCRIPT [TIMEOUT] adds a hook that runs SCRIPT on the host.
hook() {
	config --arg n "$1" --arg s "$2" --argjson t "${3:-null}" \
		'.hooks[$n] += [{path: "/bin/sh", args: ["sh", "-c", $s]} + (if $t then {timeout: $t} else {} end)]'
}

# log_hooks adds hooks that write their names.
log_hooks() {
	local n
	for n in prestart createRuntime createContainer poststop; do
		hook "$n" "echo $n >>'$T/order'"
	done
	hook startContainer "echo startContainer >>/tmp/order"
}

@test "hooks run in the spec's order" {
	mkdir -p "$BUNDLE/rootfs/tmp"
	log_hooks
	# createContainer runs in the container's mount namespace before the pivot: host paths hold.
	script 'echo process >>/tmp/order'
	created
	is "$(tr '\n' ' ' <"$T/order")" "prestart createRuntime createContainer "
	[ ! -e "$BUNDLE/rootfs/tmp/order" ]
	ok start "$ID"
	eventually 5 status_is stopped
	is "$(tr '\n' ' ' <"$BUNDLE/rootfs/tmp/order")" "startContainer process "
	ok delete "$ID"
	is "$(tr '\n' ' ' <"$T/order")" "prestart createRuntime createContainer poststop "
}

@test "poststart hooks run after the process was started" {
	peer_defect "runc before 1.6 runs poststart hooks in create"
	hook poststart "echo poststart >>'$T/order'"
	script 'sleep 1000'
	created
	[ ! -e "$T/order" ]
	ok start "$ID"
	is "$(cat "$T/order")" poststart
}

@test "run calls all hooks too" {
	log_hooks
	script true
	ok run --bundle "$BUNDLE" "$ID"
	is "$(tr '\n' ' ' <"$T/order")" "prestart createRuntime createContainer poststop "
}

@test "several hooks of one kind run in the given order" {
	for i in 1 2 3; do hook createRuntime "echo $i >>'$T/order'"; done
	created
	is "$(tr '\n' ' ' <"$T/order")" "1 2 3 "
}

@test "a hook gets the state on its standard input" {
	config '.annotations = {"k": "v"}'
	for n in prestart createRuntime createContainer poststart poststop; do hook "$n" "cat >'$T/$n'"; done
	hook startContainer 'cat >/tmp/startContainer'
	running
	eventually 5 test -s "$T/poststart"
	pid=$(pid_of)
	ok delete --force "$ID"
	for n in prestart createRuntime createContainer; do
		is "$(jq -r '[.id, .bundle, .annotations.k] | @tsv' "$T/$n")" "$ID"$'\t'"$BUNDLE"$'\t'v
		matches "$(jq -r .status "$T/$n")" '^creat(ing|ed)$'
		[ "$n" = createContainer ] || is "$(jq -r .pid "$T/$n")" "$pid"
	done
	is "$(jq -r .status "$BUNDLE/rootfs/tmp/startContainer")" created
	is "$(jq -r .pid "$T/poststart")" "$pid"
	! is_rt || is "$(jq -r .status "$T/poststart")" running # runc before 1.6 runs it in create
	is "$(jq -r .status "$T/poststop")" stopped
	is "$(jq -r .id "$T/poststop")" "$ID"
}

@test "hook args and env are exact" {
	printf '#!/bin/sh\necho "$0|$*|$A|${HOME-unset}" >"%s"\n' "$T/got" >"$T/hook.sh"
	chmod 755 "$T/hook.sh"
	config --arg p "$T/hook.sh" '.hooks.createRuntime = [{path: $p, args: ["zero", "a b", "$A"], env: ["A=1 2"]}]'
	created
	is "$(cat "$T/got")" "$T/hook.sh|a b \$A|1 2|unset"
}

@test "createContainer hooks run in the container's namespaces" {
	hook createContainer "readlink /proc/self/ns/mnt /proc/self/ns/uts /proc/self/ns/net >'$T/ns'"
	sleeper
	created
	pid=$(pid_of)
	is "$(cat "$T/ns")" "$(readlink "/proc/$pid/ns/mnt" "/proc/$pid/ns/uts" "/proc/$pid/ns/net")"
}

@test "prestart, createRuntime, poststart and poststop hooks run in the runtime's namespaces" {
	for n in prestart createRuntime poststart poststop; do
		hook "$n" "readlink /proc/self/ns/mnt /proc/self/ns/net /proc/self/ns/pid >'$T/$n'"
	done
	script true
	ok run --bundle "$BUNDLE" "$ID"
	for n in prestart createRuntime poststart poststop; do
		is "$(cat "$T/$n")" "$(readlink /proc/self/ns/mnt /proc/self/ns/net /proc/self/ns/pid)"
	done
}

@test "startContainer hooks see the container's files" {
	hook startContainer 'hostname >/tmp/h; readlink /proc/self/ns/mnt >/tmp/ns; ls / >/tmp/ls'
	sh_run 'readlink /proc/self/ns/mnt'
	is "$(cat "$BUNDLE/rootfs/tmp/h")" box
	is "$(cat "$BUNDLE/rootfs/tmp/ns")" "$out"
}

@test "createRuntime hooks can configure the network namespace" {
	need nsenter
	hook createRuntime 'pid=$(sed "s/.*\"pid\": *\([0-9]*\).*/\1/" | tr -d "\n"); nsenter -t "$pid" -n ip link set lo up mtu 1400'
	sh_run 'ip link show lo'
	has "$out" "mtu 1400"
}

@test "a failing prestart, createRuntime or createContainer hook fails create" {
	for n in prestart createRuntime createContainer; do
		config 'del(.hooks)'
		hook "$n" "echo broken >&2; exit 9"
		refused create --bundle "$BUNDLE" "$ID"
		has "$err" "exit status 9"
		has "$err" broken
		is "$(status_of)" absent
	done
}

@test "a failing startContainer hook: the process is not run" {
	hook startContainer 'exit 1'
	script 'echo ran >/tmp/ran'
	oci run --bundle "$BUNDLE" "$ID"
	[ "$code" != 0 ]
	[ ! -e "$BUNDLE/rootfs/tmp/ran" ]
}

@test "a failing poststart hook stops the container" {
	# As runc and crun do; the spec said so until 1.0 and since 1.3 again.
	hook poststart 'exit 1'
	sleeper
	refused run --detach --bundle "$BUNDLE" "$ID"
	has "$err" hook
	eventually 5 eval '[ -z "$(cg_procs)" ]'
}

@test "a failing poststop hook does not keep the container" {
	peer_defect "runc gives up at the first error of a poststop hook"
	hook poststop 'exit 1'
	hook poststop "echo second >'$T/second'"
	running
	oci delete --force "$ID"
	is "$(status_of)" absent
	[ -s "$T/second" ]
}

@test "a hook that is missing or not executable" {
	for p in /nosuch/hook /etc/passwd; do
		config --arg p "$p" '.hooks = {createRuntime: [{path: $p}]}'
		refused create --bundle "$BUNDLE" "$ID"
		has "$err" "$p"
		is "$(status_of)" absent
	done
}

@test "a hook's relative path is refused" {
	config '.hooks = {createRuntime: [{path: "bin/true"}]}'
	refused create --bundle "$BUNDLE" "$ID"
	is "$(status_of)" absent
}

@test "a hook that hangs is killed at its timeout" {
	# hardening F34
	hook createRuntime 'exec sleep 600' 1
	start=$(now_ms)
	LIMIT=10
	refused create --bundle "$BUNDLE" "$ID"
	[ $(($(now_ms) - start)) -lt 5000 ]
	has "$err" "hook ran past specified timeout of 1"
	is "$(status_of)" absent
}

@test "a hook's timeout covers what the hook started" {
	# hardening F34
	peer_defect "runc waits for the hook's children, and leaves them"
	hook createRuntime "sleep 600 & echo \$! >'$T/child'; wait" 1
	LIMIT=10
	refused create --bundle "$BUNDLE" "$ID"
	has "$err" timeout
	kill "$(cat "$T/child")" 2>/dev/null || true
}

@test "a timeout of zero or below is refused" {
	peer_defect "runc 1.1.5 takes it"
	for t in 0 -1; do
		config 'del(.hooks)'
		hook createRuntime true "$t"
		refused create --bundle "$BUNDLE" "$ID"
		has "$err" timeout
	done
}

@test "a hook that prints much does not block, nor fill the error" {
	# hardening F34
	hook createRuntime 'head -c 20000000 /dev/zero | tr "\0" x; exit 0'
	created
	config 'del(.hooks)'
	ok delete --force "$ID"
	hook createRuntime 'head -c 20000000 /dev/zero | tr "\0" x >&2; exit 1'
	oci create --bundle "$BUNDLE" "$ID"
	is "$code" 1
	peer_defect "runc puts all 20 MB into its error"
	[ "$(stat -c %s "$T/err")" -lt 65536 ]
}

@test "a hook killed by a signal" {
	hook createRuntime 'kill -9 $$'
	refused create --bundle "$BUNDLE" "$ID"
	has "$err" killed
	is "$(status_of)" absent
}

@test "a hook that leaves a daemon behind does not block create" {
	# hardening F34: the daemon keeps the hook's standard output open.
	peer_defect "runc waits until the daemon closes its output"
	hook createRuntime "setsid sleep 30 & echo \$! >'$T/daemon'"
	LIMIT=10
	created
	kill "$(cat "$T/daemon")"
}

@test "hooks get no descriptor of the runtime" {
	hook createRuntime "ls -l /proc/self/fd >'$T/fds'"
	created
	lacks "$(cat "$T/fds")" "$ROOT"
	is "$(grep -c -- '->' "$T/fds")" 4
}

# rights prints what the process reading it may do.
RIGHTS='grep -E "^(Uid|Gid|Groups|Cap[A-Z][a-z]*|NoNewPrivs|Seccomp):" /proc/self/status'

@test "startContainer hooks have no more rights than the process" {
	# The hook's file is the image's: with the runtime's rights it would own the host.
	config '.process.user = {uid: 5, gid: 7, additionalGids: [9]} | .process.noNewPrivileges = true |
		.process.capabilities = {bounding: ["CAP_KILL"], permitted: ["CAP_KILL"], effective: ["CAP_KILL"]} |
		.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mount"], action: "SCMP_ACT_ERRNO"}]}'
	chmod 1777 "$BUNDLE/rootfs/tmp"
	hook startContainer "$RIGHTS >/tmp/hook; cat /proc/self/cgroup >/tmp/hook.cg"
	script "$RIGHTS; cat /proc/self/cgroup >/tmp/cg"
	ok run --bundle "$BUNDLE" "$ID"
	is "$(cat "$BUNDLE/rootfs/tmp/hook")" "$out"
	is "$(cat "$BUNDLE/rootfs/tmp/hook.cg")" "$(cat "$BUNDLE/rootfs/tmp/cg")"
	has "$out" "Seccomp:"$'\t'2
	rm "$BUNDLE/rootfs/tmp/hook"
	created
	ok start "$ID"
	is "$(cat "$BUNDLE/rootfs/tmp/hook")" "$out"
}

@test "startContainer hooks are held to a filter without noNewPrivileges too" {
	config '.process.noNewPrivileges = false |
		.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_KILL"}]}'
	config '.hooks.startContainer = [{path: "/bin/mkdir", args: ["mkdir", "/tmp/made"]}]'
	script true
	created
	refused start "$ID"
	has "$err" "bad system call"
	[ ! -e "$BUNDLE/rootfs/tmp/made" ]
}
