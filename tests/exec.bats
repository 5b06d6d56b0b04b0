#!/usr/bin/env bats
# exec: a process more in a running container. runc's exec.go, runc-exec(8).
load lib

prepare() {
	root_needed
	payload_needed
	bundle
	payload
	running
}

# in_container ARG… executes a command that must succeed; its output is in $out.
in_container() { ok exec "$ID" "$@"; }

# exec_fails ARG… must fail with exit code 255 and one clear line, and leave no
# process.
exec_fails() {
	local before
	before=$(cg_procs)
	oci exec "$@"
	[ "$code" = 255 ] || fail "exec $*: exit $code, want 255; out: $out err: $err"
	has "$err" "exec failed: "
	eventually 5 only_procs "$before"
}

only_procs() { [ "$(cg_procs)" = "$1" ]; }

# again EDIT… starts the container anew with another config.json.
again() {
	ok delete --force "$ID"
	config "$@"
	ok run --detach --bundle "$BUNDLE" "$ID"
}

# process JQ-FILTER writes a process file, $T/process.json.
process() { jq -n '{cwd: "/", args: ["true"], env: ["PATH=/bin"], user: {uid: 0, gid: 0}} | '"$1" >"$T/process.json"; }

@test "a command is executed in the container" {
	in_container sh -c 'echo hello; ls /'
	has "$out" hello
	has "$out" proc
}

@test "it is in all namespaces and the cgroup of the container" {
	in_container sh -c 'for n in cgroup ipc mnt net pid uts user; do readlink /proc/self/ns/$n; done; sed "s/^[0-9]*://" /proc/self/cgroup'
	local pid want
	pid=$(pid_of)
	want=$(for n in cgroup ipc mnt net pid uts user; do readlink "/proc/$pid/ns/$n"; done)
	oci exec "$ID" sh -c 'for n in cgroup ipc mnt net pid uts user; do readlink /proc/self/ns/$n; done'
	is "$out" "$want"
	oci exec "$ID" cat /proc/self/cgroup
	local mine=$out
	oci exec "$ID" cat /proc/1/cgroup
	is "$mine" "$out"
}

@test "the exit status is the process's" {
	for n in 0 1 42 255; do
		oci exec "$ID" sh -c "exit $n"
		is "$code" "$n"
	done
	oci exec "$ID" sh -c 'kill -9 $$'
	is "$code" 137
}

@test "options end at the id" {
	in_container ls -l -d /
	has "$out" drwx
	in_container echo --tty -t -- --help
	is "$out" "--tty -t -- --help"
}

@test "standard input, output and error are the caller's" {
	echo typed >"$T/stdin"
	STDIN=$T/stdin ok exec "$ID" sh -c 'cat; echo problem >&2'
	is "$out" typed
	is "$err" problem
}

@test "--cwd" {
	ok exec --cwd /bin "$ID" pwd
	is "$out" /bin
	exec_fails --cwd /no/such "$ID" pwd
	has "$err" 'chdir to cwd (\"/no/such\") set in config.json failed: no such file or directory'
	exec_fails --cwd bin "$ID" pwd
}

@test "--env adds to the container's environment" {
	ok exec -e A=1,2 -e B= "$ID" sh -c 'echo "$A/$B/$PATH"; env'
	has "$out" "1,2//"
	has "$out" "RT_BATS_TEST=$TAG"
}

@test "HOME is the user's by the container's passwd" {
	mkdir -p "$BUNDLE/rootfs/etc"
	printf 'root:x:0:0::/root:/bin/sh\nann:x:2000:2000::/home/ann:/bin/sh\n' >"$BUNDLE/rootfs/etc/passwd"
	ok exec --user 2000 "$ID" sh -c 'echo $HOME'
	is "$out" /home/ann
	ok exec --user 3000 "$ID" sh -c 'echo $HOME'
	is "$out" /
	ok exec --user 2000 --env HOME=/mine "$ID" sh -c 'echo $HOME'
	is "$out" /mine
}

