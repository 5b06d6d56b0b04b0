#!/usr/bin/env bash
# Podman on a runtime, rootful or rootless, whichever user runs it: a storage of
# its own and a containers.conf that names the runtime. See lib.sh.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ "$(id -u)" = 0 ] && ROOTLESS= || ROOTLESS=1

prepare() {
	modprobe -aq overlay bridge veth fuse nf_tables 2>/dev/null || true
	mkdir "$T/rootfs"
	jq -nr --arg path "$RUNTIME" --arg name "$NAME" --arg driver "$DRIVER" '
		"[engine]\nruntime = \"" + $name + "\"\ncgroup_manager = \"" + $driver + "\"\nevents_logger = \"file\"\n" +
		"runtime_supports_json = [\"" + $name + "\"]\n[engine.runtimes]\n" + $name + " = [\"" + $path + "\"]\n" +
		"[containers]\nlog_driver = \"k8s-file\"\n"' >"$T/containers.conf"
	printf '[storage]\ndriver = "overlay"\ngraphroot = "%s/lib"\nrunroot = "%s/run"\n' "$T" "$T" >"$T/storage.conf"
	if [ -z "$ROOTLESS" ]; then
		grep -q ^containers: /etc/subuid || echo containers:400000:1000000 | tee -a /etc/subuid >>/etc/subgid
	fi
	rootfs "$T/rootfs"
	tar -C "$T/rootfs" -c . | podman import -q -c 'CMD ["sh"]' - box
}

clean() {
	podman pod rm -f -t 0 -a >/dev/null
	podman rm -f -t 0 -a >/dev/null
	podman volume prune -f >/dev/null
}

finish() {
	clean
	podman system migrate
	podman unshare rm -rf "$T/lib" "$T/run" 2>/dev/null || rm -rf "$T/lib" "$T/run"
}

export CONTAINERS_CONF="${T:-}/containers.conf" CONTAINERS_STORAGE_CONF="${T:-}/storage.conf"

rooted() { [ -z "$ROOTLESS" ] || skip "needs root"; }

net() { case " $* " in *" --network "* | *" -p "* | *" --pod "*) net=() ;; *) net=(--network none) ;; esac }

# d ARG… runs a container and removes it.
d() {
	net "$@"
	podman run --rm "${net[@]}" "$@"
}

# up NAME [OPTION…] starts a detached container that ends by TERM.
up() {
	local name=$1
	shift
	net "$@"
	podman run -d --name "$name" "${net[@]}" "$@" box sh -c "$FOREVER" >/dev/null
}

field() { podman inspect -f "{{$2}}" "$1"; }
pid() { field "$1" .State.Pid; }
status() { field "$1" .State.Status; }
limit() { cat "$(cgroup_of "$(pid "$1")")/$2"; }

# --- run ---------------------------------------------------------------------

case_info_names_the_runtime() {
	is "$(podman info -f '{{.Host.OCIRuntime.Name}} {{.Host.OCIRuntime.Path}} {{.Host.CgroupManager}}')" "$NAME $RUNTIME $DRIVER"
	has "$(podman info -f '{{.Host.OCIRuntime.Version}}')" "$NAME version"
}

case_run_prints_and_returns_the_exit_code() {
	exits 7 d box sh -c 'echo out; echo err >&2; exit 7'
	has "$out" out
	is "$(d box sh -c 'echo out; echo err >&2' 2>/dev/null)" out
	is "$(d box sh -c 'echo out; echo err >&2' 2>&1 >/dev/null)" err
	exits 137 d --init box sh -c 'kill -KILL $$'
}

case_run_missing_command_is_127() {
	exits 127 d box nosuch
	has "$out" 'executable file `nosuch` not found in $PATH' 2>/dev/null || has "$out" 'exec: "nosuch": executable file not found in $PATH'
	exits 127 d box /bin/nosuch
	has "$out" 'no such file or directory'
}

case_run_not_executable_is_126() {
	exits 126 d box /etc/plain
	has "$out" 'permission denied'
	exits 126 d box /etc
}

case_run_refused_by_podman_is_125() {
	exits 125 d --nosuch box true
	exits 125 d --device /dev/nosuch box true
}

case_run_environment() {
	out=$(d -e A=1 -e "B=two words" --hostname h1 --unsetenv container box env)
	has "$out" 'A=1'
	has "$out" 'B=two words'
	has "$out" 'HOSTNAME=h1'
	has "$out" 'HOME=/root'
}

