#!/usr/bin/env bats
# --systemd-cgroup: the container's cgroup is a scope that systemd makes.
# runtime-spec config-linux.md#cgroups-path, systemd.resource-control(5).
RT_DRIVER=systemd
load lib

prepare() {
	root_needed
	[ -d /run/systemd/system ] || skip "host: no systemd"
	bundle
	UNIT="rt-$ID.scope"
}

# prop NAME prints a property of the container's unit.
prop() { systemctl show --property "$1" --value "$UNIT"; }

# no_unit [NAME]: systemd knows nothing of it, failed or not.
no_unit() { [ -z "$(systemctl list-units --all --plain --no-legend "${1:-$UNIT}")" ]; }

# place PATH sets linux.cgroupsPath.
place() { config --arg p "$1" '.linux.cgroupsPath = $p'; }

# annotate NAME VALUE sets a unit property by an annotation.
annotate() { config --arg n "org.systemd.property.$1" --arg v "$2" '.annotations[$n] = $v'; }

# undriven ARG… runs the runtime without --systemd-cgroup.
undriven() {
	local driven=$RUNTIME
	RUNTIME=$(sed -n 's/^exec "\(.*\)" --systemd.*/\1/p' "$driven")
	ok "$@"
	RUNTIME=$driven
}

@test "the container is in a scope, in its slice" {
	running
	while IFS=: read -r _ controllers path; do
		is "$controllers:$path" "$controllers:$(cg_path)"
	done <"/proc/$(pid_of)/cgroup"
	is "$(prop ActiveState)" active
	is "$(prop Slice)" "$SLICE"
	is "$(prop Delegate)" yes
	is "$(prop DefaultDependencies)" no
	is "$(prop TasksAccounting)$(prop MemoryAccounting)" yesyes
	is "$(systemctl show -p ControlGroup --value "$UNIT")" "$(cg_path)"
}

@test "no cgroupsPath: system.slice, and the id" {
	config 'del(.linux.cgroupsPath)'
	running
	has "$(cat "/proc/$(pid_of)/cgroup")" ":/system.slice/$NAME-$ID.scope"
	ok delete --force "$ID"
	no_unit "$NAME-$ID.scope"
}

@test "an empty slice and an empty prefix" {
	place "::$ID"
	running
	has "$(cat "/proc/$(pid_of)/cgroup")" ":/system.slice/-$ID.scope"
	ok delete --force "$ID"
	no_unit "-$ID.scope"
}

