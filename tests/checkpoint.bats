#!/usr/bin/env bats
# checkpoint and restore: runc's manual pages of these names, criu(8).
load lib

prepare() {
	root_needed
	need criu
	criu check >/dev/null 2>&1 || skip "host: criu check fails on this kernel"
	bundle
	IMG="$T/img" WORK="$T/criu"
	counter
}

# $COUNT counts, in a shell's own variable, into /tmp/n, which nobody has open.
COUNT='i=$((i+1)); echo $i >/tmp/n.new; mv /tmp/n.new /tmp/n; sleep 0.02'

counter() { script "i=0; while :; do $COUNT; done"; }

# start [OPTION…] runs the container with nothing of the test's open.
start() {
	RT_BATS_TEST="$TAG" "$RUNTIME" --root "$ROOT" --log "$T/log" run --detach --bundle "$BUNDLE" "$@" "$ID" \
		</dev/null >/dev/null 2>/dev/null 3>&- 4>&- || fail "run: $(cat "$T/log")"
}

# counting waits until the container has counted beyond a number.
counting() { eventually 20 beyond "${1:-0}"; }
beyond() { [ "$(cat "$BUNDLE/rootfs/tmp/n" 2>/dev/null || echo 0)" -gt "$1" ]; }

save() { ok checkpoint --image-path "$IMG" --work-path "$WORK" "$@" "$ID"; }
load_back() { ok restore --detach --image-path "$IMG" --work-path "$WORK" --bundle "$BUNDLE" "$@" "$ID"; }

# counted prints the number and removes it, so that a new one is the restored process's.
counted() { cat "$BUNDLE/rootfs/tmp/n"; rm -f "$BUNDLE/rootfs/tmp/n"; }

@test "a restored process goes on where it was" {
	start
	counting 10
	save
	is "$(status_of)" absent
	n=$(counted)
	load_back
	is "$(status_of)" running
	counting "$n"
	is "$(tr '\0' ' ' <"/proc/$(pid_of)/cmdline" | cut -c1-5)" "sh -c"
	ok delete --force "$ID"
}

@test "it can be saved and restored again and again" {
	start
	counting
	for _ in 1 2 3; do
		rm -rf "$IMG"
		save
		n=$(counted)
		load_back
		counting "$n"
	done
}

@test "checkpoint deletes the container, with its cgroup" {
	start
	counting
	save
	refused state "$ID"
	is "$(cg_procs)" ""
	is "$(grep -F "$T/" /proc/self/mountinfo || true)" ""
}

@test "--leave-running lets it go on" {
	start
	counting
	save --leave-running
	is "$(status_of)" running
	counting "$(cat "$BUNDLE/rootfs/tmp/n")"
	[ -s "$IMG/inventory.img" ]
}

@test "the images and the log are where they are wanted" {
	start
	counting
	save
	[ -s "$IMG/pstree.img" ] && [ -s "$WORK/dump.log" ]
	load_back
	[ -s "$WORK/restore.log" ]
	is "$(jq -r length "$IMG/descriptors.json")" 3
}

@test "without --image-path the images are in ./checkpoint" {
	start
	counting
	ok checkpoint "$ID"
	[ -s checkpoint/inventory.img ]
	n=$(counted)
	is_rt || cd "$BUNDLE"
	is_rt || cp -a "$T/work/checkpoint" .
	ok restore --detach --bundle "$BUNDLE" "$ID"
	counting "$n"
}

@test "a paused container can be saved" {
	start
	counting
	ok pause "$ID"
	save
	n=$(counted)
	load_back
	counting "$n"
}

@test "a created or stopped container cannot be saved" {
	created
	refused checkpoint --image-path "$IMG" "$ID"
	says "Container cannot be checkpointed in created state"
	is "$(status_of)" created
	ok delete --force "$ID"
	script true
	created
	ok start "$ID"
	eventually 10 status_is stopped
	refused checkpoint --image-path "$IMG" "$ID"
	says "Container cannot be checkpointed in stopped state"
}

