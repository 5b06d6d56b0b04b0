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
