#!/usr/bin/env bats
# The runtime is killed at random and at named moments; afterwards
# `delete --force` succeeds, nothing is left, and the same id can be created
# again: hardening F01, F02.
load lib

prepare() {
	root_needed
	bundle
	sleeper
}

# killed_after SECONDS ARG… runs the runtime and kills it after that time.
killed_after() {
	local after=$1
	shift
	RT_BATS_TEST=$TAG timeout --foreground -s KILL "$after" "$RUNTIME" --root "$ROOT" "$@" </dev/null >/dev/null 2>&1 3>&- 4>&- || true
}

# clean: after delete --force, which must succeed, nothing is left.
clean() {
	ok delete --force "$ID"
	eventually 5 nothing_left || fail "after $1: $(leftovers)"
	ok delete --force "$ID"
}

nothing_left() { [ -z "$(leftovers)" ] && [ -z "$(find "$BUNDLE" -maxdepth 1 -name '*.pid*' -o -maxdepth 1 -name '.*.pid')" ]; }

# moments COUNT LAST prints COUNT times from 1 ms up to LAST ms, as seconds.
moments() { awk -v n="$1" -v last="$2" 'BEGIN { for (i = 0; i < n; i++) printf "%.4f\n", 0.001 + i * last / n / 1000 }'; }

@test "create killed at random moments" {
	peer_defect "two of three kills leave runc's cgroup"
	for t in $(moments 24 12); do
		killed_after "$t" create --bundle "$BUNDLE" "$ID"
		clean "$t s"
	done
	created
}

@test "run --detach killed at random moments" {
	peer_defect "kills leave runc's cgroup"
	for t in $(moments 16 14); do
		killed_after "$t" run --detach --bundle "$BUNDLE" "$ID"
		clean "$t s"
	done
	running
}

@test "run in the foreground killed at random moments" {
	peer_defect "kills leave runc's cgroup"
	for t in $(moments 8 16) 0.2; do
		killed_after "$t" run --bundle "$BUNDLE" "$ID"
		clean "$t s"
	done
}

@test "start killed at random moments" {
	for t in $(moments 10 8); do
		created
		killed_after "$t" start "$ID"
		matches "$(status_of)" '^(created|running)$'
		clean "$t s"
	done
}

@test "delete --force killed at random moments" {
	for t in $(moments 12 12); do
		running
		killed_after "$t" delete --force "$ID"
		clean "$t s"
	done
}

@test "delete killed at random moments" {
	script true
	for t in $(moments 8 6); do
		ok run --detach --bundle "$BUNDLE" "$ID"
		eventually 5 status_is stopped
		killed_after "$t" delete "$ID"
		clean "$t s"
	done
}

@test "create of a container with a user namespace killed at random moments" {
	peer_defect "kills leave runc's cgroup"
	unshare -U true 2>/dev/null || skip "host: no user namespaces"
	config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 0, size: 65536}] |
		.linux.gidMappings = .linux.uidMappings'
	for t in $(moments 10 14); do
		killed_after "$t" create --bundle "$BUNDLE" "$ID"
		clean "$t s"
	done
}

@test "create killed in a hook" {
	peer_defect "a kill leaves runc's cgroup"
	for n in prestart createRuntime createContainer; do
		rm -f "$T/in-hook"
		config --arg n "$n" --arg f "$T/in-hook" '.hooks = {($n): [{path: "/bin/sh", args: ["sh", "-c", "touch \($f); exec sleep 30"]}]}'
		run_bg create --bundle "$BUNDLE" "$ID"
		eventually 5 test -e "$T/in-hook"
		kill -KILL "$BG"
		wait "$BG" || true
		clean "$n"
	done
}

@test "create stopped for a moment, then killed" {
	peer_defect "a kill leaves runc's cgroup"
	for t in 0.002 0.004 0.006; do
		run_bg create --bundle "$BUNDLE" "$ID"
		sleep $t
		kill -STOP "$BG" 2>/dev/null || true
		oci list -q
		kill -KILL "$BG" 2>/dev/null || true
		wait "$BG" || true
		clean "$t"
	done
}

# at SYSCALL NTH VERB… kills whoever makes the NTH such call of the runtime and
# its children, by strace, and waits until the runtime has ended. strace -D is no
# parent of the runtime, and goes on until delete --force has ended the init too.
at() {
	local call=$1 nth=$2 verb
	shift 2
	RT_BATS_TEST=$TAG strace -D -f -qq -o /dev/null -e "trace=$call" -e "inject=$call:signal=KILL:when=$nth" \
		"$RUNTIME" --root "$ROOT" "$@" </dev/null >/dev/null 2>"$T/strace.err" 3>&- 4>&- &
	verb=$!
	eventually 10 gone "$verb"
	wait "$verb" || true
}

named_moments() {
	need strace
	strace -f -qq -o /dev/null true 2>/dev/null || skip "host: no ptrace"
	local call=$1 nth
	for nth in $2; do
		at "$call" "$nth" create --bundle "$BUNDLE" "$ID"
		clean "$call $nth"
	done
}

@test "create killed at clone3" { peer_defect "leaks"; named_moments clone3 "1 2"; }
@test "create killed at mkdirat" { peer_defect "leaks"; named_moments mkdirat "1 2 3 5 8 12"; }
@test "create killed at mount" { peer_defect "leaks"; named_moments mount "1 2 4"; }
@test "create killed at move_mount" { peer_defect "leaks"; named_moments move_mount "1 2 5 8"; }
@test "create killed at pivot_root" { peer_defect "leaks"; named_moments pivot_root "1"; }
@test "create killed at renameat" { peer_defect "leaks"; named_moments "renameat,renameat2" "1 2 3"; }
@test "create killed at linkat" { peer_defect "leaks"; named_moments linkat "1 2"; }
@test "create killed at write" { peer_defect "leaks"; named_moments write "1 3 6 10 14 18 24"; }
@test "create killed at openat" { peer_defect "leaks"; named_moments openat "2 6 12 20 30 40"; }
@test "create killed at setsid, prctl, capset" { peer_defect "leaks"; named_moments setsid 1; named_moments prctl "1 3"; named_moments capset 1; }
@test "create killed at close_range, sethostname, unlinkat" { peer_defect "leaks"; named_moments close_range 1; named_moments sethostname 1; named_moments unlinkat 1; }

@test "the init process dies while create works on it" {
	peer_defect "leaks"
	need strace
	for call in sethostname pivot_root close_range capset; do
		at "$call" 1 create --bundle "$BUNDLE" "$ID"
		matches "$(status_of)" '^(absent|stopped|created)$'
		clean "$call"
	done
}
