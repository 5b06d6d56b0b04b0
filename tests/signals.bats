#!/usr/bin/env bats
# kill, and the signals a container starts with: runtime-spec runtime.md#kill.
load lib

# tells makes a process that writes the name of each signal it gets to a file.
tells() {
	script 'for s in HUP INT QUIT USR1 USR2 TERM WINCH CONT; do trap "echo $s >>/tmp/got" $s; done
		echo ready >>/tmp/got; while :; do sleep 1000 & wait $!; done'
	ok run --detach --bundle "$BUNDLE" "$ID"
	eventually 5 got ready
}

got() { grep -qx "$1" "$BUNDLE/rootfs/tmp/got" 2>/dev/null; }

@test "kill sends TERM by default" {
	tells
	ok kill "$ID"
	eventually 5 got TERM
	is "$out$err" ""
}

@test "kill takes a name, with or without SIG, in any case, or a number" {
	tells
	ok kill "$ID" USR1
	eventually 5 got USR1
	ok kill "$ID" SIGUSR2
	eventually 5 got USR2
	ok kill "$ID" hup
	eventually 5 got HUP
	ok kill "$ID" sigint
	eventually 5 got INT
	ok kill "$ID" 3
	eventually 5 got QUIT
	ok kill "$ID" 28
	eventually 5 got WINCH
}

@test "kill KILL ends a process that ignores everything" {
	script 'trap "" TERM INT HUP QUIT; while :; do sleep 1000; done'
	ok run --detach --bundle "$BUNDLE" "$ID"
	ok kill "$ID" TERM
	ok kill "$ID" KILL
	eventually 5 status_is stopped
}

@test "kill of pid 1 ends the whole pid namespace" {
	script 'sleep 1000 & setsid sleep 1000 & sleep 1000; true'
	ok run --detach --bundle "$BUNDLE" "$ID"
	eventually 5 eval '[ $(cg_procs | wc -l) -ge 4 ]'
	ok kill "$ID" KILL
	eventually 5 eval '[ -z "$(cg_procs)" ]'
}

@test "kill of a stopped container" {
	script true
	ok run --detach --bundle "$BUNDLE" "$ID"
	eventually 5 status_is stopped
	for s in TERM KILL 0; do
		refused kill "$ID" "$s"
		says "container not running"
	done
}

@test "kill --all of a stopped container succeeds" {
	script true
	ok run --detach --bundle "$BUNDLE" "$ID"
	eventually 5 status_is stopped
	ok kill --all "$ID" KILL
	ok kill -a "$ID" KILL
}

@test "kill --all reaches every process of a container without a pid namespace" {
	config '.linux.namespaces |= map(select(.type != "pid"))'
	script 'sleep 1000 & setsid sleep 1000 & wait'
	ok run --detach --bundle "$BUNDLE" "$ID"
	eventually 5 eval '[ $(cg_procs | wc -l) = 3 ]'
	ok kill --all "$ID" KILL
	eventually 5 eval '[ -z "$(cg_procs)" ]'
	eventually 5 status_is stopped
}

@test "SIGKILL reaches every process of a container without a pid namespace" {
	newer_than_runc_1_1 "SIGKILL to all without --all"
	config '.linux.namespaces |= map(select(.type != "pid"))'
	script 'sleep 1000 & setsid sleep 1000 & wait'
	ok run --detach --bundle "$BUNDLE" "$ID"
	eventually 5 eval '[ $(cg_procs | wc -l) = 3 ]'
	ok kill "$ID" KILL
	eventually 5 eval '[ -z "$(cg_procs)" ]'
	eventually 5 status_is stopped
}

@test "kill --all reaches every process of a container in another's pid namespace" {
	local first="$ID" pid
	running
	pid=$(pid_of)
	second
	config --arg p "/proc/$pid/ns/pid" '(.linux.namespaces[] | select(.type == "pid")).path = $p'
	script 'sleep 1000 & setsid sleep 1000 & wait'
	ok run --detach --bundle "$BUNDLE" "$ID"
	eventually 5 eval '[ $(cg_procs | wc -l) = 3 ]'
	ok kill --all "$ID" KILL
	eventually 5 eval '[ -z "$(cg_procs)" ]'
	eventually 5 status_is stopped
	is "$(status_of "$first")" running
}

@test "delete --force without a pid namespace leaves no process" {
	config '.linux.namespaces |= map(select(.type != "pid"))'
	script 'sleep 1000 & setsid sleep 1000 & wait'
	ok run --detach --bundle "$BUNDLE" "$ID"
	eventually 5 eval '[ $(cg_procs | wc -l) = 3 ]'
	ok delete --force "$ID"
	is "$(cg_procs)" ""
}