case_run_user_group_and_workdir() {
	is "$(d -u 1000:2000 box sh -c 'id -u; id -g')" "1000"$'\n'"2000"
	is "$(d -u user box sh -c 'echo $(id -u) $HOME $(id -G)')" "1000 /home 1000 2000"
	is "$(d -u 12 --group-add 77 --group-add extra box id -G)" "0 77 2000"
	exits 126 d -w /nosuch box pwd || exits 127 d -w /nosuch box pwd
	is "$(d -w /mnt box pwd)" /mnt
	is "$(d --umask 027 box sh -c umask)" 0027
}

case_run_input_by_a_pipe() {
	is "$(printf 'one\ntwo\n' | d -i box sh -c 'read a; read b; echo $b $a')" "two one"
	is "$(head -c 300000 /dev/zero | d -i box wc -c)" 300000
}

case_run_on_a_terminal() {
	out=$(on_pty size=31x97 'want=# ' 'send=echo $((40+2)) $(tty) $(stty size)' 'want=42 /dev/pts/0 31 97' 'want=# ' \
		size=20x50 'send=while [ "$(stty size)" != "20 50" ]; do sleep 0.1; done; echo re""sized' want=resized 'send=exit 5' \
		-- podman run --rm -it --network none box sh) && return 1 || is $? 5
}

case_run_terminal_without_input() {
	is "$(d -t box sh -c '[ -t 0 ] && [ -t 1 ] && echo $TERM' | tr -d '\r')" xterm
}

case_run_passes_descriptors() {
	echo seen >file
	is "$(d --preserve-fds 1 box cat /proc/self/fd/3 3<file)" seen
}

case_run_from_a_directory() {
	is "$(podman run --rm --network none --rootfs "$T/rootfs:O" cat /data/file)" 'in the image'
}

case_run_with_a_time_limit() {
	exits 137 d --timeout 2 box sleep 1000 || exits 255 d --timeout 2 box sleep 1000
}

case_attach_and_detach_keys() {
	podman run -dit --network none --name c-a box sh
	on_pty 'send=echo $((40+2))' want=42 'send=' 'want=# ' key=P key=Q -- podman attach c-a || true
	is "$(status c-a)" running
	out=$(on_pty 'send=exit 9' 'want=exit 9' -- podman attach c-a) || is $? 9
	is "$(podman wait c-a)" 9
}

case_create_init_start_wait() {
	podman create --network none --name c-a box sh -c 'exit 3'
	podman init c-a
	is "$(status c-a)" initialized
	exits 3 podman start -a c-a
	is "$(podman wait c-a)" 3
	podman start c-a
	is "$(podman wait c-a)" 3
}

# --- exec --------------------------------------------------------------------

case_exec_exit_code_and_output() {
	up c-a
	exits 4 podman exec c-a sh -c 'echo out; exit 4'
	is "$out" out
	is "$(echo data | podman exec -i c-a cat)" data
	is "$(podman exec c-a sh -c 'echo err >&2' 2>&1 >/dev/null)" err
	exits 137 podman exec c-a sh -c 'kill -KILL $$'
}

case_exec_what_cannot_run() {
	up c-a
	exits 127 podman exec c-a nosuch
	exits 127 podman exec c-a /bin/nosuch
	exits 126 podman exec c-a /etc/plain
	is "$(status c-a)" running
}

case_exec_user_workdir_environment() {
	up c-a -e A=1 -w /tmp
	is "$(podman exec -u 1000:2000 -w /mnt -e B=2 c-a sh -c 'echo $(id -u) $(id -g) $(pwd) $A$B')" "1000 2000 /mnt 12"
	is "$(podman exec -u user c-a sh -c 'echo $(id -u) $HOME $(pwd)')" "1000 /home /tmp"
	exits 127 podman exec -w /nosuch c-a true || exits 126 podman exec -w /nosuch c-a true
}

case_exec_on_a_terminal() {
	up c-a
	out=$(on_pty size=31x97 'want=# ' 'send=echo $((40+2)) $(tty) $(stty size)' 'want=42 /dev/pts/0 31 97' 'want=# ' \
		size=20x50 'send=while [ "$(stty size)" != "20 50" ]; do sleep 0.1; done; echo re""sized' want=resized 'send=exit 6' \
		-- podman exec -it c-a sh) && return 1 || is $? 6
	on_pty 'want=1000' -- podman exec -it -u user c-a id -u
}

