#!/usr/bin/env bats
# features: runtime-spec features.md.
load lib

prepare() { ok features; F=$out; }

# feature JQ: the filter holds.
feature() { jq -e "$1" <<<"$F" >/dev/null || fail "not so: $1"; }

@test "features is one JSON object on standard output" {
	feature 'type == "object"'
	is "$err" ""
}

@test "versions" {
	feature '.ociVersionMin == "1.0.0"'
	feature '.ociVersionMax | test("^1\\.[0-9]+\\.[0-9]+")'
}

@test "hooks" {
	feature '.hooks == ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]'
}

@test "namespaces" {
	feature '.linux.namespaces | contains(["cgroup", "ipc", "mount", "network", "pid", "user", "uts"])'
	! is_rt || feature '.linux.namespaces | contains(["time"])'
}

@test "mount options" {
	feature '.mountOptions | contains(["bind", "ro", "rro", "nosuid", "tmpcopyup", "rbind", "relatime", "nosymfollow", "rshared"])'
	feature '.mountOptions | . == (. | sort)'
}

@test "capabilities of the kernel" {
	feature '.linux.capabilities | contains(["CAP_CHOWN", "CAP_SYS_ADMIN", "CAP_KILL"])'
	last=$(cat /proc/sys/kernel/cap_last_cap)
	! is_rt || feature ".linux.capabilities | length == $((last + 1)) or length == 41"
}

@test "cgroups" {
	feature '.linux.cgroup.v1 == true and .linux.cgroup.v2 == true'
	feature '.linux.cgroup.systemd == true and .linux.cgroup.systemdUser == true'
}

@test "seccomp" {
	feature '.linux.seccomp.enabled == true'
	feature '.linux.seccomp.actions | contains(["SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRAP"])'
	feature '.linux.seccomp.operators | contains(["SCMP_CMP_EQ", "SCMP_CMP_MASKED_EQ"])'
	feature '.linux.seccomp.archs | contains(["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"])'
	newer_than_runc_1_1 "known seccomp flags"
	feature '.linux.seccomp.knownFlags | contains(["SECCOMP_FILTER_FLAG_LOG"])'
}

@test "security modules" {
	feature '.linux | has("apparmor") and has("selinux")'
}

@test "newer features" {
	newer_than_runc_1_1 "idmap, intelRdt, netDevices"
	feature '.linux.mountExtensions.idmap.enabled == true'
	feature '.linux | has("intelRdt")'
	feature '.linux.netDevices.enabled == true'
}

@test "annotations that may be unsafe" {
	newer_than_runc_1_1 potentiallyUnsafeConfigAnnotations
	feature '.potentiallyUnsafeConfigAnnotations | contains(["bundle", "org.systemd.property."])'
}

@test "features needs no state directory" {
	rt_raw --root /proc/nosuch features
	is "$code" 0
}

@test "features takes no argument" {
	oci features x
	[ "$code" != 0 ]
}

@test "what features says works: each namespace" {
	root_needed
	bundle
	for t in $(jq -r '.linux.namespaces[]' <<<"$F"); do
		[ "$t" != user ] || continue
		config --arg t "$t" '.linux.namespaces |= (map(select(.type != $t)) + [{type: $t}])'
		script true
		ok run --bundle "$BUNDLE" "$ID"
	done
}

# --- every claim is carried out ----------------------------------------------

claims() { jq -r "$1" <<<"$F"; }

@test "what features says works: each hook" {
	root_needed
	bundle
	mkdir "$T/ran"
	for h in $(claims '.hooks[]'); do
		case "$h" in
		startContainer) config --arg h "$h" '.hooks[$h] = [{path: "/bin/touch", args: ["touch", "/tmp/\($h)"]}]' ;;
		*) config --arg h "$h" --arg f "$T/ran/$h" '.hooks[$h] = [{path: "/usr/bin/touch", args: ["touch", $f]}]' ;;
		esac
	done
	script true
	ok run --bundle "$BUNDLE" "$ID"
	for h in $(claims '.hooks[]'); do
		[ -e "$T/ran/$h" ] || [ -e "$BUNDLE/rootfs/tmp/$h" ] || fail "$h did not run"
	done
}

