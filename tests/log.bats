#!/usr/bin/env bats
# --log, --log-format and --debug: what managers parse.
load lib

@test "the error goes to standard error" {
	refused state nosuch
	is "$(message)" "container does not exist"
	is "$out" ""
}

@test "the error goes to the log and, plain, to standard error" {
	rt_raw --root "$ROOT" --log "$T/log" state nosuch
	is "$code" 1
	is "$err" "container does not exist"
	has "$(cat "$T/log")" 'level=error msg="container does not exist"'
	matches "$(cat "$T/log")" '^time="20[0-9-]+T[0-9:]+(Z|[+-][0-9:]+)" '
}

@test "json log" {
	rt_raw --root "$ROOT" --log "$T/log" --log-format json state nosuch
	is "$(jq -c '[.level, .msg]' "$T/log")" '["error","container does not exist"]'
	matches "$(jq -r .time "$T/log")" '^20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9:.]+(Z|[+-][0-9:]+)$'
	is "$(jq -r 'keys | join(" ")' "$T/log")" "level msg time"
	is "$(head -c 9 "$T/log")" '{"level":'
}

@test "the log is appended to" {
	for i in 1 2 3; do rt_raw --root "$ROOT" --log "$T/log" --log-format json state "nosuch$i"; done
	is "$(wc -l <"$T/log")" 3
}

@test "the last error object is the whole error of a failed create" {
	# containerd's shim reads the last line with level error.
	config '.process.args = ["nosuch"]'
	rt_raw --root "$ROOT" --log "$T/log" --log-format json create --bundle "$BUNDLE" "$ID"
	is "$code" 1
	msg=$(jq -r 'select(.level == "error") | .msg' "$T/log" | tail -n 1)
	has "$msg" 'exec: "nosuch": executable file not found in $PATH'
	is "$msg" "$(tail -n 1 <<<"$err")"
}

@test "json log: words with quotes, control characters and invalid UTF-8" {
	config '.process.args = ["no\"such\\\u0001\n\u001b[31mé"]'
	rt_raw --root "$ROOT" --log "$T/log" --log-format json create --bundle "$BUNDLE" "$ID"
	is "$code" 1
	is "$(wc -l <"$T/log")" "$(jq -c . "$T/log" | wc -l)"
	rt_raw --root "$ROOT" --log "$T/log2" --log-format json state $'bad\xff\xfeid'
	is "$code" 1
	jq -e . "$T/log2" >/dev/null
}

@test "text log: one line for each message" {
	config '.process.args = ["no\nsuch"]'
	rt_raw --root "$ROOT" --log "$T/log" create --bundle "$BUNDLE" "$ID"
	is "$(grep -vc '^time=' "$T/log")" 0
}

@test "success logs nothing" {
	script true
	rt_raw --root "$ROOT" --log "$T/log" --log-format json run --bundle "$BUNDLE" "$ID"
	is "$code" 0
	[ ! -s "$T/log" ]
}

@test "--debug logs more, and all of it is valid" {
	script true
	rt_raw --root "$ROOT" --debug --log "$T/log" --log-format json run --bundle "$BUNDLE" "$ID"
	is "$code" 0
	jq -e 'select(.level == "debug") | .msg' "$T/log" >/dev/null
	[ -s "$T/log" ]
}

@test "an unknown log format" {
	rt_raw --root "$ROOT" --log-format xml state nosuch
	is "$code" 1
	has "$err" "invalid log-format: xml"
}

@test "a log that cannot be opened" {
	rt_raw --root "$ROOT" --log "$T/no/such/dir/log" state nosuch
	is "$code" 1
	has "$err" "no such file or directory"
}

@test "a log that is a directory" {
	rt_raw --root "$ROOT" --log "$T" state nosuch
	is "$code" 1
	has "$err" "is a directory"
}

@test "a log on a full device does not change the outcome" {
	[ -w /dev/full ] || skip "host: no /dev/full"
	rt_raw --root "$ROOT" --log /dev/full state nosuch
	is "$code" 1
	has "$err" "container does not exist"
}

@test "the log file is private" {
	umask 022
	rt_raw --root "$ROOT" --log "$T/log" state nosuch
	matches "$(stat -c %a "$T/log")" '^6[04]4?0?$'
}

@test "a relative --log is relative to the caller's directory" {
	rt_raw --root "$ROOT" --log here.log create --bundle "$T/nosuch" "$ID"
	[ -s "$T/work/here.log" ]
}

@test "an error text is bounded" {
	config '.process.args = [[range(30000) | "x"] | add]'
	rt_raw --root "$ROOT" --log "$T/log" --log-format json create --bundle "$BUNDLE" "$ID"
	is "$code" 1
	jq -e . "$T/log" >/dev/null
}

