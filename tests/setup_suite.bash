# What all test files share, made once per run of bats: the root file system,
# the static test program, and the parent cgroup, which is removed at the end.

setup_suite() {
	export RT_BATS_DIR="$BATS_SUITE_TMPDIR"
	export RT_BATS_RUN="rt-bats-$$"
	chmod 0711 "$BATS_RUN_TMPDIR" "$BATS_SUITE_TMPDIR"
	make_rootfs
	make_payload
}

teardown_suite() {
	local dir
	[ "${RT_DRIVER:-}" != systemd ] || systemctl stop "${RT_BATS_RUN//-/}.slice" 2>/dev/null || true
	for dir in /sys/fs/cgroup/"$RT_BATS_RUN" /sys/fs/cgroup/*/"$RT_BATS_RUN"; do
		[ ! -d "$dir" ] || find "$dir" -depth -type d -exec rmdir {} +
	done
}

make_rootfs() {
	local busybox applet root="$RT_BATS_DIR/rootfs"
	busybox=$(command -v busybox) || { echo "the tests need busybox-static" >&2; return 1; }
	umask 022
	mkdir -p "$root"/{bin,dev,etc,home,mnt,proc,root,run,sys,tmp,var} "$RT_BATS_DIR/bin"
	chmod 1777 "$root/tmp"
	chmod 0755 "$RT_BATS_DIR/bin"
	cp "$busybox" "$RT_BATS_DIR/bin/busybox"
	for applet in sh awk cat chmod chown chrt chroot cp cut date dd df echo env expr false find \
		free getopt grep head hostname id ifconfig ionice ip kill ln ls mkdir mkfifo mknod \
		mktemp mount mv nice nproc od ps pwd readlink realpath rm rmdir sed seq setsid sleep \
		sort stat stty sync tail tee test timeout touch tr true tty umount uname uniq usleep wc yes; do
		ln -s busybox "$root/bin/$applet"
	done
	printf 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home:/bin/sh\n' >"$root/etc/passwd"
	printf 'root:x:0:\nuser:x:1000:\nextra:x:2000:user\n' >"$root/etc/group"
}

# make_payload builds the static program for what busybox cannot do. Without Go
# it takes the one that `make test-vm` built; without that, too, the tests that
# need it are skipped.
make_payload() {
	local source="$BATS_TEST_DIRNAME/payload"
	[ -d "$source" ] || source="$(dirname "${BASH_SOURCE[0]}")/payload"
	if ! command -v go >/dev/null; then
		[ ! -x "$source/../../bin/payload" ] || install -m 0755 "$source/../../bin/payload" "$RT_BATS_DIR/bin/payload"
		return
	fi
	(cd "$source" && HOME="${HOME:-/tmp}" CGO_ENABLED=0 go build -o "$RT_BATS_DIR/bin/payload" .) || return 1
	chmod 0755 "$RT_BATS_DIR/bin/payload"
}
