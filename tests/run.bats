#!/usr/bin/env bats
# run: create, start, wait and delete in one, with the process's exit code.
load lib

@test "run passes standard output and error through" {
	script 'echo out; echo err >&2'
	ok run --bundle "$BUNDLE" "$ID"
	is "$out" out
	is "$err" err
}

@test "run passes standard input through" {
	script cat
	seq 1 100000 >"$T/in"
	STDIN="$T/in" ok run --bundle "$BUNDLE" "$ID"
	is "$(sha256sum <"$T/out")" "$(sha256sum <"$T/in")"
}

@test "run carries 8 MiB of output without loss" {
	script 'yes 0123456789abcde | head -c 8388608'
	ok run --bundle "$BUNDLE" "$ID"
	is "$(stat -c %s "$T/out")" 8388608
}

@test "run ends with the process's exit code" {
	for n in 0 1 2 42 127 128 255; do
		script "exit $n"
		oci run --bundle "$BUNDLE" "$ID"
		is "$code" "$n"
		is "$err" ""
	done
}

@test "run ends with 128 and the signal's number" {
	# In its own pid namespace pid 1 would not see signals it has no handler for.
	config '.linux.namespaces |= map(select(.type != "pid")) | .process.args = ["sleep", "1000"]'
	for s in 9 15 2; do
		run_bg run --bundle "$BUNDLE" "$ID"
		eventually 5 status_is running
		ok kill "$ID" "$s"
		bg_code
		is "$code" $((128 + s))
		eventually 5 status_is absent
	done
}

@test "run deletes the container at its end" {
	sh_run 'exit 0'
	is "$(status_of)" absent
	is "$(ls "$ROOT" | grep -c "$ID")" 0
}

@test "run --keep keeps the stopped container" {
	script 'exit 3'
	oci run --keep --bundle "$BUNDLE" "$ID"
	is "$code" 3
	is "$(status_of)" stopped
	ok delete "$ID"
}

@test "run --detach returns at once and the container lives on" {
	running
	is "$(status_of)" running
	is "$out" ""
}

@test "run -d -b are the short forms" {
	sleeper
	ok run -d -b "$BUNDLE" "$ID"
	is "$(status_of)" running
}

@test "run --detach ends with 0 whatever the process does" {
	script 'exit 7'
	ok run --detach --bundle "$BUNDLE" "$ID"
	eventually 5 status_is stopped
}

@test "run without a terminal to attach leaves no pid file" {
	only_rt "a pid file that goes with the process"
	config '.process.terminal = true'
	script true
	code=0
	setsid "$RUNTIME" --root "$ROOT" run --pid-file "$T/pid" --bundle "$BUNDLE" "$ID" </dev/null >"$T/out" 2>"$T/err" 3>&- 4>&- || code=$?
	is "$code" 1
	has "$(cat "$T/err")" /dev/tty
	[ ! -e "$T/pid" ]
}

@test "run --pid-file" {
	sleeper
	ok run --detach --pid-file "$T/pid" --bundle "$BUNDLE" "$ID"
	is "$(cat "$T/pid")" "$(pid_of)"
}

@test "run --detach writes to the caller's standard output" {
	script 'echo late'
	ok run --detach --bundle "$BUNDLE" "$ID"
	eventually 5 grep -q late "$T/out"
}

@test "run of a missing command" {
	config '.process.args = ["nosuch"]'
	refused run --bundle "$BUNDLE" "$ID"
	says 'rt run failed: unable to start container process: error during container init: exec: "nosuch": executable file not found in $PATH' \
		'runc run failed: unable to start container process: exec: "nosuch": executable file not found in $PATH'
	is "$(status_of)" absent
}

@test "create of a missing command" {
	config '.process.args = ["nosuch"]'
	refused create --bundle "$BUNDLE" "$ID"
	says 'rt create failed: unable to start container process: error during container init: exec: "nosuch": executable file not found in $PATH' \
		'runc create failed: unable to start container process: exec: "nosuch": executable file not found in $PATH'
	is "$(status_of)" absent
}

