#!/usr/bin/env bats
# update: limits of a living container, read back from the kernel on v1, hybrid
# and v2 alike; all or none.
load lib

prepare() {
	root_needed
	bundle
	config '.linux.resources += {memory: {limit: 33554432, reservation: 25165824},
		cpu: {shares: 100, quota: 500000, period: 1000000}, pids: {limit: 20}}'
	running
}

# json TEXT updates from standard input.
json() {
	printf '%s' "$1" >"$T/resources.json"
	STDIN="$T/resources.json"
	"${@:2}" update --resources - "$ID"
	unset STDIN
}

# bandwidth prints "QUOTA PERIOD", where no quota is max.
bandwidth() {
	if cg_is_v1 cpu; then
		echo "$(sed s/-1/max/ "$(cg_dir cpu)/cpu.cfs_quota_us") $(cat "$(cg_dir cpu)/cpu.cfs_period_us")"
	else
		cat "$(cg_dir cpu)/cpu.max"
	fi
}

memory() { cg_read memory memory.limit_in_bytes memory.max; }
reservation() { cg_read memory memory.soft_limit_in_bytes memory.low; }
# together prints the limit of memory and swap together.
together() {
	if cg_is_v1 memory; then cat "$(cg_dir memory)/memory.memsw.limit_in_bytes"; return; fi
	local swap
	swap=$(cat "$(cg_dir memory)/memory.swap.max")
	[ "$swap" = max ] && echo max || echo $(($(memory) + swap))
}
unlimited() { case "$1" in max | 922337203685*) ;; *) fail "limited: $1" ;; esac; }
have_swap() { [ -e "$(cg_dir memory)/memory.memsw.limit_in_bytes" ] || [ -e "$(cg_dir memory)/memory.swap.max" ] || skip "host: no swap accounting"; }
pids() { cg_read pids pids.max pids.max; }

# everything prints all limits that the tests change, to compare.
everything() {
	for f in /sys/fs/cgroup/{,cpu,memory,pids,cpuset,blkio,unified}"$CG/$ID"/{cpu.shares,cpu.weight,cpu.max,cpu.max.burst,cpu.idle,cpu.cfs_quota_us,cpu.cfs_period_us,cpu.cfs_burst_us,memory.limit_in_bytes,memory.memsw.limit_in_bytes,memory.soft_limit_in_bytes,memory.max,memory.low,memory.high,memory.swap.max,pids.max,cpuset.cpus,cpuset.mems,io.max,blkio.throttle.read_bps_device,hugetlb.2MB.max,cgroup.max.depth}; do
		[ ! -e "$f" ] || echo "$f: $(tr '\n' ' ' <"$f")"
	done
}

# kept ARG… is refused, and all limits stay.
kept() {
	local before
	before=$(everything)
	refused "$@"
	is "$(everything)" "$before"
}

@test "memory, reservation and pids" {
	cg_have memory
	ok update --memory 67108864 "$ID"
	is "$(memory)" 67108864
	is "$(reservation)" 25165824
	ok update --memory 50M --memory-reservation 32MiB "$ID"
	is "$(memory)" 52428800
	is "$(reservation)" 33554432
	ok update "$ID" --pids-limit 10
	is "$(pids)" 10
	is "$(memory)" 52428800
	ok update --pids-limit=-1 "$ID"
	is "$(pids)" max
	ok update --memory -1 "$ID"
	unlimited "$(memory)"
	is "$out$err" ""
}

@test "a pids limit of 0 is the smallest one" {
	newer_than_runc_1_1 "a limit of 0"
	ok update --pids-limit 0 "$ID"
	is "$(pids)" 1
}

@test "CPU quota and period, alone and together" {
	cg_have cpu
	is "$(bandwidth)" "500000 1000000"
	ok update --cpu-period 900000 "$ID"
	is "$(bandwidth)" "500000 900000"
	ok update --cpu-quota 600000 "$ID"
	is "$(bandwidth)" "600000 900000"
	ok update --cpu-quota -1 "$ID"
	is "$(bandwidth)" "max 900000"
	ok update --cpu-quota -1 --cpu-period 100000 "$ID"
	is "$(bandwidth)" "max 100000"
	ok update --cpu-quota 3000 --cpu-period 10000 "$ID"
	is "$(bandwidth)" "3000 10000"
	ok update --pids-limit 9 "$ID"
	is "$(bandwidth)" "3000 10000"
}

@test "a smaller period below a limited parent" {
	cg_have cpu
	if cg_is_v1 cpu; then
		echo 50000 >"$(cg_dir cpu "$CG")/cpu.cfs_quota_us"
	else
		echo "50000 100000" >"$(cg_dir cpu "$CG")/cpu.max"
	fi
	ok update --cpu-period 100000 --cpu-quota 40000 "$ID"
	ok update --cpu-period 10000 --cpu-quota 3000 "$ID"
	is "$(bandwidth)" "3000 10000"
}

