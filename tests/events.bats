#!/usr/bin/env bats
# events: statistics in runc's shape, lack of memory, and the end.
load lib

# watch ARG… observes the container in the background; lines prints what came.
watch() {
	run_bg events "$@" "$ID"
	BACKGROUND=$BG
}
lines() { grep -c "\"type\":\"${1:-stats}\"" "$T/bg.out" || true; }
at_least() { [ "$(lines "$2")" -ge "$1" ]; }

# stat FILTER prints a part of the statistics.
stat_of() {
	ok events --stats "$ID"
	jq -c ".data$1" <<<"$out"
}

@test "one line of statistics" {
	running
	ok events --stats "$ID"
	is "$(wc -l <"$T/out")" 1
	is "$(jq -r '.type + " " + .id' <<<"$out")" "stats $ID"
	is "$(jq -c '.data | keys_unsorted' <<<"$out")" '["cpu","cpuset","memory","pids","blkio","hugetlb","intel_rdt","network_interfaces"]'
	is "$(jq -c '.data.network_interfaces, .data.intel_rdt' <<<"$out" | tr '\n' ' ')" "null {} "
	jq -e '.data.cpu.usage.total > 0' <<<"$out"
	jq -e '.data.cpu.usage | has("kernel") and has("user")' <<<"$out"
	jq -e '.data.memory.usage | has("limit") and has("failcnt")' <<<"$out"
	is "$err" ""
}

@test "what statistics say of memory and pids" {
	cg_have memory
	config '.linux.resources += {memory: {limit: 67108864}, pids: {limit: 20}}'
	script 'sleep 1000 & sleep 1000 & wait'
	ok run --detach --bundle "$BUNDLE" "$ID"
	eventually 20 eval '[ "$(cg_procs | wc -l)" = 3 ]'
	is "$(stat_of .pids)" '{"current":3,"limit":20}'
	is "$(stat_of .memory.usage.limit)" 67108864
	usage=$(stat_of .memory.usage.usage)
	[ "$usage" -gt 0 ] && [ "$usage" -le 67108864 ]
	is "$(stat_of '.memory.raw | keys | length')" "$(wc -l <"$(cg_dir memory)/memory.stat")"
	ok update --pids-limit -1 --memory 33554432 "$ID"
	is "$(stat_of .pids)" '{"current":3}'
	is "$(stat_of .memory.usage.limit)" 33554432
}

@test "what statistics say of the CPU" {
	cg_have cpu
	config '.linux.resources += {cpu: {quota: 10000, period: 100000}}'
	script 'while :; do :; done'
	ok run --detach --bundle "$BUNDLE" "$ID"
	eventually 20 throttled
	before=$(stat_of .cpu.usage.total)
	eventually 20 more_cpu "$before"
	if cg_is_v1 cpu; then
		is "$(stat_of '.cpu.usage.percpu | length')" "$(stat_of '.cpu.usage.percpu_user | length')"
	fi
}
throttled() { [ "$(stat_of '.cpu.throttling.throttledPeriods // 0')" -gt 0 ]; }
more_cpu() { [ "$(stat_of .cpu.usage.total)" -gt "$1" ]; }

@test "what statistics say of cpusets" {
	cg_have cpuset
	config '.linux.resources += {cpu: {cpus: "0", mems: "0"}}'
	running
	if cg_is_v1 cpuset; then
		is "$(stat_of '.cpuset | [.cpus, .mems, .sched_load_balance, .sched_relax_domain_level]')" '[[0],[0],1,-1]'
	else
		only_rt "cpusets of v2 in statistics"
		is "$(stat_of '.cpuset | [.cpus, .mems]')" '[[0],[0]]'
	fi
}

@test "pressure" {
	newer_than_runc_1_1 "pressure"
	running
	dir=$(cg_dir "")
	[ -r "$dir/cpu.pressure" ] && cat "$dir/cpu.pressure" >/dev/null || skip "host: no pressure stall information"
	is_rt || ! cg_is_v1 memory || skip "only rt tells pressure on a hybrid host"
	for of in cpu memory blkio; do
		is "$(stat_of ".$of.psi | [keys, (.some | keys)]")" '[["full","some"],["avg10","avg300","avg60","total"]]'
	done
}

@test "huge pages" {
	cg_have hugetlb
	newer_than_runc_1_1 "hugetlb on the v2 side of a hybrid host"
	config '.linux.resources += {hugepageLimits: [{pageSize: "2MB", limit: 4194304}]}'
	running
	is "$(stat_of '.hugetlb["2MB"]')" '{"failcnt":0}'
}

