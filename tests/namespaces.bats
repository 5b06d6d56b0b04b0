#!/usr/bin/env bats
# linux.namespaces: runtime-spec config-linux.md#namespaces.
load lib

ns_of_self() { readlink "/proc/self/ns/$1"; }
ns_of() { readlink "/proc/$1/ns/$2"; }

@test "each listed namespace is new, each other is the runtime's" {
	running
	pid=$(pid_of)
	for n in pid net ipc uts mnt; do
		[ "$(ns_of "$pid" $n)" != "$(ns_of_self $n)" ] || fail "$n is not new"
	done
	for n in user cgroup; do is "$(ns_of "$pid" $n)" "$(ns_of_self $n)"; done
}

@test "one namespace at a time may be left out" {
	for type in network ipc uts pid; do
		config --arg t "$type" '.linux.namespaces = ([{type: "pid"}, {type: "network"}, {type: "ipc"}, {type: "uts"},
			{type: "mount"}, {type: "cgroup"}] | map(select(.type != $t)))'
		[ "$type" != uts ] || config 'del(.hostname)'
		[ "$type" != ipc ] || config 'del(.mounts[] | select(.type == "mqueue"))'
		[ "$type" != network ] || config '.mounts |= map(if .type == "sysfs" then .type = "none" | .source = "/sys" |
			.options = ["rbind", "ro"] else . end)'
		n=${type/network/net}
		sh_run "readlink /proc/self/ns/$n"
		is "$out" "$(ns_of_self "$n")"
	done
}

@test "a cgroup namespace" {
	config '.linux.namespaces += [{type: "cgroup"}]'
	sh_run 'readlink /proc/self/ns/cgroup; cat /proc/self/cgroup'
	[ "$(head -n 1 <<<"$out")" != "$(ns_of_self cgroup)" ]
	is "$(sed 1d <<<"$out" | cut -d: -f3 | sort -u)" /
}

@test "without a cgroup namespace the path is the host's" {
	sh_run 'cat /proc/self/cgroup'
	has "$out" ":$(cg_path)"
}

@test "a time namespace with offsets" {
	newer_than_runc_1_1 "time namespaces"
	[ -e /proc/self/ns/time ] || skip "host: no time namespaces"
	config '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {
		monotonic: {secs: 7200, nanosecs: 0}, boottime: {secs: 360000, nanosecs: 5}}'
	sh_run 'readlink /proc/self/ns/time; cat /proc/self/timens_offsets; cut -d. -f1 /proc/uptime'
	[ "$(sed -n 1p <<<"$out")" != "$(ns_of_self time)" ]
	matches "$(sed -n 2p <<<"$out")" '^monotonic +7200 +0$'
	matches "$(sed -n 3p <<<"$out")" '^boottime +360000 +5$'
	[ "$(sed -n 4p <<<"$out")" -ge 360000 ]
}

@test "joining namespaces by path" {
	running
	first=$(pid_of)
	second
	for type in network ipc uts; do
		config --arg t "$type" --arg p "/proc/$first/ns/${type/network/net}" \
			'.linux.namespaces |= map(if .type == $t then .path = $p else . end)'
	done
	config 'del(.hostname)'
	sh_run 'for n in net ipc uts; do readlink /proc/self/ns/$n; done; hostname'
	is "$out" "$(ns_of "$first" net)
$(ns_of "$first" ipc)
$(ns_of "$first" uts)
box"
}

@test "joining a pid namespace by path" {
	running
	first=$(pid_of)
	second
	config --arg p "/proc/$first/ns/pid" '.linux.namespaces |= map(if .type == "pid" then .path = $p else . end)'
	sh_run 'readlink /proc/self/ns/pid; echo $$; tr "\0" " " </proc/1/cmdline'
	is "$(sed -n 1p <<<"$out")" "$(ns_of "$first" pid)"
	[ "$(sed -n 2p <<<"$out")" != 1 ]
	has "$out" "trap"
	oci kill "$TAG-a" KILL
}

@test "joining a mount namespace by path" {
	running
	first=$(pid_of)
	second
	# The rootfs must be reachable there: nsenter's own way, by the first one's root.
	config --arg p "/proc/$first/ns/mnt" '.linux.namespaces |= map(if .type == "mount" then .path = $p else . end)'
	oci create --bundle "$BUNDLE" "$ID"
	# runc refuses or joins; it must never touch the host's mounts (leak check).
	[ "$code" = 0 ] || [ "$code" = 1 ]
}

@test "a network namespace pinned by a bind mount" {
	need ip
	unshare -n true || skip "host: no unshare"
	touch "$T/netns"
	unshare --net="$T/netns" true
	config --arg p "$T/netns" '.linux.namespaces |= map(if .type == "network" then .path = $p else . end)'
	sh_run 'readlink /proc/self/ns/net'
	inside=$out
	is "$inside" "$(nsenter --net="$T/netns" readlink /proc/self/ns/net)"
	umount "$T/netns"
}