@test "a slice is below the slices its name begins with" {
	place "${SLICE%.slice}-a.slice:rt:$ID"
	running
	has "$(cat "/proc/$(pid_of)/cgroup")" ":$CG/${SLICE%.slice}-a.slice/$UNIT"
	ok delete --force "$ID"
	no_unit
	systemctl stop "${SLICE%.slice}-a.slice"
	rmdir /sys/fs/cgroup/*"$CG/${SLICE%.slice}-a.slice" 2>/dev/null || true
}

@test "the root slice" {
	place "-.slice:rt:$ID"
	running
	has "$(cat "/proc/$(pid_of)/cgroup")" ":/$UNIT"
	ok delete --force "$ID"
	no_unit
}

@test "a cgroupsPath that is not slice:prefix:name" {
	for p in "/a/b" "a:b" "a.slice:b:c:d"; do
		place "$p"
		refused create --bundle "$BUNDLE" "$ID"
		has "$(message)" "expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got \"$p\" instead"
		is "$(status_of)" absent
	done
}

@test "names that are none" {
	for p in "a:p:n" "a--b.slice:p:n" "-a.slice:p:n" ".slice:p:n" "a.slice/b.slice:p:n"; do
		place "$p"
		refused create --bundle "$BUNDLE" "$ID"
		has "$(message)" "nvalid slice name"
		is "$(status_of)" absent
	done
	for p in ":p:a/b" ":p:a+b" ":p:a b"; do
		place "$p"
		refused create --bundle "$BUNDLE" "$ID"
		is "$(status_of)" absent
	done
}

@test "a slice as the container" {
	place "$SLICE:rt:${SLICE%.slice}-b.slice"
	refused create --bundle "$BUNDLE" "$ID"
	is "$(status_of)" absent
	no_unit "${SLICE%.slice}-b.slice"
}

@test "the cgroup namespace begins at the scope" {
	config '.linux.namespaces += [{type: "cgroup"}] | .linux.namespaces |= unique_by(.type)'
	sh_run 'cut -d: -f3 /proc/self/cgroup | sort -u'
	is "$out" /
	no_unit
}

@test "limits are the unit's properties and the kernel's values" {
	cg_have memory
	config '.linux.resources += {memory: {limit: 67108864, reservation: 33554432},
		cpu: {shares: 512, quota: 30000, period: 60000, cpus: "0"}, pids: {limit: 50}}'
	running
	is "$(prop TasksMax)" 50
	is "$(prop CPUQuotaPerSecUSec) $(prop CPUQuotaPeriodUSec)" "500ms 60ms"
	is "$(cg_read pids pids.max pids.max)" 50
	is "$(cg_read memory memory.limit_in_bytes memory.max)" 67108864
	if cg_is_v1 memory; then
		is "$(prop MemoryLimit) $(prop CPUShares)" "67108864 512"
		is "$(cat "$(cg_dir cpu)/cpu.cfs_quota_us" "$(cg_dir cpu)/cpu.cfs_period_us" | tr '\n' ' ')" "30000 60000 "
		is "$(cat "$(cg_dir cpu)/cpu.shares")" 512
	else
		is "$(prop MemoryMax) $(prop MemoryLow)" "67108864 33554432"
		is "$(cat "$(cg_dir cpu)/cpu.max")" "30000 60000"
		is "$(prop CPUWeight)" "$(cat "$(cg_dir cpu)/cpu.weight")"
	fi
	is "$(cg_read cpuset cpuset.cpus cpuset.cpus)" 0
}

@test "memory.swap, and what is unlimited" {
	! cg_is_v1 memory || skip "host: v2 properties"
	config '.linux.resources += {memory: {limit: 67108864, swap: 100663296}, pids: {limit: -1}}'
	running
	is "$(prop MemorySwapMax) $(prop TasksMax)" "33554432 infinity"
	[ ! -e "$(cg_dir memory)/memory.swap.max" ] || is "$(cat "$(cg_dir memory)/memory.swap.max")" 33554432
	is "$(cat "$(cg_dir pids)/pids.max")" max
}

@test "a quota is rounded up to a percent, in the kernel too" {
	newer_than_runc_1_1 "the rounded quota in the cgroup"
	cg_have cpu
	config '.linux.resources += {cpu: {quota: 12345, period: 50000}}'
	running
	is "$(prop CPUQuotaPerSecUSec)" 250ms
	if cg_is_v1 cpu; then is "$(cat "$(cg_dir cpu)/cpu.cfs_quota_us")" 12500; else is "$(cat "$(cg_dir cpu)/cpu.max")" "12500 50000"; fi
}

@test "cpu.idle" {
	newer_than_runc_1_1 cpu.idle
	! cg_is_v1 cpu || skip "host: v1 cpu has no idle by systemd"
	config '.linux.resources += {cpu: {idle: 1}}'
	running
	is "$(cat "$(cg_dir cpu)/cpu.idle")" 1
	[ "$(systemctl --version | sed -n 's/^systemd \([0-9]*\).*/\1/p')" -lt 252 ] || is "$(prop CPUWeight)" idle
}

