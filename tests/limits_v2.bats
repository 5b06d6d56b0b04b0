#!/usr/bin/env bats
# linux.resources read back from cgroup v2, beyond what every host has
# (limits.bats): runtime-spec config-linux.md#control-groups and #unified.
load lib

prepare() {
	root_needed
	[ -e /sys/fs/cgroup/cgroup.controllers ] || skip "host: no pure v2"
	bundle
}

# limit JQ starts a container with linux.resources set up by JQ.
limit() {
	config ".linux.resources += $1"
	running
}

# file NAME prints a file of the container's cgroup on one line.
file() { tr '\n' ' ' <"$(cg_dir "")/$1" | sed 's/ *$//'; }

# disk sets major, minor and name to those of a whole disk.
disk() {
	local dev
	dev=$(awk '$3 ~ /^(vd[a-z]|sd[a-z]|xvd[a-z]|nvme[0-9]+n[0-9]+)$/ {print $1, $2, $3; exit}' /proc/diskstats)
	[ -n "$dev" ] || skip "host: no disk"
	read -r major minor name <<<"$dev"
}

@test "v2: memory.max, memory.low and memory.swap.max" {
	cg_have memory
	limit '{memory: {limit: 67108864, reservation: 33554432, swap: 100663296}}'
	is "$(file memory.max) $(file memory.low) $(file memory.swap.max)" "67108864 33554432 33554432"
}

@test "v2: memory.swap equal to the limit is no swap" {
	cg_have memory
	limit '{memory: {limit: 67108864, swap: 67108864}}'
	is "$(file memory.swap.max)" 0
}

@test "v2: memory.limit -1 is no limit" {
	cg_have memory
	limit '{memory: {limit: -1}}'
	is "$(file memory.max)" max
}

@test "v2: cpu.max, cpu.max.burst and cpu.weight together" {
	cg_have cpu
	newer_than_runc_1_1 "cpu.burst"
	limit '{cpu: {shares: 2048, quota: 80000, period: 40000, burst: 30000}}'
	is "$(file cpu.max) $(file cpu.max.burst)" "80000 40000 30000"
	# 79 by the old linear formula, 174 by the new one.
	matches "$(file cpu.weight)" '^(79|174)$'
}

@test "v2: the ends of cpu.shares" {
	cg_have cpu
	limit '{cpu: {shares: 2}}'
	is "$(file cpu.weight)" 1
	ok delete --force "$ID"
	config '.linux.resources.cpu = {shares: 262144}'
	running
	is "$(file cpu.weight)" 10000
}

@test "v2: cpuset.cpus and cpuset.mems" {
	cg_have cpuset
	limit '{cpu: {cpus: "0", mems: "0"}}'
	is "$(file cpuset.cpus) $(file cpuset.mems) $(file cpuset.cpus.effective)" "0 0 0"
}

@test "v2: io.max, all four throttles of a disk" {
	cg_have io
	disk
	limit "{blockIO: {
		throttleReadBpsDevice: [{major: $major, minor: $minor, rate: 1048576}],
		throttleWriteBpsDevice: [{major: $major, minor: $minor, rate: 2097152}],
		throttleReadIOPSDevice: [{major: $major, minor: $minor, rate: 66}],
		throttleWriteIOPSDevice: [{major: $major, minor: $minor, rate: 77}]}}"
	is "$(file io.max)" "$major:$minor rbps=1048576 wbps=2097152 riops=66 wiops=77"
}

@test "v2: io.bfq.weight, for all disks and for one" {
	cg_have io
	disk
	modprobe -q bfq || true
	before=$(sed 's/.*\[\(.*\)\].*/\1/' "/sys/block/$name/queue/scheduler")
	echo bfq 2>/dev/null >"/sys/block/$name/queue/scheduler" || skip "host: no bfq for $name"
	echo "$before $name" >"$T/scheduler"
	limit "{blockIO: {weight: 400, weightDevice: [{major: $major, minor: $minor, weight: 300}]}}"
	is "$(file io.bfq.weight)" "default 400 $major:$minor 300"
}

@test "v2: hugetlb.*.max and hugetlb.*.rsvd.max, every page size" {
	cg_have hugetlb
	sizes=$(cd /sys/fs/cgroup && ls -d */hugetlb.*.rsvd.max 2>/dev/null | sed 's/.*hugetlb\.\(.*\)\.rsvd.max/\1/' | sort -u)
	[ -n "$sizes" ] || sizes=2MB
	config "$(jq -Rnc '[inputs | {pageSize: ., limit: 4294967296}]' <<<"$sizes" | sed 's/^/.linux.resources.hugepageLimits = /')"
	running
	for s in $sizes; do
		is "$s $(file "hugetlb.$s.max") $(file "hugetlb.$s.rsvd.max")" "$s 4294967296 4294967296"
	done
}

