#!/usr/bin/env bash
# Docker on a runtime: a daemon of its own with the runtime as default, and a
# busybox image imported into it. See lib.sh.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

export DOCKER_HOST=unix:///run/rt-docker.sock DOCKER_BUILDKIT=0 DOCKER_CLI_HINTS=false
UNIT=rt-docker-test
[ "$NAME" = runc ] && USED=runc || USED=$NAME

prepare() {
	mkdir -p "$T/etc" "$T/lib"
	modprobe -aq overlay bridge br_netfilter veth xt_conntrack xt_MASQUERADE xt_addrtype iptable_nat nf_nat || true
	daemon
	mkdir "$T/rootfs"
	rootfs "$T/rootfs"
	tar -C "$T/rootfs" -c . | docker import -c 'CMD ["sh"]' - box
}

# daemon [JQ-FILTER] starts dockerd with a daemon.json changed by the filter.
daemon() {
	jq -n --arg path "$RUNTIME" --arg name "$USED" --arg driver "$DRIVER" --arg lib "$T/lib" '{
		"default-runtime": $name, "exec-opts": ["native.cgroupdriver=" + $driver],
		"experimental": true, "data-root": $lib, "exec-root": "/run/rt-docker",
		"pidfile": "/run/rt-docker.pid", "hosts": ["unix:///run/rt-docker.sock"],
		"storage-driver": "overlay2", "shutdown-timeout": 5, "group": "root"
	} | if $name == "runc" then . else .runtimes = {($name): {"path": $path}} end | '"${1:-.}" >"$T/etc/daemon.json"
	service $UNIT "$T/daemon.log" dockerd --config-file "$T/etc/daemon.json"
	eventually 60 docker version || {
		tail -n 30 "$T/daemon.log"
		return 1
	}
}

daemon_down() { service_down $UNIT; }

clean() {
	local all
	all=$(docker ps -aq)
	[ -z "$all" ] || docker rm -fv $all
}

finish() {
	clean
	daemon_down
	ip link del docker0 2>/dev/null || true
}

# net ARG… sets $net to --network none unless ARG… say something of networks:
# what needs none is quicker without.
net() { case " $* " in *" --network "* | *" -p "*) net=() ;; *) net=(--network none) ;; esac }

# d ARG… runs a container and removes it.
d() {
	net "$@"
	docker run --rm "${net[@]}" "$@"
}

# up NAME [OPTION…] starts a detached container that ends by TERM.
up() {
	local name=$1
	shift
	net "$@"
	docker run -d --name "$name" "${net[@]}" "$@" box sh -c "$FOREVER" >/dev/null
}

field() { docker inspect -f "{{$2}}" "$1"; }
pid() { field "$1" .State.Pid; }
status() { field "$1" .State.Status; }
# limit CONTAINER FILE is what the kernel says.
limit() { cat "$(cgroup_of "$(pid "$1")")/$2"; }

# --- run ---------------------------------------------------------------------

case_info_names_the_runtime() {
	is "$(docker info -f '{{.DefaultRuntime}} {{.CgroupDriver}} {{.CgroupVersion}}')" "$USED $DRIVER 2"
	has "$(docker info -f '{{json .Runtimes}}')" "\"$USED\""
}

case_run_prints_and_returns_the_exit_code() {
	exits 7 d box sh -c 'echo out; echo err >&2; exit 7'
	has "$out" out
	is "$(d box sh -c 'echo out; echo err >&2' 2>/dev/null)" out
	is "$(d box sh -c 'echo out; echo err >&2' 2>&1 >/dev/null)" err
}

case_run_killed_by_a_signal_is_128_more() {
	exits 137 d --init box sh -c 'kill -KILL $$'
	exits 143 d --init box sh -c 'kill -TERM $$'
}

case_run_missing_command_is_127() {
	exits 127 d box nosuch
	has "$out" 'exec: "nosuch": executable file not found in $PATH'
	exits 127 d box /bin/nosuch
	has "$out" 'no such file or directory'
}

case_run_not_executable_is_126() {
	exits 126 d box /etc/plain
	has "$out" 'permission denied'
	exits 126 d box /etc
}

case_run_refused_by_docker_or_runtime_is_125() {
	exits 125 d --memory 1 box true
	exits 125 d --cgroup-parent no/slice/ --memory 6 box true
	exits 125 d --sysctl kernel.nosuch=1 box true
}

case_run_workdir_is_a_file() {
	exits 125 d --mount type=bind,src=/etc/hostname,dst=/etc box true || exits 127 d --mount type=bind,src=/etc/hostname,dst=/etc box true
	has "$out" 'not a directory'
}

case_run_environment() {
	echo FROM_FILE=3 >env
	out=$(d -e A=1 -e "B=two words" --env-file env --hostname h1 box env)
	has "$out" 'A=1'
	has "$out" 'B=two words'
	has "$out" 'FROM_FILE=3'
	has "$out" 'HOSTNAME=h1'
	has "$out" 'HOME=/root'
	has "$out" 'PATH=/usr/local/sbin'
}