# hears SOCKET COMMAND… runs the command where a program listens at SOCKET, and
# puts what it has heard into $T/heard: in a mount namespace, with /dev and /run of
# its own.
hears() {
	payload_needed
	code=0
	timeout --foreground -k 1 20 unshare -m sh -c 'log=$1 payload=$2 heard=$3; shift 3
		mount -t tmpfs none /dev && mount -t tmpfs none /run && mkdir -p "${log%/*}" && mknod /dev/null c 1 3 || exit 99
		"$payload" hear "$log" >"$heard" & listener=$!
		until [ -S "$log" ]; do sleep 0.02; done
		code=0; "$@" || code=$?
		until grep -q . "$heard"; do sleep 0.02; done
		kill $listener; exit $code' sh "$1" "$RT_BATS_DIR/bin/payload" "$T/heard" "${@:2}" \
		</dev/null >"$T/out" 2>"$T/err" 3>&- 4>&- || code=$?
	err=$(<"$T/err")
}

@test "--log syslog" {
	only_rt "syslog"
	hears /dev/log "$RUNTIME" --root "$ROOT" --log syslog:web state nosuch
	is "$code:$err" "1:container does not exist"
	matches "$(cat "$T/heard")" '^<11>[A-Z][a-z][a-z] [ 123][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9] web: container does not exist$'
	hears /dev/log "$RUNTIME" --root "$ROOT" --log syslog: state $'no\nsuch'
	matches "$(cat "$T/heard")" ' rt: invalid container ID'
	is "$(wc -l <"$T/heard")" 1
}

@test "--log journald" {
	only_rt "journald"
	hears /run/systemd/journal/socket "$RUNTIME" --root "$ROOT" --log journald:web state nosuch
	is "$code:$err" "1:container does not exist"
	is "$(tr '|' '\n' <"$T/heard")" $'PRIORITY=3\nSYSLOG_IDENTIFIER=web\nID=web\nMESSAGE=container does not exist'
	config '.process.args = ["no\nsuch"]'
	hears /run/systemd/journal/socket "$RUNTIME" --root "$ROOT" --log journald:$'a\nb' --log-level debug state nosuch
	is "$code" 1
	has "$(tr -d '\0' <"$T/heard")" 'SYSLOG_IDENTIFIER|'
}

@test "--log journald and syslog without a daemon" {
	only_rt "journald"
	for log in journald:x syslog:x; do
		code=0
		unshare -m sh -c 'mount -t tmpfs none /dev && mount -t tmpfs none /run && exec "$@"' sh "$RUNTIME" --root "$ROOT" --log "$log" list >"$T/out" 2>"$T/err" || code=$?
		is "$code" 1
		matches "$(cat "$T/err")" 'connect /(dev/log|run/systemd/journal/socket): no such file or directory'
	done
}

@test "--log file:, paths with a colon, and other kinds" {
	only_rt "kinds of logs"
	rt_raw --root "$ROOT" --log "file:$T/log" state nosuch
	has "$(cat "$T/log")" "container does not exist"
	rt_raw --root "$ROOT" --log "$T/a:b" state nosuch
	has "$(cat "$T/a:b")" "container does not exist"
	rt_raw --root "$ROOT" --log ./journald:x state nosuch
	has "$(cat ./journald:x)" "container does not exist"
	rt_raw --root "$ROOT" --log kafka:x state nosuch
	is "$code" 1
	has "$err" "unknown log type: kafka:x"
}

@test "--log-level" {
	only_rt "log levels"
	config '.mounts += [{destination: "mnt", type: "tmpfs", source: "x"}]'
	script true
	for level in error warning info debug; do
		rt_raw --root "$ROOT" --log "$T/$level" --log-level "$level" run --bundle "$BUNDLE" "$ID"
		is "$code:$err" 0:
	done
	is "$(cat "$T/error")" ""
	has "$(cat "$T/warning")" "is not absolute"
	is "$(grep -c level=debug "$T/info")" 0
	has "$(cat "$T/debug")" level=debug
	rt_raw --root "$ROOT" --log-level loud list
	is "$code" 1
	has "$err" "unknown log level: loud"
}

@test "--cgroup-manager is crun's --systemd-cgroup" {
	only_rt "crun's word for it"
	script true
	rt_raw --root "$ROOT" --cgroup-manager cgroupfs run --bundle "$BUNDLE" "$ID"
	is "$code:$err" 0:
	rt_raw --root "$ROOT" --cgroup-manager disabled run --bundle "$BUNDLE" "$ID"
	is "$code" 1
	has "$err" "unknown cgroup manager"
}