@test "CPU shares" {
	cg_have cpu
	ok update --cpu-share 200 "$ID"
	if cg_is_v1 cpu; then is "$(cat "$(cg_dir cpu)/cpu.shares")" 200; else matches "$(cat "$(cg_dir cpu)/cpu.weight")" '^(8|29)$'; fi
}

@test "CPU burst" {
	newer_than_runc_1_1 "cpu.burst"
	cg_have cpu
	ok update --cpu-period 900000 --cpu-burst 500000 "$ID"
	is "$(cg_read cpu cpu.cfs_burst_us cpu.max.burst)" 500000
	ok update --memory 100M "$ID"
	is "$(cg_read cpu cpu.cfs_burst_us cpu.max.burst)" 500000
	ok update --cpu-burst 0 "$ID"
	is "$(cg_read cpu cpu.cfs_burst_us cpu.max.burst)" 0
}

@test "CPU idle" {
	newer_than_runc_1_1 "cpu.idle"
	cg_have cpu
	for value in 1 0 1; do
		ok update --cpu-idle "$value" "$ID"
		is "$(cg_read cpu cpu.idle cpu.idle)" "$value"
		json "{\"cpu\": {\"idle\": $value}}" ok
		is "$(cg_read cpu cpu.idle cpu.idle)" "$value"
	done
	for value in -1 2; do
		refused update --cpu-idle "$value" "$ID"
		is "$(cg_read cpu cpu.idle cpu.idle)" 1
	done
	ok update --cpu-period 10000 "$ID"
	is "$(cg_read cpu cpu.idle cpu.idle)" 1
}

@test "CPUs and memory nodes" {
	cg_have cpuset
	ok update --cpuset-cpus 0 --cpuset-mems 0 "$ID"
	is "$(cg_read cpuset cpuset.cpus cpuset.cpus)" 0
	is "$(cg_read cpuset cpuset.mems cpuset.mems)" 0
	is "$(awk '/Cpus_allowed_list/{print $2}' "/proc/$(pid_of)/status")" 0
	kept update --cpuset-cpus 4000 "$ID"
}

@test "memory and swap together, up and down" {
	cg_have memory
	have_swap
	for step in "30M 50M" "60M 80M" "20M 40M" "20M 20M" "100M 100M"; do
		read -r limit both <<<"$step"
		ok update --memory "$limit" --memory-swap "$both" "$ID"
		is "$(memory)" $((${limit%M} << 20))
		is "$(together)" $((${both%M} << 20))
	done
	ok update --memory-swap -1 "$ID"
	unlimited "$(together)"
	is "$(memory)" 104857600
	ok update --memory-swap 200M "$ID"
	is "$(together)" 209715200
	is "$(memory)" 104857600
	ok update --memory -1 "$ID"
	unlimited "$(memory)"
	unlimited "$(together)"
}

@test "a new memory limit keeps the sum with swap" {
	cg_have memory
	have_swap
	ok update --memory 40M --memory-swap 100M "$ID"
	ok update --memory 60M "$ID"
	is "$(memory)" 62914560
	is "$(together)" 104857600
	kept update --memory 101M "$ID"
	ok update --pids-limit 7 "$ID"
	is "$(together)" 104857600
}

@test "the sum of memory and swap that config.json sets is kept too" {
	cg_have memory
	have_swap
	second
	config '.linux.resources += {memory: {limit: 33554432, swap: 67108864}}'
	running
	ok update --memory 48M "$ID"
	is "$(memory)" 50331648
	is "$(together)" 67108864
}

@test "a memory limit alone leaves a swap limit alone that was set for itself" {
	[ ! -e /sys/fs/cgroup/memory ] || skip "host: cgroup v1"
	have_swap
	echo 0 >"$(cg_dir memory)/memory.swap.max"
	ok update --memory 70M "$ID"
	is "$(cat "$(cg_dir memory)/memory.swap.max")" 0
	is "$(memory)" 73400320
}

@test "resources as JSON, from a file and from standard input" {
	json '{"memory": {"limit": 67108864}, "cpu": {"quota": 600000}, "pids": {"limit": 11}, "unknown": 1}' ok
	is "$(memory) $(bandwidth) $(pids) $(reservation)" "67108864 600000 1000000 11 25165824"
	ok update -r "$T/resources.json" "$ID"
	json '{"memory": {"limit": 0}, "pids": {}, "CPU": {"Period": 900000}}' ok
	is "$(memory) $(bandwidth) $(pids)" "67108864 600000 900000 11"
	json '{"memory": {"limit": -1}, "pids": {"limit": -1}}' ok
	unlimited "$(memory)"
	is "$(pids)" max
	# The other options are ignored beside it.
	ok update -r "$T/resources.json" --pids-limit 5 "$ID"
	is "$(pids)" max
}

