#!/usr/bin/env bats
# mounts add, mounts remove: crun's (crun.1), since its 1.22.
load lib

prepare() {
	root_needed
	bundle
	"$RUNTIME" mounts --help >/dev/null 2>&1 || skip "host: $NAME has no mounts command"
	mkdir -p "$T/data/sub"
	echo one >"$T/data/file"
}

# mounts JQ writes a list of mounts to $T/m.json; $t is the test's directory.
mounts() { jq -n --arg t "$T" "$1" >"$T/m.json"; }

bind() { mounts '[{destination: "'"${1:-/mnt}"'", type: "bind", source: "\($t)/data", options: ["rbind"'"${2:+,$2}"']}]'; }

add() { ok mounts add "$ID" "$T/m.json"; }

# inside SCRIPT is run by the container itself, over a fifo: it needs no exec.
inside() {
	local n=$((ASKED += 1))
	printf '%s\n' "$1" >"$BUNDLE/rootfs/tmp/ask.$n.new"
	mv "$BUNDLE/rootfs/tmp/ask.$n.new" "$BUNDLE/rootfs/tmp/ask.$n"
	eventually 10 test -e "$BUNDLE/rootfs/tmp/done.$n"
	out=$(<"$BUNDLE/rootfs/tmp/answer.$n")
}

# serving runs a container that answers inside.
serving() {
	ASKED=0
	script 'n=1; while :; do
		if [ -e /tmp/ask.$n ]; then sh /tmp/ask.$n >/tmp/answer.$n 2>&1; : >/tmp/done.$n; n=$((n + 1)); else sleep 0.02; fi
	done'
	ok run --detach --bundle "$BUNDLE" "$ID"
}

table() { inside "awk '\$5 == \"$1\" {print \$6}' /proc/self/mountinfo"; }

@test "a bind mount comes and goes" {
	serving
	bind
	add
	inside 'cat /mnt/file; echo two >/mnt/new'
	is "$out" one
	is "$(cat "$T/data/new")" two
	ok mounts remove "$ID" "$T/m.json"
	inside 'ls /mnt | wc -l'
	is "$out" 0
	[ -e "$T/data/file" ]
}

@test "a bind mount in a created container, before it starts" {
	script 'cp /mnt/file /tmp/got'
	created
	bind
	add
	ok start "$ID"
	eventually 10 status_is stopped
	is "$(cat "$BUNDLE/rootfs/tmp/got")" one
	lacks "$(awk '{print $5}' /proc/self/mountinfo)" "$BUNDLE/rootfs"
}

@test "a file on a file that is missing, below a directory that is missing" {
	serving
	mounts '[{destination: "/new/dir/file", source: "\($t)/data/file", options: ["bind"]}]'
	add
	inside 'cat /new/dir/file'
	is "$out" one
}

@test "options: ro and rro, nosuid, nodev, noexec, noatime" {
	peer_defect "sets no flags on a bind mount: mount_setattr fails with EINVAL"
	serving
	mount -t tmpfs none "$T/data/sub"
	mounts '[{destination: "/ro", source: "\($t)/data", options: ["rbind", "ro", "nosuid", "nodev", "noexec", "noatime"]},
		{destination: "/rro", source: "\($t)/data", options: ["rbind", "rro"]}]'
	add
	umount "$T/data/sub"
	table /ro
	is "$out" ro,nosuid,nodev,noexec,noatime
	table /rro/sub
	matches "$out" '^ro,'
	inside 'for d in /ro /ro/sub /rro /rro/sub; do (: >$d/x) 2>/dev/null && echo $d; done'
	is "$out" /ro/sub
}

@test "bind brings no submount, rbind does" {
	serving
	mount -t tmpfs none "$T/data/sub"
	echo deep >"$T/data/sub/file"
	mounts '[{destination: "/one", source: "\($t)/data", options: ["bind"]}, {destination: "/all", source: "\($t)/data", options: ["rbind"]}]'
	add
	inside 'ls /one/sub; cat /all/sub/file'
	is "$out" deep
	umount "$T/data/sub"
	inside 'cat /all/sub/file'
	is "$out" deep
}

