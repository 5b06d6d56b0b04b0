#!/usr/bin/env bash
# containerd's runc shim on a runtime, by ctr: a daemon of its own, and an OCI
# archive made here and imported. See lib.sh.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

UNIT=rt-containerd-test
export CONTAINERD_ADDRESS=/run/rt-containerd/containerd.sock CONTAINERD_NAMESPACE=test
IMAGE=localhost/box:latest

prepare() {
	mkdir -p "$T/rootfs"
	modprobe -aq overlay || true
	rootfs "$T/rootfs"
	daemon
	archive "$T/rootfs" "$T/box.tar"
	ctr image import "$T/box.tar"
}

daemon() {
	cat >"$T/config.toml" <<-E
		version = 2
		root = "$T/lib"
		state = "/run/rt-containerd"
		disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs"]
		[grpc]
		  address = "$CONTAINERD_ADDRESS"
	E
	service $UNIT "$T/daemon.log" containerd --config "$T/config.toml"
	eventually 60 ctr version || {
		tail -n 30 "$T/daemon.log"
		return 1
	}
}

# archive ROOTFS FILE packs a directory as an OCI image archive.
archive() {
	local dir="$T/oci" layer config manifest
	mkdir -p "$dir/blobs/sha256"
	tar -C "$1" -cf "$dir/layer" .
	layer=$(blob "$dir/layer")
	jq -n --arg layer "$layer" '{architecture: "amd64", os: "linux", config: {Env: ["PATH=/bin", "FROM=image"], Cmd: ["sh"], WorkingDir: "/"},
		rootfs: {type: "layers", diff_ids: ["sha256:" + $layer]}}' >"$dir/config"
	config=$(blob "$dir/config")
	jq -n --arg config "$config" --argjson csize "$(size "$config")" --arg layer "$layer" --argjson lsize "$(size "$layer")" '{schemaVersion: 2,
		mediaType: "application/vnd.oci.image.manifest.v1+json",
		config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: ("sha256:" + $config), size: $csize},
		layers: [{mediaType: "application/vnd.oci.image.layer.v1.tar", digest: ("sha256:" + $layer), size: $lsize}]}' >"$dir/manifest"
	manifest=$(blob "$dir/manifest")
	jq -n --arg digest "$manifest" --argjson size "$(size "$manifest")" --arg name "$IMAGE" '{schemaVersion: 2, manifests: [{
		mediaType: "application/vnd.oci.image.manifest.v1+json", digest: ("sha256:" + $digest), size: $size,
		annotations: {"io.containerd.image.name": $name, "org.opencontainers.image.ref.name": "latest"}}]}' >"$dir/index.json"
	echo '{"imageLayoutVersion": "1.0.0"}' >"$dir/oci-layout"
	tar -C "$dir" -cf "$2" .
}

# blob FILE moves a file to where its content names it, and prints that.
blob() {
	local sum
	sum=$(sha256sum "$1" | cut -d ' ' -f 1)
	mv "$1" "$T/oci/blobs/sha256/$sum"
	echo "$sum"
}

size() { stat -c %s "$T/oci/blobs/sha256/$1"; }

clean() {
	local id
	for id in $(ctr task ls -q); do
		ctr task resume "$id" 2>/dev/null || true
		ctr task delete -f "$id" || true
	done
	for id in $(ctr container ls -q); do ctr container delete "$id"; done
}

finish() {
	clean
	service_down $UNIT
}

RUNC=(--runtime io.containerd.runc.v2 --runc-binary "$RUNTIME")
CG=/rt-ctr/
if [ "$DRIVER" = systemd ]; then
	RUNC+=(--runc-systemd-cgroup)
	CG=rtctr.slice:ctr:
fi

# run ARG… ID COMMAND… with the runtime; run_rm removes it.
run() { ctr run "${RUNC[@]}" "$@"; }

# d [OPTION…] COMMAND… in the foreground: options end at --.
d() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	ctr run --rm "${RUNC[@]}" --cgroup "${CG}fg" "${options[@]}" "$IMAGE" fg "$@"
}

