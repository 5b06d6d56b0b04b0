#!/usr/bin/env bats
# linux.resources, read back from the kernel on v1, hybrid and v2 alike:
# runtime-spec config-linux.md#control-groups.
load lib

# limit JQ starts a container with linux.resources set up by JQ.
limit() {
	config ".linux.resources += $1"
	running
}

@test "pids.limit" {
	cg_have pids
	limit '{pids: {limit: 50}}'
	is "$(cg_read pids pids.max pids.max)" 50
}

@test "pids.limit -1 is no limit" {
	cg_have pids
	limit '{pids: {limit: -1}}'
	is "$(cg_read pids pids.max pids.max)" max
}

@test "pids.limit holds" {
	cg_have pids
	config '.linux.resources += {pids: {limit: 5}}'
	script 'for i in 1 2 3 4 5 6 7 8 9; do sleep 5 & done; wait'
	oci run --bundle "$BUNDLE" "$ID"
	has "$err" "can't fork"
}

@test "memory.limit" {
	cg_have memory
	limit '{memory: {limit: 67108864}}'
	is "$(cg_read memory memory.limit_in_bytes memory.max)" 67108864
}

@test "memory.limit is for the container's processes only, not the runtime's" {
	cg_have memory
	config '.linux.resources += {memory: {limit: 2097152}} | .process.args = ["true"]'
	peer_defect "runc's init does not fit into 2 MiB"
	ok run --bundle "$BUNDLE" "$ID"
}

@test "a memory limit of 512 KiB runs true" {
	only_rt "no runtime code in the container's memory"
	cg_have memory
	config '.linux.resources += {memory: {limit: 524288}} | .process.args = ["true"]'
	ok run --bundle "$BUNDLE" "$ID"
}

@test "memory.reservation" {
	cg_have memory
	limit '{memory: {limit: 67108864, reservation: 33554432}}'
	is "$(cg_read memory memory.soft_limit_in_bytes memory.low)" 33554432
}

@test "memory.swap counts memory and swap together" {
	cg_have memory
	[ ! -e /sys/fs/cgroup/memory ] || [ -e /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes ] || skip "host: no swap accounting"
	limit '{memory: {limit: 67108864, swap: 100663296}}'
	if cg_is_v1 memory; then
		is "$(cat "$(cg_dir memory)/memory.memsw.limit_in_bytes")" 100663296
	else
		is "$(cat "$(cg_dir memory)/memory.swap.max")" 33554432
	fi
}

@test "memory.swap -1 is no limit" {
	cg_have memory
	limit '{memory: {limit: 67108864, swap: -1}}'
	case "$(cg_read memory memory.memsw.limit_in_bytes memory.swap.max)" in
	max | 922337203685*) ;;
	*) fail "limited" ;;
	esac
}

@test "memory.swap below memory.limit is refused" {
	cg_have memory
	config '.linux.resources += {memory: {limit: 67108864, swap: 1048576}}'
	refused create --bundle "$BUNDLE" "$ID"
	is "$(status_of)" absent
}

@test "memory.swappiness and disableOOMKiller on v1" {
	cg_is_v1 memory || skip "host: v2 memory controller has neither"
	limit '{memory: {limit: 67108864, swappiness: 13, disableOOMKiller: true}}'
	is "$(cat "$(cg_dir memory)/memory.swappiness")" 13
	grep -q '^oom_kill_disable 1' "$(cg_dir memory)/memory.oom_control"
}

@test "cpu.shares" {
	cg_have cpu
	limit '{cpu: {shares: 512}}'
	if cg_is_v1 cpu; then
		is "$(cat "$(cg_dir cpu)/cpu.shares")" 512
	else
		# 20 by the old linear formula, 59 by the new one.
		matches "$(cat "$(cg_dir cpu)/cpu.weight")" '^(20|59)$'
	fi
}

@test "cpu.quota and cpu.period" {
	cg_have cpu
	limit '{cpu: {quota: 25000, period: 50000}}'
	if cg_is_v1 cpu; then
		is "$(cat "$(cg_dir cpu)/cpu.cfs_quota_us" "$(cg_dir cpu)/cpu.cfs_period_us" | tr '\n' ' ')" "25000 50000 "
	else
		is "$(cat "$(cg_dir cpu)/cpu.max")" "25000 50000"
	fi
}

