#!/usr/bin/env bats
# State files that are damaged or lie: hardening F10 and F11. Whatever is in
# them, `delete --force` finds the container's processes by its cgroup, and
# `list` still shows the healthy ones.
load lib

prepare() {
	root_needed
	peer_defect "runc's delete --force fails or leaks, and null is a panic in list"
	bundle
	running
	HEALTHY=$ID
	second
	running
	PID=$(pid_of)
	FILE=$(state_file)
}

# state_file is the record of container $ID.
state_file() {
	local f
	for f in "$ROOT/$ID/state.json" "$ROOT/$ID.json" "$ROOT/$ID/state"; do
		[ ! -f "$f" ] || { echo "$f"; return; }
	done
	find "$ROOT" -type f -path "*$ID*" -size +0 | head -n 1
}

# survives: the healthy container is listed, and the damaged one can go.
survives() {
	ok list -q
	grep -qx "$HEALTHY" <<<"$out"
	oci list
	has "$out" "$HEALTHY"
	oci list --format json
	jq -e --arg h "$HEALTHY" '.[] | select(.id == $h and .status == "running")' <<<"$out" >/dev/null
	oci state "$ID"
	[ "$code" = 0 ] || [ "$code" = 1 ]
	ok delete --force "$ID"
	eventually 5 gone "$PID"
	is "$(cg_procs)" ""
	for d in /sys/fs/cgroup"$(cg_path)" /sys/fs/cgroup/*"$(cg_path)"; do [ ! -d "$d" ] || fail "left: $d"; done
	is "$(status_of "$HEALTHY")" running
	ok delete --force "$ID"
	created # the same id is free again
}

damage() {
	printf '%s' "$1" >"$FILE"
	survives
}

@test "an empty state file" { : >"$FILE"; survives; }

@test "a state file cut in half" { truncate -s $(($(stat -c %s "$FILE") / 2)) "$FILE"; survives; }

@test "a state file without its last byte" { truncate -s -2 "$FILE"; survives; }

@test "garbage in the state file" { head -c 3000 /dev/urandom >"$FILE"; survives; }

@test "null as state" { damage null; }

@test "an array as state" { damage '[]'; }

@test "an empty object as state" { damage '{}'; }

@test "wrong types in the state" {
	jq 'map_values(if type == "number" then "x" elif type == "string" then 7 else [] end)' "$FILE" >"$T/new"
	damage "$(cat "$T/new")"
}

@test "huge numbers in the state" {
	sed -E 's/([:[, ])[0-9]+([],}])/\199999999999999999999999\2/g' "$FILE" >"$T/new"
	damage "$(cat "$T/new")"
}

@test "200,000 brackets as state" {
	head -c 200000 /dev/zero | tr '\0' '[' >"$FILE"
	survives
}

@test "a missing state file" { rm "$FILE"; survives; }

@test "a state file of NUL bytes, as after a power cut" {
	size=$(stat -c %s "$FILE")
	head -c "$size" /dev/zero >"$FILE"
	survives
}

@test "a state file of another version" {
	jq '(if has("version") then .version = 9999 else . end) | .future = {"a": [1]}' "$FILE" >"$T/new"
	damage "$(cat "$T/new")"
}

@test "a state file owned by somebody else" { chown 12345:12345 "$FILE"; survives; }

@test "a state file that is a symbolic link" {
	cp "$FILE" "$T/elsewhere"
	sum=$(sha256sum <"$T/elsewhere")
	ln -sf "$T/elsewhere" "$FILE"
	survives
	is "$(sha256sum <"$T/elsewhere")" "$sum"
}

@test "a state file that is a FIFO" {
	LIMIT=5
	rm "$FILE"
	mkfifo "$FILE"
	survives
}

@test "a state file that is a directory" {
	rm "$FILE"
	mkdir "$FILE"
	survives
}

# foreign starts a process that is none of the container's, and writes its pid
# and, with "right", its start time where the container's own are.
foreign() {
	sleep 300 </dev/null >/dev/null 2>&1 3>&- 4>&- &
	BACKGROUND=$!
	local own other
	own=$(start_time "$PID")
	other=$own
	[ "$1" = wrong ] || other=$(start_time "$BACKGROUND")
	lie "$BACKGROUND" "$own" "$other"
}

start_time() { sed 's/.*) //' "/proc/$1/stat" | cut -d' ' -f20; }

# lie PID OWN-TIME OTHER-TIME replaces pid and start time wherever they stand.
lie() {
	jq -c --argjson pid "$PID" --argjson new "$1" --argjson own "$2" --argjson other "$3" \
		'walk(if . == $pid then $new elif . == $own then $other else . end)' "$FILE" >"$T/new" || skip "host: state is no JSON"
	cat "$T/new" >"$FILE"
}

@test "the pid of a foreign process, with its right start time" {
	# All four peers kill it.
	foreign right
	oci kill "$ID" KILL
	[ -e "/proc/$BACKGROUND" ]
	survives
	gone "$BACKGROUND" && fail "the foreign process was killed"
	true
}

@test "the pid of a foreign process, with the wrong start time" {
	foreign wrong
	survives
	gone "$BACKGROUND" && fail "the foreign process was killed"
	true
}

@test "pid 1, pid 0, pid -1 and the caller's own pid" {
	own=$(start_time "$PID")
	for pid in 1 0 -1 $$; do
		cp "$FILE" "$T/saved"
		lie "$pid" "$own" "$own"
		oci kill "$ID" 0
		oci state "$ID"
		cat "$T/saved" >"$FILE"
	done
	lie 1 "$own" "$(start_time 1)"
	survives
}

@test "an id in the state that is another's" {
	jq -c --arg o "$ID" --arg h "$HEALTHY" 'walk(if . == $o then $h else . end)' "$FILE" >"$T/new" || skip "host: state is no JSON"
	cat "$T/new" >"$FILE"
	survives
}

@test "a cgroup path in the state that is another's" {
	# hardening S20: a record must not make delete kill a neighbour.
	jq -c --arg o "$(cg_path)" --arg h "$(cg_path "$HEALTHY")" 'walk(if type == "string" then gsub($o; $h) else . end)' "$FILE" >"$T/new" || skip "host: state is no JSON"
	cat "$T/new" >"$FILE"
	oci delete --force "$ID"
	is "$(status_of "$HEALTHY")" running
}

@test "every file of the state" {
	# hardening F10: success only if nothing is left; without any trace of a
	# cgroup elsewhere, delete must not say so.
	only_rt
	for f in "$ROOT/$ID"/*; do [ ! -f "$f" ] || cp -p "$f" "$T/$(basename "$f")"; done
	for f in "$ROOT/$ID"/*; do [ ! -f "$f" ] || echo garbage >"$f"; done
	oci delete --force "$ID"
	is "$code" 1
	has "$err" "cgroup of $ID is unknown"
	for f in "$ROOT/$ID"/*; do [ ! -f "$f" ] || cp -p "$T/$(basename "$f")" "$f"; done
	ok delete --force "$ID"
}