@test "a passwd that is a link, a fifo or a directory is not followed out of the root" {
	mkdir -p "$BUNDLE/rootfs/etc"
	rm -f "$BUNDLE/rootfs/etc/passwd"
	ln -s "../../../../../../../../../../$T/passwd" "$BUNDLE/rootfs/etc/passwd"
	echo 'ann:x:2000:2000::/stolen:/bin/sh' >"$T/passwd"
	ok exec --user 2000 "$ID" sh -c 'echo $HOME'
	is "$out" /
	rm "$BUNDLE/rootfs/etc/passwd"
	mkfifo "$BUNDLE/rootfs/etc/passwd"
	is_rt || return 0 # runc waits for a writer
	ok exec --user 2000 "$ID" sh -c 'echo $HOME'
	is "$out" /
}

@test "--user and --additional-gids" {
	ok exec --user 1000:1001 --additional-gids 100 --additional-gids 65534 "$ID" id
	matches "$out" "uid=1000.* gid=1001"
	ok exec --user 1000:1001 -g 100 -g 65534 "$ID" id -G
	is "$out" "1001 100 65534"
	ok exec -u 7 "$ID" id -u
	is "$out" 7
}

@test "users and groups that are none are refused" {
	exec_fails --user ann "$ID" true
	matches "$err" "bad uid|for uid"
	exec_fails --user 1:staff "$ID" true
	matches "$err" "bad gid|for gid"
	exec_fails --additional-gids -5 "$ID" true
	has "$err" "additional-gids must be a positive number"
}

@test "ids that mean something else to the kernel are refused" {
	is_rt || skip "defect of $NAME: 4294967295 is root's"
	for id in -1 4294967295 4294967296; do exec_fails --user "$id" "$ID" true; done
}

@test "--process describes the process, and is read from a pipe too" {
	process '.args = ["sh", "-c", "id; pwd; umask; echo $X"] | .cwd = "/bin" | .env += ["X=y"] | .user = {uid: 5, gid: 6, additionalGids: [7]}'
	ok exec --process "$T/process.json" "$ID"
	has "$out" "uid=5 gid=6 groups=7"
	has "$out" $'\n/bin\n'
	has "$out" $'\ny'
	ok exec -p <(cat "$T/process.json") "$ID"
	has "$out" "uid=5 gid=6"
}

@test "a process file that is none is refused" {
	exec_fails --process "$T/nosuch" "$ID"
	echo '{' >"$T/process.json"
	exec_fails --process "$T/process.json" "$ID"
	process '.cwd = "here"'
	exec_fails --process "$T/process.json" "$ID"
	process '.args = []'
	exec_fails --process "$T/process.json" "$ID"
}

@test "capabilities, limits and priorities of a process file" {
	process '.args = ["sh", "-c", "grep Cap /proc/self/status; ulimit -n; ulimit -Hn"] | .rlimits = [{type: "RLIMIT_NOFILE", soft: 33, hard: 44}]
		| .capabilities = {bounding: ["CAP_KILL", "CAP_CHOWN"], effective: ["CAP_KILL"], permitted: ["CAP_KILL"]}'
	ok exec --process "$T/process.json" "$ID"
	has "$out" "CapPrm:	0000000000000021" # root gets all of the bounding set
	has "$out" "CapBnd:	0000000000000021"
	has "$out" $'\n33\n44'
}

@test "scheduler and ioPriority of a process file" {
	newer_than_runc_1_1 "them"
	process '.args = ["/bin/payload", "sched"] | .scheduler = {policy: "SCHED_BATCH", nice: 5} | .ioPriority = {class: "IOPRIO_CLASS_BE", priority: 6}'
	ok exec --process "$T/process.json" "$ID"
	has "$out" "policy=3 nice=5"
	has "$out" "ioclass=2 ioprio=6"
}