@test "v2: rdma.max" {
	cg_have rdma
	modprobe -aq rdma_rxe dummy 2>/dev/null || skip "host: no rdma_rxe"
	need rdma
	ip link add "rtd$BATS_SUITE_TEST_NUMBER" type dummy
	ip link set "rtd$BATS_SUITE_TEST_NUMBER" up
	echo "rtd$BATS_SUITE_TEST_NUMBER" >"$T/netdev"
	rdma link add rtrxe type rxe netdev "rtd$BATS_SUITE_TEST_NUMBER" || skip "host: no software RDMA device"
	limit '{rdma: {rtrxe: {hcaHandles: 3, hcaObjects: 1000}}}'
	is "$(file rdma.max)" "rtrxe hca_handle=3 hca_object=1000"
	ok delete --force "$ID"
	config '.linux.resources.rdma = {rtrxe: {hcaObjects: 7}}'
	running
	is "$(file rdma.max)" "rtrxe hca_handle=max hca_object=7"
}

@test "v2: an RDMA device that does not exist" {
	cg_have rdma
	peer_defect "runc 1.1's message has no device"
	config '.linux.resources.rdma = {nosuch: {hcaHandles: 3}}'
	refused create --bundle "$BUNDLE" "$ID"
	has "$err" rdma.max
}

@test "v2: misc.max of a resource that the machine has not" {
	cg_have misc
	config '.linux.resources.unified = {"misc.max": "nosuch 1"}'
	refused create --bundle "$BUNDLE" "$ID"
	has "$err" misc.max
}

@test "v2: unified, what has no field of its own" {
	cg_have memory
	limit '{unified: {"memory.high": "50331648", "memory.min": "4194304", "memory.oom.group": "1", "cpu.weight.nice": "5",
		"cgroup.max.descendants": "9", "cgroup.max.depth": "3"}}'
	is "$(file memory.high) $(file memory.min) $(file memory.oom.group)" "50331648 4194304 1"
	is "$(file cpu.weight.nice) $(file cgroup.max.descendants) $(file cgroup.max.depth)" "5 9 3"
}

@test "v2: unified, what has a field too" {
	cg_have memory
	limit '{unified: {"memory.max": "134217728", "memory.low": "1048576", "memory.swap.max": "2097152", "cpu.weight": "77",
		"cpu.max": "45000 90000", "cpuset.cpus": "0", "cpuset.mems": "0", "pids.max": "33"}}'
	is "$(file memory.max) $(file memory.low) $(file memory.swap.max)" "134217728 1048576 2097152"
	is "$(file cpu.weight) $(file cpu.max)" "77 45000 90000"
	is "$(file cpuset.cpus) $(file cpuset.mems) $(file pids.max)" "0 0 33"
}

@test "v2: unified comes after the fields" {
	cg_have memory
	limit '{memory: {limit: 67108864}, pids: {limit: 20}, unified: {"memory.max": "134217728", "pids.max": "30"}}'
	is "$(file memory.max) $(file pids.max)" "134217728 30"
}

@test "v2: a unified value that the kernel refuses" {
	cg_have memory
	config '.linux.resources.unified = {"memory.high": "lots"}'
	refused create --bundle "$BUNDLE" "$ID"
	has "$err" memory.high
	is "$(status_of)" absent
}

@test "v2: only the controllers that are needed" {
	# A parent hands down what it must: the container's cgroup has all that its
	# limits need, whoever made the parent.
	limit '{pids: {limit: 20}, memory: {limit: 67108864}, cpu: {shares: 512}}'
	for c in pids memory cpu; do
		has " $(file cgroup.controllers) " " $c "
	done
}

# restore undoes what a test changed of the machine.
teardown() {
	local failed=0 line
	[ -z "${ROOT:-}" ] || leak_check || failed=1
	if line=$(cat "${T:-/none}/scheduler" 2>/dev/null); then
		echo "${line% *}" >"/sys/block/${line#* }/queue/scheduler"
	fi
	if line=$(cat "${T:-/none}/netdev" 2>/dev/null); then
		rdma link delete rtrxe 2>/dev/null || true
		ip link delete "$line"
	fi
	return $failed
}