case_exec_detached_and_sessions() {
	local session
	up c-a
	session=$(podman exec -d c-a sh -c 'echo $$ >/tmp/pid; exec sleep 1000')
	eventually 20 podman exec c-a test -s /tmp/pid
	is "$(podman exec c-a sh -c 'cat /proc/$(cat /tmp/pid)/comm')" sleep
	is "$(podman inspect -f '{{len .ExecIDs}}' c-a)" 1
	has "$(field c-a .ExecIDs)" "$session"
}

case_exec_shares_namespaces_and_cgroup() {
	local ns
	up c-a
	for ns in mnt uts ipc net pid cgroup user; do
		is "$(podman exec c-a readlink /proc/self/ns/$ns)" "$(podman exec c-a readlink /proc/1/ns/$ns)"
	done
	is "$(podman exec c-a cat /proc/self/cgroup)" "$(podman exec c-a cat /proc/1/cgroup)"
}

case_exec_privileged_and_capabilities() {
	up c-a --cap-drop ALL
	is "$(podman exec c-a awk '/^CapEff/{print $2}' /proc/self/status)" 0000000000000000
	up c-b
	is "$(podman exec --privileged c-b awk '/^CapEff/{print $2}' /proc/self/status)" "$(awk '/^CapBnd/{print $2}' /proc/1/status)"
	is "$(podman exec -u user c-b awk '/^CapEff/{print $2}' /proc/self/status)" 0000000000000000
}

case_exec_when_stopped_or_paused() {
	[ -z "$ROOTLESS" ] || [ "$DRIVER" = systemd ] || skip "rootless: pausing needs cgroups"
	up c-a
	podman pause c-a
	exits 255 podman exec c-a true
	podman unpause c-a
	podman exec c-a true
	podman stop c-a
	exits 255 podman exec c-a true
}

case_exec_many_at_once() {
	local i pids=
	up c-a
	for i in 1 2 3 4 5 6 7 8; do
		podman exec c-a sh -c "echo $i; exit $i" >"exec.$i" 2>&1 &
		pids+=" $!"
	done
	i=0
	for pid in $pids; do
		i=$((i + 1))
		wait "$pid" && return 1 || is $? $i
		is "$(cat exec.$i)" $i
	done
}

case_exec_passes_descriptors() {
	up c-a
	echo seen >file
	is "$(podman exec --preserve-fds 1 c-a cat /proc/self/fd/3 3<file)" seen
}

# --- signals, states ---------------------------------------------------------

case_stop_by_term_and_by_kill() {
	up c-a
	podman stop c-a
	is "$(field c-a .State.ExitCode)" 0
	podman run -d --network none --name c-b box sh -c 'trap "" TERM; while :; do sleep 1000 & wait; done'
	podman stop -t 1 c-b
	is "$(field c-b .State.ExitCode)" 137
}

case_kill_sends_any_signal() {
	podman run -d --network none --name c-a box sh -c 'trap "echo usr1" USR1; trap "exit 5" HUP; echo ready; while :; do sleep 1000 & wait; done'
	eventually 20 shows ready podman logs c-a
	podman kill -s USR1 c-a
	eventually 20 shows usr1 podman logs c-a
	podman kill -s 1 c-a
	is "$(podman wait c-a)" 5
	exits 125 podman kill c-a
}

case_kill_ends_all_processes() {
	podman run -d --network none --name c-a box sh -c 'sleep 1001 & sleep 1002 & sleep 1003 & wait'
	eventually 20 shows 1003 podman top c-a args
	local pids p
	pids=$(podman top c-a hpid | tail -n +2)
	podman kill c-a
	podman wait c-a
	for p in $pids; do eventually 10 gone "$p"; done
}

case_pause_and_unpause() {
	[ -z "$ROOTLESS" ] || [ "$DRIVER" = systemd ] || skip "rootless: pausing needs cgroups"
	up c-a
	podman pause c-a
	is "$(status c-a)" paused
	[ ! -d "$(cgroup_of "$(pid c-a)")" ] || is "$(limit c-a cgroup.freeze)" 1
	exits 125 podman pause c-a
	podman unpause c-a
	is "$(status c-a)" running
	podman pause c-a
	podman rm -f -t 0 c-a
}

case_restart_and_remove() {
	up c-a
	local before
	before=$(pid c-a)
	podman restart -t 1 c-a
	[ "$before" != "$(pid c-a)" ]
	exits 2 podman rm c-a
	podman rm -f -t 0 c-a
	exits 1 podman container exists c-a
}

