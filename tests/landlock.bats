#!/usr/bin/env bats
# landlock: the annotations org.rt.landlock.* (rt create --help, landlock(7)).
load lib

prepare() {
	only_rt "Landlock"
	root_needed
	payload_needed
	ABI=$("$RT_BATS_DIR/bin/payload" landlock)
	[ "$ABI" -gt 0 ] || skip "host: no Landlock"
	bundle
	payload
	mkdir "$BUNDLE/rootfs/open" "$BUNDLE/rootfs/shut"
	echo open >"$BUNDLE/rootfs/open/file"
	echo shut >"$BUNDLE/rootfs/shut/file"
}

# rules NAME VALUE … sets annotations.
rules() {
	config 'reduce range(0; $ARGS.positional | length; 2) as $i
		(.; .annotations["org.rt.landlock." + $ARGS.positional[$i]] = $ARGS.positional[$i + 1])' --args "$@"
}

# since ABI
since() { [ "$ABI" -ge "$1" ] || skip "host: Landlock has ABI $ABI, not $1"; }

# may COMMAND… : what each of the shell's commands could do, a letter each.
may() {
	local c s=
	for c; do s+="if ($c) >/dev/null 2>/tmp/err; then printf y; elif grep -q 'Permission denied' /tmp/err; then printf n; else cat /tmp/err >&2; printf '?'; fi; "; done
	sh_run "$s"
}

@test "without annotations nothing is restricted" {
	may 'cat /shut/file' 'echo x >/shut/new' 'ls /shut'
	is "$out" yyy
}

@test "reading" {
	rules fs.read /open:/bin:/tmp:/dev
	may 'cat /open/file' 'ls /open' 'cat /shut/file' 'ls /shut' 'ls /' 'cat /etc/passwd' 'echo x >/shut/new'
	is "$out" yynnnny
}

@test "writing" {
	rules fs.write /open:/tmp:/dev
	may 'echo x >/open/file' 'mkdir /open/d' 'ln -s x /open/l' 'mkfifo /open/p' 'rm /open/file' 'rmdir /open/d' \
		'echo x >/shut/file' 'echo x >>/shut/file' 'mkdir /shut/d' 'ln -s x /shut/l' 'mkfifo /shut/p' 'rm /shut/file' 'cat /shut/file'
	is "$out" yyyyyynnnnnny
	is "$(cat "$BUNDLE/rootfs/shut/file")" shut
}

@test "truncation" {
	since 3
	rules fs.write /open:/tmp:/dev
	may 'truncate -s 0 /shut/file' ': >/shut/file' 'dd if=/dev/null of=/open/file'
	# busybox may have no truncate: the other two tell.
	is "${out:1}" ny
	is "$(cat "$BUNDLE/rootfs/shut/file")" shut
}

@test "executing" {
	rules fs.execute /bin
	cp "$BUNDLE/rootfs/bin/busybox" "$BUNDLE/rootfs/open/cat"
	may 'true' '/open/cat /etc/passwd' 'cat /shut/file' 'echo x >/shut/new'
	is "$out" ynyy
	script true
	config '.process.args = ["/open/cat", "/etc/passwd"]'
	refused run --bundle "$BUNDLE" "$ID"
	has "$(message)" 'exec /open/cat: permission denied'
}

@test "a start that may not execute says so" {
	rules fs.execute /open
	script true
	created
	refused start "$ID"
	has "$(message)" 'permission denied'
}

@test "a rule on one file, and on what is mounted" {
	echo mounted >"$T/mounted"
	mount_add /volume bind "$T" rbind
	rules fs.read /bin:/tmp:/dev:/shut/file:/volume/mounted fs.write /open/file:/tmp:/dev
	may 'cat /shut/file' 'cat /volume/mounted' 'ls /shut' 'ls /volume' 'echo x >/open/file' 'echo x >/open/new' 'cat /open/file'
	is "$out" yynnynn
	is "$(cat "$BUNDLE/rootfs/open/file")" x
}

@test "files can still be moved where only reading is restricted" {
	since 2
	rules fs.read /
	sh_run 'mv /open/file /shut/moved && ln /shut/moved /open/linked && cat /open/linked'
	is "$out" open
}

@test "children and what they execute are restricted, and root too" {
	rules fs.read /bin:/tmp:/dev
	config '.process.capabilities |= map_values(. + ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE", "CAP_SYS_CHROOT"])'
	sh_run 'sh -c "sh -c \"cat /shut/file\"" 2>&1; mount -t tmpfs none /mnt 2>&1; chroot /shut true 2>&1; cat /proc/1/root/shut/file 2>&1; true'
	is "$(grep -c 'shut' <<<"$out")" "$(grep -c . <<<"$(grep shut <<<"$out")")"
	lacks "$out" $'\nshut'
	has "$out" "/shut/file': Permission denied"
	has "$out" "mount"
}