case_run_user_group_and_workdir() {
	is "$(d -u 1000:2000 box sh -c 'id -u; id -g')" "1000"$'\n'"2000"
	is "$(d -u user box sh -c 'echo $(id -u) $HOME $(id -G)')" "1000 /home 1000 2000"
	is "$(d -u 12 --group-add 77 --group-add extra box id -G)" "0 77 2000"
	is "$(d -w /made/for/it box pwd)" /made/for/it
}

case_run_input_by_a_pipe() {
	is "$(printf 'one\ntwo\n' | d -i box sh -c 'read a; read b; echo $b $a')" "two one"
	is "$(head -c 300000 /dev/zero | d -i box wc -c)" 300000
}

case_run_on_a_terminal() {
	out=$(on_pty size=31x97 'want=# ' 'send=echo $((40+2)) $(tty) $(stty size)' 'want=42 /dev/pts/0 31 97' 'want=# ' \
		size=20x50 'send=while [ "$(stty size)" != "20 50" ]; do sleep 0.1; done; echo re""sized' want=resized 'send=exit 5' \
		-- docker run --rm -it --network none box sh) && return 1 || is $? 5
	out=$(on_pty 'want=# ' 'send=echo rea""dy; sleep 1000' want=ready key=C 'want=# ' 'send=echo $?' 'want=130' 'send=exit' -- docker run --rm -it --network none box sh) || is $? 130
}

case_run_terminal_without_input() {
	is "$(d -t box sh -c '[ -t 0 ] && [ -t 1 ] && echo $TERM' | tr -d '\r')" xterm
}

case_attach_and_detach_keys() {
	docker run -dit --network none --name c-a box sh
	on_pty 'send=echo $((40+2))' want=42 'send=' 'want=# ' key=P key=Q -- docker attach c-a && return 1 || is $? 1
	is "$(status c-a)" running
	out=$(on_pty 'send=exit 9' 'want=exit 9' -- docker attach c-a) || is $? 9
	is "$(docker wait c-a)" 9
}

case_create_start_wait() {
	docker create --network none --name c-a box sh -c 'exit 3'
	is "$(status c-a)" created
	exits 3 docker start -a c-a
	is "$(docker wait c-a)" 3
	is "$(field c-a .State.ExitCode)" 3
	docker start c-a
	is "$(docker wait c-a)" 3
}

case_named_runtime_is_used() {
	is "$(docker run -d --network none --name c-a --runtime "$USED" box sh -c "$FOREVER" | wc -c)" 65
	is "$(field c-a .HostConfig.Runtime)" "$USED"
	[ -d "/run/rt-docker/runtime-runc/moby/$(field c-a .Id)" ] || [ -d "/run/rt-docker/runtime-$USED/moby/$(field c-a .Id)" ] ||
		fail "no state: $(find /run/rt-docker /run/docker -maxdepth 3 -path '*runtime-*')"
}

# --- exec --------------------------------------------------------------------

case_exec_exit_code_and_output() {
	up c-a
	exits 4 docker exec c-a sh -c 'echo out; exit 4'
	is "$out" out
	is "$(echo data | docker exec -i c-a cat)" data
	is "$(docker exec c-a sh -c 'echo err >&2' 2>&1 >/dev/null)" err
	exits 137 docker exec c-a sh -c 'kill -KILL $$'
}

case_exec_what_cannot_run_is_126() {
	up c-a
	exits 126 docker exec c-a nosuch
	has "$out" 'exec: "nosuch": executable file not found in $PATH'
	exits 126 docker exec c-a /bin/nosuch
	has "$out" 'no such file or directory'
	exits 126 docker exec c-a /etc/plain
	has "$out" 'permission denied'
	exits 126 docker exec c-a /etc
	is "$(status c-a)" running
}

case_exec_user_workdir_environment() {
	up c-a -e A=1 -w /tmp
	is "$(docker exec -u 1000:2000 -w /mnt -e B=2 c-a sh -c 'echo $(id -u) $(id -g) $(pwd) $A$B')" "1000 2000 /mnt 12"
	is "$(docker exec -u user c-a sh -c 'echo $(id -u) $HOME $(pwd) $(id -G)')" "1000 /home /tmp 1000 2000"
	exits 127 docker exec -w /nosuch c-a true || exits 126 docker exec -w /nosuch c-a true || exits 128 docker exec -w /nosuch c-a true
}

case_exec_on_a_terminal() {
	up c-a
	out=$(on_pty size=31x97 'want=# ' 'send=echo $((40+2)) $(tty) $(stty size)' 'want=42 /dev/pts/0 31 97' 'want=# ' \
		size=20x50 'send=while [ "$(stty size)" != "20 50" ]; do sleep 0.1; done; echo re""sized' want=resized 'send=exit 6' \
		-- docker exec -it c-a sh) && return 1 || is $? 6
	on_pty 'want=1000' -- docker exec -it -u user c-a id -u
}

case_exec_detached() {
	up c-a
	docker exec -d c-a sh -c 'echo $$ >/tmp/pid; exec sleep 1000'
	eventually 20 docker exec c-a test -s /tmp/pid
	docker exec c-a sh -c 'kill -0 $(cat /tmp/pid)'
	is "$(docker exec c-a sh -c 'cat /proc/$(cat /tmp/pid)/comm')" sleep
}