# up ID [OPTION…] starts a detached container that ends by TERM.
up() {
	local id=$1
	shift
	ctr run -d "${RUNC[@]}" --cgroup "$CG$id" "$@" "$IMAGE" "$id" sh -c "$FOREVER"
}

x() { ctr task exec --exec-id "x$RANDOM$RANDOM" "$@"; }
pid() { ctr task ls | awk -v id="$1" '$1 == id {print $2}'; }
status() { ctr task ls | awk -v id="$1" '$1 == id {print $3}'; }
limit() { cat "$(cgroup_of "$(pid "$1")")/$2"; }

# --- run ---------------------------------------------------------------------

case_run_prints_and_returns_the_exit_code() {
	exits 7 d -- sh -c 'echo out; echo err >&2; exit 7'
	has "$out" out
	is "$(d -- sh -c 'echo out; echo err >&2' 2>/dev/null)" out
	is "$(d -- sh -c 'echo out; echo err >&2' 2>&1 >/dev/null)" err
}

case_run_environment_workdir_and_user() {
	is "$(d --env A=1 --cwd /tmp -- sh -c 'echo $A $FROM $(pwd)')" "1 image /tmp"
	is "$(d --user 1000:2000 -- sh -c 'echo $(id -u) $(id -g)')" "1000 2000"
}

case_run_input_by_a_pipe() {
	is "$(printf 'one\ntwo\n' | d -- sh -c 'read a; read b; echo $b $a')" "two one"
}

case_run_on_a_terminal() {
	out=$(on_pty 'want=# ' 'send=echo $((40+2)) $(tty)' 'want=42 /dev/pts/0' 'want=# ' 'send=exit 5' \
		-- ctr run --rm -t "${RUNC[@]}" --cgroup "${CG}fg" "$IMAGE" fg sh) && return 1 || is $? 5
}

case_run_what_cannot_run() {
	exits 1 d -- nosuch
	has "$out" 'exec: "nosuch": executable file not found in $PATH'
	exits 1 d -- /etc/plain
	has "$out" 'permission denied'
}

case_run_privileges() {
	is "$(d -- awk '/^CapEff/{print $2}' /proc/self/status)" 00000000a80425fb
	is "$(d --cap-drop CAP_CHOWN --cap-add CAP_SYS_ADMIN -- awk '/^CapEff/{print $2}' /proc/self/status)" 00000000a82425fa
	d --privileged -- mount -t tmpfs none /mnt
	is "$(d --seccomp -- awk '/^Seccomp:/{print $2}' /proc/self/status)" 2
	is "$(d -- awk '/^NoNewPrivs:/{print $2}' /proc/self/status)" 1
}

case_run_mounts_and_read_only() {
	mkdir host
	echo host >host/file
	is "$(d --mount "type=bind,src=$PWD/host,dst=/in,options=rbind:ro" -- cat /in/file)" host
	exits 1 d --mount "type=bind,src=$PWD/host,dst=/in,options=rbind:ro" -- touch /in/x
	exits 1 d --read-only -- touch /x
	has "$(d --mount type=tmpfs,src=none,dst=/t,options=size=1m -- grep ' /t ' /proc/mounts)" size=1024k
}

case_run_in_the_hosts_network_and_in_another() {
	is "$(d --net-host -- readlink /proc/self/ns/net)" "$(readlink /proc/self/ns/net)"
	up c-a
	is "$(d --with-ns "ipc:/proc/$(pid c-a)/ns/ipc" -- readlink /proc/self/ns/ipc)" "$(readlink "/proc/$(pid c-a)/ns/ipc")"
}

case_run_in_a_user_namespace() {
	is "$(echo $(d --uidmap 0:200000:5000 --gidmap 0:200000:5000 -- cat /proc/self/uid_map))" "0 200000 5000"
}

