# The black-box suite's own words. Every test file begins with `load lib`.
#
#   bats tests                  runs bin/rt beside this directory
#   RUNTIME=runc bats tests     runs another runtime with runc's command line
#   SHOW_DEFECTS=1 …            also runs what a peer is known to get wrong
#   RT_DRIVER=systemd …         gives every command --systemd-cgroup, and every
#                               bundle a cgroupsPath of the form slice:prefix:name
#
# A test has a directory of its own ($T), a state directory ($ROOT), a bundle
# ($BUNDLE), an id ($ID) and a cgroup parent ($CG). teardown force-deletes every
# container and then fails the test if anything of it is left on the host.

RUNTIME="${RUNTIME:-$BATS_TEST_DIRNAME/../bin/rt}"
RUNTIME=$(command -v "$RUNTIME" || echo "$RUNTIME")
NAME=$(basename "$RUNTIME")
RT_DRIVER="${RT_DRIVER:-cgroupfs}"
TESTS="$BATS_TEST_DIRNAME"
PATIENCE="${RT_PATIENCE:-1}" # how many times longer than usual a runtime may take

setup() {
	umask 022
	T="$BATS_TEST_TMPDIR"
	ROOT="$T/root"
	TAG="$RT_BATS_RUN-$BATS_SUITE_TEST_NUMBER"
	ID="$TAG-a"
	CG="/$RT_BATS_RUN/$BATS_SUITE_TEST_NUMBER"
	if [ "$RT_DRIVER" = systemd ]; then
		SLICE="${RT_BATS_RUN//-/}-$BATS_SUITE_TEST_NUMBER.slice"
		CG="/${RT_BATS_RUN//-/}.slice/$SLICE"
		RUNTIME=$(driven "$RUNTIME")
	fi
	BUNDLE="$T/bundle"
	LIMIT=$((20 * PATIENCE))
	unset NOTIFY_SOCKET LISTEN_FDS LISTEN_PID
	[ -x "$RUNTIME" ] || skip "host: no runtime at $RUNTIME"
	mkdir -p "$T/work"
	cd "$T/work"
	prepare
}

# driven RUNTIME prints a program of the same name that runs RUNTIME with
# --systemd-cgroup.
driven() {
	mkdir -p "$T/driven"
	printf '#!/bin/sh\nexec "%s" --systemd-cgroup "$@"\n' "$1" >"$T/driven/$NAME"
	chmod +x "$T/driven/$NAME"
	echo "$T/driven/$NAME"
}

# prepare is what a file's tests need; a file may redefine it.
prepare() {
	root_needed
	bundle
}

teardown() {
	local failed=0
	[ -z "${ROOT:-}" ] || leak_check || failed=1
	return $failed
}

# --- running the runtime -----------------------------------------------------

# oci ARG… runs the runtime with the test's state directory; sets code, out, err.
# Output goes to files, since a detached container keeps a pipe open.
# $STDIN names its standard input, $FD9 a file or socket opened as descriptor 9.
oci() {
	rt_raw --root "$ROOT" "$@"
}

rt_raw() {
	local begin
	begin=$(now_ms)
	code=0
	RT_BATS_TEST="$TAG" timeout --foreground -k 1 "$LIMIT" "$RUNTIME" "$@" \
		<"${STDIN:-/dev/null}" >"$T/out" 2>"$T/err" 3>&- 4>&- || code=$?
	out=$(tr -d '\0' <"$T/out")
	err=$(tr -d '\0' <"$T/err")
	[ $(($(now_ms) - begin)) -lt $((LIMIT * 1000)) ] || fail "no end after $LIMIT s: $*"
	no_crash
}

# run_bg ARG… starts the runtime in the background; bg_code waits for its end
# and sets code. $BG is the runtime's pid.
run_bg() {
	RT_BATS_TEST="$TAG" "$RUNTIME" --root "$ROOT" "$@" <"${STDIN:-/dev/null}" >"$T/bg.out" 2>"$T/bg.err" 3>&- 4>&- &
	BG=$!
}

bg_code() {
	eventually "$LIMIT" gone "$BG" || fail "the runtime still runs"
	code=0
	wait "$BG" || code=$?
}

