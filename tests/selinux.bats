#!/usr/bin/env bats
# selinux: runtime-spec config.md#linux-process, selinuxLabel, and
# config-linux.md#mount-label. A permissive policy is enough: these tests are
# about labels.
load lib

prepare() {
	root_needed
	[ -e /sys/fs/selinux/enforce ] || skip "host: no SELinux"
	bundle
	LABEL=system_u:system_r:container_t:s0:c4,c5
	FILES=system_u:object_r:container_file_t:s0:c4,c5
	! chcon -R "$FILES" "$BUNDLE/rootfs" 2>&1 | grep . || skip "host: its policy knows no containers"
}

labelled() { config --arg l "$LABEL" '.process.selinuxLabel = $l'; }

current='cat /proc/self/attr/current'

@test "without a label the process has the runtime's domain" {
	sh_run "$current"
	lacks "$out" container_t
}

@test "the process has its label, and its children" {
	labelled
	sh_run "$current; echo; sh -c '$current'"
	is "$out" "$LABEL"$'\n'"$LABEL"
}

@test "as a user, without no_new_privs, in a user namespace" {
	labelled
	config '.process.user = {uid: 1000, gid: 1000} | .process.noNewPrivileges = false'
	sh_run "$current"
	is "$out" "$LABEL"
	config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
		| .linux.gidMappings = .linux.uidMappings'
	chown -R 100000:100000 "$BUNDLE/rootfs"
	chmod 0711 "$T" "$BUNDLE"
	sh_run "$current"
	is "$out" "$LABEL"
}

@test "create and start, exec, and exec with a label of its own" {
	labelled
	running
	is "$(tr -d '\0' <"/proc/$(pid_of)/attr/current")" "$LABEL"
	ok exec "$ID" sh -c "$current"
	is "$out" "$LABEL"
	ok exec --process-label "${LABEL%,*},c9" "$ID" sh -c "$current"
	is "$out" "${LABEL%,*},c9"
	oci exec --process-label nonsense "$ID" true
	[ "$code" != 0 ]
	matches "$err" 'attr/exec: invalid argument|attr/keycreate: invalid argument'
}

@test "the session keyring has the label, of run and of exec" {
	payload
	labelled
	config '.process.args = ["payload", "keyring", "label"]'
	ok run --bundle "$BUNDLE" "$ID"
	is "$out" "$LABEL"
	running
	ok exec "$ID" payload keyring label
	is "$out" "$LABEL"
}

@test "startContainer hooks have the label" {
	peer_defect "runc 1.1 runs them before it sets the label"
	labelled
	config --arg s "$current >/tmp/hook" '.hooks.startContainer = [{path: "/bin/sh", args: ["sh", "-c", $s]}]'
	script true
	ok run --bundle "$BUNDLE" "$ID"
	is "$(tr -d '\0' <"$BUNDLE/rootfs/tmp/hook")" "$LABEL"
}

@test "file systems have the mount label" {
	labelled
	config --arg l "$FILES" '.linux.mountLabel = $l'
	mount_add /tmp tmpfs tmpfs nosuid
	! is_rt || mount_add /own tmpfs tmpfs "context=${FILES%,*},c7"
	running
	root="/proc/$(pid_of)/root"
	for dir in /tmp /dev /dev/shm /dev/mqueue /dev/pts; do
		is "$dir $(stat -c %C "$root$dir")" "$dir $FILES"
	done
	! is_rt || is "$(stat -c %C "$root/own")" "${FILES%,*},c7"
	ok exec "$ID" sh -c 'echo x >/tmp/new; echo x >/dev/shm/new'
	is "$(stat -c %C "$root/tmp/new")" "$FILES"
	is "$(stat -c %C "$root/dev/shm/new")" "$FILES"
	lacks "$(stat -c %C "$root/proc")$(stat -c %C "$root/sys")" container_file_t
}

@test "masked directories have the mount label" {
	config --arg l "$FILES" '.linux.mountLabel = $l | .linux.maskedPaths = ["/sys/firmware", "/etc"]'
	running
	root="/proc/$(pid_of)/root"
	is "$(stat -c %C "$root/etc")" "$FILES"
}

@test "labels that are none" {
	config '.process.selinuxLabel = "nonsense"'
	refused run --bundle "$BUNDLE" "$ID"
	matches "$err" '(attr/exec|attr/keycreate): invalid argument'
	config 'del(.process.selinuxLabel) | .linux.mountLabel = "nonsense"'
	refused run --bundle "$BUNDLE" "$ID"
	has "$err" "invalid argument"
}

@test "S06: what is mounted at /proc gets no label" {
	labelled
	mkdir -p "$T/false/self/attr" "$T/false/thread-self/attr"
	for f in self thread-self; do : >"$T/false/$f/attr/exec"; : >"$T/false/$f/attr/keycreate"; done
	config --arg s "$T/false" '.mounts |= map(select(.destination != "/proc")) | .linux.maskedPaths = [] | .linux.readonlyPaths = []
		| .mounts += [{destination: "/proc", type: "bind", source: $s, options: ["rbind"]}]'
	script 'sleep 1000'
	oci run --detach --bundle "$BUNDLE" "$ID"
	is "$(find "$T/false" -type f -size +0)" ""
	! is_rt || is "$(tr -d '\0' <"/proc/$(pid_of)/attr/current")" "$LABEL"
}

@test "plan shows it, features list it" {
	only_rt plan
	labelled
	ok plan "$BUNDLE"
	has "$out" "write(\$attr, \"$LABEL\""
	ok features
	jq -e '.linux.selinux.enabled' <<<"$out"
}