case_run_from_a_root_directory() {
	mkdir copy
	cp -a "$T/rootfs/." copy
	is "$(ctr run --rm "${RUNC[@]}" --cgroup "${CG}fg" --rootfs "$PWD/copy" fg /bin/cat /data/file)" 'in the image'
}

case_run_a_config_file() {
	# ctr puts --cgroup only into a configuration of its own making.
	[ "$DRIVER" = cgroupfs ] || skip "ctr has no systemd cgroup for a configuration file"
	ctr oci spec | jq '.process.args = ["echo", "from a file"] | .root.path = "'"$T/rootfs"'" | .process.env += ["PATH=/bin"]' >config.json
	is "$(ctr run --rm "${RUNC[@]}" --config config.json fg)" 'from a file'
}

# --- tasks -------------------------------------------------------------------

case_create_start_wait_delete() {
	ctr container create --runtime io.containerd.runc.v2 "$IMAGE" c-a sh -c 'echo started; exit 3'
	exits 3 ctr task start c-a
	has "$out" started
	ctr task delete c-a || true
	ctr container delete c-a
}

case_exec_exit_code_and_output() {
	up c-a
	exits 4 x c-a sh -c 'echo out; exit 4'
	has "$out" out
	is "$(x --user 1000:2000 --cwd /tmp c-a sh -c 'echo $(id -u) $(id -g) $(pwd)')" "1000 2000 /tmp"
	exits 137 x c-a sh -c 'kill -KILL $$'
	exits 1 x c-a nosuch
	has "$out" 'exec: "nosuch": executable file not found in $PATH'
	is "$(echo data | x c-a cat)" data
}

case_exec_on_a_terminal() {
	up c-a
	out=$(on_pty 'want=# ' 'send=echo $((40+2)) $(tty)' 'want=42 /dev/pts/0' 'want=# ' \
		size=20x50 'send=while [ "$(stty size)" != "20 50" ]; do sleep 0.1; done; echo re""sized' want=resized 'send=exit 6' \
		-- ctr task exec -t --exec-id shell c-a sh) && return 1 || is $? 6
}

case_exec_detached_and_killed() {
	up c-a
	ctr task exec -d --exec-id one c-a sleep 1234
	eventually 20 sh -c "ctr task ps c-a | grep -c '[0-9]' | grep -qx 3"
	ctr task kill -s KILL --exec-id one c-a
	eventually 20 sh -c "ctr task ps c-a | grep -c '[0-9]' | grep -qx 2"
	is "$(status c-a)" RUNNING
}

case_kill_and_delete() {
	up c-a
	exits 1 ctr task delete c-a
	ctr task kill c-a
	eventually 20 equals STOPPED status c-a
	ctr task delete c-a
	is "$(ctr task ls -q)" ''
	up c-b
	ctr task kill -s 9 -a c-b
	eventually 20 equals STOPPED status c-b
	exits 0 ctr task delete c-b
	has "$out" 'exit code 137'
	up c-c
	ctr task delete -f c-c || is $? 137
}

case_kill_with_the_hosts_pid_namespace() {
	ctr run -d "${RUNC[@]}" --cgroup "${CG}c-a" --privileged --with-ns pid:/proc/1/ns/pid "$IMAGE" c-a sh -c 'sleep 1235 & exec sleep 1236'
	local p
	p=$(pid c-a)
	ctr task kill -s 9 -a c-a
	eventually 20 equals STOPPED status c-a
	eventually 10 gone "$p"
	eventually 10 sh -c '! pgrep -fx "sleep 1235"'
}

case_pause_and_resume() {
	up c-a
	ctr task pause c-a
	is "$(status c-a)" PAUSED
	[ ! -d "$(cgroup_of "$(pid c-a)")" ] || is "$(limit c-a cgroup.freeze)" 1
	exits 1 x c-a true
	ctr task resume c-a
	is "$(status c-a)" RUNNING
	x c-a true
}