# no_crash: whatever happens, no runtime may die of a crash.
no_crash() {
	case "$err" in
	*"goroutine "*"[running]"* | *"fatal error:"* | *"panic:"* | *"Segmentation"*)
		fail "the runtime crashed: ${err:0:300}" ;;
	esac
}

# ok ARG… must succeed.
ok() {
	oci "$@"
	[ "$code" = 0 ] || fail "$NAME $*: exit $code: $err"
}

# refused ARG… must fail with exit code 1 and one clear line.
refused() {
	oci "$@"
	[ "$code" = 1 ] || fail "$NAME $*: exit $code, want 1; out: $out err: $err"
	[ -n "$err" ] || fail "$NAME $*: failed without a word"
}

# says TEXT [OLDER]: the last error message is exactly TEXT, where a leading
# "rt " stands for the runtime's name. OLDER is what a peer of today says.
says() {
	local want="${1/#rt /$NAME }" older="${2:-$1}" got
	got=$(message)
	older="${older/#rt /$NAME }"
	[ "$got" = "$want" ] || { [ "$NAME" != rt ] && [ "$got" = "$older" ]; } ||
		fail "message: $got"$'\n'"want:    $want"
}

# message is the error of the last command without logrus's decoration.
message() {
	printf '%s\n' "$err" | sed -n '$p' |
		sed -e 's/^time="[^"]*" level=[a-z]* msg=\(.*\)$/\1/' -e 's/^"\(.*\)"$/\1/' \
			-e 's/\\"/"/g' -e 's/\\\\/\\/g'
}

# sh_run SCRIPT runs SCRIPT by sh in a fresh container; its output is in $out.
sh_run() {
	script "$1"
	ok run --bundle "$BUNDLE" "$ID"
}

# script TEXT makes TEXT the container's process.
script() {
	config --arg s "$1" '.process.args = ["sh", "-c", $s]'
}

# sleeper makes a process that ends only by a signal, and promptly by TERM.
sleeper() {
	script 'trap "exit 0" TERM; while :; do sleep 1000 & wait; done'
}

# running [ID] starts a detached sleeper.
running() {
	sleeper
	ok run --detach --bundle "$BUNDLE" "${1:-$ID}"
}

created() {
	ok create --bundle "$BUNDLE" "${1:-$ID}"
}

status_of() {
	oci state "${1:-$ID}"
	[ "$code" = 0 ] || { echo absent; return; }
	jq -r .status <<<"$out"
}

pid_of() {
	oci state "${1:-$ID}"
	jq -r .pid <<<"$out"
}

# --- bundles -----------------------------------------------------------------

# bundle [DIR] makes a bundle: a root file system of its own and a config.json.
bundle() {
	BUNDLE="${1:-$BUNDLE}"
	mkdir -p "$BUNDLE"
	cp -a "$RT_BATS_DIR/rootfs" "$BUNDLE/rootfs"
	cp --reflink=auto "$RT_BATS_DIR/bin/busybox" "$BUNDLE/rootfs/bin/busybox"
	jq --arg cg "$(cg_name)" --arg tag "RT_BATS_TEST=$TAG" \
		'.linux.cgroupsPath = $cg | .process.env += [$tag]' \
		"$TESTS/config.base.json" >"$BUNDLE/config.json"
}

# config [JQ-OPTION…] FILTER edits the bundle's config.json.
config() {
	jq "$@" <"$BUNDLE/config.json" >"$T/config.new" || fail "jq $*"
	mv "$T/config.new" "$BUNDLE/config.json"
}

# second makes another bundle with its own cgroup and id, and selects it.
second() {
	ID="$TAG-${1:-b}"
	bundle "$T/bundle-${1:-b}"
}

# mount_add DEST TYPE SOURCE [OPTION…] appends to mounts.
mount_add() {
	config --arg d "$1" --arg t "$2" --arg s "$3" '.mounts += [{destination: $d, type: $t,
		source: $s, options: $ARGS.positional}]' --args "${@:4}"
}

# payload puts the static test program into the rootfs as /bin/payload.
payload() {
	payload_needed
	cp "$RT_BATS_DIR/bin/payload" "$BUNDLE/rootfs/bin/payload"
}

# --- conditions --------------------------------------------------------------