@test "what is no JSON, or not there" {
	for text in '' x '[]' '{"pids": {"limit": "x"}}' '{"pids": {"limit": 5}' '{"memory": {"limit": 1e30}}'; do
		json "$text" kept
	done
	kept update -r "$T/nowhere" "$ID"
	says "open $T/nowhere: no such file or directory"
}

@test "device rules are passed over" {
	before=$(cat "$(cg_dir devices)/devices.list" 2>/dev/null || true)
	json '{"devices": [{"allow": true, "access": "rwm"}], "pids": {"limit": 12}}' ok
	is "$(pids)" 12
	is "$(cat "$(cg_dir devices)/devices.list" 2>/dev/null || true)" "$before"
}

@test "block IO limits of a device" {
	cg_is_v1 blkio || cg_have io
	newer_than_runc_1_1 "device limits in update"
	dev=$(awk '$3 ~ /^(vd|sd|xvd|nvme)/ {print $1, $2, $3}' /proc/diskstats | head -n 1)
	[ -n "$dev" ] || skip "host: no disk"
	read -r major minor name <<<"$dev"
	at="\"major\": $major, \"minor\": $minor"
	json "{\"blockIO\": {\"throttleReadBpsDevice\": [{$at, \"rate\": 1048576}], \"throttleWriteIOPSDevice\": [{$at, \"rate\": 900}]}}" ok
	json "{\"blockIO\": {\"throttleReadBpsDevice\": [{$at, \"rate\": 2097152}]}}" ok
	if cg_is_v1 blkio; then
		is "$(cat "$(cg_dir blkio)/blkio.throttle.read_bps_device")" "$major:$minor 2097152"
		is "$(cat "$(cg_dir blkio)/blkio.throttle.write_iops_device")" "$major:$minor 900"
	else
		is "$(cat "$(cg_dir io)/io.max")" "$major:$minor rbps=2097152 wbps=max riops=max wiops=900"
	fi
	json "{\"blockIO\": {\"throttleReadBpsDevice\": [{$at, \"rate\": 5}, {\"major\": 4000, \"minor\": 0, \"rate\": 5}]}}" kept
	json "{\"blockIO\": {\"throttleReadBpsDevice\": [{$at, \"rate\": 0}], \"throttleWriteIOPSDevice\": [{$at, \"rate\": 0}]}}" ok
	is "$(cat "$(cg_dir blkio)"/blkio.throttle.{read_bps,write_iops}_device "$(cg_dir io)/io.max" 2>/dev/null)" ""
}

@test "huge pages" {
	cg_have hugetlb
	newer_than_runc_1_1 "hugetlb in update"
	peer_defect "runc's update ignores hugepageLimits"
	[ -e /sys/kernel/mm/hugepages/hugepages-2048kB ] || skip "host: no huge pages of 2 MB"
	json '{"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}' ok
	is "$(cg_read hugetlb hugetlb.2MB.limit_in_bytes hugetlb.2MB.max)" 4194304
	json '{"hugepageLimits": [{"pageSize": "2MB", "limit": 2097152}, {"pageSize": "3MB", "limit": 1}]}' kept
}

@test "files of cgroup v2 by name" {
	if cg_is_v1 memory; then
		json '{"unified": {"memory.high": "44"}}' kept
		return
	fi
	json '{"unified": {"memory.high": "41943040", "cpu.max": "max 100000", "pids.max": "13"}}' ok
	is "$(cat "$(cg_dir memory)/memory.high") $(bandwidth) $(pids)" "41943040 max 100000 13"
	json '{"unified": {"memory.high": "62914560", "pids.max": "x"}}' kept
	json '{"unified": {"memory.high": "62914560", "nosuch.max": "1"}}' kept
	json '{"unified": {"../pids.max": "1"}}' kept
	json '{"unified": {"cgroup.procs": "1"}}' kept
}