@test "linux.resources.unified" {
	! cg_is_v1 memory || skip "host: v1 memory"
	config '.linux.resources += {unified: {"memory.high": "50331648", "memory.max": "67108864", "pids.max": "77", "cpu.weight": "33", "cgroup.max.depth": "9"}}'
	running
	is "$(prop MemoryHigh) $(prop MemoryMax) $(prop TasksMax) $(prop CPUWeight)" "50331648 67108864 77 33"
	is "$(cat "$(cg_dir "")/memory.high" "$(cg_dir "")/cgroup.max.depth" | tr '\n' ' ')" "50331648 9 "
}

@test "annotations are properties of the unit" {
	annotate TimeoutStopUSec "uint64 7000000"
	annotate CollectMode "'inactive-or-failed'"
	annotate SendSIGHUP true
	running
	is "$(prop TimeoutStopUSec) $(prop CollectMode) $(prop SendSIGHUP)" "7s inactive-or-failed yes"
}

@test "an annotation named in seconds" {
	for v in 5 "uint64 5" 5.0; do
		annotate TimeoutStopSec "$v"
		running
		is "$(prop TimeoutStopUSec)" 5s
		ok delete --force "$ID"
	done
}

@test "annotations that are no properties" {
	bad() {
		bundle_config
		annotate "$1" "$2"
		refused create --bundle "$BUNDLE" "$ID"
		has "$(message)" "$3"
		is "$(status_of)" absent
		no_unit
	}
	cp "$BUNDLE/config.json" "$T/config.good"
	bundle_config() { cp "$T/config.good" "$BUNDLE/config.json"; }
	bad X 1 "annotation org.systemd.property.X name incorrect: too short"
	bad Foo1 1 "annotation org.systemd.property.Foo1 name incorrect: contains non-alphabetic character"
	bad TimeoutStopUSec "seven" "annotation org.systemd.property.TimeoutStopUSec=seven value parse error"
	bad TimeoutStopSec "'x'" "value parse error: not a number"
	bad NoSuchProperty true "NoSuchProperty"
	bad CollectMode 1 "unable to start unit"
}

@test "annotations without --systemd-cgroup change nothing" {
	annotate X "not even a value"
	config --arg p "/${RT_BATS_RUN}/$BATS_SUITE_TEST_NUMBER/$ID" '.linux.cgroupsPath = $p'
	sleeper
	undriven run --detach --bundle "$BUNDLE" "$ID"
	is "$(status_of)" running
	undriven delete --force "$ID"
}

# denied and allowed say whether the container may read a device.
try() { ok exec "$ID" sh -c "head -c 0 /dev/$1 2>&1; echo done"; }
may() { try "$1"; lacks "$out" "not permitted"; }
may_not() { try "$1"; has "$out" "not permitted"; }

@test "device rules hold, and outlive a reload of systemd" {
	config '.linux.devices = [{path: "/dev/kmsg", type: "c", major: 1, minor: 11}, {path: "/dev/port", type: "c", major: 1, minor: 4}]
		| .linux.resources.devices = [{allow: false, access: "rwm"}, {allow: true, type: "c", major: 1, minor: 4, access: "r"}]
		| .process.capabilities |= with_entries(.value += ["CAP_SYS_RAWIO", "CAP_SYSLOG"])'
	running
	may port
	may null
	may_not kmsg
	systemctl daemon-reload
	may port
	may null
	may_not kmsg
}

@test "all devices but one, and a reload of systemd" {
	! cg_is_v1 devices || skip "host: systemd's v1 devices have no all-but"
	config '.linux.devices = [{path: "/dev/kmsg", type: "c", major: 1, minor: 11}, {path: "/dev/port", type: "c", major: 1, minor: 4}]
		| .linux.resources.devices = [{allow: true, access: "rwm"}, {allow: false, type: "c", major: 1, minor: 11, access: "rw"}]
		| .process.capabilities |= with_entries(.value += ["CAP_SYS_RAWIO", "CAP_SYSLOG"])'
	peer_defect "after a reload its container may open nothing"
	running
	may port
	may_not kmsg
	systemctl daemon-reload
	may port
	may_not kmsg
}