case_limits_are_read_back() {
	controllers memory cpu
	up c-a --memory-limit 67108864 --cpus 0.5
	is "$(limit c-a memory.max)" 67108864
	is "$(limit c-a cpu.max)" "50000 100000"
	if [ "$DRIVER" = systemd ]; then
		has "$(cgroup_of "$(pid c-a)")" /rtctr.slice/ctr-c-a.scope
		is "$(systemctl show -p MemoryMax --value ctr-c-a.scope)" 67108864
	else
		has "$(cgroup_of "$(pid c-a)")" /rt-ctr/c-a
	fi
}

case_metrics_and_processes() {
	up c-a
	out=$(ctr task metrics c-a)
	has "$out" c-a
	has "$out" 'pids.current'
	has "$(ctr task ps c-a)" "$(pid c-a)"
	is "$(ctr task ls -q)" c-a
}

case_events_of_exit_and_oom() {
	controllers memory
	ctr events >events.log 2>&1 &
	local job=$!
	sleep 1
	exits 5 d -- sh -c 'exit 5'
	ctr run "${RUNC[@]}" --cgroup "${CG}c-a" --memory-limit 16777216 "$IMAGE" c-a sh -c 'x=$(head -c 100000000 /dev/zero | tr "\0" x)' && return 1 || is $? 137
	eventually 20 grep -q '/tasks/oom' events.log
	kill $job
	for word in create start exit delete; do grep -q "/tasks/$word" events.log; done
	grep -q '"exit_status":5' events.log
}

case_checkpoint_and_restore() {
	local count=0
	ctr run -d "${RUNC[@]}" --cgroup "${CG}c-a" --log-uri "file://$PWD/c-a.log" "$IMAGE" c-a sh -c 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.2; done'
	eventually 20 grep -qx 3 c-a.log
	ctr container checkpoint --task --image --rw c-a localhost/saved
	is "$(status c-a)" RUNNING
	ctr task delete -f c-a || true
	ctr container delete c-a
	ctr container restore --live "${RUNC[@]}" c-b localhost/saved ||
		ctr container restore --live c-b localhost/saved
	is "$(status c-b)" RUNNING
	x c-b true
}

case_checkpoint_of_a_task() {
	ctr run -d "${RUNC[@]}" --cgroup "${CG}c-a" --null-io "$IMAGE" c-a sh -c 'while :; do sleep 1; done'
	ctr task checkpoint --exit --image-path "$PWD/image" --work-path "$PWD/work" c-a
	eventually 20 equals STOPPED status c-a
	ls image | grep -q core-
	ctr task delete c-a || true
}

case_survives_a_restart_of_containerd() {
	up c-a
	local before
	before=$(pid c-a)
	service_down $UNIT
	daemon
	is "$(status c-a) $(pid c-a)" "RUNNING $before"
	is "$(x c-a echo exec)" exec
}

case_many_at_once() {
	local i jobs=
	for i in 1 2 3 4 5 6 7 8; do
		ctr run --rm "${RUNC[@]}" --cgroup "${CG}m$i" "$IMAGE" "m$i" sh -c "echo $i; exit $i" >"out.$i" 2>/dev/null &
		jobs+=" $!"
	done
	each_its_own $jobs
}

case_nerdctl() {
	command -v nerdctl >/dev/null || skip "host: no nerdctl (Debian has none)"
	is "$(nerdctl --address "$CONTAINERD_ADDRESS" --namespace test run --rm --net none --runtime "$RUNTIME" "$IMAGE" echo hello)" hello
}

case_nothing_is_left() {
	up c-a
	up c-b
	x c-a true
	clean
	eventually 20 equals '' left || true
	is "$(left)" ''
}

left() {
	find /sys/fs/cgroup -type d \( -path '*/rt-ctr/?*' -o -name 'ctr-*.scope' \)
	find /run/containerd/runc/test -mindepth 1 ! -name @seccomp ! -path '*/@seccomp/*' 2>/dev/null || true
	find /run/rt-containerd/io.containerd.runtime.v2.task/test -mindepth 1 2>/dev/null || true
	pgrep -fa 'containerd-shim.*-namespace test' || true
}

main "$@"
