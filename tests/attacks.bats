#!/usr/bin/env bats
# Hostile images: hardening part A. Each test has a canary, a directory of the
# host compared before and after.
load lib

prepare() {
	root_needed
	bundle
	H="$T/canary"
	mkdir -p "$H/sub"
	echo secret >"$H/x"
	echo inner >"$H/sub/y"
	chmod 0640 "$H/x"
	touch -d 2001-01-01 "$H/x" "$H/sub/y" "$H/sub" "$H"
	BEFORE=$(canary)
}

canary() {
	find "$H" -printf '%P %y %m %U %G %i %s %T@ %l\n' | sort
	find "$H" -type f -exec sha256sum {} + | sort
	cat /proc/sys/kernel/core_pattern
	grep -c . /proc/self/mountinfo
}

untouched() { is "$(canary)" "$BEFORE"; }

# life runs the bundle through its whole life, whatever comes of it.
life() {
	oci create --bundle "$BUNDLE" "$ID"
	[ "$code" != 0 ] || oci start "$ID"
	oci delete --force "$ID"
	is "$code" 0
	untouched
}

# redirect PATH [TARGET] makes PATH in the rootfs a link to the canary.
redirect() {
	rm -rf "${BUNDLE:?}/rootfs/$1"
	mkdir -p "$(dirname "$BUNDLE/rootfs/$1")"
	ln -s "${2:-$H}" "$BUNDLE/rootfs/$1"
}

no_dev_mount() { config 'del(.mounts[] | select(.destination | startswith("/dev")))'; }

@test "S02: a mount point that is a link to the host" {
	for d in proc sys tmp etc run mnt dev; do
		[ "$d" != dev ] || peer_defect "runc 1.1.5 makes the links of /dev in the host's directory"
		redirect "$d"
		mount_add "/$d/deep" tmpfs tmpfs
		life
		rm "$BUNDLE/rootfs/$d"
		mkdir "$BUNDLE/rootfs/$d"
	done
}

@test "S02: links with .. and of the last component" {
	up=$(printf '../%.0s' {1..30})
	for target in "$up$H" "/proc/self/root/$H" "/proc/1/root/$H" "../../$H/sub"; do
		redirect mnt "$target"
		config '.mounts |= map(select(.destination | startswith("/mnt") | not))'
		mount_add /mnt tmpfs tmpfs
		mount_add /mnt/new tmpfs tmpfs
		mount_add /mnt/file/ bind /etc/hostname bind
		life
	done
}

@test "S02: /dev of the image is a link to the host, no mount on it" {
	peer_defect "runc 1.1.5 makes links and ptmx in the host's directory"
	no_dev_mount
	redirect dev
	life
}

@test "S02: each of the runtime's own objects in /dev is a link to the host" {
	no_dev_mount
	for f in null zero full tty random urandom; do redirect "dev/$f" "$H/x"; done
	life
	for f in null zero full tty random urandom; do redirect "dev/$f" "$H/new-$f"; done
	life
	for f in fd stdin stdout stderr ptmx core pts shm console; do redirect "dev/$f" "$H/sub"; done
	life
}

@test "S02: cwd through a link to the host" {
	redirect work
	config '.process.cwd = "/work/new/dir"'
	life
	[ ! -e "$H/new" ]
}

@test "S02: a device's path through a link to the host" {
	redirect data
	config '.linux.devices = [{path: "/data/node", type: "c", major: 1, minor: 3, fileMode: 438, uid: 7, gid: 7},
		{path: "/data/x", type: "c", major: 1, minor: 3, fileMode: 438, uid: 7, gid: 7}]'
	life
}

@test "S02: tmpcopyup from a link to the host" {
	redirect var
	mount_add /var tmpfs tmpfs tmpcopyup
	script 'cat /var/x; find /var'
	oci run --bundle "$BUNDLE" "$ID"
	lacks "$out" secret
	untouched
}

@test "S02: masked and read-only paths that are links to the host" {
	redirect secret "$H/x"
	redirect secretdir
	config '.linux.maskedPaths += ["/secret", "/secretdir"] | .linux.readonlyPaths += ["/secret", "/secretdir"]'
	life
}

@test "S03: cwd of a descriptor of the runtime's" {
	# CVE-2024-21626
	script "pwd; ls; cat '../../../../../../..$H/x'"
	for n in $(seq 3 24); do
		config --arg c "/proc/self/fd/$n" '.process.cwd = $c'
		oci run --bundle "$BUNDLE" "$ID"
		lacks "$out" secret
		lacks "$out" "$T"
	done
}

