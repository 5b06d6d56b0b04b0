#!/usr/bin/env bats
# User namespaces: runtime-spec config-linux.md#user-namespace-mappings.
load lib

prepare() {
	root_needed
	bundle
	unshare -U true 2>/dev/null || skip "host: no user namespaces"
	config '.linux.namespaces += [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] |
		.linux.gidMappings = [{containerID: 0, hostID: 200000, size: 65536}]'
	chown -R 100000:200000 "$BUNDLE/rootfs" --no-dereference
	chmod 0711 "$T" "$BUNDLE"
	chmod 0755 "$BUNDLE/rootfs"
	dir=$(dirname "$T")
	chmod 0711 "$dir" "$(dirname "$dir")"
}

@test "ids are mapped" {
	sh_run 'id -u; id -g; cat /proc/self/uid_map /proc/self/gid_map'
	is "$(awk '{print $1, $2, $3}' <<<"$out" | tr '\n' ' ' | sed 's/  */ /g')" "0 0 0 100000 65536 0 200000 65536 "
}

@test "the process has the mapped ids on the host" {
	config '.process.user = {uid: 5, gid: 7}'
	sleeper
	created
	ok start "$ID"
	pid=$(pid_of)
	eventually 5 grep -q '^Uid:.100005' "/proc/$pid/status"
	is "$(awk '/^Gid:/{print $2}' "/proc/$pid/status")" 200007
}

@test "limits above the caller's hard ones, of init and of exec" {
	need prlimit
	[ $((0x$(awk '/^CapEff/ { print $2 }' /proc/self/status) >> 24 & 1)) = 1 ] || skip "host: no CAP_SYS_RESOURCE"
	prlimit --pid $BASHPID --nofile=5000:6000 --nproc=7000:8000
	config '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 6500, hard: 7000}, {type: "RLIMIT_NPROC", soft: 8500, hard: 9000}]'
	running
	for p in /proc/1/limits /proc/self/limits; do
		ok exec "$ID" awk '/Max processes|Max open files/ { print $(NF-2), $(NF-1) }' $p
		is "$out" $'8500 9000\n6500 7000'
	done
}

@test "several mappings" {
	config '.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 10}, {containerID: 10, hostID: 150000, size: 5},
		{containerID: 1000, hostID: 160000, size: 1}]'
	config '.process.user = {uid: 1000, gid: 0}'
	sh_run 'id -u; wc -l </proc/self/uid_map'
	is "$out" $'1000\n3'
}

@test "files made inside belong to the mapped ids" {
	sh_run 'touch /tmp/mine'
	is "$(stat -c %u:%g "$BUNDLE/rootfs/tmp/mine")" 100000:200000
}

@test "full capabilities inside are nothing outside" {
	config '.process.capabilities = ([ "CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE", "CAP_CHOWN", "CAP_MKNOD" ] as $c |
		{bounding: $c, effective: $c, permitted: $c})'
	sh_run 'mount -t tmpfs none /mnt && echo mounted; echo x >/proc/sys/kernel/core_pattern; mknod /tmp/d b 8 0; true'
	has "$out" mounted
	[ ! -e "$BUNDLE/rootfs/tmp/d" ]
}

@test "devices are usable" {
	sh_run 'for d in null zero full random urandom tty; do [ -c /dev/$d ] || echo no $d; done; echo x >/dev/null && head -c 3 /dev/zero | wc -c'
	is "$out" 3
}

@test "sysfs, mqueue, devpts and proc can be mounted" {
	sh_run 'for m in /proc /sys /dev/pts /dev/mqueue /dev/shm; do grep -q " $m " /proc/self/mountinfo || echo no $m; done'
	is "$out" ""
}

@test "setgroups and additional groups work" {
	config '.process.user.additionalGids = [11, 12]'
	sh_run 'id -G'
	is "$(tr ' ' '\n' <<<"$out" | sort -n | tr '\n' ' ')" "0 11 12 "
}

@test "the namespace owns the other namespaces" {
	config '.process.capabilities = (["CAP_NET_ADMIN", "CAP_SYS_ADMIN"] as $c | {bounding: $c, effective: $c, permitted: $c})'
	sh_run 'ip link set lo mtu 1300 && ip link show lo; hostname other && hostname'
	has "$out" "mtu 1300"
	has "$out" other
}

@test "a device or a masked path of the host stays unreachable" {
	config '.linux.maskedPaths += ["/proc/version"] | .linux.readonlyPaths += ["/proc/uptime"]'
	sh_run 'cat /proc/version; umount /proc/version 2>/dev/null && cat /proc/version; true'
	is "$out" ""
}