case_exec_shares_namespaces_and_cgroup() {
	local ns
	up c-a --memory 64m
	for ns in mnt uts ipc net pid cgroup user; do
		is "$(docker exec c-a readlink /proc/self/ns/$ns)" "$(docker exec c-a readlink /proc/1/ns/$ns)"
	done
	is "$(docker exec c-a cat /proc/self/cgroup)" "$(docker exec c-a cat /proc/1/cgroup)"
}

case_exec_privileged_and_capabilities() {
	up c-a --cap-drop ALL
	is "$(docker exec c-a awk '/^CapEff/{print $2}' /proc/self/status)" 0000000000000000
	up c-b
	is "$(docker exec --privileged c-b awk '/^CapEff/{print $2}' /proc/self/status)" "$(awk '/^CapBnd/{print $2}' /proc/1/status)"
	is "$(docker exec c-b awk '/^CapEff/{print $2}' /proc/self/status)" 00000000a80425fb
	is "$(docker exec -u user c-b awk '/^CapEff/{print $2}' /proc/self/status)" 0000000000000000
}

case_exec_when_stopped_or_paused() {
	up c-a
	docker pause c-a
	exits 1 docker exec c-a true
	has "$out" paused
	docker unpause c-a
	docker exec c-a true
	docker stop c-a
	exits 1 docker exec c-a true
	has "$out" 'is not running'
}

case_exec_many_at_once() {
	local i pids=
	up c-a
	for i in 1 2 3 4 5 6 7 8; do
		docker exec c-a sh -c "echo $i; exit $i" >"exec.$i" 2>&1 &
		pids+=" $!"
	done
	i=0
	for pid in $pids; do
		i=$((i + 1))
		wait "$pid" && return 1 || is $? $i
		is "$(cat exec.$i)" $i
	done
}

case_exec_ends_with_the_container() {
	up c-a
	docker exec c-a sleep 1234 >exec.out 2>&1 &
	local job=$!
	eventually 20 shows 'sleep 1234' docker top c-a
	docker kill c-a
	wait $job && return 1 || is $? 137
}

# --- signals, states ---------------------------------------------------------

case_stop_by_term_and_by_kill() {
	up c-a
	docker stop c-a
	is "$(field c-a .State.ExitCode)" 0
	docker run -d --network none --name c-b box sh -c 'trap "" TERM; while :; do sleep 1000 & wait; done'
	docker stop -t 1 c-b
	is "$(field c-b .State.ExitCode)" 137
	docker run -d --network none --name c-c --stop-signal USR1 box sh -c 'trap "exit 33" USR1; while :; do sleep 1000 & wait; done'
	eventually 20 docker exec c-c sh -c 'grep -q "^SigCgt:.*[2367abef]..$" /proc/1/status'
	docker stop c-c
	is "$(field c-c .State.ExitCode)" 33
}

case_kill_sends_any_signal() {
	docker run -d --network none --name c-a box sh -c 'trap "echo usr1" USR1; trap "exit 5" HUP; echo ready; while :; do sleep 1000 & wait; done'
	eventually 20 shows ready docker logs c-a
	docker kill -s USR1 c-a
	eventually 20 shows usr1 docker logs c-a
	docker kill -s 1 c-a
	is "$(docker wait c-a)" 5
	exits 1 docker kill c-a
	has "$out" 'is not running'
}

case_kill_ends_all_processes() {
	docker run -d --network none --name c-a box sh -c 'sleep 1001 & sleep 1002 & sleep 1003 & wait'
	eventually 20 shows 1003 docker top c-a
	local pids
	pids=$(docker top c-a -o pid | tail -n +2)
	docker kill c-a
	docker wait c-a
	for p in $pids; do eventually 10 gone "$p"; done
}

case_pause_and_unpause() {
	up c-a
	docker pause c-a
	is "$(status c-a)" paused
	is "$(limit c-a cgroup.freeze)" 1
	has "$(limit c-a cgroup.events)" 'frozen 1'
	exits 1 docker pause c-a
	docker unpause c-a
	is "$(status c-a)" running
	is "$(limit c-a cgroup.freeze)" 0
	exits 1 docker unpause c-a
	docker pause c-a
	docker stop -t 1 c-a
	is "$(status c-a)" exited
}

case_restart_and_remove() {
	up c-a
	local before
	before=$(pid c-a)
	docker restart -t 1 c-a
	[ "$before" != "$(pid c-a)" ]
	exits 1 docker rm c-a
	docker rm -f c-a
	exits 1 docker inspect c-a
}

case_restart_policy() {
	docker run -d --network none --name c-a --restart on-failure:2 box sh -c 'exit 1'
	eventually 60 equals '2 exited' field c-a '.RestartCount}} {{.State.Status'
	up c-b --restart always
	kill -KILL "$(pid c-b)"
	eventually 60 equals '1 running' field c-b '.RestartCount}} {{.State.Status'
	docker exec c-b true
}

case_auto_remove() {
	docker run -d --rm --network none --name c-a box true
	eventually 30 equals '' docker ps -aq
}