case_restart_policy() {
	podman run -d --network none --name c-a --restart on-failure:2 box sh -c 'exit 1'
	eventually 60 equals '2 exited' field c-a '.RestartCount}} {{.State.Status'
}

case_events() {
	podman run --network none --name c-events box sh -c 'exit 8' || true
	podman rm c-events
	out=$(podman events --stream=false --since 10m --format '{{.Status}}' --filter container=c-events)
	for word in create init start died remove; do has "$out" $word; done
}

# --- watching ----------------------------------------------------------------

case_logs_and_top() {
	podman run --network none --name c-a box sh -c 'for i in 1 2 3; do echo line $i; done; echo bad >&2'
	is "$(podman logs c-a 2>/dev/null)" "line 1"$'\n'"line 2"$'\n'"line 3"
	is "$(podman logs c-a 2>&1 >/dev/null)" bad
	up c-b
	has "$(podman top c-b pid args)" 'sleep 1000'
	is "$(podman top c-b hpid | sed -n 2p)" "$(pid c-b)"
	has "$(podman top c-b -o pid,comm)" sleep
}

case_stats() {
	controllers memory cpu pids
	[ -z "$ROOTLESS" ] || [ "$DRIVER" = systemd ] || skip "rootless: limits need cgroups"
	up c-a --memory 64m --pids-limit 33
	out=$(podman stats --no-stream --no-reset --format '{{.MemUsage}} {{.PIDS}}' c-a)
	has "$out" '/ 67.11MB 2'
}

case_health_check() {
	up c-a --health-cmd 'test ! -e /tmp/ill' --health-interval disable --health-retries 1
	podman healthcheck run c-a
	is "$(field c-a .State.Health.Status)" healthy
	podman exec c-a touch /tmp/ill
	exits 1 podman healthcheck run c-a
	is "$(field c-a .State.Health.Status)" unhealthy
}

# --- limits ------------------------------------------------------------------

limited() {
	controllers memory cpu pids
	[ -z "$ROOTLESS" ] || [ "$DRIVER" = systemd ] || skip "rootless: limits need cgroups"
}

case_limits_are_read_back() {
	limited
	up c-a --memory 64m --memory-swap 96m --memory-reservation 32m --cpus 0.5 --cpu-shares 512 --pids-limit 44
	is "$(limit c-a memory.max)" 67108864
	is "$(limit c-a memory.swap.max)" 33554432
	is "$(limit c-a memory.low)" 33554432
	is "$(limit c-a cpu.max)" "50000 100000"
	is "$(limit c-a pids.max)" 44
	[ "$(limit c-a cpu.weight)" -lt 100 ]
	podman exec c-a true
	has "$(cgroup_of "$(pid c-a)")" "$(field c-a .Id)"
	if [ "$DRIVER" = systemd ]; then
		has "$(cgroup_of "$(pid c-a)")" "/libpod-$(field c-a .Id).scope"
		is "$(systemctl ${ROOTLESS:+--user} show -p MemoryMax --value "libpod-$(field c-a .Id).scope")" 67108864
	fi
}

case_limits_of_cpusets() {
	limited
	controllers cpuset
	up c-a --cpuset-cpus 0 --cpuset-mems 0
	is "$(limit c-a cpuset.cpus)" 0
	is "$(limit c-a cpuset.mems)" 0
}

case_update_changes_limits() {
	limited
	up c-a --memory 64m --pids-limit 44
	podman update --memory 80m --cpus 0.7 --pids-limit 55 --cpu-shares 256 c-a
	is "$(limit c-a memory.max)" 83886080
	is "$(limit c-a cpu.max)" "70000 100000"
	is "$(limit c-a pids.max)" 55
	podman exec c-a true
}

case_out_of_memory_is_reported() {
	limited
	podman run --network none --name c-a --memory 16m --memory-swap 16m box sh -c 'x=$(head -c 100000000 /dev/zero | tr "\0" x)' && return 1
	is "$(field c-a '.State.OOMKilled}} {{.State.ExitCode')" "true 137"
}

case_pids_limit_holds() {
	limited
	exits 2 d --pids-limit 10 box sh -c 'for i in $(seq 20); do sleep 2 & done'
	has "$out" "can't fork"
}

case_cgroup_modes() {
	up c-a --cgroupns host
	has "$(podman exec c-a cat /proc/self/cgroup)" "$(field c-a .Id)"
	up c-b --cgroupns private --cgroups no-conmon
	has "$(podman exec c-b cat /proc/self/cgroup)" 0::/
}