@test "limits outlive a reload of systemd" {
	cg_have pids
	config '.linux.resources += {cpu: {shares: 2000}, pids: {limit: 50}}'
	running
	before=$(cg_read cpu cpu.shares cpu.weight)
	systemctl daemon-reload
	is "$(cg_read pids pids.max pids.max) $(cg_read cpu cpu.shares cpu.weight)" "50 $before"
}

@test "later commands need no --systemd-cgroup" {
	sleeper
	ok create --bundle "$BUNDLE" "$ID"
	undriven start "$ID"
	undriven exec "$ID" true
	undriven pause "$ID"
	is "$(status_of)" paused
	undriven resume "$ID"
	undriven kill "$ID" KILL
	eventually 5 status_is stopped
	undriven delete "$ID"
	no_unit
}

@test "exec is in the scope" {
	running
	ok exec "$ID" sh -c 'cat /proc/self/cgroup'
	ok exec --detach --pid-file "$T/pid" "$ID" sleep 100
	is "$(cut -d: -f3 "/proc/$(cat "$T/pid")/cgroup" | sort -u)" "$(cg_path)"
}

@test "a container that ends takes its scope with it" {
	script 'exit 3'
	ok run --detach --bundle "$BUNDLE" "$ID"
	eventually 10 status_is stopped
	eventually 10 eval '[ -z "$(cg_procs)" ]'
	ok delete "$ID"
	no_unit
}

@test "run, in the foreground, leaves nothing" {
	sh_run 'echo hello'
	is "$out" hello
	no_unit
	[ ! -d "$(cg_dir pids)" ]
}

@test "an OOM kill leaves no failed unit behind delete" {
	cg_have memory
	config '.linux.resources += {memory: {limit: 16777216, swap: 16777216}}'
	script 'head -c 100000000 /dev/zero | tail -c 90000000 >/dev/null && echo survived'
	oci run --bundle "$BUNDLE" "$ID"
	is "$out" ""
	no_unit
	sleeper
	ok run --detach --bundle "$BUNDLE" "$ID"
	ok delete --force "$ID"
	no_unit
}

@test "a create that fails leaves no unit" {
	config '.process.args = ["/no/such/program"]'
	refused run --bundle "$BUNDLE" "$ID"
	no_unit
	config '.hooks = {createRuntime: [{path: "/bin/false"}]} | .process.args = ["true"]'
	refused create --bundle "$BUNDLE" "$ID"
	is "$(status_of)" absent
	no_unit
}

@test "a create that is killed, and delete --force" {
	sleeper
	config '.hooks = {createRuntime: [{path: "/bin/sh", args: ["sh", "-c", "kill -9 $PPID"]}]}'
	oci create --bundle "$BUNDLE" "$ID"
	is "$code" 137
	ok delete --force "$ID"
	is "$(status_of)" absent
	eventually 10 no_unit
}

@test "a unit of that name that is another's" {
	systemd-run --quiet --scope --unit "$UNIT" --property "Slice=$SLICE" sleep 1000 </dev/null >/dev/null 2>&1 3>&- 4>&- &
	BACKGROUND=$!
	eventually 10 eval '[ "$(prop ActiveState)" = active ]'
	refused run --detach --bundle "$BUNDLE" "$ID"
	matches "$(message)" "already|not empty"
	is "$(prop ActiveState)" active
	is "$(status_of)" absent
	systemctl stop "$UNIT"
}

@test "a unit elsewhere of that name: runc's words" {
	peer_defect "it stops that unit"
	systemd-run --quiet --scope --unit "$UNIT" --property "Slice=${SLICE%.slice}-x.slice" sleep 1000 </dev/null >/dev/null 2>&1 3>&- 4>&- &
	BACKGROUND=$!
	eventually 10 eval '[ "$(prop ActiveState)" = active ]'
	refused run --detach --bundle "$BUNDLE" "$ID"
	matches "$(message)" "unable to apply cgroup configuration: unable to start unit \"$UNIT\".*: Unit $UNIT (already exists|was already loaded or has a fragment file)"
	is "$(prop ActiveState)" active
	is "$(status_of)" absent
	systemctl stop "$UNIT" "${SLICE%.slice}-x.slice"
}