@test "a failing checkpoint leaves the container running and names CRIU's log" {
	payload
	script 'exec payload lock /tmp/lock /tmp/n'
	start
	counting
	refused checkpoint --image-path "$IMG" --work-path "$WORK" "$ID"
	if is_rt; then
		matches "$(message)" '^criu failed: type DUMP errno [0-9]+: Error \(.*locks.*\(log file: '"$WORK/dump.log"'\)$'
	fi
	is "$(status_of)" running
	counting "$(cat "$BUNDLE/rootfs/tmp/n")"
	ok checkpoint --image-path "$IMG" --work-path "$WORK" --file-locks "$ID"
	n=$(counted)
	load_back --file-locks
	counting "$n"
}

@test "--pre-dump and --parent-path" {
	criu check --feature mem_dirty_track >/dev/null 2>&1 || skip "host: the kernel does not track memory"
	start
	counting
	ok checkpoint --pre-dump --image-path "$T/first" --work-path "$WORK" "$ID"
	is "$(status_of)" running
	counting "$(cat "$BUNDLE/rootfs/tmp/n")"
	save --parent-path ../first
	[ -e "$IMG/parent" ]
	n=$(counted)
	load_back
	counting "$n"
}

@test "--parent-path must be a relative path of a directory" {
	start
	counting
	refused checkpoint --parent-path "$T" --image-path "$IMG" "$ID"
	says "--parent-path must be relative"
	refused checkpoint --parent-path ../nowhere --image-path "$IMG" "$ID"
	has "$(message)" "invalid --parent-path"
	is "$(status_of)" running
}

@test "restore from where nothing is leaves nothing" {
	refused restore --detach --image-path "$T/nowhere" --bundle "$BUNDLE" "$ID"
	is "$(status_of)" absent
	mkdir "$T/empty"
	refused restore --detach --image-path "$T/empty" --work-path "$WORK" --bundle "$BUNDLE" "$ID"
	is_rt && has "$(message)" "(log file: $WORK/restore.log)"
	is "$(status_of)" absent
	is "$(no_leftovers || leftovers)" ""
}

@test "a failing restore leaves nothing, and the images serve again" {
	start
	counting
	save
	n=$(counted)
	mv "$BUNDLE/rootfs/bin/busybox" "$T/busybox"
	refused restore --detach --image-path "$IMG" --work-path "$WORK" --bundle "$BUNDLE" "$ID"
	is "$(status_of)" absent
	is "$(no_leftovers || leftovers)" ""
	mv "$T/busybox" "$BUNDLE/rootfs/bin/busybox"
	load_back
	counting "$n"
}

@test "restore refuses an id that exists" {
	start
	counting
	save --leave-running
	pid=$(pid_of)
	refused restore --detach --image-path "$IMG" --bundle "$BUNDLE" "$ID"
	is "$(status_of)" running
	is "$(pid_of)" "$pid"
}

@test "one checkpoint can be restored twice, under other ids and cgroups" {
	start
	counting
	save
	load_back
	first="$ID"
	ID="$TAG-b"
	config --arg cg "$CG/$ID" '.linux.cgroupsPath = $cg'
	load_back
	is "$(status_of "$first") $(status_of)" "running running"
	has "$(cat "/proc/$(pid_of)/cgroup")" "$CG/$ID"
	has "$(cat "/proc/$(pid_of "$first")/cgroup")" "$CG/$first"
}

@test "--pid-file has init's pid, and init is in the container's cgroup" {
	start
	counting
	save
	load_back --pid-file "$T/pid"
	is "$(cat "$T/pid")" "$(pid_of)"
	has "$(cg_procs)" "$(pid_of)"
}

@test "limits are those of config.json" {
	cg_have pids
	config '.linux.resources.pids.limit = 50'
	start
	counting
	save
	config '.linux.resources.pids.limit = 40'
	load_back --manage-cgroups-mode ignore
	is "$(cg_read pids pids.max pids.max)" 40
}

@test "every --manage-cgroups-mode, and no other" {
	start
	counting
	for mode in soft full strict ignore; do
		rm -rf "$IMG"
		save --manage-cgroups-mode "$mode"
		n=$(counted)
		case $mode in
		strict) load_back --manage-cgroups-mode ignore ;; # the new cgroup is no restored one
		*) load_back --manage-cgroups-mode "$mode" ;;
		esac
		counting "$n"
	done
	refused checkpoint --manage-cgroups-mode bogus --image-path "$IMG" "$ID"
	has "$(message)" "invalid manage-cgroups-mode value"
	is "$(status_of)" running
}