is_rt() { [ "$NAME" = rt ]; }

# cgroupfs_needed: the test is about paths, which a systemd scope's name is not.
cgroupfs_needed() { [ "$RT_DRIVER" = cgroupfs ] || skip "host: the cgroupfs driver is not the one under test"; }

root_needed() { [ "$(id -u)" = 0 ] || skip "needs root"; }

payload_needed() { [ -x "$RT_BATS_DIR/bin/payload" ] || skip "host: no go to build tests/payload"; }

need() { command -v "$1" >/dev/null || skip "host: no $1"; }

# only_rt WHAT: a feature no other runtime has.
only_rt() { is_rt || skip "only rt has $1"; }

# newer_than_runc_1_1 WHAT: runc has it since 1.2 or later.
newer_than_runc_1_1() {
	is_rt || ! "$RUNTIME" --version 2>&1 | grep -q '^runc version 1\.[01]\.' || skip "runc 1.1 lacks $1"
}

# peer_defect WHAT: what this test shows is wrong in the peer. SHOW_DEFECTS=1
# runs it all the same, to see the test fail.
peer_defect() { is_rt || [ -n "${SHOW_DEFECTS:-}" ] || skip "defect of $NAME: $1"; }

# --- checks ------------------------------------------------------------------

fail() {
	printf '%s\n' "$*" >&2
	return 1
}

is() { [ "$1" = "$2" ] || fail "got:  $1"$'\n'"want: $2"; }

has() {
	case "$1" in *"$2"*) ;; *) fail "no '$2' in: $1" ;; esac
}

lacks() {
	case "$1" in *"$2"*) fail "'$2' in: $1" ;; esac
}

matches() { [[ "$1" =~ $2 ]] || fail "no match for '$2' in: $1"; }

# eventually SECONDS COMMAND… polls until COMMAND succeeds: for SECONDS on an idle
# machine, four times that on a busy one.
eventually() {
	local deadline=$(($(now_ms) + $1 * 4000))
	shift
	until "$@"; do
		[ "$(now_ms)" -lt "$deadline" ] || { echo "not in time: $*" >&2; return 1; }
		sleep 0.02
	done
}