@test "kill of an unknown signal name" {
	running
	refused kill "$ID" BOGUS
	says 'unknown signal "BOGUS"'
	is "$(status_of)" running
}

@test "kill of a signal number out of range" {
	running
	refused kill "$ID" 99
	says "unable to signal init: invalid argument"
	is "$(status_of)" running
}

@test "kill of hostile signal words" {
	running
	for s in "KILL " "9;9" SIGSIG -9x 1e1 18446744073709551625; do
		oci kill "$ID" -- "$s"
		is "$(status_of)" running
	done
}

@test "real-time signals by number" {
	script 'trap "echo RT >/tmp/got" 40; echo ready >/tmp/got; while :; do sleep 1000 & wait $!; done'
	ok run --detach --bundle "$BUNDLE" "$ID"
	eventually 5 got ready
	ok kill "$ID" 40
	eventually 5 got RT
}

@test "kill of a created container" {
	created
	ok kill "$ID" KILL
	eventually 5 status_is stopped
	ok delete "$ID"
}

@test "run forwards signals to the container" {
	script 'trap "exit 33" TERM; trap "exit 44" USR1; echo ready >/tmp/got; while :; do sleep 1000 & wait $!; done'
	for pair in TERM:33 USR1:44; do
		rm -f "$BUNDLE/rootfs/tmp/got"
		run_bg run --bundle "$BUNDLE" "$ID"
		eventually 5 got ready
		kill -"${pair%:*}" "$BG"
		bg_code
		is "$code" "${pair#*:}"
	done
}

@test "a container starts with default signals and nothing blocked" {
	# The caller (nohup, a shell's background job) may ignore some of them.
	config '.process.args = ["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"]'
	is_rt || config '.process.args[2] = "^SigBlk"' # runc hands SIG_IGN on
	trap '' HUP INT QUIT PIPE TERM USR1
	ok run --bundle "$BUNDLE" "$ID"
	is "$(awk '{print $2}' <<<"$out" | sort -u)" 0000000000000000
}

@test "the runtime works when started with ignored and blocked signals" {
	need python3
	sleeper
	RT_BATS_TEST=$TAG python3 - "$RUNTIME" --root "$ROOT" create --bundle "$BUNDLE" "$ID" \
		</dev/null >"$T/out" 2>&1 3>&- 4>&- <<-'PY'
		import os, signal, sys
		for s in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGPIPE, 40):
		    signal.signal(s, signal.SIG_IGN)
		signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGCHLD, signal.SIGUSR1})
		os.execv(sys.argv[1], sys.argv[1:])
	PY
	ok start "$ID"
	peer_defect "runc hands the signal mask on"
	grep -q '^SigBlk:.0000000000000000' "/proc/$(pid_of)/status"
}

@test "a frozen container is paused, and delete --force works on it" {
	running
	if cg_is_v1 freezer; then
		echo FROZEN >"$(cg_dir freezer)/freezer.state"
	elif [ -e "$(cg_dir "")/cgroup.freeze" ]; then
		echo 1 >"$(cg_dir "")/cgroup.freeze"
	else
		skip "host: no freezer"
	fi
	is "$(status_of)" paused
	ok delete --force "$ID"
	is "$(status_of)" absent
}

@test "kill KILL of a frozen container takes effect" {
	cg_is_v1 freezer || skip "host: no v1 freezer"
	running
	echo FROZEN >"$(cg_dir freezer)/freezer.state"
	ok kill "$ID" KILL
	peer_defect "runc 1.1.5 leaves the frozen process frozen"
	eventually 5 status_is stopped
}

@test "kill never blocks on a zombie init" {
	# A container whose init died while nobody reaped it is stopped.
	need python3
	script 'exit 0'
	RT_BATS_TEST=$TAG python3 - "$RUNTIME" "$ROOT" "$BUNDLE" "$ID" 3>&- 4>&- <<-'PY' >"$T/out" &
		import ctypes, subprocess, sys, time
		rt, root, bundle, id = sys.argv[1:]
		ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER, never waits
		subprocess.run([rt, "--root", root, "run", "--detach", "--bundle", bundle, id], stdin=subprocess.DEVNULL, check=True)
		print("ready", flush=True)
		time.sleep(30)
	PY
	BACKGROUND=$!
	eventually 10 grep -q ready "$T/out"
	eventually 5 status_is stopped
	refused kill "$ID" KILL
	says "container not running"
	ok delete "$ID"
	kill "$BACKGROUND"
}
