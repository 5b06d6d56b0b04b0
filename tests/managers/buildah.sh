#!/usr/bin/env bash
# Buildah on a runtime, by root or by a user: RUN steps and buildah run in
# containers from scratch. See lib.sh.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ "$(id -u)" = 0 ] && ROOTLESS= || ROOTLESS=1
export CONTAINERS_CONF="${T:-}/containers.conf" CONTAINERS_STORAGE_CONF="${T:-}/storage.conf"
export BUILDAH_RUNTIME="$RUNTIME" BUILDAH_ISOLATION=oci

prepare() {
	modprobe -aq overlay fuse 2>/dev/null || true
	printf '[engine]\ncgroup_manager = "%s"\n[containers]\ndefault_ulimits = ["nofile=%s:%s", "nproc=%s:%s"]\n' "$DRIVER" "$(ulimit -Hn)" "$(ulimit -Hn)" "$(ulimit -Hu)" "$(ulimit -Hu)" >"$T/containers.conf"
	printf '[storage]\ndriver = "overlay"\ngraphroot = "%s/lib"\nrunroot = "%s/run"\n' "$T" "$T" >"$T/storage.conf"
	mkdir "$T/rootfs"
	rootfs "$T/rootfs"
	printf 'FROM scratch\nADD . /\nENV FROM=image\nCMD ["sh"]\n' >"$T/Containerfile"
	buildah bud -q -f "$T/Containerfile" -t box "$T/rootfs"
}

clean() {
	buildah rm -a
	buildah prune -f
}

finish() {
	clean
	buildah rmi -a -f
	buildah unshare rm -rf "$T/lib" "$T/run" 2>/dev/null || rm -rf "$T/lib" "$T/run"
}

# bud CONTAINERFILE-TEXT [OPTION…] builds localhost/built.
bud() {
	rm -rf ctx
	mkdir ctx
	printf "$1" >ctx/Containerfile
	buildah bud --no-cache -t built "${@:2}" ctx
}

# file NAME is a file of localhost/built.
file() {
	local c m
	c=$(buildah from built)
	if [ -n "$ROOTLESS" ]; then
		buildah unshare sh -c 'm=$(buildah mount "$1"); cat "$m/$2"; buildah umount "$1" >/dev/null' _ "$c" "$1"
	else
		m=$(buildah mount "$c")
		cat "$m/$1"
	fi
	buildah rm "$c" >/dev/null
}

r() { buildah run --network none "$@"; }

case_build_runs_steps() {
	bud 'FROM box\nRUN echo made >/made && id -u >/uid\nRUN ["sh", "-c", "cat /made /uid >/both"]\n'
	is "$(file both)" made$'\n'0
}

case_build_user_workdir_environment_and_arguments() {
	bud 'FROM box\nARG WORD=none\nENV B=2\nUSER user\nWORKDIR /tmp\nRUN echo $(id -u) $(pwd) $FROM $B $WORD >/tmp/said\n' --build-arg WORD=given
	is "$(file tmp/said)" '1000 /tmp image 2 given'
}

case_build_several_stages() {
	bud 'FROM box AS one\nRUN echo made >/made\nFROM box\nCOPY --from=one /made /copied\nRUN cat /copied >/seen\n'
	is "$(file seen)" made
}

case_build_failing_step() {
	exits 42 bud 'FROM box\nRUN exit 42\n'
	has "$out" 'exit status 42'
	exits 127 bud 'FROM box\nRUN nosuch\n'
	code=0
	out=$(bud 'FROM box\nRUN ["nosuch"]\n' 2>&1) || code=$?
	[ $code != 0 ]
	has "$out" nosuch
}

case_build_mounts_of_a_step() {
	mkdir -p host
	echo secret >secret
	bud 'FROM box\nRUN --mount=type=secret,id=s cat /run/secrets/s >/told\nRUN --mount=type=tmpfs,dst=/t touch /t/x && grep -c " /t " /proc/mounts >/count\nRUN --mount=type=cache,target=/cache echo kept >/cache/x\nRUN --mount=type=cache,target=/cache cat /cache/x >/cached\nRUN --mount=type=bind,from=box,source=/data,target=/d cat /d/file >/bound\n' --secret id=s,src=secret
	is "$(file told)" secret
	is "$(file count)" 1
	is "$(file cached)" kept
	is "$(file bound)" 'in the image'
}