@test "block IO" {
	cg_is_v1 blkio || cg_have io
	running
	if cg_is_v1 blkio; then dir=$(cg_dir blkio); else dir=$(cg_dir io); fi
	write_disk "$dir" || skip "host: no disk below the temporary directory that takes direct writes"
	grep -qs '[1-9]' "$dir"/io.stat "$dir"/blkio.throttle.io_service_bytes_recursive || skip "host: the kernel does not count this disk"
	eventually 20 stat_shows_disk
}
# write_disk writes a file past the cache, from the container's cgroup.
write_disk() {
	sh -c 'echo $$ >"$1/cgroup.procs" && exec dd if=/dev/zero of="$2" bs=4096 count=4 oflag=direct' sh "$1" "$T/disk" 2>/dev/null
}
stat_shows_disk() {
	[ "$(stat_of '.blkio.ioServiceBytesRecursive | map(select(.op == "Write").value // 0) | add')" -ge 16384 ]
}

@test "a paused and a created container" {
	script 'exec sleep 1000'
	ok run --detach --bundle "$BUNDLE" "$ID"
	eventually 20 eval '[ "$(cg_procs | wc -l)" = 1 ]'
	ok pause "$ID"
	is "$(stat_of .pids.current)" 1
	second
	created
	is "$(stat_of .pids.current)" 1
}

@test "statistics once an interval, until the container stops" {
	running
	watch --interval 50ms
	eventually 20 at_least 3 stats
	jq -e '.id and .data' "$T/bg.out" >/dev/null
	[ -e "/proc/$BG" ]
	ok delete --force "$ID"
	bg_code
	is "$code" 0
	is "$(jq -r .type "$T/bg.out" | sort -u)" stats
}

@test "the end comes at once, however long the interval" {
	newer_than_runc_1_1 "the end with the container, on cgroup v1"
	peer_defect "runc waits on cgroup v1 until the cgroup is gone"
	running
	watch --interval 1h
	eventually 20 watching
	ok kill "$ID" KILL
	bg_code
	is "$code" 0
	is "$(cat "$T/bg.out")" ""
}
# watching: the process has what it waits for.
watching() { ls -l "/proc/$BG/fd" 2>/dev/null | grep -qE 'pidfd'; }

@test "a process killed for lack of memory" {
	cg_have memory
	config '.linux.resources += {memory: {limit: 16777216, swap: 16777216}}'
	script 'while [ ! -e /go ]; do sleep 0.1; done; dd if=/dev/zero of=/dev/null bs=64M count=1; exec sleep 1000'
	ok run --detach --bundle "$BUNDLE" "$ID"
	watch --interval 100ms
	eventually 20 at_least 1 stats
	: >"$BUNDLE/rootfs/go"
	eventually 20 at_least 1 oom
	is "$(grep oom "$T/bg.out" | head -n 1)" "{\"type\":\"oom\",\"id\":\"$ID\"}"
	is "$(status_of)" running
	seen=$(lines stats)
	eventually 20 at_least $((seen + 2)) stats
	ok delete --force "$ID"
	bg_code
	is "$code" 0
}

@test "init killed for lack of memory" {
	cg_have memory
	config '.linux.resources += {memory: {limit: 16777216, swap: 16777216}}'
	script 'while [ ! -e /go ]; do sleep 0.1; done; exec dd if=/dev/zero of=/dev/null bs=64M count=1'
	ok run --detach --bundle "$BUNDLE" "$ID"
	watch --interval 100ms
	eventually 20 at_least 1 stats
	: >"$BUNDLE/rootfs/go"
	eventually 20 status_is stopped
	eventually 20 at_least 1 oom
	ok delete --force "$ID"
	bg_code
	is "$code" 0
}

@test "an interval that is none" {
	running
	for i in 0 0s -1s; do
		refused events --interval="$i" "$ID"
		says "duration interval must be greater than 0"
	done
	for i in x 5; do
		refused events --interval "$i" "$ID"
		says "invalid value \"$i\" for flag -interval: parse error"
	done
}

@test "a stopped container, and none" {
	script true
	ok run --detach --bundle "$BUNDLE" "$ID"
	eventually 20 status_is stopped
	for flag in "" --stats; do
		refused events $flag "$ID"
		says "container with id $ID is not running"
		refused events $flag nosuch
		says "container does not exist"
	done
	refused events --interval 0 nosuch
	says "container does not exist"
	refused events
	has "$(message)" '"events" requires exactly 1 argument(s)'
}