case_events_wait_and_exit_times() {
	local since
	since=$(date +%s)
	docker run --network none --name c-events box sh -c 'exit 8' || true
	docker rm c-events
	out=$(docker events --since "$since" --until "$(($(date +%s) + 1))" --format '{{.Action}}' --filter container=c-events)
	is "$(echo $out)" "create attach start die destroy"
}

case_events_of_exec_and_signals() {
	local since
	since=$(date +%s)
	up c-a
	docker exec c-a true
	docker pause c-a
	docker unpause c-a
	docker kill c-a
	docker wait c-a
	out=$(docker events --since "$since" --until "$(($(date +%s) + 1))" --format '{{.Action}}' --filter type=container)
	for word in exec_create exec_start exec_die pause unpause kill die; do has "$out" $word; done
}

# --- watching ----------------------------------------------------------------

case_logs() {
	docker run --network none --name c-a box sh -c 'for i in 1 2 3; do echo line $i; done; echo bad >&2'
	is "$(docker logs c-a 2>/dev/null)" "line 1"$'\n'"line 2"$'\n'"line 3"
	is "$(docker logs c-a 2>&1 >/dev/null)" bad
	is "$(docker logs -n 1 c-a 2>&1 | wc -l)" 1
	docker run -d --network none --name c-b box sh -c 'echo one; read x </tmp/fifo || sleep 2; echo two'
	has "$(timeout 30 docker logs -f c-b)" two
}

case_top() {
	up c-a
	has "$(docker top c-a)" 'sleep 1000'
	has "$(docker top c-a -o pid,comm)" sh
	is "$(docker top c-a -o pid | sed -n 2p | tr -d ' ')" "$(pid c-a)"
}

case_stats() {
	controllers memory cpu pids cpuset io
	up c-a --memory 64m --pids-limit 33
	out=$(docker stats --no-stream --format '{{.MemUsage}} {{.PIDs}} {{.CPUPerc}}' c-a)
	has "$out" '/ 64MiB 2 '
	lacks "$out" '0B /'
}

case_health_check() {
	up c-a --health-cmd 'test ! -e /tmp/ill' --health-interval 1s --health-retries 1 --health-timeout 20s
	eventually 60 equals healthy field c-a .State.Health.Status
	docker exec c-a touch /tmp/ill
	eventually 60 equals unhealthy field c-a .State.Health.Status
}

# --- limits ------------------------------------------------------------------

case_limits_are_read_back() {
	controllers memory cpu pids cpuset io
	up c-a --memory 64m --memory-swap 96m --memory-reservation 32m --cpus 0.5 --cpu-shares 512 --pids-limit 44 --cpuset-cpus 0 --cpuset-mems 0
	is "$(limit c-a memory.max)" 67108864
	is "$(limit c-a memory.swap.max)" 33554432
	is "$(limit c-a memory.low)" 33554432
	is "$(limit c-a cpu.max)" "50000 100000"
	is "$(limit c-a pids.max)" 44
	is "$(limit c-a cpuset.cpus)" 0
	is "$(limit c-a cpuset.mems)" 0
	[ "$(limit c-a cpu.weight)" -lt 100 ]
	docker exec c-a true
	has "$(cgroup_of "$(pid c-a)")" "$(field c-a .Id)"
	if [ "$DRIVER" = systemd ]; then
		is "$(cgroup_of "$(pid c-a)")" "/sys/fs/cgroup/system.slice/docker-$(field c-a .Id).scope"
		is "$(systemctl show -p MemoryMax --value "docker-$(field c-a .Id).scope")" 67108864
		is "$(systemctl show -p TasksMax --value "docker-$(field c-a .Id).scope")" 44
	fi
}

case_limits_of_block_devices() {
	controllers memory cpu pids cpuset io
	throttles
	[ "$DRIVER" = cgroupfs ] || skip "with runc, too, io.max of a systemd scope stays empty"
	up c-a --blkio-weight 300 --device-read-bps /dev/vda:1mb --device-write-iops /dev/vda:77
	has "$(limit c-a io.max)" 'rbps=1048576'
	has "$(limit c-a io.max)" 'wiops=77'
}

# throttles skips the case where the kernel shows no throttle of /dev/vda that it
# was given.
throttles() {
	local probe=/sys/fs/cgroup/rt-docker-probe shown
	[ -b /dev/vda ] || skip "host: no /dev/vda"
	mkdir -p $probe
	echo "$(lsblk -dno MAJ:MIN /dev/vda) rbps=1048576" >$probe/io.max || true
	shown=$(cat $probe/io.max)
	rmdir $probe
	[ -n "$shown" ] || skip "host: io.max of /dev/vda cannot be set"
}

case_update_changes_limits() {
	controllers memory cpu pids cpuset io
	up c-a --memory 64m --memory-swap 64m --pids-limit 44
	docker update --memory 80m --memory-swap 100m --cpus 0.7 --pids-limit 55 --cpuset-cpus 0 --cpu-shares 256 c-a
	is "$(limit c-a memory.max)" 83886080
	is "$(limit c-a memory.swap.max)" 20971520
	is "$(limit c-a cpu.max)" "70000 100000"
	is "$(limit c-a pids.max)" 55
	is "$(limit c-a cpuset.cpus)" 0
	docker exec c-a true
	if [ "$DRIVER" = systemd ]; then
		systemctl daemon-reload
		is "$(limit c-a memory.max)" 83886080
		is "$(limit c-a pids.max)" 55
	fi
	exits 1 docker update --cpuset-cpus 999 c-a
	is "$(limit c-a cpuset.cpus)" 0
	docker update --restart always c-a
	docker update --restart no c-a
}