@test "S03: cwd that is a link to a descriptor" {
	for n in $(seq 3 14); do
		redirect cwd "/proc/self/fd/$n"
		config '.process.cwd = "/cwd"'
		script "cat '../../../../../../..$H/x'"
		oci run --bundle "$BUNDLE" "$ID"
		lacks "$out" secret
	done
}

@test "S03: the command through a descriptor" {
	for n in $(seq 3 14); do
		config --arg c "/proc/self/fd/$n/bin/busybox" '.process.args = [$c, "cat", "/etc/hostname"]'
		oci run --bundle "$BUNDLE" "$ID"
		[ "$code" != 0 ]
		config --arg c "/proc/self/fd/$n/../../../../../../../bin/cat" --arg h "$H/x" '.process.args = [$c, $h]'
		oci run --bundle "$BUNDLE" "$ID"
		lacks "$out" secret
	done
}

@test "S03: no descriptor of the host is in the container at any time" {
	sleeper
	created
	pid=$(pid_of)
	ok start "$ID"
	eventually 5 grep -q "trap" "/proc/$pid/cmdline"
	is "$(ls "/proc/$pid/fd" | grep -vcE '^(0|1|2|10)$')" 0
}

# own_runtime makes the test use a copy of the runtime, which may be ruined.
own_runtime() {
	PRISTINE="$RUNTIME"
	mkdir "$T/own"
	cp "$RUNTIME" "$T/own/$NAME"
	RUNTIME="$T/own/$NAME"
	SUM=$(sha256sum <"$RUNTIME")
}

@test "S04: an entry point that is #!/proc/self/exe" {
	# CVE-2019-5736
	own_runtime
	printf '#!/proc/self/exe\n' >"$BUNDLE/rootfs/bin/evil"
	chmod 755 "$BUNDLE/rootfs/bin/evil"
	config '.process.args = ["/bin/evil"]'
	oci run --bundle "$BUNDLE" "$ID"
	config '.process.args = ["/proc/self/exe", "--version"]'
	oci run --bundle "$BUNDLE" "$ID"
	is "$(sha256sum <"$RUNTIME")" "$SUM"
}

@test "S04: the runtime's own binary is not what /proc/self/exe opens for writing" {
	# CVE-2019-5736: the entry point is the runtime itself, which waits on a
	# FIFO as its config; a neighbour keeps its /proc/PID/exe open, lets it end
	# and then writes through the descriptor it kept.
	own_runtime
	script 'mkdir -p /tmp/b; mkfifo /tmp/b/config.json; echo ready >/tmp/ready
		while :; do for p in /proc/[0-9]*; do
			[ $p != /proc/1 ] || continue
			t=$(readlink $p/exe) || continue
			case $t in */busybox) continue ;; esac
			exec 7<$p/exe && { kill -9 ${p#/proc/}; n=0; while [ $n -lt 40 ]; do n=$((n + 1))
				(printf pwned >/proc/self/fd/7) && { echo "$t" >/tmp/success; exit; }; usleep 5000; done; echo "$t" >>/tmp/tried; }
		done; done 2>/dev/null'
	ok run --detach --bundle "$BUNDLE" "$ID"
	attacker=$BUNDLE
	eventually 5 test -e "$BUNDLE/rootfs/tmp/ready"
	first=$(pid_of)
	second
	config --arg p "/proc/$first/ns/pid" '.linux.namespaces |= map(if .type == "pid" then .path = $p else . end) |
		.process.args = ["/proc/self/exe", "--root", "/tmp/r", "create", "--bundle", "/tmp/b", "x"]'
	mkdir "$BUNDLE/rootfs/tmp/b"
	mkfifo "$BUNDLE/rootfs/tmp/b/config.json"
	LIMIT=5
	for i in 1 2 3; do oci run --bundle "$BUNDLE" "$ID"; oci delete --force "$ID"; done
	is "$(sha256sum <"$RUNTIME")" "$SUM"
	[ ! -e "$attacker/rootfs/tmp/success" ] || fail "written to: $(cat "$attacker/rootfs/tmp/success")"
}