@test "with and without no_new_privs, as a user, with a filter" {
	rules fs.read /bin:/tmp:/dev
	config '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"], action: "SCMP_ACT_KILL_PROCESS"}]}'
	chmod 1777 "$BUNDLE/rootfs/tmp"
	for nnp in true false; do
		for uid in 0 1000; do
			config ".process.noNewPrivileges = $nnp | .process.user = {uid: $uid, gid: $uid}"
			sh_run 'cat /shut/file 2>&1 || echo no'
			has "$out" no
			lacks "$out" $'shut\n'
		done
	done
}

@test "in a user namespace" {
	config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
		| .linux.gidMappings = .linux.uidMappings'
	chown -R 100000:100000 "$BUNDLE/rootfs"
	chmod 0711 "$T" "$BUNDLE"
	rules fs.read /bin:/tmp:/dev fs.write /tmp:/dev
	may 'cat /shut/file' 'echo x >/shut/file' 'echo x >/tmp/new' 'cat /tmp/new'
	is "$out" nnyy
}

@test "without a mount namespace" {
	config '.mounts = [] | del(.linux.maskedPaths, .linux.readonlyPaths) | .linux.namespaces |= map(select(.type != "mount"))'
	rules fs.read /bin:/tmp:/open
	may 'cat /open/file' 'cat /shut/file'
	is "$out" yn
}

@test "TCP ports" {
	since 4
	rules net.bind 8080,9000-9002 net.connect 53
	config '.process.args = ["payload", "tcp", "bind", "8080", "9001", "9003", "80"]'
	ok run --bundle "$BUNDLE" "$ID"
	is "$out" $'0\n0\n13\n13'
	config '.process.args = ["payload", "tcp", "connect", "53", "54", "8080"]'
	ok run --bundle "$BUNDLE" "$ID"
	is "$out" $'111\n13\n13' # nobody listens: ECONNREFUSED
	config 'del(.annotations["org.rt.landlock.net.connect"])'
	ok run --bundle "$BUNDLE" "$ID"
	is "$out" $'111\n111\n111'
}

@test "no TCP port at all" {
	since 4
	rules net.bind "" net.connect ""
	config '.process.args = ["payload", "tcp", "bind", "8080", "0"]'
	ok run --bundle "$BUNDLE" "$ID"
	is "$out" $'13\n13'
}

@test "ioctl of devices" {
	since 5
	rules fs.ioctl ""
	sh_run 'stty -F /dev/pts/ptmx 2>&1 || true'
	has "$out" "Permission denied"
	rules fs.ioctl /dev/pts
	sh_run 'stty -F /dev/pts/ptmx 2>&1 || true'
	lacks "$out" "Permission denied"
}

@test "signals to processes outside" {
	since 6
	config '.linux.namespaces |= map(select(.type != "pid"))'
	sleep 1000 &
	BACKGROUND=$!
	sh_run "kill -0 $BACKGROUND && echo yes; kill -0 \$\$ && echo self"
	is "$out" $'yes\nself'
	rules scope signal
	sh_run "kill -0 $BACKGROUND 2>/dev/null && echo yes; kill -0 \$\$ && echo self"
	is "$out" self
}

@test "abstract sockets of processes outside" {
	since 6
	config '.linux.namespaces |= map(select(.type != "network"))'
	"$RT_BATS_DIR/bin/payload" deaf "@$TAG" 3>&- 4>&- &
	BACKGROUND=$!
	eventually 10 grep -q "@$TAG" /proc/net/unix
	config --arg n "@$TAG" '.process.args = ["payload", "unix", $n]'
	ok run --bundle "$BUNDLE" "$ID"
	is "$out" 0
	rules scope abstract_unix_socket
	ok run --bundle "$BUNDLE" "$ID"
	is "$out" 1 # EPERM
}

@test "exec is restricted as well" {
	rules fs.read /bin:/tmp:/dev:/open
	running
	for nnp in "" --no-new-privs; do
		ok exec $nnp "$ID" sh -c 'cat /open/file; cat /shut/file 2>/dev/null || echo no'
		is "$out" $'open\nno'
		ok exec $nnp --user 1000 "$ID" sh -c 'cat /open/file; cat /shut/file 2>/dev/null || echo no'
		is "$out" $'open\nno'
	done
	ok exec --preserve-fds 2 "$ID" sh -c 'ls /proc/self/fd >/dev/null 2>&1 || echo no' 3</dev/null 4</dev/null || true
}

@test "exec in a user namespace, and of TCP ports" {
	since 4
	config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
		| .linux.gidMappings = .linux.uidMappings'
	chown -R 100000:100000 "$BUNDLE/rootfs"
	chmod 0711 "$T" "$BUNDLE"
	rules fs.write /tmp:/dev net.bind 8080
	running
	ok exec "$ID" sh -c 'echo x 2>/dev/null >/shut/new || echo no; echo x >/tmp/new && cat /tmp/new; payload tcp bind 8080 80'
	is "$out" $'no\nx\n0\n13'
}

