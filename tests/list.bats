#!/usr/bin/env bats
# list: table, json and quiet.
load lib

@test "an empty list" {
	mkdir -p "$ROOT"
	ok list
	matches "$out" '^ID +PID +STATUS +BUNDLE +CREATED +OWNER *$'
	ok list -q
	is "$out" ""
	ok list --format json
	matches "$out" '^(null|\[\])$'
}

@test "a root directory that is given and does not exist" {
	newer_than_runc_1_1 "a refusal of such a root"
	rt_raw --root "$T/nosuch" list -q
	is "$code" 1
	has "$err" "$T/nosuch: no such file or directory"
	is "$out" ""
}

@test "table" {
	running
	pid=$(pid_of)
	ok list
	matches "$(sed -n 2p <<<"$out")" "^$ID +$pid +running +$BUNDLE +20[0-9T:.Z-]+ +root"
}

@test "quiet prints ids only" {
	created
	second
	created
	ok list -q
	is "$(sort <<<"$out")" "$TAG-a"$'\n'"$TAG-b"
	ok list --quiet
	is "$(wc -l <<<"$out")" 2
}

@test "json" {
	config '.annotations = {x: "y"}'
	running
	ok list --format json
	is "$(jq -c '.[0] | [.id, .status, .bundle, .rootfs, .annotations.x]' <<<"$out")" \
		"[\"$ID\",\"running\",\"$BUNDLE\",\"$BUNDLE/rootfs\",\"y\"]"
	is "$(jq -r '.[0] | keys_unsorted | join(" ")' <<<"$out")" "ociVersion id pid status bundle rootfs created annotations owner"
	first=$out
	ok list -f json
	is "$out" "$first"
}

@test "all states are listed" {
	created
	second b
	running
	second c
	script true
	ok run --detach --bundle "$BUNDLE" "$ID"
	eventually 5 status_is stopped
	ok list --format json
	is "$(jq -r '[.[] | .status] | sort | join(" ")' <<<"$out")" "created running stopped"
}

@test "sorted by id" {
	for i in c a b; do
		second "$i"
		created
	done
	ok list -q
	is "$out" "$(sort <<<"$out")"
}

@test "an unknown format" {
	refused list --format yaml
	has "$err" "invalid format option"
}

@test "foreign files in the root directory do not disturb" {
	# hardening F10
	created
	mkdir "$ROOT/not-a-container"
	echo junk >"$ROOT/junk"
	ok list -q
	has "$out" "$ID"
	rm -r "$ROOT/not-a-container" "$ROOT/junk"
}

@test "list while containers come and go" {
	script true
	ok run --bundle "$BUNDLE" "$ID" # so that the root is there before the first list
	(
		for i in 1 2 3 4 5 6 7 8 9 10; do
			RT_BATS_TEST=$TAG "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1 3>&- 4>&-
		done
	) &
	churn=$!
	while [ -e /proc/$churn ]; do
		oci list -q
		[ "$code" = 0 ] || { peer_defect "a directory that vanishes fails list in runc 1.1"; fail "list: $err"; }
		gone $churn && break
	done
	wait "$churn"
}
