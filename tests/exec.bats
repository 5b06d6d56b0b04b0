#!/usr/bin/env bats
# exec: a process more in a running container. runc's exec.go, runc-exec(8).
load lib

prepare() {
	root_needed
	payload_needed
	bundle
	running
}

# in_container ARG… executes a command that must succeed; its output is in $out.
in_container() { ok exec "$ID" "$@"; }

# exec_fails ARG… must fail with exit code 255 and one clear line.
exec_fails() {
	oci exec "$@"
	[ "$code" = 255 ] || fail "exec $*: exit $code, want 255; out: $out err: $err"
	has "$err" "exec failed: "
}

@test "a command is executed in the container" {
	in_container sh -c 'echo hello; ls /'
	has "$out" hello
	has "$out" proc
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

@test "a missing command is 255 and named" {
	exec_fails "$ID" nosuch
	says 'exec failed: unable to start container process: exec: "nosuch": executable file not found in $PATH' \
		'exec failed: unable to start container process: exec: "nosuch": executable file not found in $PATH: unknown'
}

@test "a file that is not executable is 255 and named" {
	exec_fails "$ID" /etc/passwd
	has "$err" 'permission denied'
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
