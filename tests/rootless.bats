#!/usr/bin/env bats
# Without root: an unprivileged user's own containers. As root the tests run
# the runtime as user 65534.
load lib

prepare() {
	cgroupfs_needed
	unshare -U true 2>/dev/null || skip "host: no user namespaces"
	bundle
	USER_ID=$(id -u)
	if [ "$USER_ID" = 0 ]; then
		need setpriv
		USER_ID=65534
		open_way
	fi
	ROOT="$T/work/root"
	config --argjson u "$USER_ID" '
		.linux.namespaces += [{type: "user"}] | .linux.namespaces |= map(select(.type != "network")) |
		.linux.uidMappings = [{containerID: 0, hostID: $u, size: 1}] |
		.linux.gidMappings = [{containerID: 0, hostID: $u, size: 1}] |
		.mounts |= map(if .type == "sysfs" then .type = "none" | .source = "/sys" | .options = ["rbind", "nosuid", "noexec", "nodev", "ro"]
			elif .type == "devpts" then .options -= ["gid=5"] else . end) |
		del(.linux.resources, .linux.cgroupsPath) | .linux.maskedPaths -= ["/sys/firmware"]'
	[ "$(id -u)" != 0 ] || chown -R --no-dereference 65534:65534 "$BUNDLE" "$T/work"
}

# open_way lets the user reach the test's directory.
open_way() {
	local dir=$T
	while [ "$dir" != "$BATS_RUN_TMPDIR" ] && [ "$dir" != / ]; do
		chmod a+x "$dir"
		dir=$(dirname "$dir")
	done
	chmod a+rx "$T"
}

# user ARG… runs the runtime as the user; sets code, out, err.
user() {
	local as=()
	[ "$(id -u)" != 0 ] || as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	code=0
	env -u HOME -u XDG_RUNTIME_DIR RT_BATS_TEST="$TAG" "${as[@]}" timeout --foreground -k 1 "$LIMIT" \
		"$RUNTIME" "$@" </dev/null >"$T/out" 2>"$T/err" 3>&- 4>&- || code=$?
	out=$(<"$T/out")
	err=$(<"$T/err")
	no_crash
}

user_ok() {
	user "$@"
	[ "$code" = 0 ] || fail "$NAME $* as user: exit $code: $err"
}

@test "rootless run" {
	script 'id -u; echo hello'
	user_ok --root "$ROOT" run --bundle "$BUNDLE" "$ID"
	is "$out" $'0\nhello'
}

@test "rootless without a cgroup: what needs one says so" {
	script 'sleep 1000'
	user_ok --root "$ROOT" run --detach --bundle "$BUNDLE" "$ID"
	pid=$(jq -r .pid "$ROOT/$ID/state.json")
	! grep -q "$ID" "/proc/$pid/cgroup" || skip "host: the user may make cgroups"
	for line in "pause:cannot toggle freezer: cgroups not configured for container" \
		"resume:container not paused" "ps --format json:unable to get all container pids: " \
		"update --pids-limit 5:cannot set pids limit: container could not join or create cgroup" \
		"events:memory controller missing"; do
		user --root "$ROOT" ${line%%:*} "$ID"
		is "$code" 1
		has "$(message)" "${line#*:}"
	done
	user_ok --root "$ROOT" update "$ID"
	user_ok --root "$ROOT" delete --force "$ID"
}

@test "rootless create, start, state, kill, delete" {
	sleeper
	user_ok --root "$ROOT" create --bundle "$BUNDLE" "$ID"
	user_ok --root "$ROOT" start "$ID"
	user_ok --root "$ROOT" state "$ID"
	is "$(jq -r .status <<<"$out")" running
	pid=$(jq -r .pid <<<"$out")
	is "$(stat -c %u "/proc/$pid")" "$USER_ID"
	user_ok --root "$ROOT" kill "$ID" KILL
	eventually 5 gone "$pid"
	user_ok --root "$ROOT" delete "$ID"
}

@test "rootless delete --force" {
	sleeper
	user_ok --root "$ROOT" run --detach --bundle "$BUNDLE" "$ID"
	user_ok --root "$ROOT" delete --force "$ID"
	user_ok --root "$ROOT" list -q
	is "$out" ""
}

@test "rootless: the exit code is the process's" {
	script 'exit 23'
	user --root "$ROOT" run --bundle "$BUNDLE" "$ID"
	is "$code" 23
}

@test "rootless: --rootless true" {
	script 'echo hello'
	user_ok --root "$ROOT" --rootless true run --bundle "$BUNDLE" "$ID"
	is "$out" hello
}

@test "rootless: the default root is below XDG_RUNTIME_DIR" {
	mkdir -m 700 "$T/xdg"
	local as=()
	[ "$(id -u)" != 0 ] || { chown 65534 "$T/xdg"; as=(setpriv --reuid 65534 --regid 65534 --clear-groups); }
	script 'echo hello'
	RT_BATS_TEST=$TAG XDG_RUNTIME_DIR="$T/xdg" "${as[@]}" "$RUNTIME" run --bundle "$BUNDLE" "$ID" \
		</dev/null >"$T/out" 2>&1 3>&- 4>&-
	is "$(cat "$T/out")" hello
	[ -d "$T/xdg/$NAME" ]
}