@test "execCPUAffinity: final counts, the caller's affinity does not" {
	newer_than_runc_1_1 "it"
	process '.args = ["grep", "Cpus_allowed_list", "/proc/self/status"] | .execCPUAffinity = {initial: "0", final: "0"}'
	ok exec --process "$T/process.json" "$ID"
	is "$out" "Cpus_allowed_list:	0"
	process '.args = ["grep", "Cpus_allowed_list", "/proc/self/status"] | .execCPUAffinity = {initial: "0"}'
	ok exec --process "$T/process.json" "$ID"
	is "$out" "Cpus_allowed_list:	0"
	process '.args = ["grep", "Cpus_allowed_list", "/proc/self/status"] | .execCPUAffinity = {final: "1000"}'
	exec_fails --process "$T/process.json" "$ID"
	has "$err" "CPU affinity"
	ok exec "$ID" grep Cpus_allowed_list /proc/1/status
	local all=$out
	code=0
	timeout 20 taskset 1 "$RUNTIME" --root "$ROOT" exec "$ID" grep Cpus_allowed_list /proc/self/status >"$T/out" </dev/null 3>&- 4>&- || code=$?
	is "$code" 0
	is "$(cat "$T/out")" "$all"
}

@test "execCPUAffinity of config.json" {
	newer_than_runc_1_1 "it"
	again '.process.execCPUAffinity = {final: "0"}'
	ok exec "$ID" grep Cpus_allowed_list /proc/self/status
	is "$out" "Cpus_allowed_list:	0"
}

@test "--cap and --no-new-privs" {
	again '.process.capabilities = {bounding: ["CAP_KILL"], effective: ["CAP_KILL"], permitted: ["CAP_KILL"]} | .process.noNewPrivileges = true'
	ok exec --cap CAP_CHOWN "$ID" grep -E 'Cap|NoNew' /proc/self/status
	has "$out" "CapEff:	0000000000000021"
	has "$out" "CapBnd:	0000000000000021"
	has "$out" "CapAmb:	0000000000000000"
	has "$out" "NoNewPrivs:	1"
	ok exec --no-new-privs=false "$ID" grep NoNew /proc/self/status
	has "$out" "NoNewPrivs:	0"
}

@test "capabilities of another user are those of the ambient set" {
	again '.process.capabilities = {bounding: ["CAP_KILL"], effective: ["CAP_KILL"], permitted: ["CAP_KILL"], inheritable: ["CAP_KILL"], ambient: ["CAP_KILL"]}'
	ok exec --user 1000 "$ID" grep Cap /proc/self/status
	has "$out" "CapEff:	0000000000000020"
	has "$out" "CapAmb:	0000000000000020"
}

@test "the container's seccomp filter holds, with and without noNewPrivileges" {
	for nnp in true false; do
		again --argjson n $nnp '.process.noNewPrivileges = $n | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW",
			syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO"}]}'
		oci exec "$ID" mkdir /tmp/dir
		is "$code" 1
		has "$err" "not permitted"
		in_container grep Seccomp: /proc/self/status
		is "$out" "Seccomp:	2"
	done
}

@test "umask, limits and personality are the container's" {
	newer_than_runc_1_1 "personality"
	again '.process.user.umask = 63 | .process.rlimits = [{type: "RLIMIT_NOFILE", soft: 77, hard: 88}] | .linux.personality = {domain: "LINUX32"}'
	in_container sh -c 'umask; ulimit -n; ulimit -Hn; uname -m'
	is "$(tr '\n' ' ' <<<"$out")" "0077 77 88 i686 "
}

@test "--detach returns when the process runs, with its pid in --pid-file" {
	cd "$T"
	ok exec --detach --pid-file child.pid "$ID" sleep 1000
	local pid
	pid=$(cat "$T/child.pid")
	is "$(tr '\0' ' ' <"/proc/$pid/cmdline")" "sleep 1000 "
	has " $(cg_procs | tr '\n' ' ')" " $pid "
	is "$(awk '{print $4}' "/proc/$pid/stat")" "$(awk '{print $4}' "/proc/$(pid_of)/stat")"
}

@test "a pid file that cannot be written ends it" {
	exec_fails --pid-file /no/such/dir/pid "$ID" sleep 1000
	exec_fails --detach --pid-file /no/such/dir/pid "$ID" sleep 1000
}