@test "joining a user namespace by path" {
	running
	first=$(pid_of)
	second
	config --arg u "/proc/$first/ns/user" --arg n "/proc/$first/ns/net" \
		'del(.linux.uidMappings, .linux.gidMappings) | .linux.namespaces |= map(
			if .type == "network" then .path = $n else . end) + [{type: "user", path: $u}]'
	chown -R --no-dereference 100000:200000 "$BUNDLE/rootfs"
	newer_than_runc_1_1 "joining a user namespace without mappings"
	sh_run 'readlink /proc/self/ns/user; id -u'
	is "$out" "$(readlink "/proc/$first/ns/user")"$'\n0'
}

@test "mappings without a user namespace map nothing" {
	config '.linux.namespaces |= map(select(.type != "user"))'
	script 'cat /proc/self/uid_map'
	oci run --bundle "$BUNDLE" "$ID"
	[ "$code" = 1 ] || is "$(awk '{print $1, $2}' <<<"$out")" "$(awk '{print $1, $2}' /proc/self/uid_map)"
}

@test "a user namespace without mappings" {
	config 'del(.linux.uidMappings, .linux.gidMappings)'
	refused create --bundle "$BUNDLE" "$ID"
	is "$(status_of)" absent
}

@test "overlapping, empty and impossible mappings" {
	# hardening I07
	for m in '[{containerID: 0, hostID: 1, size: 10}, {containerID: 5, hostID: 100, size: 10}]' \
		'[{containerID: 0, hostID: 1, size: 0}]' '[{containerID: 0, hostID: 4294967295, size: 5}]' \
		'[{containerID: -1, hostID: 1, size: 5}]' '[{containerID: 0, hostID: 1, size: 4294967296}]' \
		'[range(341) | {containerID: (. * 2), hostID: (1000 + . * 2), size: 1}]'; do
		config ".linux.uidMappings = $m"
		refused create --bundle "$BUNDLE" "$ID"
		is "$(status_of)" absent
	done
}

@test "340 mappings" {
	config '.linux.uidMappings = [range(340) | {containerID: ., hostID: (5000 + .), size: 1}]'
	sh_run 'wc -l </proc/self/uid_map'
	is "$out" 340
}

@test "process.user that is not mapped" {
	config '.process.user = {uid: 70000, gid: 0}'
	refused create --bundle "$BUNDLE" "$ID"
	is "$(status_of)" absent
}

@test "a rootfs the mapped root cannot reach" {
	chmod 0700 "$BUNDLE"
	script true
	oci run --bundle "$BUNDLE" "$ID"
	[ "$code" = 0 ] || [ "$code" = 1 ]
	is "$(status_of)" absent
}

@test "a bind mount of a directory only root can enter" {
	mkdir -p "$T/secret/data"
	echo inner >"$T/secret/data/file"
	chmod 0755 "$T/secret/data"
	chmod 0700 "$T/secret"
	mount_add /mnt bind "$T/secret/data" rbind
	newer_than_runc_1_1 "bind sources opened by the runtime" # runc opens them since 1.2
	sh_run 'cat /mnt/file'
	is "$out" inner
}

@test "an id-mapped mount" {
	newer_than_runc_1_1 "id-mapped mounts"
	mkdir "$T/data"
	: >"$T/data/file"
	chown 5:6 "$T/data/file"
	mount_add /mnt bind "$T/data" bind
	config '.mounts[-1] += {uidMappings: [{containerID: 0, hostID: 100000, size: 65536}],
		gidMappings: [{containerID: 0, hostID: 200000, size: 65536}]}'
	sh_run 'stat -c %u:%g /mnt/file; touch /mnt/new'
	is "$out" 5:6
	is "$(stat -c %u:%g "$T/data/new")" 0:0
}

@test "delete --force of a container with a user namespace" {
	running
	ok delete --force "$ID"
	is "$(status_of)" absent
}

@test "a source inside the rootfs can be an id-mapped mount" {
	newer_than_runc_1_1 "id-mapped mounts"
	mkdir "$T/data"
	touch "$T/data/file"
	chown 100001:200001 "$T/data/file"
	mount_add /mnt bind "$T/data" bind
	mount_add /again bind "$BUNDLE/rootfs/mnt" bind
	config '.mounts[-1] += {uidMappings: [{containerID: 100000, hostID: 100010, size: 10}],
		gidMappings: [{containerID: 200000, hostID: 200010, size: 10}]}'
	script 'stat -c %u:%g /mnt/file /again/file'
	oci run --bundle "$BUNDLE" "$ID"
	case "$err" in *"invalid argument"*) skip "host: no id-mapped mounts of this file system" ;; esac
	is "$out" $'1:1\n11:11'
}

@test "a mount on a volume that the host shares does not reach the host" {
	mkdir "$T/shared"
	mount -t tmpfs none "$T/shared"
	mount --make-shared "$T/shared"
	mkdir "$T/shared/sub"
	mount_add /mnt bind "$T/shared" rbind
	mount_add /mnt/sub tmpfs tmpfs
	created
	count=$(grep -c "$T/shared" /proc/self/mountinfo)
	ok delete --force "$ID"
	umount -R "$T/shared"
	is "$count" 1
}