case_ulimit_sysctl_and_oom_score() {
	is "$(d --ulimit nofile=123:456 box sh -c 'echo $(ulimit -Sn) $(ulimit -Hn)')" "123 456"
	is "$(d --sysctl net.ipv4.ip_forward=0 --sysctl kernel.msgmax=4321 box cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax | tr '\n' ' ')" "0 4321 "
	is "$(d --oom-score-adj 321 box cat /proc/self/oom_score_adj)" 321
}

# --- privileges --------------------------------------------------------------

case_capabilities() {
	caps() { d "$@" box awk '/^CapEff|^CapBnd/{print $2}' /proc/self/status | tr '\n' ' '; }
	is "$(caps)" "00000000800405fb 00000000800405fb "
	is "$(caps --cap-drop ALL)" "0000000000000000 0000000000000000 "
	is "$(caps --cap-drop ALL --cap-add NET_ADMIN)" "0000000000001000 0000000000001000 "
	is "$(caps -u user --cap-add NET_RAW)" "0000000000002000 00000000800425fb "
	exits 1 d --cap-drop CHOWN box chown 5 /tmp
}

case_privileged() {
	out=$(d --privileged box sh -c 'mount -t tmpfs none /mnt && echo mounted; awk "/^Seccomp:/{print \$2}" /proc/self/status')
	is "$out" mounted$'\n'0
	exits 1 d box mount -t tmpfs none /mnt
}

case_seccomp_profiles() {
	is "$(d box awk '/^Seccomp:/{print $2}' /proc/self/status)" 2
	is "$(d --security-opt seccomp=unconfined box awk '/^Seccomp:/{print $2}' /proc/self/status)" 0
	echo '{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [
		{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28},
		{"names": ["chmod", "fchmodat", "fchmodat2"], "action": "SCMP_ACT_KILL_PROCESS"}]}' >seccomp.json
	exits 1 d --security-opt seccomp=seccomp.json box mkdir /tmp/x
	has "$out" 'No space left'
	exits 159 d --init --security-opt seccomp=seccomp.json box sh -c 'chmod 700 /tmp'
}

case_no_new_privileges() {
	is "$(d --security-opt no-new-privileges box awk '/^NoNewPrivs/{print $2}' /proc/self/status)" 1
	is "$(d box awk '/^NoNewPrivs/{print $2}' /proc/self/status)" 0
}

case_masked_paths() {
	is "$(d box sh -c 'cat /proc/kcore | wc -c; ls /proc/acpi /sys/firmware 2>/dev/null | grep -v : | wc -w')" "0"$'\n'"0"
	exits 1 d box sh -c 'echo 1 >/proc/sys/vm/drop_caches'
	d --security-opt mask=/data/file box sh -c '! [ -s /data/file ]'
	d --security-opt unmask=ALL box test -e /proc/timer_list
}

case_init_reaps() {
	has "$(d --init box cat /proc/1/comm)" init
	exits 9 d --init box sh -c 'exit 9'
}

case_systemd_mode() {
	out=$(d --systemd always box sh -c 'grep -c " /run tmpfs\| /tmp tmpfs\| /run/lock tmpfs" /proc/mounts; echo $container; grep " /sys/fs/cgroup " /proc/mounts')
	has "$out" "rw,"
	mkdir -p own
	[ "$(stat -fc %T /sys/fs/cgroup)" != cgroup2fs ] || d --systemd always box mkdir /sys/fs/cgroup/own
}

# --- user namespaces ---------------------------------------------------------

case_userns_auto() {
	out=$(d --userns auto:size=2000 box sh -c 'cat /proc/self/uid_map; touch /tmp/x; stat -c %u /tmp/x')
	has "$out" 2000
	lacks "$out" 4294967295
}

case_userns_keep_id() {
	[ -n "$ROOTLESS" ] || skip "rootless only"
	mkdir own
	is "$(d --userns keep-id -v "$PWD/own:/own" box sh -c 'id -u; touch /own/x; stat -c %u /own')" "$(id -u)"$'\n'"$(id -u)"
	is "$(stat -c %u own/x)" "$(id -u)"
	is "$(d --userns keep-id:uid=55,gid=66 box sh -c 'echo $(id -u) $(id -g)')" "55 66"
	d --userns nomap box true
}

case_userns_of_a_container() {
	up c-a --userns auto
	is "$(d --userns container:c-a box readlink /proc/self/ns/user)" "$(podman exec c-a readlink /proc/self/ns/user)"
	exits 4 podman exec c-a sh -c 'exit 4'
	podman stop c-a
}

