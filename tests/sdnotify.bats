#!/usr/bin/env bats
# Readiness for systemd (sd_notify(3)) and socket activation (sd_listen_fds(3)).
load lib

prepare() {
	root_needed
	bundle
	payload
	"$RT_BATS_DIR/bin/payload" hear "$T/systemd" >"$T/heard" 2>&1 3>&- 4>&- &
	BACKGROUND=$!
	eventually 10 test -S "$T/systemd"
	export NOTIFY_SOCKET="$T/systemd"
}

# heard TEXT: the service manager has been told exactly that, one datagram a
# line; runc says it in two.
heard() { is "$(tr '|' '\n' <"$T/heard")" "$1"; }

# told PID: that the service is ready, and its main process. Barriers are new in
# runc 1.2.
told() {
	is_rt || ! "$RUNTIME" --version | grep -q '^runc version 1\.[01]\.' || { heard $'READY=1\nMAINPID='"$1"; return; }
	heard $'READY=1\nMAINPID='"$1"$'\nBARRIER=1 +fd'
}

# ready_when FILE makes a container that is ready when FILE is in its /tmp.
ready_when() {
	script 'until [ -e /tmp/'"$1"' ]; do sleep 0.02; done; payload say "$NOTIFY_SOCKET" READY=1; sleep 1000'
}

@test "the container sees a socket in a read-only directory" {
	peer_defect "waits for the process to end, which is itself"
	sh_run 'echo $NOTIFY_SOCKET; ls /run/notify; awk "\$5 == \"/run/notify\" {print \$6}" /proc/self/mountinfo; (: >/run/notify/x) 2>/dev/null || echo no'
	is "$(sed -n '1,2p;4p' <<<"$out")" $'/run/notify/notify.sock\nnotify.sock\nno'
	matches "$(sed -n 3p <<<"$out")" '^ro,nosuid,nodev,noexec'
	heard ""
}

@test "run --detach returns when the container is ready" {
	ready_when go
	run_bg run --detach --bundle "$BUNDLE" "$ID"
	eventually 10 status_is running
	kill -0 "$BG"
	heard ""
	: >"$BUNDLE/rootfs/tmp/go"
	bg_code
	is "$code" 0
	told "$(pid_of)"
	[ ! -e /proc/"$BG" ]
}

@test "start returns when the container is ready" {
	ready_when go
	ok create --bundle "$BUNDLE" "$ID"
	run_bg start "$ID"
	eventually 10 status_is running
	kill -0 "$BG"
	heard ""
	: >"$BUNDLE/rootfs/tmp/go"
	bg_code
	is "$code" 0
	told "$(pid_of)"
}

@test "a foreground run is the main process itself" {
	peer_defect "hangs, if the container ends before it was ready"
	script 'payload say "$NOTIFY_SOCKET" READY=1; until [ -e /tmp/go ]; do sleep 0.02; done; exit 7'
	run_bg run --bundle "$BUNDLE" "$ID"
	eventually 10 grep -q BARRIER "$T/heard"
	told "$BG"
	: >"$BUNDLE/rootfs/tmp/go"
	bg_code
	is "$code" 7
}

@test "a foreground run that says so and ends at once" {
	peer_defect "waits for the process to end, which is itself"
	script 'payload say "$NOTIFY_SOCKET" READY=1'
	ok run --bundle "$BUNDLE" "$ID"
	has "$(cat "$T/heard")" READY=1
}

@test "signals reach a container that is not ready yet" {
	peer_defect "hears no signal before the container is ready"
	script 'trap "exit 9" TERM; : >/tmp/up; while :; do sleep 0.02; done'
	run_bg run --bundle "$BUNDLE" "$ID"
	eventually 10 test -e "$BUNDLE/rootfs/tmp/up"
	kill -TERM "$BG"
	bg_code
	is "$code" 9
	heard ""
}

@test "a container that ends before it is ready" {
	peer_defect "waits until the zombie is reaped too"
	script 'exit 3'
	ok run --detach --bundle "$BUNDLE" "$ID"
	ok delete "$ID"
	second
	script 'exit 3'
	ok create --bundle "$BUNDLE" "$ID"
	ok start "$ID"
	heard ""
}