@test "S04: a neighbour in the pid namespace writes to the runtime's binary" {
	own_runtime
	config '(.process.capabilities.bounding + ["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE", "CAP_SYS_ADMIN"]) as $c |
		.process.capabilities = {bounding: $c, effective: $c, permitted: $c}'
	script 'echo ready >/tmp/ready; while :; do for p in /proc/[0-9]*; do case $p in /proc/1|/proc/$$) continue ;; esac
		t=$(readlink $p/exe) || continue; case $t in */busybox) continue ;; esac
		exec 7<$p/exe; n=0; while [ $n -lt 20 ]; do n=$((n + 1)); (printf pwned >$p/exe) 2>/dev/null && echo "$t" >>/tmp/success
			(printf pwned >/proc/self/fd/7) 2>/dev/null && echo "$t" >>/tmp/success; done; exec 7<&-; done; done 2>/dev/null'
	ok run --detach --bundle "$BUNDLE" "$ID"
	attacker=$BUNDLE
	eventually 5 test -e "$BUNDLE/rootfs/tmp/ready"
	first=$(pid_of)
	second
	config --arg p "/proc/$first/ns/pid" '.linux.namespaces |= map(if .type == "pid" then .path = $p else . end)'
	script true
	for i in $(seq 15); do ok run --bundle "$BUNDLE" "$ID"; done
	is "$(sha256sum <"$RUNTIME")" "$SUM"
	[ ! -e "$attacker/rootfs/tmp/success" ] || fail "written to: $(sort -u "$attacker/rootfs/tmp/success")"
}

@test "S04: no library or program of the image is used by the runtime" {
	# hardening S14: a missing newuidmap, sh or ld.so of the host is not looked for in the image.
	for f in newuidmap newgidmap mount umount ip iptables systemctl runc rt; do
		rm -f "$BUNDLE/rootfs/bin/$f"
		printf '#!/bin/sh\ntouch %s/new-%s /tmp/used-%s\n' "$H" "$f" "$f" >"$BUNDLE/rootfs/bin/$f"
		chmod 755 "$BUNDLE/rootfs/bin/$f"
	done
	mkdir -p "$BUNDLE/rootfs/lib64" "$BUNDLE/rootfs/lib/x86_64-linux-gnu"
	cp "$BUNDLE/rootfs/bin/mount" "$BUNDLE/rootfs/lib64/ld-linux-x86-64.so.2"
	script true
	oci run --bundle "$BUNDLE" "$ID"
	is "$code" 0
	is "$(ls "$BUNDLE/rootfs/tmp")" ""
	untouched
}

# false_proc SETUP: the runtime must not write a sysctl into a false /proc.
false_proc() {
	config '.linux.sysctl = {"net.ipv4.ip_default_ttl": "99"}'
	script true
	oci run --bundle "$BUNDLE" "$ID"
	untouched
	is "$(cat "$V/sys/net/ipv4/ip_default_ttl")" 11
	is "$(cat "$V/self/attr/exec")" none
}

fake_proc() {
	V="$T/fake"
	mkdir -p "$V/sys/net/ipv4" "$V/self/attr" "$V/self/fd" "$V/thread-self/attr"
	echo 11 >"$V/sys/net/ipv4/ip_default_ttl"
	echo none >"$V/self/attr/exec"
}

@test "S06: a bind mount on /proc" {
	# CVE-2019-16884, CVE-2019-19921, CVE-2025-52881
	fake_proc
	config --arg v "$V" '.mounts |= map(if .destination == "/proc" then {destination: "/proc", type: "bind", source: $v, options: ["bind"]} else . end)'
	false_proc
}

@test "S06: the image's /proc is a link, a file, or holds false files" {
	fake_proc
	rmdir "$BUNDLE/rootfs/proc"
	cp -r "$V" "$BUNDLE/rootfs/proc2"
	ln -s proc2 "$BUNDLE/rootfs/proc"
	false_proc
	is "$(cat "$BUNDLE/rootfs/proc2/sys/net/ipv4/ip_default_ttl")" 11
	rm "$BUNDLE/rootfs/proc"
	echo file >"$BUNDLE/rootfs/proc"
	false_proc
}

@test "S06: a tmpfs on /proc, and none at all" {
	fake_proc
	config '.mounts |= map(if .destination == "/proc" then .type = "tmpfs" else . end)'
	false_proc
	config 'del(.mounts[] | select(.destination == "/proc"))'
	cp -r "$V/." "$BUNDLE/rootfs/proc/"
	false_proc
	peer_defect "runc 1.1.5 writes the sysctl into the image's directory"
	is "$(cat "$BUNDLE/rootfs/proc/sys/net/ipv4/ip_default_ttl")" 11
}

@test "S06: a mount over a part of /proc" {
	fake_proc
	mount_add /proc/self/attr bind "$V/self/attr" bind
	mount_add /proc/sys bind "$V/sys" bind
	false_proc
}