@test "--pidfd-socket gets a pidfd" {
	newer_than_runc_1_1 "--pidfd-socket"
	need python3
	SOCK=$(mktemp -u /tmp/rt-bats-XXXXXX)
	cat >"$T/receive.py" <<-'PY'
		import array, os, re, socket, sys
		s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()
		c, _ = s.accept()
		_, anc, _, _ = c.recvmsg(100, socket.CMSG_SPACE(4))
		fd = array.array("i", anc[0][2])[0]
		print(re.search(r"Pid:\s*(\d+)", open(f"/proc/self/fdinfo/{fd}").read()).group(1))
		os.unlink(sys.argv[1])
	PY
	python3 "$T/receive.py" "$SOCK" >"$T/received" 2>&1 3>&- 4>&- &
	BACKGROUND=$!
	eventually 10 test -S "$SOCK"
	ok exec --detach --pid-file "$T/pid" --pidfd-socket "$SOCK" "$ID" sleep 1000
	eventually 10 gone "$BACKGROUND"
	is "$(cat "$T/received")" "$(cat "$T/pid")"
}

@test "--tty with --console-socket" {
	SOCK=$(mktemp -u /tmp/rt-bats-XXXXXX)
	"$RT_BATS_DIR/bin/payload" console "$SOCK" >"$T/tty" 2>&1 3>&- 4>&- </dev/null &
	BACKGROUND=$!
	eventually 10 test -S "$SOCK"
	ok exec --tty --detach --console-socket "$SOCK" --user 1000 "$ID" sh -c 'tty; stat -c %u $(tty); : </dev/tty && echo ctty; echo "sid=$(awk "{print \$6}" /proc/self/stat) pid=$$"'
	eventually 10 gone "$BACKGROUND"
	tty=$(tr -d '\r' <"$T/tty")
	has "$tty" /dev/pts/0
	has "$tty" $'\n1000\n'
	has "$tty" ctty
	matches "$tty" 'sid=([0-9]+) pid=\1'
}

@test "consoleSize of a process file" {
	SOCK=$(mktemp -u /tmp/rt-bats-XXXXXX)
	"$RT_BATS_DIR/bin/payload" console "$SOCK" >"$T/tty" 2>&1 3>&- 4>&- </dev/null &
	BACKGROUND=$!
	eventually 10 test -S "$SOCK"
	process '.args = ["stty", "size"] | .terminal = true | .consoleSize = {height: 33, width: 111}'
	ok exec --detach --console-socket "$SOCK" --process "$T/process.json" "$ID"
	eventually 10 gone "$BACKGROUND"
	has "$(cat "$T/tty")" "33 111"
}

@test "a terminal needs a socket exactly when nobody attends to it" {
	exec_fails --tty --detach "$ID" true
	has "$err" "cannot allocate tty if"
	exec_fails --console-socket /tmp/nosuch "$ID" true
	has "$err" "cannot use console socket if"
	exec_fails --tty --detach --console-socket "$T/nosuch" "$ID" true
}

@test "--tty in the foreground copies both ways" {
	need python3
	cat >"$T/drive.py" <<-'PY'
		import fcntl, os, pty, struct, sys, termios
		pid, fd = pty.fork()
		if pid == 0:
		    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 44, 99, 0, 0))
		    os.execv(sys.argv[1], sys.argv[1:])
		data = b""
		while b"ready" not in data: data += os.read(fd, 4096)
		os.write(fd, b"words\n")
		while True:
		    try: piece = os.read(fd, 4096)
		    except OSError: break
		    if not piece: break
		    data += piece
		sys.stdout.write(data.decode())
		sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	PY
	code=0
	timeout 20 python3 "$T/drive.py" "$RUNTIME" --root "$ROOT" exec --tty "$ID" \
		sh -c 'until [ "$(stty size)" = "44 99" ]; do :; done; echo ready; read -r l; echo "got=$l"; exit 6' </dev/null >"$T/out" 2>&1 3>&- 4>&- || code=$?
	has "$(cat "$T/out")" "got=words"
	is "$code" 6
}