@test "startContainer hooks are restricted as well" {
	rules fs.read /bin:/tmp:/dev fs.write /tmp:/dev
	config '.hooks.startContainer = [{path: "/bin/sh", args: ["sh", "-c", "cat /shut/file >/tmp/hook 2>&1; echo x >/shut/new; echo $? >>/tmp/hook"]}]'
	script true
	ok run --bundle "$BUNDLE" "$ID"
	has "$(cat "$BUNDLE/rootfs/tmp/hook")" "Permission denied"
	[ ! -e "$BUNDLE/rootfs/shut/new" ]
	rm "$BUNDLE/rootfs/tmp/hook"
	created
	ok start "$ID"
	has "$(cat "$BUNDLE/rootfs/tmp/hook")" "Permission denied"
	[ ! -e "$BUNDLE/rootfs/shut/new" ]
}

@test "links of an image lead to no place outside" {
	# A rule for a link is one for what it means inside.
	mkdir "$T/host"
	echo secret >"$T/host/file"
	mount_add /volume bind "$T/host" bind
	ln -s "$T/host" "$BUNDLE/rootfs/link"
	rules fs.read "/bin:/tmp:/dev:/link"
	refused run --bundle "$BUNDLE" "$ID"
	has "$err" "landlock /link: no such file or directory"
	rules fs.read "/bin:/tmp:/dev:-/link:/../../../..$T/host"
	refused run --bundle "$BUNDLE" "$ID"
	ln -sfn ../../../shut "$BUNDLE/rootfs/link"
	rules fs.read "/bin:/tmp:/dev:/link"
	may 'cat /shut/file' 'cat /open/file'
	is "$out" yn
	rm "$BUNDLE/rootfs/link"
	ln -s /proc/self/fd/3 "$BUNDLE/rootfs/link"
	refused run --bundle "$BUNDLE" "$ID"
}

@test "a path that need not be there, and one that must" {
	rules fs.read "/bin:/tmp:/dev:-/none:-/shut/file/none:-/open"
	may 'cat /open/file' 'cat /shut/file'
	is "$out" yn
	rules fs.read "/bin:/none"
	refused run --bundle "$BUNDLE" "$ID"
	has "$err" "landlock /none: no such file or directory"
	refused state "$ID"
}

@test "odd names" {
	mkdir "$BUNDLE/rootfs/a:b" "$BUNDLE/rootfs/c d" "$BUNDLE/rootfs/-e"
	for d in a:b "c d" -e; do echo yes >"$BUNDLE/rootfs/$d/file"; done
	rules fs.read '/bin:/tmp:/dev:/a\:b:/c d:/-e'
	may 'cat /a:b/file' 'cat "/c d/file"' 'cat /-e/file' 'cat /shut/file'
	is "$out" yyyn
}

@test "many paths with few descriptors" {
	local many=/bin:/tmp:/dev i
	for i in $(seq 1 300); do mkdir "$BUNDLE/rootfs/open/$i"; many+=":/open/$i"; done
	echo yes >"$BUNDLE/rootfs/open/300/file"
	rules fs.read "$many"
	config '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 16, hard: 16}]'
	may 'cat /open/300/file' 'cat /open/file'
	is "$out" yn
}

@test "an ABI that must be there" {
	rules fs.read / abi "$ABI"
	sh_run 'cat /shut/file'
	is "$out" shut
	rules abi 9999
	refused run --bundle "$BUNDLE" "$ID"
	has "$(message)" "annotations[\"org.rt.landlock.abi\"]: ABI 9999 of Landlock is asked for, this kernel has $ABI"
	refused state "$ID"
}

@test "what makes no sense is refused" {
	for bad in "fs.raed /" "fs.read bin" "net.bind 65536" "net.bind http" "net.connect 1-65535" "scope signals" "scope " "abi x" "abi 1" "more x"; do
		config 'del(.annotations)'
		rules "${bad%% *}" "${bad#* }"
		refused create --bundle "$BUNDLE" "$ID"
		has "$(message)" "annotations[\"org.rt.landlock.${bad%% *}\"]"
		refused state "$ID"
	done
}

@test "plan shows it, features list it" {
	rules fs.read /open
	ok plan "$BUNDLE"
	has "$out" 'landlock_create_ruleset({handled_access_fs=LANDLOCK_ACCESS_FS_READ_FILE|LANDLOCK_ACCESS_FS_READ_DIR'
	has "$out" 'landlock_add_rule($ruleset, LANDLOCK_RULE_PATH_BENEATH, {allowed_access=LANDLOCK_ACCESS_FS_READ_FILE|LANDLOCK_ACCESS_FS_READ_DIR, parent_fd=$beneath}, 0)'
	has "$out" 'landlock_restrict_self($ruleset, 0)'
	ok features
	jq -e '.potentiallyUnsafeConfigAnnotations | index("org.rt.landlock.")' <<<"$out"
	jq -e '.annotations["org.rt.landlock.annotations"] | split(" ") | index("org.rt.landlock.fs.read")' <<<"$out"
}
