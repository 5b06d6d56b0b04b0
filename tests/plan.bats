#!/usr/bin/env bats
# plan: what create would do, printed. Only rt has it.
load lib

prepare() {
	only_rt plan
	bundle
}

@test "plan prints one op a line" {
	ok plan "$BUNDLE"
	[ "$(wc -l <<<"$out")" -gt 20 ]
	has "$out" pivot_root
	has "$out" execve
	has "$out" /proc
	is "$err" ""
}

@test "plan changes nothing" {
	before=$(find "$BUNDLE" "$T/work" -printf '%p %i %m %s %T@\n' | sort)
	mounts=$(cat /proc/self/mountinfo)
	ok plan "$BUNDLE"
	is "$(find "$BUNDLE" "$T/work" -printf '%p %i %m %s %T@\n' | sort)" "$before"
	is "$(cat /proc/self/mountinfo)" "$mounts"
	[ ! -d "$(cg_dir pids)" ]
	[ ! -e "$ROOT/$ID" ]
}

@test "plan is the same each time" {
	ok plan "$BUNDLE"
	first=$out
	ok plan "$BUNDLE"
	is "$out" "$first"
}

@test "plan --json" {
	ok plan --json "$BUNDLE"
	jq -e . <<<"$out" >/dev/null
	has "$out" pivot_root
}

@test "plan needs no root" {
	need setpriv
	[ "$(id -u)" = 0 ] || { ok plan "$BUNDLE"; return 0; }
	for d in "$T" "$(dirname "$T")" "$(dirname "$(dirname "$T")")"; do chmod a+rx "$d"; done
	setpriv --reuid 65534 --regid 65534 --clear-groups "$RUNTIME" --root "$T/none" plan "$BUNDLE" </dev/null >"$T/out" 2>"$T/err" 3>&-
	has "$(cat "$T/out")" pivot_root
}

@test "plan shows what the configuration asks for" {
	config '.mounts += [{destination: "/very/own", type: "tmpfs", source: "tmpfs"}] | .hostname = "planned"'
	ok plan "$BUNDLE"
	has "$out" /very/own
	has "$out" planned
}

@test "plan of the current directory" {
	cd "$BUNDLE"
	ok plan
	has "$out" execve
}

@test "plan of a bad configuration fails as create does" {
	config '.process.args = []'
	refused plan "$BUNDLE"
	has "$err" args
}

@test "plan of a missing bundle" {
	refused plan "$T/nosuch"
	has "$err" "no such file or directory"
}

@test "an error of create names an op that plan shows" {
	root_needed
	config '.mounts += [{destination: "/mnt", type: "nosuchfs", source: "none"}]'
	refused create --bundle "$BUNDLE" "$ID"
	matches "$err" 'mount|fsopen'
	has "$err" /mnt
}

@test "mounts come in order, and masks after proc" {
	ok plan "$BUNDLE"
	proc=$(grep -n '/proc' <<<"$out" | head -n 1 | cut -d: -f1)
	mask=$(grep -n '/proc/kcore' <<<"$out" | head -n 1 | cut -d: -f1)
	[ "$proc" -lt "$mask" ]
	pivot=$(grep -n pivot_root <<<"$out" | head -n 1 | cut -d: -f1)
	exec=$(grep -n execve <<<"$out" | tail -n 1 | cut -d: -f1)
	[ "$pivot" -lt "$exec" ]
}