@test "nothing of it is seen on the host" {
	serving
	before=$(sort /proc/self/mountinfo)
	mounts '[{destination: "/a", source: "\($t)/data", options: ["rbind", "rshared"]}, {destination: "/b", source: "\($t)/data", options: ["bind"]}]'
	add
	inside 'mkdir -p /a/sub && mount -t tmpfs none /a/sub; mount -t tmpfs none /b/sub; grep -c "/[ab]" /proc/self/mountinfo'
	is "$(sort /proc/self/mountinfo)" "$before"
}

@test "new file systems: tmpfs, proc, mqueue, sysfs" {
	peer_defect "passes no options on to the file system, and proc is the host's"
	serving
	mounts '[{destination: "/t", type: "tmpfs", source: "mine", options: ["size=64k", "mode=711", "nosuid"]}, {destination: "/p", type: "proc", source: "proc"},
		{destination: "/q", type: "mqueue", source: "q"}, {destination: "/s", type: "sysfs", source: "sysfs", options: ["ro"]}]'
	add
	inside 'stat -c %a /t; cat /p/1/comm; ls /p | grep -c "^[0-9]*$"; ls /s/class/net; awk "\$5 == \"/t\" {print \$(NF-1), \$NF}" /proc/self/mountinfo'
	is "$(sed -n '1,2p;4p' <<<"$out")" $'711\nsh\nlo'
	[ "$(sed -n 3p <<<"$out")" -lt 20 ]
	has "$out" "mine rw,size=64k"
}

@test "if one fails, none stays" {
	peer_defect "keeps those before, and names none in the error"
	serving
	mounts '[{destination: "/a", source: "\($t)/data", options: ["bind"]}, {destination: "/b", type: "tmpfs"}, {destination: "/etc/passwd/c", source: "\($t)/data", options: ["bind"]}]'
	refused mounts add "$ID" "$T/m.json"
	has "$err" "/etc/passwd/c"
	has "$err" "not a directory"
	inside 'grep -c " /[ab] " /proc/self/mountinfo'
	is "$out" 0
}

@test "a directory cannot be mounted on a file, nor a file on a directory" {
	serving
	bind /etc/passwd
	refused mounts add "$ID" "$T/m.json"
	has "$err" /etc/passwd
	mounts '[{destination: "/tmp", source: "\($t)/data/file", options: ["bind"]}]'
	refused mounts add "$ID" "$T/m.json"
}

@test "links of the container lead nowhere else" {
	mkdir "$T/canary"
	serving
	inside "ln -s $T/canary /out; ln -s /tmp/in /in; mkdir /tmp/in; ln -s /proc/1/root/tmp /magic; ln -s ../../../../../../..$T/canary /dots; ln -s /proc/self/fd /fds"
	bind /in
	add
	inside 'cat /tmp/in/file'
	is "$out" one
	for d in /out/x /out /dots/y /fds/3; do
		bind "$d"
		oci mounts add "$ID" "$T/m.json"
	done
	is "$(ls "$T/canary")" ""
	lacks "$(cat /proc/self/mountinfo)" "$T/canary"
	if is_rt; then
		bind /magic/z
		refused mounts add "$ID" "$T/m.json"
	fi
}

@test "a container that swaps a directory for a link gains nothing" {
	mkdir -p "$T/canary"
	echo untouched >"$T/canary/file"
	serving
	inside "mkdir -p /race/d; (while :; do mv /race/d /race/e; ln -s $T/canary /race/d; rm /race/d; mv /race/e /race/d; done) >/dev/null 2>&1 &"
	bind /race/d/x
	for _ in {1..30}; do
		oci mounts add "$ID" "$T/m.json"
		oci mounts remove "$ID" "$T/m.json"
	done
	is "$(ls "$T/canary")" file
	lacks "$(cat /proc/self/mountinfo)" "$T/canary"
}

@test "remove: no mount point, a link to one, a missing one" {
	peer_defect "follows a link to a mount point"
	serving
	inside 'ln -s /dev/shm /link; mkdir /plain'
	for d in /plain /link /missing /etc/passwd /; do
		bind "$d"
		refused mounts remove "$ID" "$T/m.json"
	done
	inside 'grep -c " /dev/shm " /proc/self/mountinfo'
	is "$out" 1
}

