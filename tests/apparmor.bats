#!/usr/bin/env bats
# apparmor: runtime-spec config.md#linux-process, apparmorProfile.
load lib

prepare() {
	root_needed
	[ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ] || skip "host: no AppArmor"
	need apparmor_parser
	bundle
	mkdir "$BUNDLE/rootfs/forbidden"
	echo secret >"$BUNDLE/rootfs/forbidden/file"
	PROFILE="$TAG"
	load_profile "$PROFILE"
	config --arg p "$PROFILE" '.process.apparmorProfile = $p'
}

teardown() {
	local failed=0
	[ -z "${ROOT:-}" ] || leak_check || failed=1
	for profile in ${LOADED:-}; do apparmor_parser -R "$T/$profile" || failed=1; done
	return $failed
}

# load_profile NAME [FLAGS] loads a profile much like Docker's, which besides
# forbids everything below /forbidden.
load_profile() {
	cat >"$T/$1" <<-END
		profile "$1" flags=(attach_disconnected,mediate_deleted${2:+,$2}) {
		  network,
		  capability,
		  file,
		  umount,
		  signal,
		  deny mount,
		  deny /{,**/}forbidden/** rwklx,
		  deny @{PROC}/sysrq-trigger rwklx,
		}
	END
	sed -i '1i @{PROC}=/proc/' "$T/$1"
	apparmor_parser -r -K "$T/$1"
	LOADED="${LOADED:-} $1"
}

current='cat /proc/self/attr/current'

@test "the process is confined by the profile" {
	sh_run "$current; cat /forbidden/file 2>&1 || cat /etc/passwd"
	is "$(sed -n 1p <<<"$out")" "$PROFILE (enforce)"
	has "$out" "/forbidden/file': Permission denied"
	has "$out" root:x:0
	lacks "$out" secret
}

@test "without a profile it is not" {
	config 'del(.process.apparmorProfile)'
	sh_run "$current; cat /forbidden/file"
	is "$out" $'unconfined\nsecret'
}

@test "what capabilities would allow is denied" {
	config '.process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"])'
	sh_run 'mount -t tmpfs none /mnt 2>&1 || echo no'
	has "$out" no
	config '.process.apparmorProfile = "unconfined"'
	sh_run 'mount -t tmpfs none /mnt 2>&1 || echo no'
	is "$out" ""
}

@test "unconfined" {
	config '.process.apparmorProfile = "unconfined"'
	sh_run "$current; cat /forbidden/file"
	is "$out" $'unconfined\nsecret'
}

@test "a profile in complain mode" {
	load_profile "$TAG-complain" complain
	config --arg p "$TAG-complain" '.process.apparmorProfile = $p'
	sh_run "$current; cat /forbidden/file 2>&1 || true"
	is "$(sed -n 1p <<<"$out")" "$TAG-complain (complain)"
}

@test "children are confined, and there is no way back" {
	sh_run "(sh -c '$current'); for to in 'changeprofile unconfined' 'exec unconfined' 'permprofile unconfined'; do
		for file in current exec; do (echo \"\$to\" >/proc/self/attr/\$file) 2>/dev/null && echo changed; done; done; $current"
	is "$out" "$PROFILE (enforce)"$'\n'"$PROFILE (enforce)"
}

@test "without no_new_privs and as a user" {
	config '.process.noNewPrivileges = false'
	sh_run "$current"
	is "$out" "$PROFILE (enforce)"
	config '.process.user = {uid: 1000, gid: 1000}'
	sh_run "$current; cat /forbidden/file 2>/dev/null || echo no"
	is "$out" "$PROFILE (enforce)"$'\nno'
	config '.process.noNewPrivileges = true'
	sh_run "$current"
	is "$out" "$PROFILE (enforce)"
}

@test "with a seccomp filter that refuses writes to what is opened by then" {
	config '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64"],
		syscalls: [{names: ["openat2"], action: "SCMP_ACT_ERRNO"}]}'
	for nnp in true false; do
		config ".process.noNewPrivileges = $nnp"
		sh_run "$current"
		is "$out" "$PROFILE (enforce)"
	done
}

@test "in a user namespace" {
	config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
		| .linux.gidMappings = .linux.uidMappings'
	chown -R 100000:100000 "$BUNDLE/rootfs"
	chmod 0711 "$T" "$BUNDLE"
	sh_run "$current; cat /forbidden/file 2>/dev/null || echo no"
	is "$out" "$PROFILE (enforce)"$'\nno'
}

@test "in the host's pid namespace" {
	config '.linux.namespaces |= map(select(.type != "pid"))'
	sh_run "$current"
	is "$out" "$PROFILE (enforce)"
}

@test "without a mount namespace" {
	peer_defect "runc 1.1 needs a /proc in the rootfs, and leaves a mount"
	config '.mounts = [] | del(.linux.maskedPaths, .linux.readonlyPaths) | .linux.namespaces |= map(select(.type != "mount"))
		| .process.args = ["cat", "/forbidden/file"]'
	oci run --bundle "$BUNDLE" "$ID"
	is "$code" 1
	has "$err" 'Permission denied'
	lacks "$err" 'unable to apply'
}

@test "create and start" {
	script "$current >/tmp/current"
	created
	is "$(cat "/proc/$(pid_of)/attr/apparmor/exec")" "$PROFILE (enforce)"
	ok start "$ID"
	eventually 5 status_is stopped
	is "$(cat "$BUNDLE/rootfs/tmp/current")" "$PROFILE (enforce)"
}

@test "startContainer hooks are confined too" {
	config --arg s "$current >/tmp/hook; cat /forbidden/file >>/tmp/hook 2>&1; true" \
		'.hooks.startContainer = [{path: "/bin/sh", args: ["sh", "-c", $s]}]'
	script true
	ok run --bundle "$BUNDLE" "$ID"
	is "$(sed -n 1p "$BUNDLE/rootfs/tmp/hook")" "$PROFILE (enforce)"
	lacks "$(cat "$BUNDLE/rootfs/tmp/hook")" secret
	rm "$BUNDLE/rootfs/tmp/hook"
	ok create --bundle "$BUNDLE" "$ID"
	ok start "$ID"
	is "$(sed -n 1p "$BUNDLE/rootfs/tmp/hook")" "$PROFILE (enforce)"
}

@test "exec has the container's profile, or one of its own" {
	running
	ok exec "$ID" sh -c "$current; cat /forbidden/file 2>/dev/null || echo no"
	is "$out" "$PROFILE (enforce)"$'\nno'
	load_profile "$TAG-other"
	ok exec --apparmor "$TAG-other" "$ID" sh -c "$current"
	is "$out" "$TAG-other (enforce)"
	ok exec --user 1000 --no-new-privs "$ID" sh -c "$current"
	is "$out" "$PROFILE (enforce)"
	oci exec --apparmor "$TAG-nosuch" "$ID" true
	is "$code" 255
	has "$(message)" "apparmor failed to apply profile: write "
	has "$(message)" "attr/apparmor/exec: no such file or directory"
}

@test "a profile that is not loaded" {
	config --arg p "$TAG-nosuch" '.process.apparmorProfile = $p'
	for verb in run create; do
		refused "$verb" --bundle "$BUNDLE" "$ID"
		matches "$(message)" "(rt|runc) $verb failed: unable to start container process: error during container init: unable to apply apparmor profile: apparmor failed to apply profile: write (/proc/.*/|)attr/apparmor/exec: no such file or directory\$"
		refused state "$ID"
	done
}