@test "rootless: a new network namespace" {
	config '.linux.namespaces += [{type: "network"}]'
	script 'ip -o addr show lo'
	user_ok --root "$ROOT" run --bundle "$BUNDLE" "$ID"
	has "$out" 127.0.0.1
}

@test "rootless: no user namespace" {
	config 'del(.linux.uidMappings, .linux.gidMappings) | .linux.namespaces |= map(select(.type != "user"))'
	user --root "$ROOT" run --bundle "$BUNDLE" "$ID"
	is "$code" 1
	[ -n "$err" ]
}

@test "rootless: a mapping the user has no right to" {
	config '.linux.uidMappings = [{containerID: 0, hostID: 0, size: 10}]'
	user --root "$ROOT" run --bundle "$BUNDLE" "$ID"
	is "$code" 1
	[ -n "$err" ]
}

@test "rootless: additional groups cannot be set with one gid" {
	config '.process.user.additionalGids = [5]'
	user --root "$ROOT" run --bundle "$BUNDLE" "$ID"
	is "$code" 1
	[ -n "$err" ]
}

@test "rootless: a root directory of another user" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	mkdir -m 700 "$T/others"
	user --root "$T/others/x" run --bundle "$BUNDLE" "$ID"
	is "$code" 1
	has "$err" "permission denied"
}

@test "rootless: a limit without a delegated cgroup is refused or ignored, never half set" {
	config --arg cg "$CG/$ID" '.linux.cgroupsPath = $cg | .linux.resources = {pids: {limit: 50}}'
	script 'echo hello'
	user --root "$ROOT" run --bundle "$BUNDLE" "$ID"
	[ "$code" = 1 ] || is "$out" hello
	[ "$code" = 0 ] || [ -n "$err" ]
}

# ranges maps ids from 1 on to HOST and the 65535 after it, and runs id as one.
ranges() {
	config --argjson h "$1" '.linux.uidMappings += [{containerID: 1, hostID: $h, size: 65536}] |
		.linux.gidMappings += [{containerID: 1, hostID: $h, size: 65536}] |
		.process.user = {uid: 9, gid: 8} | .process.args = ["id"]'
}

@test "rootless: ranges of /etc/subuid through newuidmap" {
	root_needed
	need newuidmap
	need unshare
	echo nobody:300000:65536 >"$T/subid"
	ranges 300000
	code=0
	RT_BATS_TEST=$TAG unshare -m sh -c 'mount --bind "$0" /etc/subuid && mount --bind "$0" /etc/subgid && exec "$@"' "$T/subid" \
		setpriv --reuid 65534 --regid 65534 --clear-groups timeout "$LIMIT" "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" \
		</dev/null >"$T/out" 2>"$T/err" 3>&- 4>&- || code=$?
	is "$code:$(cat "$T/err")" "0:"
	has "$(cat "$T/out")" "uid=9 gid=8"
}

@test "rootless: a user's own ranges, and none" {
	[ "$USER_ID" != 65534 ] || skip "host: root has no subordinate ids"
	need newuidmap
	begin=$(sed -n "s/^$(id -un):\([0-9]*\):65536\$/\1/p" /etc/subuid)
	ranges "${begin:-300000}"
	user --root "$ROOT" run --bundle "$BUNDLE" "$ID"
	if [ -n "$begin" ]; then
		is "$code:$err" "0:"
		has "$out" "uid=9 gid=8"
	else
		is "$code" 1
		matches "$err" 'new[ug]idmap'
	fi
}