@test "signals are passed on" {
	run_bg exec "$ID" sh -c 'trap "exit 9" TERM; : >/tmp/ready; while :; do sleep 0.05; done'
	eventually 10 in_rootfs /tmp/ready
	kill -TERM "$BG"
	bg_code
	is "$code" 9
}

in_rootfs() { oci exec "$ID" test -e "$1" && [ "$code" = 0 ]; }

@test "--preserve-fds" {
	echo preserved >"$T/file"
	code=0
	timeout 20 "$RUNTIME" --root "$ROOT" exec --preserve-fds 2 "$ID" cat /proc/self/fd/4 3</dev/null 4<"$T/file" >"$T/out" </dev/null || code=$?
	is "$code" 0
	is "$(cat "$T/out")" preserved
	code=0
	timeout 20 "$RUNTIME" --root "$ROOT" exec --preserve-fds 30 "$ID" true >"$T/out" 2>&1 </dev/null 3>&- 4>&- || code=$?
	is "$code" 255
}

@test "sockets of socket activation are not exec's" {
	code=0
	LISTEN_FDS=1 timeout 20 sh -c 'LISTEN_PID=$$ exec "$@"' sh "$RUNTIME" --root "$ROOT" exec "$ID" sh -c 'echo "fds=$LISTEN_FDS"; ls /proc/self/fd' 3</etc/passwd >"$T/out" </dev/null 4>&- || code=$?
	is "$code" 0
	has "$(cat "$T/out")" "fds="
	lacks "$(cat "$T/out")" "fds=1"
}

@test "a missing command is 255 and named" {
	exec_fails "$ID" nosuch
	says 'exec failed: unable to start container process: exec: "nosuch": executable file not found in $PATH' \
		'exec failed: unable to start container process: exec: "nosuch": executable file not found in $PATH: unknown'
}

@test "a file that is not executable is 255 and named" {
	mkdir -p "$BUNDLE/rootfs/etc"
	: >"$BUNDLE/rootfs/etc/plain"
	exec_fails "$ID" /etc/plain
	has "$err" 'permission denied'
	exec_fails "$ID" /etc
	exec_fails "$ID" ""
}

@test "a container that is not there is 255" {
	exec_fails nosuch true
	says "exec failed: container does not exist"
}

@test "without a command there is an error" {
	exec_fails "$ID"
	has "$err" "args cannot be empty"
	oci exec
	is "$code" 1
}

@test "exec in a created container" {
	second
	payload
	created
	in_container sh -c 'echo in; cat /proc/1/status' # init is there
	has "$out" in
	is "$(status_of)" created
}

@test "exec in a stopped container is refused" {
	ok kill "$ID" KILL
	eventually 15 status_is stopped
	exec_fails "$ID" true
	says "exec failed: cannot exec in a stopped container" "exec failed: cannot exec a container that has stopped"
}

@test "exec in a paused container is refused, or waits with --ignore-paused" {
	ok pause "$ID"
	exec_fails "$ID" true
	says "exec failed: cannot exec in a paused container (use --ignore-paused to override)"
	run_bg exec --ignore-paused "$ID" echo ran
	ok resume "$ID"
	bg_code
	is "$code" 0
	is "$(cat "$T/bg.out")" ran
}

@test "a bundle that was deleted or changed changes nothing" {
	is_rt || skip "only rt keeps what create saw"
	config '.process.user.uid = 77 | .process.capabilities.bounding = []'
	in_container id -u
	is "$out" 0
	mv "$BUNDLE/config.json" "$T/config.json"
	in_container id -u
	is "$out" 0
}