@test "remove takes one mount of two at the same place, and one in use" {
	serving
	bind
	add
	mounts '[{destination: "/mnt", type: "tmpfs"}]'
	add
	inside 'cd /mnt && echo top >/mnt/x; sleep 1000 >/dev/null 2>&1 &'
	ok mounts remove "$ID" "$T/m.json"
	inside 'cat /mnt/file'
	is "$out" one
}

@test "a paused container" {
	"$RUNTIME" pause --help >/dev/null 2>&1 || skip "host: $NAME has no pause command"
	serving
	ok pause "$ID"
	bind
	add
	ok resume "$ID"
	inside 'cat /mnt/file'
	is "$out" one
}

# userns gives the container a user namespace.
userns() {
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

@test "a user namespace: bind mounts with ids of the host, and mapped" {
	userns
	serving
	chmod 0755 "$T/data"
	mkdir -m 700 "$T/closed"
	mkdir -m 755 "$T/closed/in"
	mounts '[{destination: "/plain", source: "\($t)/data", options: ["bind"]}, {destination: "/mapped", source: "\($t)/data", options: ["bind", "idmap"]},
		{destination: "/own", source: "\($t)/data", options: ["bind"], uidMappings: [{containerID: 0, hostID: 100007, size: 1}], gidMappings: [{containerID: 0, hostID: 200008, size: 1}]},
		{destination: "/closed", source: "\($t)/closed/in", options: ["bind"]}]'
	oci mounts add "$ID" "$T/m.json"
	if [ "$code" != 0 ] && [[ $err == *"map ids"*"invalid argument"* ]]; then skip "host: no id-mapped mounts of this file system"; fi
	is "$code:$err" 0:
	inside 'stat -c %u:%g /plain/file /mapped/file /own/file; ls -d /closed; : >/mapped/made'
	is "$out" $'65534:65534\n0:0\n7:8\n/closed'
	is "$(stat -c %u:%g "$T/data/made")" 0:0
	ok mounts remove "$ID" "$T/m.json"
}

@test "a user namespace: a tmpfs belongs to the container's root" {
	peer_defect "the host's root owns it"
	userns
	serving
	mounts '[{destination: "/t", type: "tmpfs"}, {destination: "/p", type: "proc"}]'
	add
	inside 'stat -c %u /t; cat /p/1/comm'
	is "$out" $'0\nsh'
	ok mounts remove "$ID" "$T/m.json"
}

@test "what is refused, and where nothing is done" {
	serving
	echo '{"destination": "/mnt"}' >"$T/m.json"
	refused mounts add "$ID" "$T/m.json"
	echo 'null' >"$T/m.json"
	refused mounts add "$ID" "$T/m.json"
	refused mounts add "$ID" "$T/missing.json"
	bind
	refused mounts add nobody "$T/m.json"
	refused mounts bogus "$ID" "$T/m.json"
	refused mounts add "$ID"
	only_rt "a check of each mount"
	for m in '{destination: "/", type: "tmpfs"}' '{destination: "/x", options: ["bind"]}' '{destination: "", type: "tmpfs"}' \
		'{destination: "/x", type: "cgroup2"}' '{destination: "/mnt", options: ["remount", "ro"]}' '{destination: "/x", type: "nosuchfs"}' \
		'{destination: "/x", source: "/nonexistent", options: ["bind"]}' '{destination: "/x", type: "tmpfs", options: ["tmpcopyup"]}'; do
		mounts "[$m]"
		refused mounts add "$ID" "$T/m.json"
	done
	echo '[]' >"$T/m.json"
	add
}

@test "a stopped container, and one without mounts of its own" {
	running
	ok kill "$ID" KILL
	eventually 10 status_is stopped
	bind
	refused mounts add "$ID" "$T/m.json"
	refused mounts remove "$ID" "$T/m.json"
	second
	config '.mounts = [] | .linux.maskedPaths = [] | .linux.readonlyPaths = [] | .linux.namespaces |= map(select(.type != "mount"))'
	sleeper
	ok run --detach --bundle "$BUNDLE" "$ID"
	refused mounts add "$ID" "$T/m.json"
	is "$(grep -c "$T/data" /proc/self/mountinfo)" 0
}