case_userns_by_mapping() {
	rooted
	is "$(d --uidmap 0:200000:5000 --gidmap 0:300000:6000 box sh -c 'echo $(cat /proc/self/uid_map) $(cat /proc/self/gid_map); chown 7 /tmp')" "0 200000 5000 0 300000 6000"
	up c-a --uidmap 0:200000:5000 --tmpfs /t -v vol:/v
	is "$(podman exec c-a sh -c 'touch /v/x /t/x /x; stat -c %u /v/x')" 0
	is "$(stat -c %u "/proc/$(pid c-a)")" 200000
}

case_idmapped_volume() {
	rooted
	defect "1.1 makes no idmapped mounts and does not say so"
	mkdir own
	touch own/file
	is "$(d --uidmap 0:200000:5000 --gidmap 0:200000:5000 -v "$PWD/own:/own:idmap" box sh -c 'stat -c %u /own/file; touch /own/new')" 0
	is "$(stat -c %u own/new)" 0
	is "$(d --uidmap 0:200000:5000 -v "$PWD/own:/own" box stat -c %u /own/file)" 65534
	is "$(d -v "$PWD/own:/own:idmap=uids=0-1234-10;gids=0-5678-10" box stat -c '%u %g' /own/file)" "1234 5678"
}

# --- files -------------------------------------------------------------------

case_volumes_and_binds() {
	d -v vol:/data box sh -c 'cat /data/file; echo new >/data/more'
	is "$(d -v vol:/x box cat /x/file /x/more)" "in the image"$'\n'new
	mkdir -p host
	echo host >host/file
	is "$(d -v "$PWD/host:/in/side" box cat /in/side/file)" host
	exits 1 d -v "$PWD/host:/in:ro" box touch /in/x
	is "$(d -v "$PWD/host/file:/etc/one" box cat /etc/one)" host
	exits 125 d -v "$PWD/nosuch:/in" box true
	is "$(d -v "$PWD/host:/in:O" box sh -c 'touch /in/x && cat /in/file')" host
	[ ! -e host/x ]
	is "$(d --mount type=image,src=box,dst=/image box cat /image/data/file)" 'in the image'
}

case_tmpfs_and_shm() {
	out=$(d --tmpfs /scratch:size=5m,mode=1770,noexec box sh -c 'grep " /scratch " /proc/mounts; stat -c %a /scratch')
	has "$out" 'size=5120k'
	has "$out" 1770
	has "$(d --shm-size 7m box grep ' /dev/shm ' /proc/mounts)" size=7168k
	is "$(d --mount type=tmpfs,dst=/data,tmpcopyup box cat /data/file)" 'in the image'
}

case_read_only_root() {
	exits 1 d --read-only box touch /x
	has "$out" 'Read-only file system'
	d --read-only box sh -c 'touch /tmp/x /run/z /dev/shm/y'
	exits 1 d --read-only --read-only-tmpfs=false box touch /tmp/x
}

case_devices() {
	d --device /dev/fuse box sh -c '[ -c /dev/fuse ] && : <>/dev/fuse'
	d --device /dev/null:/dev/mine box sh -c ': </dev/mine'
	exits 1 d --device /dev/null:/dev/mine box ls /dev/fuse
}

case_copy_commit_diff() {
	echo up >up
	podman create --network none --name c-a box sh -c 'cat /tmp/up; echo down >/tmp/down'
	podman cp up c-a:/tmp/up
	is "$(podman start -a c-a)" up
	podman cp c-a:/tmp/down down
	is "$(cat down)" down
	has "$(podman diff c-a)" 'A /tmp/down'
	podman commit -q c-a boxed
	is "$(d boxed cat /tmp/down)" down
	podman rmi boxed
	up c-b
	podman cp up c-b:/tmp/
	is "$(podman exec c-b cat /tmp/up)" up
}

case_secrets() {
	echo -n hidden | podman secret create s1 -
	is "$(d --secret s1,mode=0400 box cat /run/secrets/s1)" hidden
	is "$(d --secret s1,type=env,target=WORD box sh -c 'echo $WORD')" hidden
	podman secret rm s1
}

