#!/usr/bin/env bats
# Many commands on one id, and many ids at once: hardening F24.
load lib

# together VERB… COUNT: starts COUNT runs of the runtime at the same time and
# collects their exit codes in $codes, their errors in $T/err.*.
together() {
	local count=$1 i pids=()
	shift
	rm -f "$T"/err.*
	for ((i = 0; i < count; i++)); do
		RT_BATS_TEST=$TAG timeout -k 1 20 "$RUNTIME" --root "$ROOT" "$@" </dev/null >/dev/null 2>"$T/err.$i" 3>&- 4>&- &
		pids+=($!)
	done
	codes=""
	for i in "${pids[@]}"; do
		wait "$i" && codes+="0 " || codes+="$? "
	done
}

@test "two creates of one id: one wins, the other says so" {
	peer_defect "runc has no lock: both may win, or lose"
	sleeper
	for i in $(seq 10); do
		together 2 create --bundle "$BUNDLE" "$ID"
		is "$(tr ' ' '\n' <<<"$codes" | sort | tr -d '\n')" 01
		cat "$T"/err.* | grep -q "container with given ID already exists"
		is "$(status_of)" created
		ok delete --force "$ID"
	done
}

@test "eight creates of one id: exactly one wins" {
	peer_defect "runc has no lock"
	sleeper
	for i in 1 2 3; do
		together 8 create --bundle "$BUNDLE" "$ID"
		is "$(tr ' ' '\n' <<<"$codes" | grep -c '^0$')" 1
		is "$(status_of)" created
		ok delete --force "$ID"
	done
}

@test "four starts of one id: exactly one wins" {
	peer_defect "a second start may succeed or hang in runc 1.1"
	sleeper
	for i in 1 2 3; do
		created
		together 4 start "$ID"
		is "$(tr ' ' '\n' <<<"$codes" | grep -c '^0$')" 1
		is "$(status_of)" running
		ok delete --force "$ID"
	done
}

@test "four deletes --force of one id all succeed" {
	for i in 1 2 3; do
		running
		together 4 delete --force "$ID"
		is_rt || break
		is "$codes" "0 0 0 0 "
		is "$(status_of)" absent
	done
}

@test "four creates of four ids at once" {
	sleeper
	for i in 1 2 3; do
		pids=()
		for id in w x y z; do
			mkdir -p "$T/bundle-$id"
			jq --arg r "$BUNDLE/rootfs" --arg cg "$(cg_name "$TAG-$id")" '.root = {path: $r, readonly: true} | .linux.cgroupsPath = $cg' \
				"$BUNDLE/config.json" >"$T/bundle-$id/config.json"
			RT_BATS_TEST=$TAG "$RUNTIME" --root "$ROOT" create --bundle "$T/bundle-$id" "$TAG-$id" </dev/null >/dev/null 2>"$T/err.$id" 3>&- 4>&- &
			pids+=($!)
		done
		for p in "${pids[@]}"; do wait "$p" || fail "$(cat "$T"/err.*)"; done
		for id in w x y z; do
			is "$(status_of "$TAG-$id")" created
			ok delete --force "$TAG-$id"
		done
	done
}

# worker SEED does three random things with the one id.
worker() {
	local i verb rc
	RANDOM=$1
	for i in 1 2 3; do
		case $((RANDOM % 6)) in
		0 | 1) verb="create --bundle $BUNDLE" ;;
		2) verb=start ;;
		3) verb="delete --force" ;;
		4) verb=state ;;
		5) verb=kill ;;
		esac
		RT_BATS_TEST=$TAG timeout -k 1 10 "$RUNTIME" --root "$ROOT" $verb "$ID" </dev/null >/dev/null 2>>"$T/worker.err" 3>&- 4>&- && rc=0 || rc=$?
		[ $rc -lt 124 ] || echo "hang: $verb" >>"$T/hangs"
	done
}

@test "eight workers, three random operations each, on one id" {
	peer_defect "half of the rounds leave a ghost in runc 1.1"
	sleeper
	for round in $(seq 15); do
		pids=()
		for w in 1 2 3 4 5 6 7 8; do
			worker $((round * 100 + w)) &
			pids+=($!)
		done
		wait "${pids[@]}"
		[ ! -e "$T/hangs" ] || fail "$(cat "$T/hangs")"
		ok delete --force "$ID"
		eventually 5 no_leftovers || fail "round $round: $(leftovers)"
	done
	err=$(cat "$T/worker.err")
	no_crash
	created
}

@test "list during eight workers on one id" {
	created # so that the root is there before the first list
	oci delete --force "$ID"
	(for r in 1 2 3; do worker $r; done) &
	churn=$!
	until gone $churn; do
		oci list --format json
		is_rt || break
		is "$code" 0
		jq . <<<"$out" >/dev/null # null when there is none at the moment
	done
	wait $churn || true
	oci delete --force "$ID"
	is_rt || oci delete --force "$ID"
}