@test "a name that is no name" {
	only_rt "a check of what the kernel took"
	for p in " " "a b" $'x\nunconfined' "x//&y" "/bin/sh" "$PROFILE//nosuch" "$(printf 'p%.0s' {1..5000})"; do
		config --arg p "$p" '.process.apparmorProfile = $p'
		refused run --bundle "$BUNDLE" "$ID"
		has "$err" 'unable to apply apparmor profile'
	done
}

@test "S06: what is mounted at /proc gets no label" {
	mkdir -p "$T/false/self/attr/apparmor" "$T/false/thread-self/attr/apparmor" "$T/false/sys/kernel"
	for f in self thread-self; do : >"$T/false/$f/attr/exec"; : >"$T/false/$f/attr/apparmor/exec"; done
	config --arg s "$T/false" '.mounts |= map(select(.destination != "/proc")) | .linux.maskedPaths = [] | .linux.readonlyPaths = []
		| .mounts += [{destination: "/proc", type: "bind", source: $s, options: ["rbind"]}]'
	script 'cat /forbidden/file 2>/dev/null || echo no'
	oci run --bundle "$BUNDLE" "$ID"
	is "$(find "$T/false" -type f -size +0)" ""
	[ "$code" != 0 ] || is "$out" no
	if is_rt; then is "$out" no; fi
}

@test "S06: a file mounted on the attributes gets no label" {
	only_rt "a procfs of its own"
	: >"$T/marker"
	config --arg s "$T/marker" '.mounts += [{destination: "/proc/self/attr/exec", type: "bind", source: $s, options: ["bind"]},
		{destination: "/proc/self/attr/apparmor/exec", type: "bind", source: $s, options: ["bind"]}]'
	script "$current"
	oci run --bundle "$BUNDLE" "$ID"
	is "$(cat "$T/marker")" ""
	[ "$code" != 0 ] || is "$out" "$PROFILE (enforce)"
}

@test "plan shows it" {
	only_rt plan
	ok plan "$BUNDLE"
	has "$out" "write(\$attr, \"exec $PROFILE\""
	ok features
	jq -e '.linux.apparmor.enabled' <<<"$out"
}