case_build_capabilities_limits_and_devices() {
	bud 'FROM box\nRUN awk "/^CapEff/{print \\$2}" /proc/self/status >/caps; ulimit -n >/files; ls -1 /dev | tr "\\n" " " >/dev.list\n' --cap-drop CAP_CHOWN --ulimit nofile=99:99
	is "$(file files)" 99
	has "$(file dev.list)" 'null '
	[ $((0x$(file caps) & 1)) = 0 ]
}

case_build_chroot_isolation() {
	bud 'FROM box\nRUN echo made >/made\n' --isolation chroot --network host
	is "$(file made)" made
}

case_build_with_volumes_and_hosts() {
	mkdir -p host
	echo host >host/file
	bud 'FROM box\nRUN cat /in/file >/seen; cat /etc/hosts >/hosts\n' -v "$PWD/host:/in:ro" --add-host other:10.1.2.3
	is "$(file seen)" host
	has "$(file hosts)" other
}

case_run_exit_code_and_output() {
	local c
	c=$(buildah from box)
	is "$(r "$c" -- sh -c 'echo $FROM')" image
	exits 7 r "$c" -- sh -c 'exit 7'
	is "$(echo data | r "$c" -- cat)" data
	is "$(r "$c" -- sh -c 'echo err >&2' 2>&1 >/dev/null)" err
}

case_run_what_cannot_run() {
	local c
	c=$(buildah from box)
	exits 1 r "$c" -- nosuch
	has "$out" 'executable file not found in $PATH'
	exits 1 r "$c" -- /etc/plain
	has "$out" 'permission denied'
}

case_run_changes_are_kept() {
	local c
	c=$(buildah from box)
	r "$c" -- sh -c 'echo kept >/kept'
	is "$(r "$c" -- cat /kept)" kept
	buildah commit -q "$c" built
	is "$(file kept)" kept
}

case_run_options() {
	local c
	mkdir -p host
	echo host >host/file
	c=$(buildah from box)
	is "$(r --user user --workingdir /tmp --env A=1 "$c" -- sh -c 'echo $(id -u) $(pwd) $A')" '1000 /tmp 1'
	is "$(r --hostname name "$c" -- hostname)" name
	is "$(r -v "$PWD/host:/in:ro" "$c" -- cat /in/file)" host
	exits 1 r -v "$PWD/host:/in:ro" "$c" -- touch /in/x
	has "$(r --mount type=tmpfs,dst=/t,tmpfs-size=1048576 "$c" -- grep ' /t ' /proc/mounts)" size=1024k
	is "$(r --cap-drop ALL "$c" -- awk '/^CapEff/{print $2}' /proc/self/status)" 0000000000000000
}

case_run_namespaces() {
	local c
	c=$(buildah from box)
	[ "$(r "$c" -- readlink /proc/self/ns/pid)" != "$(readlink /proc/self/ns/pid)" ]
	is "$(r --ipc host "$c" -- readlink /proc/self/ns/ipc)" "$(readlink /proc/self/ns/ipc)"
	is "$(buildah run --network host "$c" -- readlink /proc/self/ns/net)" "$(readlink /proc/self/ns/net)"
	is "$(r "$c" -- awk '/^Seccomp:/{print $2}' /proc/self/status)" 2
}

case_run_on_a_terminal() {
	local c
	c=$(buildah from box)
	out=$(on_pty 'want=# ' 'send=echo $((40+2)) $(tty)' 'want=42 /dev/pts/0' 'want=# ' 'send=exit 5' \
		-- buildah run --network none -t "$c" -- sh) && return 1 || is $? 5
}

case_run_by_isolation() {
	local c kind
	for kind in oci chroot rootless; do
		c=$(buildah from --isolation $kind box)
		is "$(buildah run --network host --isolation $kind "$c" -- echo hello)" hello
	done
}

case_run_several_at_once() {
	local i jobs= c
	for i in 1 2 3 4; do
		c=$(buildah from box)
		r "$c" -- sh -c "echo $i; exit $i" >"out.$i" 2>/dev/null &
		jobs+=" $!"
	done
	each_its_own $jobs
}

case_nothing_is_left() {
	local c
	c=$(buildah from box)
	r "$c" -- true
	clean
	is "$(find /sys/fs/cgroup -type d -name 'buildah-*' 2>/dev/null)" ''
	is "$(grep -E "$T/(lib|run)/.*merged" /proc/self/mountinfo || true)" ''
	is "$(find "/run/$NAME" "${XDG_RUNTIME_DIR:-/nosuch}/$NAME" -mindepth 1 -maxdepth 1 ! -name @seccomp 2>/dev/null)" ''
}

main "$@"
