# What the manager scripts share. A script defines prepare, clean, finish and its
# cases, functions named case_…, and ends with: main "$@".
#
#   docker.sh [REGEX]              the cases whose name matches, on bin/rt
#   RUNTIME=/usr/sbin/runc docker.sh
#   DRIVER=cgroupfs docker.sh      systemd is the default
#
# Each case is a shell of its own with a time limit, so that one that hangs or
# dies takes no other with it. The output is TAP; the status says if all passed.
# They are for a machine that may be thrown away: see tests/vm.

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export RUNTIME=${RUNTIME:-$HERE/../../bin/rt}
export DRIVER=${DRIVER:-systemd}
RUNTIME=$(command -v "$RUNTIME" && true || echo "$RUNTIME")
RUNTIME=$(realpath "$RUNTIME")
NAME=$(basename "$RUNTIME")
LIMIT=${LIMIT:-180}

main() {
	if [ "${1:-}" = --case ]; then
		run_case "$2"
	else
		run_all "${1:-.}"
	fi
}

# run_case NAME is the shell of one case: the first command that fails ends it.
run_case() {
	set -eEuo pipefail
	trap 'echo "failed at line $LINENO: $BASH_COMMAND" >&2' ERR
	mkdir -p "$T/case"
	cd "$T/case"
	"$1"
}

run_all() {
	local filter=$1 name code begin
	set -uo pipefail
	PASSED=0 FAILED=0 SKIPPED=0
	export T
	T=$(mktemp -d "/var/tmp/rt-$(basename "$0" .sh).XXXXXX")
	chmod 755 "$T"
	[ -x "$RUNTIME" ] || bail "no runtime at $RUNTIME"
	echo "# $(basename "$0" .sh) on $("$RUNTIME" --version | head -n 1) ($RUNTIME), $DRIVER, user $(id -un)"
	LIMIT=600 step prepare || bail "prepare failed"
	for name in $(sed -n 's/^case_\([a-z0-9_]*\)() {.*/\1/p' "$0"); do
		[[ "$name" =~ $filter ]] || continue
		rm -rf "$T/case"
		begin=$EPOCHSECONDS
		step "case_$name"
		report "$name" $? $((EPOCHSECONDS - begin))
		step clean || true
	done
	step finish || true
	rm -rf "$T" 2>/dev/null
	echo "1..$((PASSED + FAILED + SKIPPED))"
	echo "# $(basename "$0" .sh) $NAME $DRIVER: $PASSED passed, $FAILED failed, $SKIPPED skipped"
	[ $FAILED = 0 ]
}

# step FUNCTION runs one function of the script in a new shell, output in $T/log.
step() {
	timeout -k 5 "$LIMIT" bash "$0" --case "$1" </dev/null >"$T/log" 2>&1
}

report() {
	local what="$((PASSED + FAILED + SKIPPED + 1)) - ${1//_/ }"
	case $2 in
	0)
		PASSED=$((PASSED + 1))
		echo "ok $what ($3 s)"
		;;
	77)
		SKIPPED=$((SKIPPED + 1))
		echo "ok $what # SKIP $(sed -n 's/^skip: //p' "$T/log" | tail -n 1)"
		;;
	*)
		FAILED=$((FAILED + 1))
		echo "not ok $what ($3 s)"
		[ "$2" != 124 ] || echo "# no end after $LIMIT s"
		tail -n 40 "$T/log" | tr -d '\r' | sed 's/^/#   /'
		;;
	esac
}

bail() {
	[ ! -e "$T/log" ] || tail -n 60 "$T/log" | sed 's/^/#   /'
	echo "Bail out! $*"
	exit 1
}

# --- checks ------------------------------------------------------------------

skip() {
	echo "skip: $*"
	exit 77
}

# defect WHAT: a case that the peer fails. SHOW_DEFECTS=1 runs it all the same.
defect() { [ "$NAME" = rt ] || [ -n "${SHOW_DEFECTS:-}" ] || skip "$NAME: $*"; }

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