@test "a missing absolute command" {
	config '.process.args = ["/bin/nosuch"]'
	refused run --bundle "$BUNDLE" "$ID"
	says 'rt run failed: unable to start container process: error during container init: exec: "/bin/nosuch": stat /bin/nosuch: no such file or directory' \
		'runc run failed: unable to start container process: exec: "/bin/nosuch": stat /bin/nosuch: no such file or directory'
}

@test "a command that is not executable" {
	config '.process.args = ["/etc/passwd"]'
	refused run --bundle "$BUNDLE" "$ID"
	says 'rt run failed: unable to start container process: error during container init: exec: "/etc/passwd": permission denied' \
		'runc run failed: unable to start container process: exec: "/etc/passwd": permission denied'
}

@test "a command that is a directory" {
	config '.process.args = ["/bin"]'
	refused run --bundle "$BUNDLE" "$ID"
	matches "$err" '/bin.*(permission denied|is a directory)'
}

@test "a command below a file" {
	config '.process.args = ["/etc/passwd/x"]'
	refused run --bundle "$BUNDLE" "$ID"
	has "$err" "not a directory"
}

@test "a text file without an interpreter line" {
	printf 'echo hi\n' >"$BUNDLE/rootfs/bin/plain"
	chmod 755 "$BUNDLE/rootfs/bin/plain"
	config '.process.args = ["plain"]'
	oci run --bundle "$BUNDLE" "$ID"
	is "$code" 1
	has "$err" "exec format error"
}

@test "a script whose interpreter is missing" {
	printf '#!/bin/nosuch\n' >"$BUNDLE/rootfs/bin/scr"
	chmod 755 "$BUNDLE/rootfs/bin/scr"
	config '.process.args = ["scr"]'
	oci run --bundle "$BUNDLE" "$ID"
	is "$code" 1
	has "$err" "no such file or directory"
}

@test "a late failure of execve is told by start" {
	only_rt "the error of a failed exec after start"
	printf '#!/bin/nosuch\n' >"$BUNDLE/rootfs/bin/scr"
	chmod 755 "$BUNDLE/rootfs/bin/scr"
	config '.process.args = ["scr"]'
	oci create --bundle "$BUNDLE" "$ID"
	if [ "$code" = 0 ]; then
		refused start "$ID"
	fi
	has "$err" "no such file or directory"
	has "$err" scr
}

@test "the command is looked up in the container's PATH" {
	mkdir "$BUNDLE/rootfs/opt"
	printf '#!/bin/sh\necho mine\n' >"$BUNDLE/rootfs/opt/mine"
	chmod 755 "$BUNDLE/rootfs/opt/mine"
	config '.process.env = ["PATH=/bin:/opt"] | .process.args = ["mine"]'
	ok run --bundle "$BUNDLE" "$ID"
	is "$out" mine
}

@test "a file in PATH that is not executable is passed over" {
	mkdir "$BUNDLE/rootfs/opt" "$BUNDLE/rootfs/opt2"
	echo nothing >"$BUNDLE/rootfs/opt/mine"
	printf '#!/bin/sh\necho mine\n' >"$BUNDLE/rootfs/opt2/mine"
	chmod 755 "$BUNDLE/rootfs/opt2/mine"
	config '.process.env = ["PATH=/opt:/opt2:/bin"] | .process.args = ["mine"]'
	ok run --bundle "$BUNDLE" "$ID"
	is "$out" mine
}

@test "argv[0] is as given, and arguments are not interpreted" {
	config '.process.args = ["sh", "-c", "tr \"\\\\0\" \"|\" </proc/self/cmdline", "a b", "$HOME", "*", "", "é"]'
	config '.process.args = ["sh", "-c", "for a; do echo \"<$a>\"; done", "sh", "a b", "$HOME", "*", "", "é"]'
	ok run --bundle "$BUNDLE" "$ID"
	is "$out" $'<a b>\n<$HOME>\n<*>\n<>\n<é>'
}