@test "cpu.quota without a period, a period without a quota" {
	cg_have cpu
	limit '{cpu: {quota: 30000}}'
	if cg_is_v1 cpu; then
		is "$(cat "$(cg_dir cpu)/cpu.cfs_quota_us")" 30000
	else
		is "$(cat "$(cg_dir cpu)/cpu.max")" "30000 100000"
	fi
	ok delete --force "$ID"
	config '.linux.resources.cpu = {period: 40000}'
	running
	if cg_is_v1 cpu; then
		is "$(cat "$(cg_dir cpu)/cpu.cfs_period_us")" 40000
	else
		is "$(cat "$(cg_dir cpu)/cpu.max")" "max 40000"
	fi
}

@test "cpu.burst and cpu.idle" {
	newer_than_runc_1_1 "cpu.burst and cpu.idle"
	cg_have cpu
	limit '{cpu: {quota: 50000, period: 100000, burst: 20000}}'
	is "$(cg_read cpu cpu.cfs_burst_us cpu.max.burst)" 20000
	ok delete --force "$ID"
	config '.linux.resources.cpu = {idle: 1}'
	running
	is "$(cg_read cpu cpu.idle cpu.idle)" 1
}

@test "cpu.cpus and cpu.mems" {
	cg_have cpuset
	limit '{cpu: {cpus: "0", mems: "0"}}'
	is "$(cg_read cpuset cpuset.cpus cpuset.cpus)" 0
	is "$(cg_read cpuset cpuset.mems cpuset.mems)" 0
	is "$(awk '/Cpus_allowed_list/{print $2}' "/proc/$(pid_of)/status")" 0
}

