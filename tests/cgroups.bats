#!/usr/bin/env bats
# linux.cgroupsPath: runtime-spec config-linux.md#cgroups-path. hardening S20.
load lib

in_cgroup() { cg_procs "$1" | grep -qx "$2"; }

@test "the container is in its cgroup in every hierarchy" {
	running
	pid=$(pid_of)
	while IFS=: read -r n controllers path; do
		# What the runtime does not manage (unknown hierarchies) may stay.
		[ -n "$controllers" ] || { [ "$n" = 0 ] && [ -e /sys/fs/cgroup/unified ]; } && continue
		is "$controllers:$path" "$controllers:$(cg_path)"
	done <"/proc/$pid/cgroup"
}

@test "the runtime itself stays out of it" {
	script 'sleep 1000'
	run_bg run --bundle "$BUNDLE" "$ID"
	eventually 5 status_is running
	is "$(cg_procs | wc -l)" 1
	ok kill "$ID" KILL
	bg_code
}

@test "no cgroupsPath: a place of the runtime's own, named by the id" {
	config 'del(.linux.cgroupsPath)'
	running
	has "$(cat "/proc/$(pid_of)/cgroup")" "$ID"
	ok delete --force "$ID"
	is "$(find /sys/fs/cgroup -name "*$ID*" 2>/dev/null)" ""
}

@test "a relative cgroupsPath stays below the runtime's own cgroup" {
	cgroupfs_needed
	config --arg p "${CG#/}/$ID" '.linux.cgroupsPath = $p'
	running
	has "$(cat "/proc/$(pid_of)/cgroup")" "$CG/$ID"
	ok delete --force "$ID"
	for d in $(find /sys/fs/cgroup -depth -path "*$CG" -type d 2>/dev/null); do rmdir "$d" "$(dirname "$d")" 2>/dev/null || true; done
}