@test "a user namespace is joined, ids and capabilities are of it" {
	unshare -U true 2>/dev/null || skip "host: no user namespaces"
	chmod -R go+rX "$BUNDLE/rootfs"
	chmod 0755 "$BUNDLE" "$T"
	again '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] |
		.linux.gidMappings = .linux.uidMappings | .process.rlimits = [{type: "RLIMIT_NPROC", soft: 500, hard: 500}]'
	in_container sh -c 'id -u; cat /proc/self/uid_map; ulimit -u'
	matches "$(tr -s ' \n' ' ' <<<"$out")" '^0 0 100000 65536 500'
	ok exec --user 1000:1000 "$ID" id
	matches "$out" "uid=1000.* gid=1000"
}

@test "a container that shares the host's pid namespace" {
	again '.linux.namespaces |= map(select(.type != "pid"))'
	ok exec --detach --pid-file "$T/pid" "$ID" sleep 1000
	in_container cat "/proc/$(cat "$T/pid")/comm"
	is "$out" sleep
}

@test "without a mount namespace the root is init's, not the host's" {
	is_rt || skip "defect of $NAME: the process is in the host's root"
	again '.mounts = [] | del(.linux.maskedPaths, .linux.readonlyPaths) | .linux.namespaces |= map(select(.type != "mount"))'
	in_container sh -c 'ls -di /; ls /'
	is "$(awk 'NR == 1 {print $1}' <<<"$out")" "$(stat -c %i "$BUNDLE/rootfs")"
}

@test "--cgroup: a group below the container's" {
	local sub
	for sub in .. ../x a/../../x; do
		exec_fails --cgroup "$sub" "$ID" true
		has "$err" "sub cgroup path"
	done
	exec_fails --cgroup nosuch "$ID" true
	has "$err" "no such file or directory"
	ok exec --cgroup / "$ID" cat /proc/self/cgroup
	local whole=$out
	ok exec "$ID" cat /proc/self/cgroup
	is "$out" "$whole"
	if cg_is_v1 pids; then
		mkdir "$(cg_dir pids)/sub" "$(cg_dir memory)/sub"
		ok exec --cgroup pids:sub --cgroup memory:/sub "$ID" cat /proc/self/cgroup
		matches "$out" 'pids:[^,]*/sub'
		matches "$out" 'memory:[^,]*/sub'
		exec_fails --cgroup nosuch:/ "$ID" true
		has "$err" "unknown controller"
		exec_fails --cgroup pids:sub --cgroup pids:sub "$ID" true
		exec_fails --cgroup a --cgroup b "$ID" true
		exec_fails --cgroup :a "$ID" true
		rmdir "$(cg_dir pids)/sub" "$(cg_dir memory)/sub"
	else
		mkdir "$(cg_dir '')/sub"
		ok exec --cgroup sub "$ID" cat /proc/self/cgroup
		has "$out" "/sub"
		rmdir "$(cg_dir '')/sub"
	fi
}

@test "--cgroup: init's own group when the container's takes no process" {
	# runc#2356, runc#5089
	! cg_is_v1 pids || skip "host: cgroup v1"
	local dir other
	dir=$(cg_dir '')
	other="$(dirname "$dir")/other"
	mkdir "$dir/init" "$other"
	move "$dir" "$dir/init"
	in_container cat /proc/self/cgroup
	lacks "$out" /init # it still takes some
	eventually 5 sh -c "[ -z \"\$(cat $dir/cgroup.procs)\" ]"
	echo +pids >"$dir/cgroup.subtree_control"
	in_container cat /proc/self/cgroup
	has "$out" /init
	exec_fails --cgroup / "$ID" true
	has "$err" "device or resource busy"
	ok exec --cgroup init "$ID" cat /proc/self/cgroup
	has "$out" /init
	newer_than_runc_1_1 "init's group in place of one that is gone"
	move "$dir/init" "$other"
	eventually 5 rmdir "$dir/init" "$dir"
	in_container grep -h ^0:: /proc/self/cgroup /proc/1/cgroup
	is "$(sed -n 1p <<<"$out")" "$(sed -n 2p <<<"$out")"
	ok delete --force "$ID"
	eventually 5 rmdir "$other"
}

# move FROM TO: all processes of one group to another.
move() { for p in $(cat "$1/cgroup.procs"); do echo "$p" >"$2/cgroup.procs"; done; }