@test "what features says works: each mount option" {
	root_needed
	peer_defect "runc 1.1 lists options that it does not take, such as defaults"
	bundle
	mkdir "$T/source"
	local o words=
	for o in $(claims '.mountOptions[]'); do
		case "$o" in
		remount | idmap | ridmap | rbind | bind | tmpcopyup) continue ;; # each below
		*shared | *slave | *private | *unbindable) mount_add "/m/$o" bind "$T/source" bind "$o" ;;
		*) mount_add "/m/$o" tmpfs tmpfs "$o" ;;
		esac
	done
	mount_add /m/bind bind "$T/source" bind
	mount_add /m/rbind bind "$T/source" rbind
	mount_add /m/tmpcopyup tmpfs tmpfs tmpcopyup
	mount_add /m/remount tmpfs tmpfs
	mount_add /m/remount tmpfs tmpfs remount ro
	mkdir "$BUNDLE/rootfs/m" "$BUNDLE/rootfs/m/tmpcopyup"
	touch "$BUNDLE/rootfs/m/tmpcopyup/copied"
	sh_run 'cat /proc/self/mountinfo; ls /m/tmpcopyup'
	has "$out" copied
	for o in $(claims '.mountOptions[]'); do
		case "$o" in idmap | ridmap) continue ;; esac
		grep -q " /m/$o " <<<"$out" || fail "no mount with $o"
	done
	for o in ro nosuid nodev noexec noatime nodiratime nosymfollow relatime; do
		for o in "$o" "r$o"; do
			feature ".mountOptions | index(\"$o\")"
			case "$o" in rrelatime) continue ;; esac
			grep -qE " /m/$o [^ ]*\b${o#r}\b|^.* /m/$o [^ ]*\b$o\b" <<<"$out" || fail "$o has no effect: $(grep " /m/$o " <<<"$out")"
		done
	done
	grep -q ' /m/sync .* - tmpfs tmpfs [^ ]*sync' <<<"$out"
	grep -q ' /m/remount ro' <<<"$out"
}

@test "what features says works: mapped ids of mounts" {
	root_needed
	newer_than_runc_1_1 "idmap"
	bundle
	mkdir "$T/source"
	touch "$T/source/file"
	chown 1000:1000 "$T/source/file"
	config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	chown -R 100000:100000 "$BUNDLE/rootfs"
	chmod 0711 "$T" "$BUNDLE"
	mount_add /mnt bind "$T/source" bind idmap
	mount_add /var bind "$T/source" rbind ridmap
	oci run --bundle "$BUNDLE" "$ID"
	case "$err" in *mount_setattr* | *"map ids"*) skip "host: $(stat -f -c %T "$T") has no id-mapped mounts" ;; esac
	sh_run 'stat -c %u /mnt/file /var/file'
	is "$out" $'1000\n1000'
}

@test "what features says works: each capability" {
	root_needed
	only_rt "a list of the kernel's"
	bundle
	local n=0 c own=$((0x$(awk '/^CapBnd/{print $2}' /proc/self/status)))
	for c in $(claims '.linux.capabilities[]'); do
		if [ $((own >> n & 1)) = 1 ]; then
			config --arg c "$c" '.process.capabilities = {bounding: [$c]}'
			sh_run "awk '/^CapBnd/{print \$2}' /proc/self/status"
			is "$c $((0x$out))" "$c $((1 << n))"
		fi
		n=$((n + 1))
	done
}

# seccomp PROFILE sets linux.seccomp.
seccomp() { config --argjson s "$1" '.linux.seccomp = $s'; }

@test "what features says works: each action of seccomp" {
	root_needed
	bundle
	local a want rule
	for a in $(claims '.linux.seccomp.actions[]'); do
		case "$a" in
		SCMP_ACT_NOTIFY) continue ;; # needs an agent: seccomp.bats
		SCMP_ACT_ALLOW | SCMP_ACT_LOG) want=0 ;;
		SCMP_ACT_ERRNO | SCMP_ACT_TRACE) want=1 ;;
		SCMP_ACT_KILL | SCMP_ACT_KILL_PROCESS | SCMP_ACT_KILL_THREAD | SCMP_ACT_TRAP) want=159 ;;
		*) fail "$a is not tested" ;;
		esac
		rule=$(jq -n --arg a "$a" '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "mkdirat"], action: $a}]}')
		seccomp "$rule"
		config '.process.args = ["mkdir", "/tmp/d"]'
		rm -rf "$BUNDLE/rootfs/tmp/d"
		oci run --bundle "$BUNDLE" "$ID"
		is "$a $code" "$a $want"
	done
}