@test "cpusets of a new parent are filled in on v1" {
	cgroupfs_needed
	cg_is_v1 cpuset || skip "host: no v1 cpuset"
	config --arg cg "$CG/deep/er/$ID" '.linux.cgroupsPath = $cg'
	running
	[ -n "$(cat "$(cg_dir cpuset "$CG/deep/er/$ID")/cpuset.cpus")" ]
	ok delete --force "$ID"
	rmdir /sys/fs/cgroup/*"$CG/deep/er" /sys/fs/cgroup/*"$CG/deep" 2>/dev/null || true
}

@test "cpus that do not exist" {
	cg_have cpuset
	for c in 4000 x 0-; do
		config --arg c "$c" '.linux.resources.cpu = {cpus: $c}'
		refused create --bundle "$BUNDLE" "$ID"
		is "$(status_of)" absent
	done
}

@test "blockIO throttling" {
	cg_is_v1 blkio || cg_have io
	dev=$(awk '$3 ~ /^(vd|sd|xvd|nvme)/ {print $1, $2, $3}' /proc/diskstats | head -n 1)
	[ -n "$dev" ] || skip "host: no disk"
	read -r major minor name <<<"$dev"
	limit "{blockIO: {throttleReadBpsDevice: [{major: $major, minor: $minor, rate: 1048576}],
		throttleWriteIOPSDevice: [{major: $major, minor: $minor, rate: 77}]}}"
	if cg_is_v1 blkio; then
		is "$(cat "$(cg_dir blkio)/blkio.throttle.read_bps_device")" "$major:$minor 1048576"
		is "$(cat "$(cg_dir blkio)/blkio.throttle.write_iops_device")" "$major:$minor 77"
	else
		has "$(cat "$(cg_dir io)/io.max")" "rbps=1048576"
		has "$(cat "$(cg_dir io)/io.max")" "wiops=77"
	fi
}

@test "a hugepage limit" {
	cg_have hugetlb
	newer_than_runc_1_1 "hugetlb on the v2 side of a hybrid host"
	limit '{hugepageLimits: [{pageSize: "2MB", limit: 4194304}]}'
	is "$(cg_read hugetlb hugetlb.2MB.limit_in_bytes hugetlb.2MB.max)" 4194304
	file=hugetlb.2MB.rsvd.max
	cg_is_v1 hugetlb && file=hugetlb.2MB.rsvd.limit_in_bytes
	[ ! -e "$(cg_dir hugetlb)/$file" ] || is "$(cat "$(cg_dir hugetlb)/$file")" 4194304
}

@test "a hugepage size nobody has" {
	cg_have hugetlb
	config '.linux.resources += {hugepageLimits: [{pageSize: "3MB", limit: 4194304}]}'
	peer_defect "runc ignores hugetlb on hybrid hosts"
	refused create --bundle "$BUNDLE" "$ID"
	has "$err" 3MB
}

@test "unified resources on a v2 host" {
	[ -e /sys/fs/cgroup/cgroup.controllers ] || skip "host: no pure v2"
	limit '{unified: {"pids.max": "33"}}'
	is "$(cat "$(cg_dir "")/pids.max")" 33
}

@test "unified keys with a path, or unknown" {
	# hardening S20
	for k in ../pids.max /x a/b nosuch.file ""; do
		config --arg k "$k" '.linux.resources.unified = {($k): "1"}'
		refused create --bundle "$BUNDLE" "$ID"
		is "$(status_of)" absent
	done
}

@test "network class and priority on a host without them" {
	[ ! -d /sys/fs/cgroup/net_cls ] || skip "host: has net_cls"
	config '.linux.resources += {network: {classID: 1048577}}'
	oci create --bundle "$BUNDLE" "$ID"
	[ "$code" = 0 ] || has "$err" network || has "$err" net_cls
}

@test "rdma on a host without it" {
	grep -qw rdma /proc/cgroups 2>/dev/null && skip "host: has rdma"
	config '.linux.resources += {rdma: {mlx5_1: {hcaHandles: 3}}}'
	oci create --bundle "$BUNDLE" "$ID"
	[ "$code" = 0 ] || has "$err" rdma
}

@test "rdma handles and objects" {
	cg_have rdma
	local device
	device=$(ls /sys/class/infiniband 2>/dev/null | head -n 1)
	[ -n "$device" ] || skip "host: no RDMA device"
	limit "{rdma: {\"$device\": {hcaHandles: 3, hcaObjects: 10000}}}"
	is "$(cg_read rdma rdma.max rdma.max | sed -n "s,^\($device .*[^ ]\) *$,\1,p")" "$device hca_handle=3 hca_object=10000"
	ok delete --force "$ID"
	limit "{rdma: {\"$device\": {hcaObjects: 0}}}"
	is "$(cg_read rdma rdma.max rdma.max | sed -n "s,^\($device .*[^ ]\) *$,\1,p")" "$device hca_handle=max hca_object=0"
	config '.linux.resources.rdma = {nosuch0: {hcaHandles: 3}}'
	ID="$ID-c"
	refused create --bundle "$BUNDLE" "$ID"
	has "$err" rdma.max
}

@test "every limit at once" {
	cg_have memory
	cg_have pids
	limit '{pids: {limit: 60}, memory: {limit: 134217728, reservation: 67108864}, cpu: {shares: 256, quota: 40000, period: 100000, cpus: "0"}}'
	is "$(cg_read pids pids.max pids.max)" 60
	is "$(cg_read memory memory.limit_in_bytes memory.max)" 134217728
}

@test "limits are in force before the process runs" {
	cg_have pids
	config '.linux.resources += {pids: {limit: 44}}'
	created
	is "$(cg_read pids pids.max pids.max)" 44
}

@test "an out-of-memory kill ends run with 137" {
	cg_have memory
	config '.linux.resources += {memory: {limit: 33554432, swap: 33554432}}'
	script 'exec awk "BEGIN { s = \"0123456789abcdef\"; while (1) s = s s }"'
	oci run --bundle "$BUNDLE" "$ID"
	is "$code" 137
}

@test "a cpuset has its CPUs and memory before a process joins" {
	# A v1 cpuset without them refuses every process (ENOSPC), and the child is quick.
	cg_have cpuset
	config '.linux.resources += {cpu: {cpus: "0", mems: "0"}}'
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		sh_run 'grep Cpus_allowed_list /proc/self/status'
		is "$out" "Cpus_allowed_list:"$'\t'0
	done
}