@test "the host's files keep their owner in the foreground" {
	is_rt || skip "runc has pipes between"
	: >"$T/log"
	timeout 20 "$RUNTIME" --root "$ROOT" exec --user 1000 "$ID" echo line </dev/null >"$T/log" 3>&- 4>&-
	is "$(stat -c %u "$T/log")" 0
	is "$(cat "$T/log")" line
}

@test "S03: no descriptor of the host's" {
	code=0
	timeout 20 "$RUNTIME" --root "$ROOT" exec "$ID" ls -l /proc/self/fd 5</ 6</etc/passwd 9<"$T" </dev/null >"$T/out" 2>"$T/err" 3>&- 4>&- || code=$?
	is "$code" 0
	# 3 is the directory that ls reads.
	is "$(awk '/->/ {print $(NF - 2)}' "$T/out" | tr '\n' ' ')" "0 1 2 "
	lacks "$(grep -v ' 1 -> ' "$T/out" | grep -v ' 2 -> ')" "$T"
}

@test "S03: cwd and command through descriptors are no way out" {
	# CVE-2024-21626
	for n in $(seq 3 20); do
		oci exec --cwd "/proc/self/fd/$n" "$ID" sh -c "pwd; ls; cat '../../../../../../../etc/hostname'"
		[ "$code" != 0 ]
		lacks "$out" "$T"
		oci exec "$ID" "/proc/self/fd/$n/bin/busybox" true
		is "$code" 255
	done
}

@test "S04: the runtime's file cannot be written to through /proc/self/exe" {
	# CVE-2019-5736
	local sum
	sum=$(sha256sum <"$RUNTIME")
	printf '#!/proc/self/exe\n' >"$BUNDLE/rootfs/bin/evil"
	chmod +x "$BUNDLE/rootfs/bin/evil"
	again '.process.args = ["sh", "-c", "while :; do for p in /proc/[0-9]*; do [ $p = /proc/1 ] || [ $p = /proc/$$ ] || (: >>$p/exe) 2>/dev/null && echo opened >>/tmp/opened; done; done"]'
	for _ in $(seq 8); do
		oci exec "$ID" /bin/evil
		oci exec "$ID" true
	done
	is "$(sha256sum <"$RUNTIME")" "$sum"
}

@test "a process that enters cannot be looked into from the container" {
	# CVE-2016-9962
	again '.process.args = ["sh", "-c", "while :; do for p in /proc/[0-9]*; do [ $p = /proc/1 ] || { cat $p/environ; ls -l $p/fd; } >>/tmp/seen 2>/dev/null; done; done"]'
	for _ in $(seq 12); do
		SECRET_OF_THE_HOST=canary oci exec "$ID" true
		is "$code" 0
	done
	in_container sh -c 'grep -c canary /tmp/seen; grep -cE "state.json|pidfd|/sys/fs/cgroup" /tmp/seen; true'
	is "$(tr '\n' ' ' <<<"$out")" "0 0 "
}

@test "exec killed at random moments leaves no process that is not told" {
	local before t
	before=$(cg_procs)
	for t in 0.001 0.002 0.003 0.004 0.005 0.006 0.007 0.008 0.01 0.012 0.015; do
		rm -f "$T/pid"
		RT_BATS_TEST=$TAG timeout --foreground -s KILL "$t" "$RUNTIME" --root "$ROOT" exec --detach --pid-file "$T/pid" "$ID" sleep 1000 </dev/null >/dev/null 2>&1 3>&- 4>&- || true
		eventually 5 told "$before" || fail "killed after $t s: $(cg_procs)"
		kill -KILL "$(cat "$T/pid")" 2>/dev/null || true
		eventually 5 only_procs "$before"
	done
}

# told BEFORE: every process of the container was there, or is in the pid file.
told() {
	local extra
	extra=$(comm -13 <(sort <<<"$1") <(cg_procs | sort))
	[ -z "$extra" ] || [ "$extra" = "$(cat "$T/pid" 2>/dev/null)" ]
}
