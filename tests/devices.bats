#!/usr/bin/env bats
# linux.devices and the device cgroup: config-linux.md#devices, #device-whitelist.
load lib

@test "the default devices" {
	sh_run 'for d in null zero full random urandom tty; do stat -c "%n %F %t:%T %a" /dev/$d; done'
	is "$out" "/dev/null character special file 1:3 666
/dev/zero character special file 1:5 666
/dev/full character special file 1:7 666
/dev/random character special file 1:8 666
/dev/urandom character special file 1:9 666
/dev/tty character special file 5:0 666"
}

@test "the default links" {
	sh_run 'for l in fd stdin stdout stderr ptmx core; do echo "$l $(readlink /dev/$l)"; done'
	is "$(grep -v core <<<"$out")" "fd /proc/self/fd
stdin /proc/self/fd/0
stdout /proc/self/fd/1
stderr /proc/self/fd/2
ptmx pts/ptmx"
}

@test "the default devices under umask 077" {
	umask 077
	sh_run 'stat -c %a /dev/null /dev/tty'
	is "$out" $'666\n666'
}

@test "a listed device is made with its mode and owner" {
	config '.linux.devices = [{path: "/dev/deep/dir/thing", type: "c", major: 1, minor: 5, fileMode: 416, uid: 3, gid: 4}]'
	sh_run 'stat -c "%F %t:%T %a %u:%g" /dev/deep/dir/thing; stat -c %a /dev/deep'
	is "$(head -n 1 <<<"$out")" "character special file 1:5 640 3:4"
}

@test "a fifo and a block device" {
	config '.linux.devices = [{path: "/dev/pipe", type: "p", fileMode: 384}, {path: "/dev/blk", type: "b", major: 7, minor: 200}]'
	sh_run 'stat -c "%F" /dev/pipe /dev/blk'
	is "$out" $'fifo\nblock special file'
}

@test "a listed device replaces a default one" {
	config '.linux.devices = [{path: "/dev/full", type: "c", major: 1, minor: 7, fileMode: 420, uid: 9, gid: 9}]'
	sh_run 'stat -c "%a %u:%g" /dev/full'
	is "$out" "644 9:9"
}

# probe opens /home/dev, which is the unassigned device c 1:99, and tells
# whether the device cgroup let it through: ENXIO if so, EPERM if not.
probe() {
	[ -e "$BUNDLE/rootfs/home/dev" ] || mknod "$BUNDLE/rootfs/home/dev" c 1 99
	sh_run 'for m in "<" ">>"; do (eval ": $m/home/dev") 2>&1; done | sed "s/.*address.*/open/; s/.*permitted.*/denied/"; true'
	out=$(echo $out)
}

@test "by default everything else is denied" {
	# hardening S22: the nodes come with the image.
	i=0
	for m in "c 1 1" "c 1 2" "c 1 99" "c 10 229" "c 10 232" "c 4 64" "b 7 0" "b 254 0" "b 8 0" "c 202 0"; do
		mknod "$BUNDLE/rootfs/home/d$((i += 1))" $m
	done
	sh_run 'for f in /home/d*; do (: <$f) 2>&1; done; true'
	is "$(grep -c "not permitted" <<<"$out")" "$i"
}

@test "a device made inside is denied too" {
	# hardening S22
	config '.process.capabilities.bounding += ["CAP_MKNOD", "CAP_SYS_ADMIN"] |
		.process.capabilities |= (.effective = .bounding | .permitted = .bounding)'
	sh_run 'mknod /tmp/d c 1 99 2>&1 && (: </tmp/d) 2>&1; true'
	has "$out" "not permitted"
}

@test "the default devices can be opened" {
	sh_run 'echo x >/dev/null; head -c 4 /dev/zero | wc -c; head -c 4 /dev/urandom | wc -c; echo x 2>&1 >/dev/full | grep -c "No space"'
	is "$out" $'4\n4\n1'
}