case_out_of_memory_is_reported() {
	controllers memory cpu pids cpuset io
	docker run --network none --name c-a --memory 16m --memory-swap 16m box sh -c 'x=$(head -c 100000000 /dev/zero | tr "\0" x)' && return 1
	is "$(field c-a '.State.OOMKilled}} {{.State.ExitCode')" "true 137"
	docker run -d --network none --name c-b --memory 16m --memory-swap 16m box sh -c '(x=$(head -c 100000000 /dev/zero | tr "\0" x)); exec sleep 1000'
	eventually 30 shows 'oom c-b' ooms
}

ooms() { docker events --since 30m --until "$(date +%s)" --filter event=oom --format '{{.Action}} {{.Actor.Attributes.name}}'; }

case_pids_limit_holds() {
	controllers memory cpu pids cpuset io
	exits 2 d --pids-limit 10 box sh -c 'for i in $(seq 20); do sleep 2 & done'
	has "$out" "can't fork"
}

case_devices_survive_daemon_reload() {
	up c-a --device /dev/fuse
	[ "$DRIVER" != systemd ] || systemctl daemon-reload
	docker exec c-a sh -c ': </dev/null; : </dev/fuse'
	exits 1 docker exec c-a sh -c 'mknod /tmp/k c-b 254 0; dd if=/tmp/k of=/dev/null bs=1 count=1'
	has "$out" 'Operation not permitted'
}

case_cgroup_parent_and_namespace() {
	if [ "$DRIVER" = systemd ]; then
		up c-a --cgroup-parent rtdocker.slice
		has "$(cgroup_of "$(pid c-a)")" /rtdocker.slice/docker-
	else
		up c-a --cgroup-parent /rtdocker
		has "$(cgroup_of "$(pid c-a)")" /rtdocker/
	fi
	has "$(docker exec c-a cat /proc/self/cgroup)" 0::/
	up c-b --cgroupns host
	has "$(docker exec c-b cat /proc/self/cgroup)" "$(field c-b .Id)"
	exits 1 docker exec c-a sh -c 'echo 5 >/sys/fs/cgroup/pids.max'
	clean
	rmdir /sys/fs/cgroup/rtdocker 2>/dev/null || true
}

case_ulimit_sysctl_and_oom_score() {
	is "$(d --ulimit nofile=123:456 box sh -c 'echo $(ulimit -Sn) $(ulimit -Hn)')" "123 456"
	is "$(d --ulimit core=0 --ulimit nproc=99 box awk '/core file|Max processes/{print $(NF-1)}' /proc/self/limits | tr '\n' ' ')" "0 99 "
	is "$(d --sysctl net.ipv4.ip_forward=0 --sysctl kernel.msgmax=4321 box cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax | tr '\n' ' ')" "0 4321 "
	is "$(d --oom-score-adj 321 box cat /proc/self/oom_score_adj)" 321
}

# --- privileges --------------------------------------------------------------

case_capabilities() {
	caps() { d "$@" box awk '/^CapEff|^CapBnd/{print $2}' /proc/self/status | tr '\n' ' '; }
	is "$(caps)" "00000000a80425fb 00000000a80425fb "
	is "$(caps --cap-drop ALL)" "0000000000000000 0000000000000000 "
	is "$(caps --cap-drop ALL --cap-add NET_ADMIN)" "0000000000001000 0000000000001000 "
	is "$(caps --cap-add SYS_ADMIN --cap-drop CHOWN)" "00000000a82425fa 00000000a82425fa "
	exits 1 d --cap-drop CHOWN box chown 5 /tmp
	is "$(d -u user box awk '/^CapEff/{print $2}' /proc/self/status)" 0000000000000000
}

case_privileged() {
	out=$(d --privileged box sh -c 'mount -t tmpfs none /mnt && echo mounted; ls /dev | wc -l; awk "/^Seccomp:|^CapEff/{print \$2}" /proc/self/status; echo 1 >/proc/sys/vm/drop_caches && echo written; ls -d /dev/vda')
	has "$out" mounted
	has "$out" written
	has "$out" "$(awk '/^CapBnd/{print $2}' /proc/1/status)"$'\n'0
	has "$out" /dev/vda
	exits 1 d box mount -t tmpfs none /mnt
}

case_seccomp_default_profile() {
	is "$(d box awk '/^Seccomp:/{print $2}' /proc/self/status)" 2
	is "$(d --security-opt seccomp=unconfined box awk '/^Seccomp:/{print $2}' /proc/self/status)" 0
	exits 1 d box unshare -U true
	d --security-opt seccomp=unconfined --security-opt apparmor=unconfined box unshare -U true
}