@test "what features says works: operators, flags and architectures of seccomp" {
	root_needed
	payload_needed
	bundle
	payload
	local o want f nr=135
	[ "$(uname -m)" = x86_64 ] || nr=92
	config --arg nr "$nr" '.process.args = ["payload", "syscall", $nr, "5"]'
	for o in $(claims '.linux.seccomp.operators[]'); do
		case "$o" in
		SCMP_CMP_EQ | SCMP_CMP_LE | SCMP_CMP_GE | SCMP_CMP_MASKED_EQ) want=77 ;;
		SCMP_CMP_NE | SCMP_CMP_LT | SCMP_CMP_GT) want=0 ;;
		*) fail "$o is not tested" ;;
		esac
		seccomp "$(jq -n --arg o "$o" '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["personality"], action: "SCMP_ACT_ERRNO",
			errnoRet: 77, args: [{index: 0, value: 5, valueTwo: 5, op: $o}]}]}')"
		ok run --bundle "$BUNDLE" "$ID"
		is "$o $out" "$o $want"
	done
	for f in $(claims '.linux.seccomp.supportedFlags // [] | .[]'); do
		[ "$f" != SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV ] || continue # needs an agent: seccomp.bats
		seccomp "$(jq -n --arg f "$f" '{defaultAction: "SCMP_ACT_ALLOW", flags: [$f], syscalls: [{names: ["personality"], action: "SCMP_ACT_ERRNO", errnoRet: 77}]}')"
		ok run --bundle "$BUNDLE" "$ID"
		is "$f $out" "$f 77"
	done
	for f in $(claims '.linux.seccomp.archs[]'); do
		seccomp "$(jq -n --arg f "$f" '{defaultAction: "SCMP_ACT_ALLOW", architectures: [$f], syscalls: [{names: ["personality"], action: "SCMP_ACT_ERRNO", errnoRet: 77}]}')"
		oci run --bundle "$BUNDLE" "$ID"
		case "$f" in
		SCMP_ARCH_X86_64) [ "$nr" != 135 ] || is "$f $out" "$f 77" ;;
		SCMP_ARCH_AARCH64) [ "$nr" != 92 ] || is "$f $out" "$f 77" ;;
		esac
		lacks "$err" "$f"
	done
}

@test "what features says works: each mode of the memory policy" {
	root_needed
	newer_than_runc_1_1 "memoryPolicy"
	bundle
	grep -q '^Mems_allowed:' /proc/self/status || skip "host: no NUMA policies"
	local m nodes tested=0
	for m in $(claims '.linux.memoryPolicy.modes[]'); do
		nodes=0
		case "$m" in MPOL_DEFAULT | MPOL_LOCAL) nodes="" ;; esac
		config --arg m "$m" --arg n "$nodes" '.linux.memoryPolicy = {mode: $m, nodes: $n}'
		oci run --bundle "$BUNDLE" "$ID"
		# set_mempolicy(2): MPOL_PREFERRED_MANY since Linux 5.15, MPOL_WEIGHTED_INTERLEAVE since 6.9.
		[ "$code" = 0 ] || case "$m" in
		MPOL_PREFERRED_MANY | MPOL_WEIGHTED_INTERLEAVE) has "$err" "invalid argument" ;;
		*) case "$err" in *"function not implemented"*) skip "host: no NUMA policies" ;; *) fail "$m: $err" ;; esac ;;
		esac
		tested=$((tested + 1))
	done
	[ "$tested" -ge 5 ]
}

@test "what features says works: security modules" {
	root_needed
	bundle
	script 'cat /proc/self/attr/current 2>/dev/null || true'
	! is_rt || feature '.linux.apparmor.enabled and .linux.selinux.enabled and .linux.intelRdt.enabled and .linux.intelRdt.schemata and .linux.intelRdt.monitoring'
	# The labels themselves: apparmor.bats, selinux.bats.
	if [ -e /sys/fs/selinux/enforce ]; then
		config '.process.selinuxLabel = "system_u:system_r:unconfined_t:s0"'
	elif [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ]; then
		config '.process.apparmorProfile = "unconfined"'
	fi
	ok run --bundle "$BUNDLE" "$ID"
}