# exits CODE COMMAND… must end with CODE; its output, both streams, is in $out.
exits() {
	local want=$1 code=0
	shift
	out=$("$@" 2>&1) || code=$?
	[ "$code" = "$want" ] || fail "exit code $code, want $want: $*"$'\n'"$out"
}

# each_its_own JOB… waits for jobs; the Nth must end with N and have written N to
# out.N.
each_its_own() {
	local job code i=0
	for job in "$@"; do
		i=$((i + 1))
		code=0
		wait "$job" || code=$?
		is "$code" $i
		is "$(cat "out.$i")" $i
	done
}

# eventually SECONDS COMMAND… polls until COMMAND succeeds.
eventually() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $deadline ] || { fail "not in time: $*"; return 1; }
		sleep 0.1
	done
}

# equals VALUE COMMAND… for eventually.
equals() {
	local want=$1
	shift
	[ "$("$@" 2>/dev/null)" = "$want" ]
}

# shows TEXT COMMAND… for eventually: TEXT is in what COMMAND prints.
shows() {
	local want=$1
	shift
	case "$("$@" 2>&1)" in *"$want"*) ;; *) return 1 ;; esac
}

gone() { [ ! -e "/proc/$1" ] || grep -q '^State:.*Z' "/proc/$1/status"; }

# on_pty ARG… -- COMMAND…: see terminal.py.
on_pty() { python3 "$HERE/terminal.py" "$@"; }

# --- daemons -----------------------------------------------------------------

# service NAME LOG COMMAND… starts a daemon in a unit of its own;
# its children outlive it.
service() {
	local name=$1 log=$2
	shift 2
	if [ -d /run/systemd/system ]; then
		# What outlives the daemon keeps its unit's name in use.
		echo "$name-$RANDOM$RANDOM" >"$T/$name.unit"
		systemd-run -q --unit="$(cat "$T/$name.unit")" -p Delegate=yes -p KillMode=process -p TasksMax=infinity -p LimitNOFILE=65536 \
			-p StandardOutput=append:"$log" -p StandardError=append:"$log" -E PATH="$PATH" "$@"
		return
	fi
	setsid "$@" </dev/null >>"$log" 2>&1 &
	echo $! >"$T/$name.pid"
}

service_down() {
	if [ -d /run/systemd/system ]; then
		systemctl stop "$(cat "$T/$1.unit")"
		systemctl reset-failed "$(cat "$T/$1.unit")" 2>/dev/null || true
		return
	fi
	kill "$(cat "$T/$1.pid")"
	eventually 30 gone "$(cat "$T/$1.pid")"
}

# --- what runs in the containers ---------------------------------------------

# rootfs DIR makes a root file system of a static busybox.
rootfs() {
	local root=$1 applet
	umask 022
	mkdir -p "$root"/{bin,dev,etc,home,mnt,proc,root,run,sys,tmp,var,usr/bin,data}
	chmod 1777 "$root/tmp"
	cp "$(command -v busybox)" "$root/bin/busybox"
	for applet in $("$root/bin/busybox" --list); do
		[ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
	done
	printf 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home:/bin/sh\n' >"$root/etc/passwd"
	printf 'root:x:0:\nuser:x:1000:\nextra:x:2000:user\n' >"$root/etc/group"
	echo in the image >"$root/data/file"
	echo not a program >"$root/etc/plain"
}

# FOREVER is a process that ends only by a signal, and promptly by TERM.
FOREVER='trap "exit 0" TERM; while :; do sleep 1000 & wait; done'

# --- cgroups -----------------------------------------------------------------

# controllers NAME… skips the case where v2 does not have them all.
controllers() {
	local name
	for name in "$@"; do
		grep -qw "$name" /sys/fs/cgroup/cgroup.controllers 2>/dev/null || skip "host: no $name controller on cgroup v2"
	done
}

# cgroup_of PID is the directory of a process's cgroup on v2.
cgroup_of() { echo "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$1/cgroup")"; }