@test "bind mounts, also in one another and behind a link, come from config.json" {
	mkdir -p "$T/one/sub" "$T/two" "$BUNDLE/rootfs/real"
	echo 1 >"$T/one/file" && echo 2 >"$T/two/file" && echo 3 >"$T/three"
	ln -s /real/conf "$BUNDLE/rootfs/conf"
	mkdir "$BUNDLE/rootfs/real/conf"
	mount_add /data bind "$T/one" rbind
	mount_add /data/sub bind "$T/two" rbind
	mount_add /etc/three bind "$T/three" bind ro
	mount_add /conf bind "$T/two" bind
	script "i=0; exec 5</data/sub/file; while :; do cat /data/file /data/sub/file /etc/three /conf/file >/data/out.new; mv /data/out.new /data/out; $COUNT; done"
	start
	counting
	save
	rm -f "$BUNDLE/rootfs/tmp/n" "$T/one/out"
	rmdir "$BUNDLE/rootfs/data" "$T/one/sub" 2>/dev/null || true
	rm -f "$BUNDLE/rootfs/etc/three"
	load_back
	eventually 20 test -s "$T/one/out"
	is "$(tr '\n' ' ' <"$T/one/out")" "1 2 3 2 "
	matches "$(grep ' /etc/three ' "/proc/$(pid_of)/mountinfo")" ' ro,'
}

@test "masked and read-only paths are so again" {
	start
	counting
	save
	load_back
	root="/proc/$(pid_of)/root"
	for file in kcore keys timer_list; do
		[ ! -e "/proc/$file" ] || is "$(stat -c %t:%T "$root/proc/$file")" 1:3
	done
	is "$(ls "$root/sys/firmware")" ""
	[ ! -w "$root/proc/sysrq-trigger" ] || ! echo h >"$root/proc/sysrq-trigger"
	matches "$(grep ' /proc/sys ' "/proc/$(pid_of)/mountinfo")" ' ro,'
}

@test "a pipe that is standard input or output becomes restore's" {
	exec 5<> <(:) 6<> <(:) 7<> <(:) 8<> <(:)
	script 'while read -r line; do echo "got $line"; done'
	RT_BATS_TEST="$TAG" "$RUNTIME" --root "$ROOT" run --detach --bundle "$BUNDLE" "$ID" <&5 >&6 2>/dev/null 3>&- 4>&- 5>&- 6>&- 7>&- 8>&-
	echo one >&5
	read -r -t 20 line <&6
	is "$line" "got one"
	save
	RT_BATS_TEST="$TAG" "$RUNTIME" --root "$ROOT" restore --detach --image-path "$IMG" --work-path "$WORK" --bundle "$BUNDLE" "$ID" \
		<&7 >&8 2>/dev/null 3>&- 4>&- 5>&- 6>&- 7>&- 8>&-
	echo two >&7
	read -r -t 20 line <&8
	is "$line" "got two"
	# Once more: what restore had is on record.
	rm -rf "$IMG"
	save
	RT_BATS_TEST="$TAG" "$RUNTIME" --root "$ROOT" restore --detach --image-path "$IMG" --work-path "$WORK" --bundle "$BUNDLE" "$ID" \
		<&5 >&6 2>/dev/null 3>&- 4>&- 5>&- 6>&- 7>&- 8>&-
	echo three >&5
	read -r -t 20 line <&6
	is "$line" "got three"
}

@test "the new network namespace has lo, and nothing else" {
	start
	counting
	save --empty-ns network
	load_back --empty-ns network
	is "$(grep -c : "/proc/$(pid_of)/net/dev")" 1
	peer_defect "runc leaves lo down"
	matches "$(nsenter -t "$(pid_of)" -n ip -o link show lo)" 'LOOPBACK,UP'
	refused checkpoint --empty-ns bogus --image-path "$IMG" "$ID"
	says 'namespace "bogus" is not supported'
}