@test "rules allow by type, number and access" {
	config '.linux.resources.devices += [{allow: true, type: "c", major: 1, minor: 99, access: "r"}]'
	probe
	is "$out" "open denied"
	config '.linux.resources.devices[-1].access = "w"'
	probe
	is "$out" "denied open"
	config '.linux.resources.devices[-1].access = "rw"'
	probe
	is "$out" "open open"
	config '.linux.resources.devices[-1].type = "b"'
	probe
	is "$out" "denied denied"
}

@test "rules apply in order: the last match wins" {
	config '.linux.resources.devices += [{allow: true, type: "c", major: 1, minor: 99, access: "rwm"},
		{allow: false, type: "c", major: 1, minor: 99, access: "rwm"}]'
	probe
	is "$out" "denied denied"
	config '.linux.resources.devices |= [.[0], .[2], .[1]]'
	probe
	is "$out" "open open"
}

@test "a rule may leave out the minor number, or everything" {
	config '.linux.resources.devices += [{allow: true, type: "c", major: 1, access: "r"}]'
	probe
	is "$out" "open denied"
	config '.linux.resources.devices[-1] = {allow: true, access: "rwm"}'
	probe
	is "$out" "open open"
}

@test "the device list on v1 is the exact set" {
	cg_is_v1 devices || skip "host: no v1 device controller"
	running
	list=$(cat "$(cg_dir devices)/devices.list")
	lacks "$list" "a *:* rwm"
	has "$list" "c 1:3 rwm"
	has "$list" "c 136:* rwm"
	lacks "$list" "b "$'[0-9]'
}

@test "a device of an unknown type" {
	config '.linux.devices = [{path: "/dev/x", type: "z", major: 1, minor: 1}]'
	refused create --bundle "$BUNDLE" "$ID"
	is "$(status_of)" absent
}

# bad_rule JQ: a device rule that create refuses.
bad_rule() {
	config ".linux.resources.devices = [$1]"
	refused create --bundle "$BUNDLE" "$ID"
	has "$err" device
	is "$(status_of)" absent
}

@test "a rule of an unknown type, or without access" {
	bad_rule '{allow: true, type: "z", access: "rwm"}'
	bad_rule '{allow: true, type: "c"}'
}

@test "a rule of an unknown access" {
	peer_defect "runc passes unknown letters on or over"
	bad_rule '{allow: true, type: "c", access: "rwxm"}'
	bad_rule '{allow: true, type: "c", access: "?"}'
}

@test "devices on a /dev that is the image's own" {
	config 'del(.mounts[] | select(.destination | startswith("/dev")))'
	sh_run 'stat -c "%F %t:%T" /dev/null; echo x >/dev/null'
	is "$out" "character special file 1:3"
}

@test "a /dev bound from the host is not changed" {
	# runc's needsSetupDev: a bind mount on /dev is taken as it is.
	mkdir "$T/dev"
	mknod -m 600 "$T/dev/null" c 1 3
	mknod -m 600 "$T/dev/zero" c 1 5
	before=$(cd "$T/dev" && stat -c '%n %a %u %i %Y' . *)
	config --arg s "$T/dev" 'del(.mounts[] | select(.destination | startswith("/dev/"))) |
		.mounts |= map(if .destination == "/dev" then {destination: "/dev", type: "bind", source: $s, options: ["rbind"]} else . end)'
	sh_run true
	is "$(cd "$T/dev" && stat -c '%n %a %u %i %Y' . *)" "$before"
}

@test "netDevices moves an interface into the container" {
	newer_than_runc_1_1 netDevices
	need ip
	dev="rtb$$"
	ip link add "$dev" type dummy 2>/dev/null || skip "host: no dummy interfaces"
	config --arg d "$dev" '.linux.netDevices = {($d): {name: "inner0"}}'
	script 'ip -o link show inner0'
	oci run --bundle "$BUNDLE" "$ID"
	ip link del "$dev" 2>/dev/null || true
	is "$code" 0
	has "$out" inner0
}