@test "a path that is no namespace, missing, or of another kind" {
	: >"$T/file"
	for p in "$T/file" "$T/missing" "$T" /proc/self/ns/uts; do
		config --arg p "$p" '.linux.namespaces |= map(if .type == "network" then .path = $p else . end)'
		refused create --bundle "$BUNDLE" "$ID"
		is "$(status_of)" absent
	done
}

@test "a namespace twice" {
	config '.linux.namespaces += [{type: "uts"}]'
	refused create --bundle "$BUNDLE" "$ID"
	has "$err" uts
	is "$(status_of)" absent
}

@test "an unknown namespace" {
	config '.linux.namespaces += [{type: "dreams"}]'
	refused create --bundle "$BUNDLE" "$ID"
	has "$err" dreams
}

@test "hostname" {
	config '.hostname = "a-name.example"'
	sh_run hostname
	is "$out" a-name.example
	[ "$(hostname)" != a-name.example ]
}

@test "domainname" {
	newer_than_runc_1_1 domainname
	config '.domainname = "some.domain"'
	sh_run 'cat /proc/sys/kernel/domainname'
	is "$out" some.domain
}

@test "hostname without a uts namespace is refused" {
	config '.linux.namespaces |= map(select(.type != "uts"))'
	before=$(hostname)
	refused create --bundle "$BUNDLE" "$ID"
	matches "$err" '(uts|UTS)'
	is "$(hostname)" "$before"
}

@test "loopback is up in a new network namespace" {
	sh_run 'ip -o addr show lo'
	has "$out" 127.0.0.1
	has "$out" "inet 127.0.0.1/8"
}

@test "sysctls of the container's own namespaces" {
	config '.linux.sysctl = {"net.ipv4.ip_forward": "1", "kernel.msgmax": "9000", "net/ipv4/ip_default_ttl": "77"}'
	is_rt || config 'del(.linux.sysctl["net/ipv4/ip_default_ttl"])'
	sh_run 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax /proc/sys/net/ipv4/ip_default_ttl'
	is "$(head -n 2 <<<"$out")" $'1\n9000'
}

@test "sysctls that are the host's are refused" {
	# hardening S26: name, and the namespace it would need
	pattern=$(cat /proc/sys/kernel/core_pattern)
	for name in kernel.core_pattern kernel/core_pattern vm.swappiness fs.file-max kernel.hostname_ \
		net/../kernel/core_pattern ../kernel/core_pattern net.ipv4.conf.../../../kernel/core_pattern \
		user.max_user_namespaces kernel.domainname/x "" .; do
		config --arg n "$name" '.linux.sysctl = {($n): "x"}'
		refused create --bundle "$BUNDLE" "$ID"
		is "$(status_of)" absent
	done
	is "$(cat /proc/sys/kernel/core_pattern)" "$pattern"
}

@test "net sysctls with the host's network, ipc sysctls with the host's ipc" {
	ttl=$(cat /proc/sys/net/ipv4/ip_default_ttl)
	msg=$(cat /proc/sys/kernel/msgmax)
	config '.linux.sysctl = {"net.ipv4.ip_default_ttl": "42"} | .linux.namespaces |= map(select(.type != "network"))'
	refused create --bundle "$BUNDLE" "$ID"
	config '.linux.sysctl = {"kernel.msgmax": "4242"} | .linux.namespaces |= map(select(.type != "ipc"))'
	refused create --bundle "$BUNDLE" "$ID"
	is "$(cat /proc/sys/net/ipv4/ip_default_ttl)" "$ttl"
	is "$(cat /proc/sys/kernel/msgmax)" "$msg"
}

@test "a sysctl's value is written as it is, and an invalid one is an error" {
	config '.linux.sysctl = {"net.ipv4.ip_default_ttl": "no number"}'
	refused create --bundle "$BUNDLE" "$ID"
	has "$err" ip_default_ttl
	is "$(status_of)" absent
}

@test "mounts without a mount namespace are refused, not made on the host" {
	peer_defect "the container's mounts stay on the host"
	config '.linux.namespaces |= map(select(.type != "mount")) | del(.linux.maskedPaths, .linux.readonlyPaths)'
	refused create --bundle "$BUNDLE" "$ID"
	has "$err" "mounts: needs a mount namespace"
	! grep -q "$BUNDLE" /proc/self/mountinfo
}

@test "a container without a mount namespace and without mounts" {
	config '.linux.namespaces |= map(select(.type != "mount")) |
		del(.linux.maskedPaths, .linux.readonlyPaths, .mounts) | .root.readonly = false'
	sh_run 'ls /bin/busybox'
	is "$out" /bin/busybox
}