@test "a network namespace given by path is joined again" {
	need ip
	ip netns add "$TAG" || skip "host: no ip netns"
	config --arg p "/run/netns/$TAG" '(.linux.namespaces[] | select(.type == "network")).path = $p'
	ino=$(stat -L -c %i "/run/netns/$TAG")
	start
	counting
	save
	n=$(counted)
	load_back
	got=$(stat -L -c %i "/proc/$(pid_of)/ns/net")
	ok delete --force "$ID"
	ip netns del "$TAG"
	is "$got" "$ino"
}

@test "namespaces ipc and uts given by path are joined again" {
	unshare --ipc --uts sh -c "hostname joined; exec sleep 1000" </dev/null >/dev/null 2>&1 3>&- &
	BACKGROUND=$!
	eventually 10 eval '[ "$(nsenter -t '"$BACKGROUND"' -u hostname)" = joined ]'
	config --arg p "/proc/$BACKGROUND/ns/" '.hostname = "" | del(.hostname) | (.linux.namespaces[] | select(.type == "ipc" or .type == "uts")) |= (.path = $p + .type)'
	start
	counting
	save
	n=$(counted)
	load_back
	counting "$n"
	is "$(readlink "/proc/$(pid_of)/ns/uts")" "$(readlink "/proc/$BACKGROUND/ns/uts")"
}

@test "hooks: prestart and createRuntime run before the processes, poststop at the end" {
	for n in prestart createRuntime poststart poststop; do
		config --arg n "$n" --arg s "echo $n >>'$T/order'; cat >'$T/$n.json'" '.hooks[$n] += [{path: "/bin/sh", args: ["sh", "-c", $s]}]'
	done
	start
	counting
	rm -f "$T/order"
	save
	is "$(cat "$T/order")" poststop
	rm -f "$T/order"
	load_back
	is "$(tr '\n' ' ' <"$T/order")" "prestart createRuntime "
	is "$(jq -r .id "$T/prestart.json")" "$ID"
	is "$(jq .pid "$T/createRuntime.json")" "$(pid_of)"
	ok delete --force "$ID"
	is "$(tr '\n' ' ' <"$T/order")" "prestart createRuntime poststop "
}

@test "a failing hook fails the restore, and nothing is left" {
	start
	counting
	save
	config '.hooks.createRuntime = [{path: "/bin/false"}]'
	refused restore --detach --image-path "$IMG" --work-path "$WORK" --bundle "$BUNDLE" "$ID"
	is_rt && has "$(message)" "error running createRuntime hook #0"
	is "$(status_of)" absent
	is "$(no_leftovers || leftovers)" ""
}

@test "restore in the foreground returns the process's exit status" {
	script "i=0; while [ ! -e /tmp/end ]; do $COUNT; done; exit 7"
	start
	counting
	save
	touch "$BUNDLE/rootfs/tmp/end"
	oci restore --image-path "$IMG" --work-path "$WORK" --bundle "$BUNDLE" "$ID"
	is "$code" 7
	is "$(status_of)" absent
}

@test "restore in the foreground passes signals on" {
	script "trap 'exit 9' TERM; i=0; while :; do $COUNT; done"
	start
	counting
	save
	rm -f "$BUNDLE/rootfs/tmp/n"
	run_bg restore --image-path "$IMG" --work-path "$WORK" --bundle "$BUNDLE" "$ID"
	counting
	kill -TERM "$BG"
	bg_code
	is "$code" 9
}

@test "a terminal comes back over the console socket" {
	payload_needed
	SOCK=$(mktemp -u /tmp/rt-bats-XXXXXX)
	config '.process.terminal = true'
	script '(while :; do echo tick; sleep 0.05; done) & while read -r line; do echo "got=$line"; done'
	terminal $'one\n'
	start --console-socket "$SOCK"
	eventually 20 grep -q got=one "$T/tty"
	refused restore --detach --image-path "$IMG" --bundle "$BUNDLE" "$ID"
	says "cannot allocate tty if rt will detach without setting console socket" "cannot allocate tty if runc will detach without setting console socket"
	save
	terminal $'two\n'
	load_back --console-socket "$SOCK"
	eventually 20 grep -q got=two "$T/tty"
}

