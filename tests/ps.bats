#!/usr/bin/env bats
# ps: the container's processes, by the host's ps or as JSON.
load lib

prepare() {
	root_needed
	need ps
	bundle
	script 'sleep 1000 & sleep 1000 & wait'
	ok run --detach --bundle "$BUNDLE" "$ID"
	eventually 20 eval '[ "$(cg_procs | wc -l)" = 3 ]'
}

# rows prints the pids of a table: the second column.
rows() { tail -n +2 <<<"$out" | awk '{print $2}' | sort -n; }

pids() { jq -r '.[]' <<<"$out" | sort -n; }

@test "the table is that of ps -ef, for the container's processes alone" {
	ok ps "$ID"
	matches "$out" '^UID +PID +PPID +C +STIME +TTY +TIME +CMD'
	is "$(rows)" "$(cg_procs)"
	has "$out" "sleep 1000"
}

@test "--format json" {
	for flags in "--format json" "-f json" "--format=json"; do
		ok ps $flags "$ID"
		is "$(pids)" "$(cg_procs)"
	done
	matches "$out" '^\[[0-9]+,[0-9]+,[0-9]+\]$'
}

@test "options for ps" {
	ok ps "$ID" -o ppid,pid,comm
	is "$(rows)" "$(cg_procs)"
	ok ps "$ID" aux
	matches "$out" '^USER +PID +%CPU'
	is "$(rows)" "$(cg_procs)"
	ok ps "$ID" -e -x
	matches "$out" '^ +PID TTY'
}

@test "what follows the id is for ps, even a flag of ours" {
	refused ps "$ID" -f json
	has "$err" "exit status 1: "
	ok ps "$ID" -f
	lacks "$out" "["
}

@test "ps that prints no pids" {
	refused ps "$ID" -o comm
	says "couldn't find PID field in ps output"
	refused ps "$ID" --no-such-option
	has "$err" "exit status 1: error: "
}

@test "a format there is not" {
	refused ps --format yaml "$ID"
	says "invalid format option"
}

@test "a ps that prints nonsense" {
	mkdir "$T/bin"
	for line in 'x' 'root x'; do
		printf '#!/bin/sh\necho UID PID\necho %s\n' "$line" >"$T/bin/ps"
		chmod +x "$T/bin/ps"
		is_rt || [ "$line" != x ] || [ -n "${SHOW_DEFECTS:-}" ] || continue # runc crashes
		PATH=$T/bin:$PATH refused ps "$ID"
		has "$err" "unable to parse pid"
	done
	printf '#!/bin/sh\n' >"$T/bin/ps"
	PATH=$T/bin:$PATH refused ps "$ID"
	says "couldn't find PID field in ps output"
}

@test "without a ps on the host" {
	PRISTINE=$RUNTIME
	RUNTIME=$T/runtime
	printf '#!/bin/sh\nPATH=%s exec %s "$@"\n' "$T" "$PRISTINE" >"$RUNTIME"
	chmod +x "$RUNTIME"
	refused ps "$ID"
	has "$err" 'exec: \"ps\": executable file not found in $PATH'
	ok ps --format json "$ID"
}

@test "a paused container" {
	want=$(cg_procs)
	ok pause "$ID"
	ok ps --format json "$ID"
	is "$(pids)" "$want"
	ok ps "$ID"
	is "$(rows)" "$want"
}

@test "a created container" {
	second
	created
	ok ps --format json "$ID"
	is "$out" "[$(pid_of)]"
}

@test "a stopped container has no processes" {
	ok kill "$ID" KILL
	eventually 20 status_is stopped
	eventually 20 eval '[ -z "$(cg_procs)" ]'
	ok ps --format json "$ID"
	is "$out" null
	ok ps "$ID"
	is "$(rows)" ""
	matches "$out" '^UID +PID'
}

@test "processes in cgroups below" {
	want=$(cg_procs)
	for dir in /sys/fs/cgroup"$(cg_path)" /sys/fs/cgroup/*"$(cg_path)"; do
		[ -e "$dir/cgroup.procs" ] || continue
		mkdir "$dir/inner"
		[ ! -e "$dir/inner/cpuset.cpus" ] || [ ! -e "$dir/inner/cgroup.clone_children" ] ||
			{ cat "$dir/cpuset.cpus" >"$dir/inner/cpuset.cpus"; cat "$dir/cpuset.mems" >"$dir/inner/cpuset.mems"; }
		for pid in $want; do echo "$pid" >"$dir/inner/cgroup.procs"; break; done
	done
	ok ps --format json "$ID"
	is "$(pids)" "$want"
}

@test "no such container, and no id" {
	refused ps nosuch
	says "container does not exist"
	refused ps
	has "$(message)" '"ps" requires a minimum of 1 argument(s)'
	refused ps ""
	says "container id cannot be empty"
}