case_seccomp_custom_profile() {
	echo '{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [
		{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28},
		{"names": ["chmod", "fchmodat", "fchmodat2"], "action": "SCMP_ACT_KILL_PROCESS"}]}' >seccomp.json
	exits 1 d --security-opt seccomp=seccomp.json box mkdir /tmp/x
	has "$out" 'No space left'
	exits 159 d --init --security-opt seccomp=seccomp.json box sh -c 'chmod 700 /tmp'
	d --security-opt seccomp=seccomp.json box touch /tmp/x
}

case_no_new_privileges() {
	is "$(d --security-opt no-new-privileges box awk '/^NoNewPrivs/{print $2}' /proc/self/status)" 1
	is "$(d box awk '/^NoNewPrivs/{print $2}' /proc/self/status)" 0
	up c-a --security-opt no-new-privileges
	is "$(docker exec c-a awk '/^NoNewPrivs/{print $2}' /proc/self/status)" 1
}

case_apparmor_profile() {
	[ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ] || skip "host: no AppArmor"
	is "$(d box cat /proc/self/attr/current)" "docker-default (enforce)"
	is "$(d --security-opt apparmor=unconfined box cat /proc/self/attr/current)" unconfined
	up c-a
	is "$(docker exec c-a cat /proc/self/attr/current)" "docker-default (enforce)"
	exits 127 d --security-opt apparmor=nosuch box true
	has "$out" 'unable to apply apparmor profile'
}

case_masked_and_read_only_paths() {
	is "$(d box sh -c 'cat /proc/kcore | wc -c; ls /proc/acpi /sys/firmware | grep -v : | wc -w')" "0"$'\n'"0"
	exits 1 d box sh -c 'echo 1 >/proc/sys/vm/drop_caches'
	d --security-opt systempaths=unconfined box sh -c 'test -s /proc/timer_list || test -e /proc/timer_list'
}

case_init_reaps() {
	is "$(d --init box sh -c 'cat /proc/1/comm')" docker-init
	exits 9 d --init box sh -c 'exit 9'
	docker run -d --network none --init --name c-a box sleep 1000
	docker exec -d c-a sh -c 'sleep 0.1 & exec true'
	docker stop -t 20 c-a
	is "$(field c-a .State.ExitCode)" 143
}

# --- files -------------------------------------------------------------------

case_volumes() {
	d -v vol:/data box sh -c 'cat /data/file; echo new >/data/more'
	is "$(d -v vol:/x box cat /x/file /x/more)" "in the image"$'\n'new
	is "$(d -v vol:/x:ro box sh -c 'echo a >/x/file' 2>&1 || true)" "sh: can't create /x/file: Read-only file system"
	docker volume rm vol
	up c-a -v /anonymous
	is "$(field c-a 'len .Mounts')" 1
}

case_bind_mounts() {
	mkdir -p host/deep
	echo host >host/file
	is "$(d -v "$PWD/host:/in/side" box cat /in/side/file)" host
	d -v "$PWD/host:/in/side" box sh -c 'echo written >/in/side/new'
	is "$(cat host/new)" written
	exits 1 d -v "$PWD/host:/in:ro" box touch /in/x
	is "$(d -v "$PWD/host/file:/etc/one" box cat /etc/one)" host
	is "$(d --mount "type=bind,src=$PWD/host,dst=/in,readonly" box cat /in/file)" host
	exits 125 d --mount "type=bind,src=$PWD/nosuch,dst=/in" box true
}

case_bind_propagation() {
	mkdir -p shared
	mount -t tmpfs none shared
	mount --make-rshared shared
	up c-a -v "$PWD/shared:/in:rslave"
	up c-b -v "$PWD/shared:/in"
	mkdir shared/later
	mount -t tmpfs none shared/later
	touch shared/later/seen
	exits 0 docker exec c-a ls /in/later/seen
	exits 1 docker exec c-b ls /in/later/seen
	clean
	umount -R shared
}

case_read_only_bind_is_recursive() {
	mkdir -p tree
	mount -t tmpfs none tree
	mkdir tree/sub
	mount -t tmpfs none tree/sub
	exits 1 d --mount "type=bind,src=$PWD/tree,dst=/in,readonly,bind-propagation=rprivate" box touch /in/sub/x
	exits 0 d --mount "type=bind,src=$PWD/tree,dst=/in,readonly,bind-recursive=writable" box touch /in/sub/x
	umount -R tree
}

case_tmpfs_and_shm() {
	out=$(d --tmpfs /scratch:size=5m,mode=1770,noexec box sh -c 'grep " /scratch " /proc/mounts; stat -c %a /scratch')
	has "$out" 'size=5120k'
	has "$out" noexec
	has "$out" 1770
	has "$(d --mount type=tmpfs,dst=/t,tmpfs-size=1048576 box grep ' /t ' /proc/mounts)" size=1024k
	has "$(d --shm-size 7m box grep ' /dev/shm ' /proc/mounts)" size=7168k
}

case_read_only_root() {
	exits 1 d --read-only box touch /x
	has "$out" 'Read-only file system'
	d --read-only --tmpfs /tmp box sh -c 'touch /tmp/x /dev/shm/y'
	d --read-only -v /vol box touch /vol/x
}

