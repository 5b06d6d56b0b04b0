#!/usr/bin/env bats
# process.terminal: runtime-spec config.md#process; runc's docs/terminals.md.
load lib

prepare() {
	root_needed
	payload_needed
	bundle
	config '.process.terminal = true'
	# A unix socket's path has at most 107 bytes.
	SOCK=$(mktemp -u /tmp/rt-bats-XXXXXX)
}

# console [TEXT] starts the peer of --console-socket; its output is in $T/tty.
console() {
	"$RT_BATS_DIR/bin/payload" console "$SOCK" "$@" >"$T/tty" 2>&1 3>&- 4>&- </dev/null &
	BACKGROUND=$!
	eventually 5 test -S "$SOCK"
}

tty_run() {
	script "$1"
	console "${@:2}"
	ok create --console-socket "$SOCK" --bundle "$BUNDLE" "$ID"
	ok start "$ID"
	eventually 10 gone "$BACKGROUND"
	tty=$(tr -d '\r' <"$T/tty")
}

@test "the master comes over the console socket, output through it" {
	tty_run 'echo hello; tty'
	has "$tty" hello
	has "$tty" /dev/pts/0
}

@test "the message that carries the master names it" {
	tty_run true
	matches "$tty" '^name=/dev/ptmx|^name=/dev/pts/0|^name=.*ptmx'
}

@test "what is typed reaches the process" {
	tty_run 'echo ready; read -r line; echo "got=$line"' $'typed text\n'
	has "$tty" "got=typed text"
}

@test "the terminal is the controlling terminal of a new session" {
	# hardening S37
	tty_run 'echo "sid=$(awk "{print \$6}" /proc/self/stat) pid=$$"; [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo all; : </dev/tty && echo ctty'
	has "$tty" "sid=1 pid=1"
	has "$tty" all
	has "$tty" ctty
}

@test "the interrupt character interrupts" {
	tty_run 'trap "echo INT; exit" INT; echo ready; sleep 5 & wait' $'\x03'
	has "$tty" INT
}

@test "/dev/console is the terminal" {
	tty_run 'stat -c "%t:%T" /dev/console; stat -c "%t:%T" /dev/pts/0; echo to-console >/dev/console'
	is "$(sed -n 2p <<<"$tty")" "$(sed -n 3p <<<"$tty")"
	has "$tty" to-console
}

@test "consoleSize sets the terminal's size" {
	config '.process.consoleSize = {"height": 33, "width": 111}'
	tty_run 'stty size'
	has "$tty" "33 111"
}

@test "the terminal belongs to the container's user" {
	config '.process.user = {"uid": 1000, "gid": 1000}'
	tty_run 'stat -c "%u %a" /dev/pts/0; echo hi >/dev/pts/0'
	has "$tty" "1000 620"
	has "$tty" hi
}

@test "the terminal is that of the container's own devpts" {
	tty_run 'ls /dev/pts; stat -c "%d" /dev/pts; stat -L -c "%d" /proc/self/fd/0'
	has "$tty" ptmx
	is "$(sed -n '$p' <<<"$tty")" "$(tail -n 2 <<<"$tty" | head -n 1)"
}

@test "no other descriptor of the terminal is left in the container" {
	tty_run 'ls /proc/self/fd | tr "\n" " "'
	has "$tty" "0 1 2 3 "
	lacks "$tty" "4"
}

@test "create with a terminal needs a console socket" {
	script true
	refused create --bundle "$BUNDLE" "$ID"
	has "$(message)" "cannot allocate tty if $NAME will detach without setting console socket"
	is "$(status_of)" absent
}

@test "a console socket without a terminal is refused" {
	config '.process.terminal = false'
	console
	refused create --console-socket "$SOCK" --bundle "$BUNDLE" "$ID"
	has "$(message)" "console socket"
	is "$(status_of)" absent
}

@test "a console socket that is missing" {
	# hardening F35
	script true
	refused create --console-socket "$T/nosuch" --pid-file "$T/pid" --bundle "$BUNDLE" "$ID"
	has "$err" "no such file"
	is "$(status_of)" absent
	is "$(ls -A "$T" | grep -c pid)" 0
}

@test "a console socket nobody listens on" {
	# hardening F35
	need python3
	python3 -c 'import socket,sys; s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1])' "$SOCK"
	script true
	refused create --console-socket "$SOCK" --bundle "$BUNDLE" "$ID"
	has "$err" "connection refused"
	is "$(status_of)" absent
	rm "$SOCK"
}

@test "a console socket that is a file, a directory or a FIFO" {
	script true
	echo x >"$T/f"
	mkfifo "$T/p"
	for s in "$T/f" "$T" "$T/p"; do
		refused create --console-socket "$s" --bundle "$BUNDLE" "$ID"
		is "$(status_of)" absent
	done
}

@test "a console peer that never reads does not hang create" {
	# hardening F35
	"$RT_BATS_DIR/bin/payload" deaf "$SOCK" </dev/null >/dev/null 2>&1 3>&- 4>&- &
	BACKGROUND=$!
	eventually 5 test -S "$SOCK"
	sleeper
	LIMIT=10
	ok create --console-socket "$SOCK" --bundle "$BUNDLE" "$ID"
	ok delete --force "$ID"
	kill "$BACKGROUND"
	rm -f "$SOCK"
}

@test "run with a terminal of its own copies both ways" {
	need python3
	script 'stty size; read -r l; echo "got=$l"; exit 6'
	cat >"$T/drive.py" <<-'PY'
		import fcntl, os, pty, struct, sys, termios
		pid, fd = pty.fork()
		if pid == 0:
		    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 44, 99, 0, 0))
		    os.execv(sys.argv[1], sys.argv[1:])
		data = os.read(fd, 4096)
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
	timeout 20 python3 "$T/drive.py" "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" </dev/null >"$T/out" 2>&1 3>&- 4>&- || code=$?
	has "$(cat "$T/out")" "got=words"
	has "$(cat "$T/out")" "44 99"
	is "$code" 6
}

@test "run with a terminal, standard input not being one" {
	script 'tty; echo done'
	oci run --bundle "$BUNDLE" "$ID"
	is "$(status_of)" absent
}

@test "a terminal in a read-only rootfs" {
	config '.root.readonly = true'
	tty_run 'echo fine >/dev/console'
	has "$tty" fine
}

@test "a terminal without a mount on /dev/pts is an error, not the host's pty" {
	config 'del(.mounts[] | select(.destination == "/dev/pts"))'
	script 'tty'
	console
	oci create --console-socket "$SOCK" --bundle "$BUNDLE" "$ID"
	if [ "$code" = 0 ]; then
		# Without a devpts of its own the container must not see the host's.
		ok start "$ID"
		eventually 10 gone "$BACKGROUND"
		lacks "$(cat "$T/tty")" "/dev/pts/$(ls /dev/pts | grep -v ptmx | sort -n | tail -n 1)x"
	fi
}

@test "a terminal in a pid namespace that is joined" {
	first="$ID"
	config '.process.terminal = false'
	running
	pid=$(pid_of)
	second
	config --arg p "/proc/$pid/ns/pid" '.process.terminal = true |
		.linux.namespaces |= map(if .type == "pid" then .path = $p else . end)'
	tty_run 'echo to the terminal >/dev/tty'
	has "$tty" "to the terminal"
	ok delete --force "$first"
}