@test "S07: /dev/null of the image is another file: masks stay masks" {
	no_dev_mount
	echo 'visible through the mask' >"$BUNDLE/rootfs/home/visible"
	redirect dev/null /home/visible
	config '.linux.maskedPaths += ["/proc/version"]'
	script 'cat /proc/version; echo written >>/proc/version; true'
	oci run --bundle "$BUNDLE" "$ID"
	peer_defect "runc 1.1.5 binds the image's /dev/null over masked paths"
	lacks "$out" visible
	lacks "$out" Linux
	is "$(cat "$BUNDLE/rootfs/home/visible")" 'visible through the mask'
	untouched
}

@test "S07: odd masked and read-only paths" {
	for p in /proc/../etc / /proc/self/../../etc/passwd /nosuch/../etc; do
		config --arg p "$p" '.linux.maskedPaths = [$p] | .linux.readonlyPaths = [$p]'
		life
	done
}

@test "S08: /dev/console and /dev/pts of the image are links to the host" {
	payload_needed
	SOCK=$(mktemp -u /tmp/rt-bats-XXXXXX)
	no_dev_mount
	config '.process.terminal = true'
	script 'echo to-tty; echo more >/dev/console'
	for f in console ptmx pts; do
		for o in console ptmx pts; do rm -rf "$BUNDLE/rootfs/dev/$o"; done
		redirect "dev/$f" "$H/x"
		"$RT_BATS_DIR/bin/payload" console "$SOCK" >"$T/tty" 2>&1 </dev/null 3>&- 4>&- &
		BACKGROUND=$!
		eventually 5 test -S "$SOCK"
		LIMIT=10
		oci create --console-socket "$SOCK" --bundle "$BUNDLE" "$ID"
		[ "$code" != 0 ] || oci start "$ID"
		oci delete --force "$ID"
		kill "$BACKGROUND" 2>/dev/null || true
		rm -f "$SOCK"
		untouched
	done
}

@test "S11: standard output is not diverted by the image's /dev/null" {
	# CVE-2026-88265
	no_dev_mount
	echo marker >"$BUNDLE/rootfs/tmp/marker"
	chown 4242:4242 "$BUNDLE/rootfs/tmp/marker"
	redirect dev/null /tmp/marker
	config '.process.user = {uid: 7777, gid: 7777}'
	script 'echo to-the-caller'
	oci run --bundle "$BUNDLE" "$ID"
	peer_defect "runc 1.1.5 may divert standard output"
	is "$(cat "$BUNDLE/rootfs/tmp/marker") $(stat -c %u "$BUNDLE/rootfs/tmp/marker")" "marker 4242"
	[ "$code" != 0 ] || is "$out" to-the-caller
}

@test "S16: the default view" {
	sh_run 'for f in /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/vm/drop_caches /proc/sysrq-trigger \
		/proc/irq/default_smp_affinity /sys/kernel/uevent_helper /sys/power/state; do
		[ ! -e $f ] || (: >>$f) 2>/dev/null && echo "writable $f"; done
		for f in /proc/kcore /proc/keys /proc/timer_list; do [ -z "$(head -c 1 $f 2>/dev/null)" ] || echo "readable $f"; done; true'
	is "$(grep readable <<<"$out")" ""
	for f in $(sed -n 's/^writable //p' <<<"$out"); do [ ! -e "$f" ] || fail "$f is writable"; done
}

@test "S23: a group file or passwd of the image that is a link or a FIFO" {
	redirect etc/passwd "$H/x"
	redirect etc/group "$H/sub"
	life
	rm "$BUNDLE/rootfs/etc/passwd"
	mkfifo "$BUNDLE/rootfs/etc/passwd"
	LIMIT=5
	peer_defect "runc blocks on a FIFO as /etc/passwd"
	life
}

@test "S01: a mount point that changes into a link during create" {
	# CVE-2021-30465: 15 rounds here; the long race is a lane of its own.
	peer_defect "runc 1.1.5 makes the directory on the host"
	payload_needed
	V="$T/volume"
	mkdir -p "$V/a"
	ln -s "$(printf '../%.0s' {1..20})$H" "$V/b"
	"$RT_BATS_DIR/bin/payload" exchange "$V/a" "$V/b" </dev/null >/dev/null 2>&1 3>&- 4>&- &
	BACKGROUND=$!
	mount_add /vol bind "$V" rbind
	mount_add /vol/a tmpfs tmpfs
	mount_add /vol/a/new/dir tmpfs tmpfs
	mount_add /vol/b/other bind "$BUNDLE/rootfs/home" bind
	for i in $(seq 15); do life; done
	kill "$BACKGROUND"
}