@test "run reaps what is left to it, as sub-reaper" {
	# pid 1 of a shared pid namespace: children of the init go to run, not to the host's init.
	config '.linux.namespaces |= map(select(.type != "pid"))'
	script 'sh -c "echo \$\$ >/tmp/orphan; exec sleep 0.3" & exit 5'
	oci run --bundle "$BUNDLE" "$ID"
	is "$code" 5
}

@test "run --no-subreaper" {
	script 'exit 4'
	oci run --no-subreaper --bundle "$BUNDLE" "$ID"
	is "$code" 4
}

@test "run --no-pivot" {
	script 'ls /; cat /proc/1/mountinfo | head -n 1'
	ok run --no-pivot --bundle "$BUNDLE" "$ID"
	has "$out" proc
}

@test "run --no-pivot shows none of the host's files" {
	mkdir "$T/canary"
	script "ls '$T/canary' 2>&1; ls /../../../../ | sort | head -n 3"
	ok run --no-pivot --bundle "$BUNDLE" "$ID"
	has "$out" "No such file"
}

@test "--preserve-fds hands descriptors on" {
	script 'cat <&3; cat <&4; ls /proc/self/fd'
	echo three >"$T/3"
	echo four >"$T/4"
	code=0
	"$RUNTIME" --root "$ROOT" run --preserve-fds 2 --bundle "$BUNDLE" "$ID" \
		</dev/null >"$T/out" 2>"$T/err" 3<"$T/3" 4<"$T/4" 5</dev/null || code=$?
	is "$code" 0
	# ls itself opens one more descriptor, 5 or higher.
	is "$(head -n 7 "$T/out" | tr '\n' ' ')" "three four 0 1 2 3 4 "
	is "$(wc -l <"$T/out")" 8
}

@test "without --preserve-fds only 0, 1 and 2 are open" {
	# hardening S03
	script 'ls /proc/self/fd | wc -l'
	code=0
	"$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" </dev/null >"$T/out" 2>"$T/err" \
		3</etc/passwd 4</ 7</etc 20</dev/null 199</root || code=$?
	is "$code" 0
	is "$(cat "$T/out")" 4
}

@test "--preserve-fds of what is not open" {
	oci run --preserve-fds 40 --bundle "$BUNDLE" "$ID"
	is "$code" 1
	is "$(status_of)" absent
}

@test "--preserve-fds out of range" {
	for n in 1000000000 99999999999999999999 x; do
		oci run --preserve-fds "$n" --bundle "$BUNDLE" "$ID"
		[ "$code" != 0 ]
		is "$(status_of)" absent
	done
}

@test "LISTEN_FDS hands sockets on, with LISTEN_PID 1" {
	script 'echo "$LISTEN_FDS $LISTEN_PID"; cat <&3'
	echo socket >"$T/3"
	code=0
	sh -c 'export LISTEN_FDS=1 LISTEN_PID=$$; exec "$@"' sh "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" </dev/null >"$T/out" 2>"$T/err" 3<"$T/3" 4>&- || code=$?
	is "$code" 0
	is "$(cat "$T/out")" $'1 1\nsocket'
}

@test "a container of 4,000 environment variables starts quickly" {
	config '.process.env += [range(4000) | "VAR\(.)=\(.)"]'
	sh_run 'env | grep -c ^VAR'
	is "$out" 4000
}

@test "--systemd-cgroup on a host without systemd" {
	[ ! -d /run/systemd/system ] || skip "host: has systemd"
	config '.linux.cgroupsPath = "system.slice:rt-bats:x"'
	rt_raw --root "$ROOT" --systemd-cgroup create --bundle "$BUNDLE" "$ID"
	is "$code" 1
	has "$err" systemd
	is "$(status_of)" absent
}

@test "--rootless takes true, false and auto" {
	for v in false auto; do
		script 'exit 0'
		rt_raw --root "$ROOT" --rootless "$v" run --bundle "$BUNDLE" "$ID"
		is "$code" 0
	done
	rt_raw --root "$ROOT" --rootless maybe run --bundle "$BUNDLE" "$ID"
	is "$code" 1
	has "$err" maybe
}