# terminal TEXT starts a peer of --console-socket that types TEXT.
terminal() {
	rm -f "$SOCK"
	"$RT_BATS_DIR/bin/payload" console "$SOCK" "$@" >"$T/tty" 2>&1 3>&- 4>&- </dev/null &
	BACKGROUND="${BACKGROUND:-} $!"
	eventually 10 test -S "$SOCK"
}

# save_tcp is save --tcp-established, where CRIU knows the kernel's sockets.
save_tcp() {
	oci checkpoint --image-path "$IMG" --work-path "$WORK" --tcp-established "$@" "$ID"
	case "$err" in *"sockets: Can't get "*) skip "host: this CRIU does not know the sockets of this kernel" ;; esac
	[ "$code" = 0 ] || fail "checkpoint: exit $code: $err"
}

@test "--tcp-established keeps connections" {
	need iptables-restore
	is_rt || newer_than_runc_1_1 "lo in a restored network namespace"
	payload
	script 'exec payload chat /tmp/n'
	start
	counting 3
	refused checkpoint --image-path "$IMG" --work-path "$WORK" "$ID"
	is "$(status_of)" running
	counting "$(cat "$BUNDLE/rootfs/tmp/n")"
	save_tcp
	n=$(cat "$BUNDLE/rootfs/tmp/n")
	load_back --tcp-established
	counting "$n"
}

@test "--network-lock skip needs no iptables" {
	only_rt "runc has no --network-lock"
	payload
	script 'exec payload chat /tmp/n'
	start
	counting 3
	save_tcp --network-lock skip
	n=$(cat "$BUNDLE/rootfs/tmp/n")
	load_back --tcp-established --network-lock skip
	counting "$n"
	refused checkpoint --network-lock bogus --image-path "$IMG" "$ID"
	says 'invalid network-lock value "bogus"'
}

@test "--ext-unix-sk keeps a datagram socket's peer outside the container" {
	payload
	mkdir "$T/outside"
	# CRIU connects again by the name that the peer has bound to.
	mount_add "$T/outside" bind "$T/outside" bind
	script "exec payload tell '$T/outside/sock' /tmp/n"
	config 'del(.linux.namespaces[] | select(.type == "network")) | .mounts |= map(select(.type != "sysfs"))'
	"$RT_BATS_DIR/bin/payload" listen "$T/outside/sock" </dev/null >/dev/null 2>&1 3>&- 4>&- &
	BACKGROUND=$!
	eventually 10 test -S "$T/outside/sock"
	start
	counting
	refused checkpoint --image-path "$IMG" --work-path "$WORK" "$ID"
	is "$(status_of)" running
	save --ext-unix-sk
	n=$(counted)
	load_back --ext-unix-sk
	counting "$n"
}

# lazy_needed skips without userfaultfd in the kernel.
lazy_needed() {
	criu check --feature uffd-noncoop >/dev/null 2>&1 || skip "host: no userfaultfd"
	# CRIU's pipes are larger than others may make them.
	[ $((0x$(awk '/^CapEff/ { print $2 }' /proc/self/status) >> 24 & 1)) = 1 ] || skip "host: no CAP_SYS_RESOURCE"
}

# port prints a free TCP port of the loopback device.
port() { payload_needed; "$RT_BATS_DIR/bin/payload" port; }

@test "--lazy-pages: the pages come when they are used" {
	lazy_needed
	PORT=$(port)
	start
	counting
	mkfifo "$T/ready"
	exec 5<>"$T/ready"
	RT_BATS_TEST="$TAG" "$RUNTIME" --root "$ROOT" checkpoint --lazy-pages --page-server "127.0.0.1:$PORT" --status-fd 5 \
		--manage-cgroups-mode ignore --image-path "$IMG" --work-path "$WORK" "$ID" </dev/null >"$T/bg.out" 2>"$T/bg.err" 3>&- 4>&- &
	BG=$!
	is "$(timeout 20 head -c 1 <&5 | od -An -tx1 | tr -d ' ')" 00
	[ -s "$IMG/inventory.img" ]
	n=$(counted)
	mkdir "$T/lazy"
	criu lazy-pages --page-server --address 127.0.0.1 --port "$PORT" -D "$IMG" -W "$T/lazy" </dev/null >/dev/null 2>&1 3>&- 4>&- 5>&- &
	BACKGROUND=$!
	eventually 20 test -S "$T/lazy/lazy-pages.socket"
	first="$ID"
	ID="$TAG-b"
	config --arg cg "$CG/$ID" '.linux.cgroupsPath = $cg'
	ok restore --detach --lazy-pages --manage-cgroups-mode ignore --image-path "$IMG" --work-path "$T/lazy" --bundle "$BUNDLE" "$ID"
	counting "$n"
	bg_code
	[ "$code" = 0 ] || fail "checkpoint: $(cat "$T/bg.err")"
	is "$(status_of "$first") $(status_of)" "absent running"
}

