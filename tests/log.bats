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