case_devices() {
	d --device /dev/fuse box sh -c '[ -c /dev/fuse ] && : <>/dev/fuse'
	d --device /dev/null:/dev/mine:r box sh -c ': </dev/mine'
	exits 1 d --device /dev/null:/dev/mine box ls /dev/fuse
	d --device-cgroup-rule 'c 10:229 rwm' box sh -c 'mknod /tmp/f c 10 229 && : <>/tmp/f'
	is "$(d box sh -c 'ls -1 /dev | grep -v core | tr "\n" " "')" "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero "
}

case_copy_in_and_out() {
	echo up >up
	docker create --network none --name c-a -v vol:/v box sh -c 'cat /tmp/up; echo down >/tmp/down'
	docker cp up c-a:/tmp/up
	is "$(docker start -a c-a)" up
	docker cp c-a:/tmp/down down
	is "$(cat down)" down
	up c-b
	docker cp up c-b:/tmp/
	is "$(docker exec c-b cat /tmp/up)" up
	is "$(docker cp c-b:/tmp/up - | tar xO)" up
	docker rm -f c-a c-b
	docker volume rm vol
}

case_commit_diff_export() {
	docker run --network none --name c-a box sh -c 'echo kept >/kept; rm /data/file'
	has "$(docker diff c-a)" 'A /kept'
	has "$(docker diff c-a)" 'D /data/file'
	docker commit -c 'CMD ["cat", "/kept"]' c-a boxed
	is "$(d boxed)" kept
	has "$(docker export c-a | tar t)" kept
	docker rmi boxed
}

case_build_with_run() {
	mkdir ctx
	printf 'FROM box AS one\nRUN echo made >/made && id -u >/uid\nUSER user\nWORKDIR /home/w\nRUN id -u >/tmp/who; pwd >/tmp/where\nFROM box\nCOPY --from=one /made /uid /tmp/who /tmp/where /\nCMD cat /made /uid /who /where\n' >ctx/Dockerfile
	docker build -t built ctx
	is "$(d built)" "made"$'\n'"0"$'\n'"1000"$'\n'"/home/w"
	docker rmi built
	printf 'FROM box\nRUN exit 42\n' >ctx/Dockerfile
	exits 42 docker build ctx
	has "$out" 'returned a non-zero code: 42'
	printf 'FROM box\nRUN ["nosuch"]\n' >ctx/Dockerfile
	exits 1 docker build ctx
	has "$out" 'executable file not found'
	docker image prune -f
}

# --- namespaces --------------------------------------------------------------

case_hostname_and_hosts() {
	is "$(d --hostname name --domainname dom box sh -c 'hostname; cat /proc/sys/kernel/domainname')" "name"$'\n'dom
	has "$(d --add-host other:10.1.2.3 box cat /etc/hosts)" 'other'
	has "$(d --dns 10.9.8.7 box cat /etc/resolv.conf)" 'nameserver 10.9.8.7'
	is "$(d --uts host box hostname)" "$(hostname)"
}

case_network_none_host_and_container() {
	is "$(d --network none box ls /sys/class/net)" lo
	is "$(d --network host box readlink /proc/self/ns/net)" "$(readlink /proc/self/ns/net)"
	up c-a
	is "$(d --network container:c-a box readlink /proc/self/ns/net)" "$(docker exec c-a readlink /proc/self/ns/net)"
	is "$(d --network container:c-a box hostname)" "$(docker exec c-a hostname)"
}

case_network_bridge() {
	up c-a --network bridge -p 18080:80
	docker exec c-a ls /sys/class/net/eth0
	docker exec -d c-a sh -c 'mkdir -p /www; echo hello >/www/index.html; exec httpd -f -p 80 -h /www'
	eventually 30 docker exec c-a wget -qO- http://127.0.0.1/
	local ip
	ip=$(field c-a .NetworkSettings.IPAddress)
	is "$(d --network bridge box wget -qO- "http://$ip/")" hello
	is "$(timeout 20 busybox wget -qO- http://127.0.0.1:18080/)" hello
	docker network create net
	docker network connect net c-a
	eventually 10 docker exec c-a ls /sys/class/net/eth1
	is "$(d --network net box wget -qO- http://c-a/)" hello
	docker network disconnect net c-a
	clean
	docker network rm net
}

case_pid_and_ipc_namespaces() {
	is "$(d --pid host box readlink /proc/self/ns/pid)" "$(readlink /proc/self/ns/pid)"
	is "$(d --ipc host box readlink /proc/self/ns/ipc)" "$(readlink /proc/self/ns/ipc)"
	up c-a --ipc shareable
	is "$(d --pid container:c-a box readlink /proc/self/ns/pid)" "$(docker exec c-a readlink /proc/self/ns/pid)"
	is "$(d --ipc container:c-a box readlink /proc/self/ns/ipc)" "$(docker exec c-a readlink /proc/self/ns/ipc)"
	docker exec c-a touch /dev/shm/seen
	d --ipc container:c-a box test -e /dev/shm/seen
	exits 3 d --pid host box sh -c 'exit 3'
	d --ipc none box sh -c '! grep " /dev/shm " /proc/mounts'
}