@test "--status-fd must be a descriptor that can be written to" {
	lazy_needed
	start
	counting
	refused checkpoint --lazy-pages --page-server 127.0.0.1:1 --status-fd 77 --image-path "$IMG" "$ID"
	has "$(message)" "invalid --status-fd argument 77"
	is "$(status_of)" running
}

@test "--page-server gets the memory pages" {
	PORT=$(port)
	mkdir -p "$T/pages"
	criu page-server --address 127.0.0.1 --port "$PORT" -D "$T/pages" --status-fd 5 5>"$T/ready" </dev/null >/dev/null 2>&1 3>&- 4>&- &
	BACKGROUND=$!
	eventually 20 test -s "$T/ready"
	start
	counting
	save --page-server "127.0.0.1:$PORT"
	[ -z "$(ls "$IMG" | grep '^pages-')" ]
	eventually 20 gone "$BACKGROUND"
	cp "$T/pages/"*.img "$IMG/"
	n=$(counted)
	load_back
	counting "$n"
}

@test "--page-server wants ADDRESS:PORT" {
	start
	counting
	for bad in nonsense 127.0.0.1: :80; do
		refused checkpoint --page-server "$bad" --image-path "$IMG" "$ID"
		says "Use --page-server ADDRESS:PORT to specify page server"
	done
	refused checkpoint --page-server 127.0.0.1:x --image-path "$IMG" "$ID"
	says "Invalid port number"
}

@test "org.criu.config names a file whose settings overrule the options" {
	echo "log-file=other.log" >"$T/criu.conf"
	config --arg f "$T/criu.conf" '.annotations["org.criu.config"] = $f'
	start
	counting
	save
	[ -s "$WORK/other.log" ] && [ ! -e "$WORK/dump.log" ]
	rm "$WORK/other.log"
	load_back
	[ -s "$WORK/other.log" ]
}

@test "a restored container stops, is killed and deleted like any other" {
	script "trap 'exit 0' TERM; i=0; while :; do $COUNT; done"
	start
	counting
	save
	rm -f "$BUNDLE/rootfs/tmp/n"
	load_back
	counting
	ok kill "$ID" TERM
	eventually 10 status_is stopped
	ok delete "$ID"
	is "$(status_of)" absent
}

# killed_at ACTION has CRIU kill rt, its parent, when it comes to that point.
killed_at() {
	cat >"$T/kill.sh" <<-END
		#!/bin/sh
		[ "\$CRTOOLS_SCRIPT_ACTION" != $1 ] || kill -KILL \$(cut -d' ' -f4 /proc/\$PPID/stat)
	END
	chmod +x "$T/kill.sh"
	echo "action-script=$T/kill.sh" >"$T/criu.conf"
	config --arg f "$T/criu.conf" '.annotations["org.criu.config"] = $f'
}

@test "rt killed while it saves: the container goes on" {
	only_rt "who else would"
	killed_at network-lock
	start
	counting
	oci checkpoint --image-path "$IMG" --work-path "$WORK" "$ID"
	is "$code" 137
	eventually 20 status_is running
	counting "$(cat "$BUNDLE/rootfs/tmp/n")"
}

@test "rt killed while it restores: delete --force leaves nothing" {
	only_rt "who else would"
	start
	counting
	save
	for at in setup-namespaces post-restore network-unlock; do
		killed_at "$at"
		oci restore --detach --image-path "$IMG" --work-path "$WORK" --bundle "$BUNDLE" "$ID"
		is "$code" 137
		ok delete --force "$ID"
		eventually 10 no_leftovers
	done
	killed_at never
	load_back
	counting
}
