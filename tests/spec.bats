#!/usr/bin/env bats
# spec: a template configuration.
load lib

prepare() { :; }

@test "spec writes a config.json that is a valid runtime-spec document" {
	ok spec
	jq -e '.ociVersion and .process.args == ["sh"] and .root.path == "rootfs" and .hostname' config.json
	is "$out$err" ""
}

@test "spec --bundle" {
	mkdir "$T/b"
	ok spec --bundle "$T/b"
	[ -s "$T/b/config.json" ]
	[ ! -e config.json ]
	mkdir "$T/c"
	ok spec -b "$T/c"
	[ -s "$T/c/config.json" ]
}

@test "spec does not overwrite" {
	echo mine >config.json
	refused spec
	has "$err" "File config.json exists. Remove it first"
	is "$(cat config.json)" mine
}

@test "spec into a directory that does not exist" {
	refused spec --bundle "$T/nosuch"
	has "$err" "no such file or directory"
}

@test "spec has runc's defaults" {
	ok spec
	is "$(jq -r '[.linux.namespaces[].type] - ["cgroup"] | sort | join(" ")' config.json)" "ipc mount network pid uts"
	is "$(jq -r '[.mounts[].destination] | join(" ")' config.json)" "/proc /dev /dev/pts /dev/shm /dev/mqueue /sys /sys/fs/cgroup"
	is "$(jq -c '.linux.resources.devices' config.json)" '[{"allow":false,"access":"rwm"}]'
	is "$(jq -r '.process.capabilities.bounding | join(" ")' config.json)" "CAP_AUDIT_WRITE CAP_KILL CAP_NET_BIND_SERVICE"
	is "$(jq -c '[.process.terminal, .process.noNewPrivileges, .root.readonly, .process.cwd]' config.json)" '[true,true,true,"/"]'
	is "$(jq -c '.process.rlimits' config.json)" '[{"type":"RLIMIT_NOFILE","hard":1024,"soft":1024}]'
	jq -e '.linux.maskedPaths | index("/proc/kcore")' config.json
	jq -e '.linux.readonlyPaths | index("/proc/sys")' config.json
}

@test "spec gives nothing inheritable or ambient" {
	# CVE-2022-29162
	ok spec
	is "$(jq -c '.process.capabilities.inheritable // []' config.json)" "[]"
	newer_than_runc_1_1 "no ambient capabilities in spec"
	is "$(jq -c '.process.capabilities.ambient // []' config.json)" "[]"
}

@test "spec is indented with tabs" {
	ok spec
	is "$(sed -n 2p config.json | head -c 1)" $'\t'
}

@test "spec --rootless" {
	ok spec --rootless
	is "$(jq -c '.linux.uidMappings[0]' config.json)" "{\"containerID\":0,\"hostID\":$(id -u),\"size\":1}"
	jq -e '[.linux.namespaces[].type] | index("user")' config.json
	is "$(jq -c '[.linux.namespaces[].type] | index("network")' config.json)" null
	is "$(jq -c '.linux.resources // {}' config.json)" "{}"
}

@test "the template runs" {
	root_needed
	bundle
	rm "$BUNDLE/config.json"
	ok spec --bundle "$BUNDLE"
	config --arg cg "$(cg_name)" '.process.terminal = false | .process.args = ["echo", "ran"] | .linux.cgroupsPath = $cg'
	ok run --bundle "$BUNDLE" "$ID"
	is "$out" ran
}

@test "the config file's mode follows the umask" {
	umask 077
	ok spec
	is "$(stat -c %a config.json)" 600
}