@test "a cgroupsPath with .. does not leave the tree" {
	cgroupfs_needed
	# hardening S20
	for p in "../../../$TAG-esc" "/../../$TAG-esc" "$CG/../../$TAG-esc" ".." "/..//../$TAG-esc"; do
		config --arg p "$p" '.linux.cgroupsPath = $p'
		sleeper
		oci create --bundle "$BUNDLE" "$ID"
		[ ! -e "/sys/fs/$TAG-esc" ]
		[ ! -e "/sys/$TAG-esc" ]
		if [ "$code" = 0 ]; then
			pid=$(pid_of)
			lacks "$(cat "/proc/$pid/cgroup")" ".."
			ok delete --force "$ID"
		fi
	done
	rmdir /sys/fs/cgroup/*/"$TAG-esc" /sys/fs/cgroup/"$TAG-esc" 2>/dev/null || true
}

@test "the root cgroup as cgroupsPath" {
	cgroupfs_needed
	peer_defect "runc puts the container into the root cgroup, and its limits on it"
	config '.linux.cgroupsPath = "/"'
	refused create --bundle "$BUNDLE" "$ID"
	has "$err" cgroup
}

@test "hostile names in cgroupsPath" {
	cgroupfs_needed
	for p in "$CG/a"$'\n'"b" "$CG/$(printf 'x%.0s' {1..300})" ; do
		config --arg p "$p" '.linux.cgroupsPath = $p'
		oci create --bundle "$BUNDLE" "$ID"
		[ "$code" = 1 ] || ok delete --force "$ID"
		is "$(status_of)" absent
	done
}

@test "two containers may not share a cgroup with processes in it" {
	running
	first=$(pid_of)
	path=$(jq -r .linux.cgroupsPath "$BUNDLE/config.json")
	second
	config --arg p "$path" '.linux.cgroupsPath = $p'
	sleeper
	oci create --bundle "$BUNDLE" "$ID"
	# runc 1.1 only warns; whichever way, the first container must survive.
	oci delete --force "$ID"
	[ -e "/proc/$first" ]
	peer_defect "runc 1.1's delete of the second kills the first"
}

@test "a cgroup that is there already, empty" {
	mkdir -p "$(cg_dir pids)"
	config '.linux.resources += {pids: {limit: 41}}'
	running
	is "$(cg_read pids pids.max pids.max)" 41
}

@test "a name that begins like another's" {
	# hardening S20: /ctr and /ctr2
	running
	first=$(pid_of)
	config --arg p "$(cg_name "${ID}2")" '.linux.cgroupsPath = $p'
	ok run --detach --bundle "$BUNDLE" "${ID}2"
	ok delete --force "${ID}2"
	[ -e "/proc/$first" ]
	is "$(status_of)" running
}

@test "delete removes cgroups the container made below its own" {
	running
	for d in /sys/fs/cgroup"$(cg_path)" /sys/fs/cgroup/*"$(cg_path)"; do
		[ ! -d "$d" ] || mkdir -p "$d/inner/deeper"
	done
	ok delete --force "$ID"
	for d in /sys/fs/cgroup"$(cg_path)" /sys/fs/cgroup/*"$(cg_path)"; do [ ! -d "$d" ]; done
}

@test "delete kills processes that moved to a cgroup below" {
	config '.linux.namespaces |= map(select(.type != "pid"))'
	script 'sleep 1000 & sleep 1000 & wait'
	ok run --detach --bundle "$BUNDLE" "$ID"
	eventually 5 eval '[ $(cg_procs | wc -l) = 3 ]'
	child=$(cg_procs | tail -n 1)
	for d in /sys/fs/cgroup"$(cg_path)" /sys/fs/cgroup/*"$(cg_path)"; do
		[ -d "$d" ] || continue
		mkdir "$d/inner"
		grep -q . "$d/inner/cgroup.controllers" 2>/dev/null && [ "$d" = "/sys/fs/cgroup$(cg_path)" ] && continue
		cg_cpus "$d/inner"
		echo "$child" >"$d/inner/cgroup.procs"
	done
	ok delete --force "$ID"
	eventually 5 gone "$child"
}

cg_cpus() {
	[ ! -e "$1/cpuset.cpus" ] || { cat "$1/../cpuset.cpus" >"$1/cpuset.cpus"; cat "$1/../cpuset.mems" >"$1/cpuset.mems"; } 2>/dev/null || true
}

@test "a fork bomb is inside the cgroup, and delete --force ends it" {
	# hardening S20
	cg_have pids
	config '.linux.resources += {pids: {limit: 40}}'
	script 'sh -c "while :; do setsid sleep 1000 & done" 2>/dev/null & exec sleep 1000'
	ok run --detach --bundle "$BUNDLE" "$ID"
	eventually 10 eval '[ "$(cat "$(cg_dir pids)/pids.current")" -ge 20 ]'
	ok delete --force "$ID"
	is "$(cg_procs)" ""
}

@test "a failed create leaves no cgroup" {
	config '.process.args = ["/no/such"]'
	refused create --bundle "$BUNDLE" "$ID"
	for d in /sys/fs/cgroup"$(cg_path)" /sys/fs/cgroup/*"$(cg_path)"; do [ ! -d "$d" ]; done
}

@test "the container cannot move itself out of its cgroup" {
	# hardening S21
	mount_add /sys/fs/cgroup cgroup cgroup nosuid noexec nodev relatime ro
	sh_run 'for f in $(find /sys/fs/cgroup -name cgroup.procs); do echo 1 >$f; done 2>&1 | grep -vc -i "read-only"; cat /proc/self/cgroup | grep -c rt-bats'
	is "$(head -n 1 <<<"$out")" 0
}

@test "a cgroup that is there and has children cannot take device rules" {
	only_rt "a word about why"
	cg_is_v1 devices || skip "host: no devices hierarchy"
	mkdir -p "$(cg_dir devices)/child"
	refused create --bundle "$BUNDLE" "$ID"
	has "$err" "has children"
	[ -d "$(cg_dir devices)/child" ]
	rmdir "$(cg_dir devices)/child" "$(cg_dir devices)"
}