@test "rootless: limits, exec and pause in a cgroup of the user's manager" {
	local own dir
	own=$(sed -n 's/^0:://p' /proc/self/cgroup)
	case "$own" in */user@"$USER_ID".service/*) ;; *) skip "host: no delegated cgroup" ;; esac
	own=${own%%/user@*}/user@$USER_ID.service/$ID
	dir=/sys/fs/cgroup$own
	config --arg cg "$own" '.linux.cgroupsPath = $cg | .linux.resources = {pids: {limit: 50}, memory: {limit: 67108864}}'
	sleeper
	user_ok --root "$ROOT" run --detach --bundle "$BUNDLE" "$ID"
	is "$(cat "$dir/pids.max") $(cat "$dir/memory.max")" "50 67108864"
	user_ok --root "$ROOT" state "$ID"
	grep -qx "$(jq -r .pid <<<"$out")" "$dir/cgroup.procs"
	user_ok --root "$ROOT" exec "$ID" grep -c "$ID" /proc/self/cgroup
	user_ok --root "$ROOT" pause "$ID"
	is "$(cat "$dir/cgroup.freeze")" 1
	user_ok --root "$ROOT" resume "$ID"
	user_ok --root "$ROOT" update --pids-limit 60 "$ID"
	is "$(cat "$dir/pids.max")" 60
	user_ok --root "$ROOT" delete --force "$ID"
	[ ! -e "$dir" ]
}

@test "rootless: features, spec and plan need nothing" {
	user_ok features
	cd "$T/work"
	mkdir -p s
	[ "$(id -u)" != 0 ] || chown 65534 s
	user_ok spec --rootless --bundle s
	jq -e '.linux.uidMappings[0].size == 1' s/config.json
}

@test "rootless: exec, ps, pause, resume and update of a container without a cgroup of its own" {
	sleeper
	user_ok --root "$ROOT" run --detach --bundle "$BUNDLE" "$ID"
	user_ok --root "$ROOT" exec "$ID" id -u
	is "$out" 0
	user --root "$ROOT" exec "$ID" sh -c 'exit 41'
	is "$code" 41
	user --root "$ROOT" exec "$ID" nosuch
	is "$code" 255
	# What needs a cgroup fails in words, and leaves the container as it was.
	for verb in "pause $ID" "update --pids-limit 20 $ID" "ps $ID"; do
		user --root "$ROOT" $verb
		[ "$code" = 0 ] || [ -n "$err" ]
	done
	user --root "$ROOT" resume "$ID"
	user_ok --root "$ROOT" state "$ID"
	is "$(jq -r .status <<<"$out")" running
	user_ok --root "$ROOT" delete --force "$ID"
}

@test "rootless: spec --rootless makes a bundle that runs" {
	rm "$BUNDLE/config.json"
	user_ok spec --rootless --bundle "$BUNDLE"
	config --arg tag "RT_BATS_TEST=$TAG" '.process.terminal = false | .process.env += [$tag] | .process.args = ["sh", "-c", "id -u; cat /proc/self/uid_map"]'
	user_ok --root "$ROOT" run --bundle "$BUNDLE" "$ID"
	is "$(awk 'NR == 1 || NR == 2 {print $1, $2, $3}' <<<"$out")" $'0  \n0 '"$USER_ID"' 1'
}

@test "rootless: the default root has the sticky bit" {
	mkdir -m 700 "$T/xdg"
	local as=()
	[ "$(id -u)" != 0 ] || { chown 65534 "$T/xdg"; as=(setpriv --reuid 65534 --regid 65534 --clear-groups); }
	script true
	XDG_RUNTIME_DIR="$T/xdg" RT_BATS_TEST=$TAG "${as[@]}" "$RUNTIME" run --bundle "$BUNDLE" "$ID" </dev/null >"$T/out" 2>&1 3>&- 4>&-
	is "$(stat -c %a "$T/xdg/$NAME")" 1700
}

@test "rootless: mounts add and remove" {
	only_rt "mounts, as root of the container"
	mkdir "$T/data"
	echo one >"$T/data/file"
	script 'until [ -e /mnt/file ]; do sleep 0.02; done; cp /mnt/file /tmp/got; until [ ! -e /mnt/file ]; do sleep 0.02; done; df /t | tail -n 1 >/tmp/size'
	user_ok --root "$ROOT" run --detach --bundle "$BUNDLE" "$ID"
	jq -n --arg t "$T" '[{destination: "/t", type: "tmpfs", source: "x", options: ["size=64k"]}, {destination: "/mnt", source: "\($t)/data", options: ["rbind", "ro"]}]' >"$T/m.json"
	user_ok --root "$ROOT" mounts add "$ID" "$T/m.json"
	eventually 10 test -e "$BUNDLE/rootfs/tmp/got"
	jq '.[1:]' "$T/m.json" >"$T/r.json"
	user_ok --root "$ROOT" mounts remove "$ID" "$T/r.json"
	eventually 10 test -s "$BUNDLE/rootfs/tmp/size"
	is "$(awk '{print $2}' "$BUNDLE/rootfs/tmp/size")" 64
	user_ok --root "$ROOT" delete --force "$ID"
}

@test "rootless: exec" {
	sleeper
	config '.process.oomScoreAdj = 500'
	user_ok --root "$ROOT" run --detach --bundle "$BUNDLE" "$ID"
	user_ok --root "$ROOT" exec --env A=b "$ID" sh -c 'id -u; echo $A; cat /proc/self/oom_score_adj; readlink /proc/self/ns/user; readlink /proc/1/ns/user'
	is "$(sed -n 1,3p <<<"$out" | tr '\n' ' ')" "0 b 500 "
	is "$(sed -n 4p <<<"$out")" "$(sed -n 5p <<<"$out")"
	user --root "$ROOT" exec "$ID" sh -c 'exit 3'
	is "$code" 3
	user --root "$ROOT" exec "$ID" nosuch
	is "$code" 255
	user_ok --root "$ROOT" exec --detach --pid-file "$T/work/pid" "$ID" sleep 1000
	is "$(stat -c %u "/proc/$(cat "$T/work/pid")")" "$USER_ID"
	user_ok --root "$ROOT" delete --force "$ID"
	eventually 5 gone "$(cat "$T/work/pid")"
}