case_build_with_run() {
	mkdir ctx
	printf 'FROM localhost/box AS one\nRUN echo made >/made && id -u >/uid\nUSER user\nWORKDIR /home/w\nRUN id -u >/tmp/who; pwd >/tmp/where\nFROM localhost/box\nCOPY --from=one /made /uid /tmp/who /tmp/where /\nCMD cat /made /uid /who /where\n' >ctx/Containerfile
	podman build --isolation oci --network none -t built ctx
	is "$(d built)" "made"$'\n'"0"$'\n'"1000"$'\n'"/home/w"
	podman rmi built
	printf 'FROM localhost/box\nRUN exit 42\n' >ctx/Containerfile
	exits 42 podman build --isolation oci --network none ctx
	podman image prune -f
}

case_hooks_dir() {
	rooted
	mkdir hooks
	printf '#!/bin/sh\ncat >%s/hook.state\n' "$PWD" >hook
	chmod 755 hook
	jq -n --arg path "$PWD/hook" '{version: "1.0.0", hook: {path: $path}, when: {always: true}, stages: ["createRuntime", "poststop"]}' >hooks/one.json
	podman --hooks-dir "$PWD/hooks" run --network none --name c-a box true
	podman --hooks-dir "$PWD/hooks" rm c-a
	is "$(jq -r .ociVersion hook.state | wc -l)" 1
}

# --- namespaces --------------------------------------------------------------

case_hostname_and_hosts() {
	is "$(d --hostname name box hostname)" name
	has "$(d --network private --add-host other:10.1.2.3 box cat /etc/hosts)" other
	is "$(d --uts host box hostname)" "$(hostname)"
}

case_network_none_host_and_container() {
	d --network none box sh -c '[ ! -e /sys/class/net/eth0 ]'
	is "$(d --network host box readlink /proc/self/ns/net)" "$(readlink /proc/self/ns/net)"
	up c-a
	is "$(d --network container:c-a box readlink /proc/self/ns/net)" "$(podman exec c-a readlink /proc/self/ns/net)"
}

case_network_of_its_own() {
	up c-a --network "${ROOTLESS:+pasta}${ROOTLESS:-bridge}" -p 18081:80 2>/dev/null || up c-a -p 18081:80
	podman exec -d c-a sh -c 'mkdir -p /www; echo hello >/www/index.html; exec httpd -f -p 80 -h /www'
	eventually 30 podman exec c-a wget -qO- http://127.0.0.1/
	eventually 20 equals hello timeout 20 busybox wget -qO- http://127.0.0.1:18081/
}

case_pid_and_ipc_namespaces() {
	is "$(d --pid host box readlink /proc/self/ns/pid)" "$(readlink /proc/self/ns/pid)"
	is "$(d --ipc host box readlink /proc/self/ns/ipc)" "$(readlink /proc/self/ns/ipc)"
	up c-a --ipc shareable
	is "$(d --pid container:c-a box readlink /proc/self/ns/pid)" "$(podman exec c-a readlink /proc/self/ns/pid)"
	is "$(d --ipc container:c-a box readlink /proc/self/ns/ipc)" "$(podman exec c-a readlink /proc/self/ns/ipc)"
	exits 3 d --pid host box sh -c 'exit 3'
}

case_stop_with_the_hosts_pid_namespace() {
	local p
	up c-a --pid host
	p=$(pid c-a)
	podman stop -t 5 c-a
	eventually 10 gone "$p"
}

# --- pods --------------------------------------------------------------------

case_pod_shares_namespaces() {
	podman pod create --name p1 --network none --share net,ipc,uts,pid
	up c-a --pod p1
	up c-b --pod p1
	local ns
	for ns in net ipc uts pid; do
		is "$(podman exec c-a readlink /proc/self/ns/$ns)" "$(podman exec c-b readlink /proc/self/ns/$ns)"
	done
	[ "$(podman exec c-a readlink /proc/self/ns/mnt)" != "$(podman exec c-b readlink /proc/self/ns/mnt)" ]
	has "$(podman exec c-b ps)" 'sleep 1000'
	podman pod stop -t 1 p1
	is "$(podman pod inspect -f '{{.State}}' p1)" Exited
	podman pod start p1
	podman pod kill p1
}

case_pod_limits() {
	limited
	podman pod create --name p1 --network none --memory 64m --cpus 0.5
	up c-a --pod p1 --memory 32m
	is "$(limit c-a memory.max)" 33554432
	is "$(cat "$(cgroup_of "$(pid c-a)")/../memory.max")" 67108864
	podman pod pause p1
	is "$(status c-a)" paused
	podman pod unpause p1
	podman pod stats --no-stream p1
}