@test "only readiness is passed on" {
	peer_defect "looks at the first line alone"
	payload
	script 'payload say "$NOTIFY_SOCKET" "MAINPID=1\nFDSTORE=1" STATUS=up READY=0 XREADY=1 "STATUS=x\nREADY=1\nMAINPID=1" STOPPING=1; sleep 1000'
	ok run --detach --bundle "$BUNDLE" "$ID"
	told "$(pid_of)"
}

@test "another user, and a user namespace" {
	config '.process.user = {uid: 1000, gid: 1000}'
	script 'payload say "$NOTIFY_SOCKET" READY=1; exec sleep 1000'
	ok run --detach --bundle "$BUNDLE" "$ID"
	told "$(pid_of)"
	unshare -U true 2>/dev/null || skip "host: no user namespaces"
	second
	payload
	: >"$T/heard"
	config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	script 'payload say "$NOTIFY_SOCKET" READY=1; exec sleep 1000'
	chown -R 100000:100000 "$BUNDLE/rootfs" --no-dereference
	dir=$(dirname "$T")
	chmod 0711 "$T" "$BUNDLE" "$dir" "$(dirname "$dir")"
	mkdir -p "$ROOT"
	ok run --detach --bundle "$BUNDLE" "$ID"
	matches "$(cat "$T/heard")" MAINPID="$(pid_of)"
}

@test "a socket of the service manager that is gone" {
	kill "$BACKGROUND"
	rm "$T/systemd"
	script 'payload say "$NOTIFY_SOCKET" READY=1; exec sleep 1000'
	ok run --detach --bundle "$BUNDLE" "$ID"
	status_is running
}

@test "a container made without NOTIFY_SOCKET is not waited for" {
	peer_defect "wants the directory that create made"
	sleeper
	NOTIFY_SOCKET= ok create --bundle "$BUNDLE" "$ID"
	ok start "$ID"
	status_is running
	heard ""
}

@test "a container without a mount namespace" {
	only_rt "a check"
	config '.mounts = [] | .linux.maskedPaths = [] | .linux.readonlyPaths = [] | .linux.namespaces |= map(select(.type != "mount"))'
	sh_run 'echo "[$NOTIFY_SOCKET]"'
	is "$out" "[]"
}

# activated VERB PID passes two sockets, as systemd does, to LISTEN_PID PID;
# $$ is the runtime's own.
activated() {
	code=0
	sh -c 'export LISTEN_FDS=2 LISTEN_PID='"$2"'; shift; exec "$@"' sh - "$RUNTIME" --root "$ROOT" "$1" --bundle "$BUNDLE" "$ID" \
		</dev/null >"$T/out" 2>"$T/err" 3<"$T/3" 4<"$T/4" 5<"$T/5" || code=$?
	err=$(<"$T/err")
	out=$(<"$T/out")
}

@test "LISTEN_FDS: sockets of create are there after start, and no others" {
	unset NOTIFY_SOCKET
	for f in 3 4 5; do echo "$f" >"$T/$f"; done
	script 'echo "$LISTEN_FDS $LISTEN_PID" >/tmp/o; cat <&3 >>/tmp/o; cat <&4 >>/tmp/o; ls /proc/self/fd | wc -l >>/tmp/o'
	activated create '$$'
	is "$code:$err" 0:
	ok start "$ID"
	eventually 10 status_is stopped
	# 0, 1, 2, the two, and that of the directory.
	is "$(cat "$BUNDLE/rootfs/tmp/o")" $'2 1\n3\n4\n6'
}

@test "LISTEN_FDS for another process are not passed on" {
	unset NOTIFY_SOCKET
	for f in 3 4 5; do echo "$f" >"$T/$f"; done
	script 'echo "[$LISTEN_FDS] [$LISTEN_PID]"; ls /proc/self/fd | wc -l'
	for pid in 1 '' x -1 '$PPID'; do
		activated run "$pid"
		is "$code:$err:$out" $'0::[] []\n4'
	done
}
