#!/usr/bin/env bats
# pause and resume; what the other commands do with a paused container.
load lib

# counting starts a container that counts in a file of its rootfs.
counting() {
	script 'i=0; while :; do i=$((i+1)); echo $i >/count; done'
	ok run --detach --bundle "$BUNDLE" "$ID"
	eventually 20 test -s "$BUNDLE/rootfs/count"
}

# more_than N: the count is above N. The file is empty for a moment at times.
more_than() {
	local n
	n=$(cat "$BUNDLE/rootfs/count")
	[ -n "$n" ] && [ "$n" -gt "$1" ]
}

@test "pause stops the processes, resume lets them go on" {
	counting
	ok pause "$ID"
	is "$(status_of)" paused
	before=$(cat "$BUNDLE/rootfs/count")
	for i in 1 2 3 4 5; do is "$(cat "$BUNDLE/rootfs/count")" "$before"; done
	ok resume "$ID"
	is "$(status_of)" running
	eventually 20 more_than "${before:-0}"
	is "$out$err" ""
}

@test "pause again, resume again" {
	running
	for i in 1 2 3; do
		ok pause "$ID"
		ok resume "$ID"
	done
	ok pause "$ID"
	refused pause "$ID"
	says "container not running"
	ok resume "$ID"
	refused resume "$ID"
	says "container not paused"
	is "$(status_of)" running
}

@test "a created container pauses, and stays created" {
	sleeper
	created
	refused resume "$ID"
	says "container not paused"
	ok pause "$ID"
	is "$(status_of)" paused
	refused start "$ID"
	says "cannot start a container in the paused state"
	is "$(status_of)" paused
	ok resume "$ID"
	is "$(status_of)" created
	ok start "$ID"
	is "$(status_of)" running
}

@test "a stopped container neither pauses nor resumes" {
	script true
	ok run --detach --bundle "$BUNDLE" "$ID"
	eventually 20 status_is stopped
	refused pause "$ID"
	says "container not running"
	refused resume "$ID"
	says "container not paused"
}

@test "no such container, and wrong arguments" {
	for verb in pause resume; do
		refused "$verb" nosuch
		says "container does not exist"
		refused "$verb"
		has "$(message)" "\"$verb\" requires exactly 1 argument(s)"
		refused "$verb" a b
		has "$(message)" "\"$verb\" requires exactly 1 argument(s)"
		refused "$verb" ""
		says "container id cannot be empty"
		refused "$verb" ../x
		says "invalid container ID format"
	done
}

@test "list shows paused" {
	running
	ok pause "$ID"
	ok list --format json
	is "$(jq -r '.[0].status' <<<"$out")" paused
}

@test "processes in cgroups below stop too" {
	counting
	inner=
	for dir in /sys/fs/cgroup"$(cg_path)" /sys/fs/cgroup/*"$(cg_path)"; do
		[ -e "$dir/cgroup.procs" ] || continue
		mkdir "$dir/inner"
		[ ! -e "$dir/inner/cpuset.cpus" ] || [ ! -e "$dir/inner/cgroup.clone_children" ] ||
			{ cat "$dir/cpuset.cpus" >"$dir/inner/cpuset.cpus"; cat "$dir/cpuset.mems" >"$dir/inner/cpuset.mems"; }
		for pid in $(cat "$dir/cgroup.procs"); do echo "$pid" >"$dir/inner/cgroup.procs"; done
		inner=$dir/inner
	done
	[ -n "$inner" ]
	ok pause "$ID"
	before=$(cat "$BUNDLE/rootfs/count")
	for i in 1 2 3 4 5; do is "$(cat "$BUNDLE/rootfs/count")" "$before"; done
	ok resume "$ID"
	eventually 20 more_than "${before:-0}"
}

@test "SIGTERM reaches a paused container when it is resumed" {
	script 'trap "exit 0" TERM; echo ready >/ready; while :; do sleep 1000 & wait; done'
	ok run --detach --bundle "$BUNDLE" "$ID"
	eventually 20 test -s "$BUNDLE/rootfs/ready"
	ok pause "$ID"
	ok kill "$ID" TERM
	is "$(status_of)" paused
	ok resume "$ID"
	eventually 20 status_is stopped
}

@test "SIGKILL ends a paused container" {
	running
	ok pause "$ID"
	ok kill "$ID" KILL
	eventually 20 status_is stopped
	ok delete "$ID"
}

@test "SIGKILL ends a paused container that is only created" {
	created
	ok pause "$ID"
	ok kill "$ID" KILL
	eventually 20 status_is stopped
}

@test "delete wants force for a paused container" {
	running
	ok pause "$ID"
	refused delete "$ID"
	says "cannot delete container $ID that is not stopped: paused"
	ok delete --force "$ID"
	is "$(status_of)" absent
}

@test "delete --force of a paused container that is only created" {
	created
	ok pause "$ID"
	ok delete --force "$ID"
	is "$(status_of)" absent
}

@test "of several pauses at once one wins" {
	running
	for i in 1 2 3 4; do
		"$RUNTIME" --root "$ROOT" pause "$ID" </dev/null >/dev/null 2>&1 3>&- 4>&- &
		pids[i]=$!
	done
	won=0
	for i in 1 2 3 4; do wait "${pids[i]}" && won=$((won + 1)); done || true
	[ "$won" -ge 1 ]
	is "$(status_of)" paused
	ok resume "$ID"
	is "$(status_of)" running
}

@test "what cannot be paused in time goes on, and pause says so" {
	peer_defect "runc 1.1 leaves the processes half frozen and calls that paused"
	cg_have memory
	cg_is_v1 memory || skip "host: cgroup v2 cannot keep a process waiting for memory"
	# Out of memory without an OOM killer, a process waits in the kernel, if it was
	# its own instruction that wanted the page: a system call fails instead.
	config '.linux.resources += {memory: {limit: 8388608, swap: 8388608, disableOOMKiller: true}} | .linux.resources.memory.swappiness = 0'
	script 'awk "BEGIN { s = \"0123456789\"; while (1) s = s s }" & sleep 1000'
	ok run --detach --bundle "$BUNDLE" "$ID"
	eventually 20 grep -qx 'under_oom 1' "$(cg_dir memory)/memory.oom_control"
	refused pause "$ID"
	has "$(message)" "timed out"
	is "$(status_of)" running
}

@test "another's cgroup is not paused, whatever the record says" {
	only_rt "a mark on its cgroups"
	running
	victim=$ID
	second
	running
	sed -i "s#$(cg_path)\"#$(cg_path "$victim")\"#g" "$ROOT/$ID/state.json"
	refused pause "$ID"
	has "$(message)" "is not container $ID's"
	is "$(status_of "$victim")" running
	sed -i "s#$(cg_path "$victim")\"#$(cg_path)\"#g" "$ROOT/$ID/state.json"
}