now_ms() {
	local t=$EPOCHREALTIME
	echo $((${t%[.,]*} * 1000 + 10#${t#*[.,]} / 1000))
}

status_is() { [ "$(status_of "${2:-$ID}")" = "$1" ]; }
gone() { [ ! -e "/proc/$1" ] || grep -q '^State:.*Z' "/proc/$1/status" 2>/dev/null; }

# --- cgroups: one word for v1, hybrid and v2 ---------------------------------

# cg_name [ID] is a container's linux.cgroupsPath, cg_path [ID] where that is.
cg_name() {
	if [ "$RT_DRIVER" = systemd ]; then echo "$SLICE:rt:${1:-$ID}"; else echo "$CG/${1:-$ID}"; fi
}

cg_path() {
	if [ "$RT_DRIVER" = systemd ]; then echo "$CG/rt-${1:-$ID}.scope"; else echo "$CG/${1:-$ID}"; fi
}

# cg_dir CONTROLLER [PATH] is the directory of the container's cgroup in the
# hierarchy that has CONTROLLER; "" is the v2 hierarchy itself.
cg_dir() {
	local path="${2:-$(cg_path)}"
	if [ -n "$1" ] && [ -d "/sys/fs/cgroup/$1" ] && [ -e "/sys/fs/cgroup/$1/cgroup.clone_children" ]; then
		echo "/sys/fs/cgroup/$1$path"
	elif [ -e /sys/fs/cgroup/cgroup.controllers ]; then
		echo "/sys/fs/cgroup$path"
	else
		echo "/sys/fs/cgroup/unified$path"
	fi
}

cg_is_v1() { [ -e "/sys/fs/cgroup/$1/cgroup.clone_children" ]; }

# cg_have CONTROLLER skips the test when no hierarchy has it.
cg_have() {
	cg_is_v1 "$1" || grep -qw "$1" /sys/fs/cgroup/cgroup.controllers /sys/fs/cgroup/unified/cgroup.controllers 2>/dev/null ||
		skip "host: no $1 controller"
}

# cg_read CONTROLLER V1-FILE V2-FILE prints a limit of the container.
cg_read() {
	if cg_is_v1 "$1"; then cat "$(cg_dir "$1")/$2"; else cat "$(cg_dir "$1")/$3"; fi
}

# cg_procs [PATH] prints the processes in a cgroup of this run, in any hierarchy.
cg_procs() {
	local path="${1:-$(cg_path)}"
	cat /sys/fs/cgroup"$path"/cgroup.procs /sys/fs/cgroup/*"$path"/cgroup.procs 2>/dev/null | sort -un || true
}

# --- leaks -------------------------------------------------------------------

leak_check() {
	local id what
	RUNTIME="${PRISTINE:-$RUNTIME}"
	[ -z "${BACKGROUND:-}" ] || kill $BACKGROUND 2>/dev/null || true
	for id in $(ls -A "$ROOT" 2>/dev/null) ${EXTRA_IDS:-}; do
		case "$id" in .*) continue ;; esac
		timeout --foreground -k 1 20 "$RUNTIME" --root "$ROOT" delete --force "${id%.json}" \
			</dev/null >/dev/null 2>"$T/delete.err" 3>&- 4>&- || cat "$T/delete.err" >&2
	done
	eventually 5 no_leftovers >/dev/null 2>&1 || what=$(leftovers)
	if [ -n "${what:-}" ]; then
		printf 'left behind:\n%s\n' "$what" >&2
		sweep
		return 1
	fi
	sweep
	rm -rf "$T"/bundle*
}

no_leftovers() { [ -z "$(leftovers)" ]; }

# leftovers lists the processes, cgroups, mounts and state of this test.
leftovers() {
	grep -slz "^RT_BATS_TEST=$TAG\$" /proc/[0-9]*/environ | sed 's/.environ//' | while read -r p; do
		echo "process ${p#/proc/}: $(tr '\0' ' ' <"$p/cmdline" 2>/dev/null)"
	done
	for dir in /sys/fs/cgroup"$CG"/*/ /sys/fs/cgroup/*"$CG"/*/; do
		[ ! -d "$dir" ] || echo "cgroup $dir: $(tr '\n' ' ' <"$dir/cgroup.procs")"
	done
	[ "$RT_DRIVER" != systemd ] || systemctl list-units --all --plain --no-legend "*$TAG*.scope" | sed 's/^/unit /'
	grep -F "$T/" /proc/self/mountinfo | sed 's/^/mount /'
	find "$ROOT" -mindepth 1 -name "*$TAG*" 2>/dev/null | sed 's/^/state /'
}

# sweep removes what a failed test left, so that the next one starts clean.
sweep() {
	local dir pid m
	for dir in $(find /sys/fs/cgroup"$CG" /sys/fs/cgroup/*"$CG" -name freezer.state -o -name cgroup.freeze 2>/dev/null); do
		case "$dir" in *state) echo THAWED >"$dir" ;; *) echo 0 >"$dir" ;; esac 2>/dev/null || true
	done
	for pid in $(cg_procs_below) $(grep -slz "^RT_BATS_TEST=$TAG\$" /proc/[0-9]*/environ | tr -dc '0-9\n'); do kill -KILL "$pid" 2>/dev/null || true; done
	grep -F " $T/" /proc/self/mountinfo | awk '{print $5}' | sort -r | while read -r m; do
		umount -l "$m" 2>/dev/null || true
	done
	if [ "$RT_DRIVER" = systemd ]; then
		systemctl stop "$SLICE" 2>/dev/null || true
		systemctl reset-failed "*$TAG*" 2>/dev/null || true
	fi
	for dir in /sys/fs/cgroup"$CG" /sys/fs/cgroup/*"$CG"; do
		[ ! -d "$dir" ] || eventually 2 remove_tree "$dir" 2>/dev/null || true
	done
}

cg_procs_below() {
	local dir
	for dir in /sys/fs/cgroup"$CG" /sys/fs/cgroup/*"$CG"; do
		[ ! -d "$dir" ] || find "$dir" -name cgroup.procs -exec cat {} + 2>/dev/null
	done | sort -un
}

remove_tree() {
	find "$1" -depth -type d -exec rmdir {} + 2>/dev/null
	[ ! -d "$1" ]
}