@test "delete does not stop another's scope that took the name" {
	peer_defect "it stops whatever has the name"
	script 'exit 0'
	ok run --detach --bundle "$BUNDLE" "$ID"
	eventually 10 no_unit
	systemd-run --quiet --scope --unit "$UNIT" --property "Slice=$SLICE" sleep 1000 </dev/null >/dev/null 2>&1 3>&- 4>&- &
	BACKGROUND=$!
	eventually 10 eval '[ "$(prop ActiveState)" = active ]'
	oci delete --force "$ID"
	is "$(prop ActiveState)" active
	systemctl stop "$UNIT"
	ok delete --force "$ID"
}

@test "a record that names another's unit" {
	only_rt "a record that holds the unit"
	running
	victim=$ID
	second
	running
	sed -i "s#\"unit\":\"rt-$ID.scope\"#\"unit\":\"rt-$victim.scope\"#" "$ROOT/$ID/state.json"
	grep -q "\"unit\":\"rt-$victim.scope\"" "$ROOT/$ID/state.json"
	ok delete --force "$ID"
	is "$(status_of "$victim")" running
	UNIT="rt-$victim.scope"
	is "$(prop ActiveState)" active
}

@test "startContainer hooks run in the scope" {
	newer_than_runc_1_1 "startContainer hooks of create"
	config '.hooks = {startContainer: [{path: "/bin/sh", args: ["sh", "-c", "cat /proc/self/cgroup >/hooked"]}]} | .root.readonly = false
		| .linux.namespaces |= map(select(.type != "cgroup"))'
	running
	has "$(cat "$BUNDLE/rootfs/hooked")" "$(cg_path)"
}

@test "update changes the unit and the kernel's values" {
	cg_have memory
	config '.linux.resources += {memory: {limit: 67108864}, pids: {limit: 50}}'
	running
	undriven update --memory 134217728 --pids-limit 60 --cpu-quota 12345 --cpu-period 50000 "$ID"
	is "$(prop TasksMax) $(prop CPUQuotaPerSecUSec)" "60 250ms"
	is "$(cg_read pids pids.max pids.max)" 60
	is "$(cg_read memory memory.limit_in_bytes memory.max)" 134217728
	if cg_is_v1 memory; then is "$(prop MemoryLimit)" 134217728; else is "$(prop MemoryMax)" 134217728; fi
	systemctl daemon-reload
	is "$(cg_read pids pids.max pids.max)" 60
	is "$(cg_read memory memory.limit_in_bytes memory.max)" 134217728
}

@test "twenty at once" {
	LIMIT=120
	for i in $(seq 20); do
		mkdir "$T/bundle-$i"
		jq --arg r "$BUNDLE/rootfs" --arg cg "$(cg_name "$ID-$i")" '.root = {path: $r, readonly: true} | .linux.cgroupsPath = $cg
			| .process.args = ["sleep", "1000"]' "$BUNDLE/config.json" >"$T/bundle-$i/config.json"
		RT_BATS_TEST="$TAG" "$RUNTIME" --root "$ROOT" run --detach --bundle "$T/bundle-$i" "$ID-$i" </dev/null >/dev/null 2>"$T/err-$i" 3>&- 4>&- &
		echo $! >"$T/pid-$i"
	done
	for i in $(seq 20); do wait "$(cat "$T/pid-$i")" || fail "$i: $(cat "$T/err-$i")"; done
	for i in $(seq 20); do
		is "$(systemctl show -p ActiveState --value "rt-$ID-$i.scope")" active
		ok delete --force "$ID-$i"
	done
	no_unit "rt-$ID-*.scope"
}

@test "plan tells of the scope" {
	only_rt plan
	ok plan "$BUNDLE"
	has "$out" scope
}