case_play_and_generate_kube() {
	cat >pod.yaml <<-'E'
		apiVersion: v1
		kind: Pod
		metadata: {name: kp}
		spec:
		  hostNetwork: true
		  restartPolicy: Never
		  volumes: [{name: shared, emptyDir: {}}]
		  initContainers:
		  - {name: first, image: localhost/box, imagePullPolicy: Never, command: [sh, -c, "echo prepared >/shared/file"], volumeMounts: [{name: shared, mountPath: /shared}]}
		  containers:
		  - name: one
		    image: localhost/box
		    imagePullPolicy: Never
		    command: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 1000 & wait; done"]
		    env: [{name: A, value: "1"}]
		    securityContext: {runAsUser: 1000, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
		    volumeMounts: [{name: shared, mountPath: /shared}]
		  - {name: two, image: localhost/box, imagePullPolicy: Never, command: [sleep, "1000"]}
	E
	podman kube play pod.yaml
	is "$(podman exec kp-one sh -c 'echo $(id -u) $A; cat /shared/file')" "1000 1"$'\n'prepared
	is "$(podman exec kp-one awk '/^NoNewPrivs/{print $2}' /proc/self/status)" 1
	has "$(podman kube generate kp)" 'name: kp-one'
	podman kube down pod.yaml
	is "$(podman ps -aq)" ''
}

# --- sd-notify, checkpoint ---------------------------------------------------

case_sdnotify() {
	local mode
	for mode in conmon container; do
		rm -f sock
		socat -u "UNIX-RECV:$PWD/sock" OPEN:"$PWD/got.$mode",creat,append &
		local job=$!
		eventually 10 test -S sock
		NOTIFY_SOCKET=$PWD/sock podman run -d --network none --name "c-$mode" --sdnotify $mode box sh -c \
			'[ -z "$NOTIFY_SOCKET" ] || printf READY=1 | nc -w 2 -lu local:$NOTIFY_SOCKET 2>/dev/null; '"$FOREVER"
		[ $mode = container ] || eventually 20 grep -q READY=1 "got.$mode"
		eventually 20 grep -q MAINPID= "got.$mode"
		[ $mode = conmon ] || podman exec "c-$mode" sh -c 'tr "\0" "\n" </proc/1/environ | grep NOTIFY_SOCKET='
		kill $job
		podman rm -f -t 0 "c-$mode"
	done
}

case_checkpoint_and_restore() {
	rooted
	podman run -d --network none --name c-a box sh -c 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.2; done'
	eventually 20 shows 3 podman logs c-a
	podman container checkpoint c-a
	is "$(status c-a)" exited
	local before
	before=$(podman logs c-a | tail -n 1)
	podman container restore c-a
	is "$(status c-a)" running
	eventually 20 shows "$((before + 3))" podman logs c-a
	podman exec c-a true
	podman container checkpoint --leave-running c-a
	is "$(status c-a)" running
	podman container checkpoint -e out.tar c-a
	podman rm c-a
	podman container restore -i out.tar -n c-b
	eventually 20 shows "$((before + 5))" podman logs c-b
}

case_checkpoint_of_a_terminal_and_pre_dump() {
	rooted
	podman run -dt --network none --name c-a box sh -c 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.2; done'
	eventually 20 shows 3 podman logs c-a
	podman container checkpoint c-a
	podman container restore c-a
	eventually 20 podman exec c-a true
	up c-b
	podman container checkpoint -P -e pre.tar c-b
	is "$(status c-b)" running
	podman container checkpoint --with-previous -e full.tar c-b
}

# --- the end -----------------------------------------------------------------

case_many_at_once() {
	local i jobs=
	for i in $(seq 10); do
		podman run --network none --name "m$i" box sh -c "echo $i; exit $i" >"out.$i" 2>/dev/null &
		jobs+=" $!"
	done
	each_its_own $jobs
}

case_nothing_is_left() {
	up c-a --tmpfs /t -v vol:/v
	up c-b --init
	podman exec c-a true
	podman pod create --name p1 --network none
	up c-c --pod p1
	clean
	eventually 20 equals '' left || true
	is "$(left)" ''
}

left() {
	find /sys/fs/cgroup -type d -name 'libpod-*' ! -name 'libpod_parent' ! -path '*/user.slice/user-0*' 2>/dev/null
	find "/run/$NAME" "${XDG_RUNTIME_DIR:-/nosuch}/$NAME" -mindepth 1 -maxdepth 1 ! -name @seccomp 2>/dev/null
	grep -E "$T/(lib|run)/.*(merged|shm|userdata)" /proc/self/mountinfo || true
	pgrep -u "$(id -u)" -a conmon || true
}

main "$@"