case_stop_with_the_hosts_pid_namespace() {
	up c-a --pid host
	local p
	p=$(pid c-a)
	docker exec -d c-a sleep 1234
	docker stop -t 5 c-a
	eventually 10 gone "$p"
	is "$(pgrep -fx 'sleep 1234' || true)" ''
	is "$(pgrep -fx 'sleep 1000' || true)" ''
}

# --- the daemon --------------------------------------------------------------

case_many_at_once() {
	local i jobs=
	for i in $(seq 10); do
		docker run --network none --name "m$i" --memory 32m box sh -c "echo $i; exit $i" >"out.$i" 2>/dev/null &
		jobs+=" $!"
	done
	each_its_own $jobs
	docker rm m1 m2 m3 m4 m5 m6 m7 m8 m9 m10
}

case_nothing_is_left() {
	up c-a --memory 32m --tmpfs /t -v vol:/v --device /dev/fuse
	up c-b --init
	docker run -d --network none --name c-c box sh -c 'exit 1'
	docker exec c-a true
	clean
	docker volume rm vol
	eventually 20 equals '' left || true
	is "$(left)" ''
}

left() {
	find /sys/fs/cgroup -type d \( -name 'docker-*.scope' -o -path '*/docker/*' \)
	find /run/rt-docker /var/run/docker -mindepth 3 -maxdepth 3 -path '*/runtime-*' ! -name @seccomp 2>/dev/null
	find /run/rt-docker/containerd/daemon/io.containerd.runtime.v2.task/moby -mindepth 1 2>/dev/null
	grep -E "$T.*(overlay2|containers)/.+(merged|mounts)" /proc/self/mountinfo || true
	pgrep -a containerd-shim || true
	systemctl list-units --all --no-legend 'docker-*.scope' 2>/dev/null || true
}

case_checkpoint_and_restore() {
	docker run -d --network none --name c-a box sh -c 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.2; done'
	eventually 20 shows 3 docker logs c-a
	docker checkpoint create c-a saved
	eventually 20 equals exited status c-a
	has "$(docker checkpoint ls c-a)" saved
	local before
	before=$(docker logs c-a | tail -n 1)
	docker start --checkpoint saved c-a
	eventually 20 equals running status c-a
	eventually 20 shows "$((before + 3))" docker logs c-a
	docker exec c-a true
}

case_checkpoint_leaves_it_running() {
	docker run -d --network none --name c-a box sh -c 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.2; done'
	eventually 20 shows 3 docker logs c-a
	docker checkpoint create --leave-running c-a saved
	is "$(status c-a)" running
	docker exec c-a true
	docker checkpoint rm c-a saved
}

case_live_restore_across_a_restart() {
	daemon_down
	daemon '.["live-restore"] = true'
	up c-a
	docker run -d --network none --name c-b box sh -c 'while [ ! -e /tmp/go ]; do sleep 0.1; done; exit 12'
	local before
	before=$(pid c-a)
	daemon_down
	kill -0 "$before"
	daemon '.["live-restore"] = true'
	is "$(status c-a) $(pid c-a)" "running $before"
	is "$(docker exec c-a echo exec)" exec
	docker exec c-b touch /tmp/go
	is "$(docker wait c-b)" 12
	up c-c
	before=$(pid c-c)
	daemon_down
	kill -KILL "$before"
	daemon '.["live-restore"] = true'
	eventually 20 equals exited status c-c
	[ "$(field c-c .State.ExitCode)" != 0 ]
	docker stop c-a
	is "$(field c-a .State.ExitCode)" 0
	clean
	daemon_down
	daemon
}

case_userns_remap() {
	daemon_down
	grep -q ^dockremap: /etc/subuid || { echo dockremap:300000:65536 >>/etc/subuid; echo dockremap:300000:65536 >>/etc/subgid; }
	daemon '.["userns-remap"] = "default"'
	tar -C "$T/rootfs" -c . | docker import -c 'CMD ["sh"]' - box
	is "$(echo $(d box cat /proc/self/uid_map))" "0 300000 65536"
	up c-a --memory 32m --tmpfs /t -v vol:/v
	is "$(stat -c %u "/proc/$(pid c-a)")" 300000
	is "$(docker exec c-a sh -c 'touch /v/x /t/x /x; id -u; stat -c %u /v/x')" "0"$'\n'"0"
	is "$(docker exec -u user c-a id -u)" 1000
	exits 5 docker exec c-a sh -c 'exit 5'
	[ ! -e "$(cgroup_of "$(pid c-a)")/memory.max" ] || is "$(limit c-a memory.max)" 33554432
	is "$(echo $(d --userns host box cat /proc/self/uid_map))" "0 0 4294967295"
	exits 127 d box nosuch
	exits 1 d --read-only box touch /x
	out=$(on_pty 'want=# ' 'send=tty; id -u; exit 5' 'want=/dev/pts/0' want=0 -- docker run --rm -it --network none box sh) && return 1 || is $? 5
	docker pause c-a
	docker unpause c-a
	docker stop c-a
	clean
	daemon_down
	daemon
}

main "$@"