@test "one value that is refused, and all limits are as before" {
	peer_defect "runc 1.1 leaves what it has written before the refusal, in the order of its controllers"
	cg_have memory
	ok update --memory 64M --cpu-quota 50000 --cpu-period 100000 "$ID"
	kept update --memory 96M --pids-limit 5 --cpu-share 300 --cpu-quota 70000 --cpuset-cpus 4000 "$ID"
	kept update --memory 16M --pids-limit 5 --cpuset-cpus 0 --cpu-share 300 --cpu-quota 70000 --cpu-rt-runtime 5000000 --cpu-rt-period 10 "$ID"
	kept update --pids-limit 5 --memory 8M --cpu-share 300 --blkio-weight 5000 "$ID"
	json '{"memory": {"limit": 134217728, "reservation": 1048576}, "cpu": {"quota": 20000, "period": 40000, "shares": 500}, "pids": {"limit": 3},
		"blockIO": {"throttleReadBpsDevice": [{"major": 4000, "minor": 0, "rate": 5}]}}' kept
	is "$(status_of)" running
}

@test "a limit below what is in use is refused where the kernel refuses it" {
	cg_is_v1 memory || skip "host: cgroup v2 kills instead"
	kept update --memory 4096 --pids-limit 5 "$ID"
	has "$(message)" "unable to set memory limit to 4096 (current usage: "
	is "$(status_of)" running
}

@test "checkBeforeUpdate" {
	if cg_is_v1 memory; then
		json '{"memory": {"limit": 4096, "checkBeforeUpdate": true}}' kept
		return
	fi
	json '{"memory": {"limit": 1024, "checkBeforeUpdate": true}}' kept
	has "$(message)" "rejecting memory limit"
	json '{"memory": {"limit": 1024, "swap": 2048, "checkBeforeUpdate": true}}' kept
	has "$(message)" "rejecting memory+swap limit"
	is "$(status_of)" running
}

@test "values that are no numbers" {
	for flag in memory memory-swap memory-reservation; do
		kept update "--$flag" x "$ID"
		says "invalid value for $flag: invalid size: 'x'"
		kept update "--$flag" -5 "$ID"
		says "invalid value for $flag: invalid size: '-5'"
	done
	for flag in cpu-period cpu-rt-period cpu-share; do
		kept update "--$flag" x "$ID"
		says "invalid value for $flag: strconv.ParseUint: parsing \"x\": invalid syntax"
	done
	for flag in cpu-quota cpu-rt-runtime; do
		kept update "--$flag" x "$ID"
		says "invalid value for $flag: strconv.ParseInt: parsing \"x\": invalid syntax"
	done
	kept update --pids-limit x "$ID"
	says 'invalid value "x" for flag -pids-limit: parse error'
}

@test "shares out of range on v1" {
	cg_is_v1 cpu || skip "host: cgroup v2 has weights"
	peer_defect "runc leaves what the kernel has made of the value"
	kept update --cpu-share 1 "$ID"
	says "the minimum allowed cpu-shares is 2"
	kept update --cpu-share 300000 "$ID"
	says "the maximum allowed cpu-shares is 262144"
}

@test "kernel memory is of no use any more" {
	for flag in kernel-memory kernel-memory-tcp; do
		ok update "--$flag" 50M "$ID"
		has "$err" "Kernel memory settings are ignored and will be removed"
	done
}

@test "Intel RDT where there is none" {
	[ ! -e /sys/fs/resctrl/info ] || skip "host: has resctrl"
	kept update --l3-cache-schema "L3:0=f" --pids-limit 5 "$ID"
	says "Intel RDT/CAT: l3 cache schema is not enabled"
	kept update --mem-bw-schema "MB:0=50" "$ID"
	says "Intel RDT/MBA: memory bandwidth schema is not enabled"
}

@test "nothing to change" {
	before=$(everything)
	ok update "$ID"
	json '{}' ok
	is "$(everything)" "$before"
}

@test "a paused container stays paused, a created one created" {
	ok pause "$ID"
	ok update --pids-limit 30 "$ID"
	is "$(pids)" 30
	is "$(status_of)" paused
	ok resume "$ID"
	second
	created
	ok update --pids-limit 31 "$ID"
	is "$(pids)" 31
	is "$(status_of)" created
}

@test "many updates at once, and the last word is one of theirs" {
	for i in 21 22 23 24; do
		"$RUNTIME" --root "$ROOT" update --pids-limit "$i" --memory "${i}M" "$ID" </dev/null >/dev/null 2>&1 3>&- 4>&- &
		waits[i]=$!
	done
	for i in 21 22 23 24; do wait "${waits[i]}"; done
	matches "$(pids)" '^2[1-4]$'
	only_rt "updates one after the other"
	is "$(memory)" $(($(pids) << 20))
}

@test "a stopped container, and none" {
	ok kill "$ID" KILL
	eventually 20 status_is stopped
	refused update --pids-limit 5 "$ID"
	says "container not running"
	for args in "" "--memory x" "--pids-limit 5"; do
		refused update $args nosuch
		says "container does not exist"
	done
	refused update
	has "$(message)" '"update" requires exactly 1 argument(s)'
}
