#!/usr/bin/env bats
# create start state delete: runtime-spec runtime.md#lifecycle.
load lib

@test "create leaves a container in state created, with nothing run" {
	script 'echo ran >/tmp/ran'
	created
	is "$(status_of)" created
	[ ! -e "$BUNDLE/rootfs/tmp/ran" ]
}

@test "create prints nothing" {
	created
	is "$out$err" ""
}

@test "start runs the process" {
	script 'echo ran >/tmp/ran'
	created
	ok start "$ID"
	eventually 5 test -s "$BUNDLE/rootfs/tmp/ran"
	eventually 5 status_is stopped
}

@test "start does not wait for the process" {
	sleeper
	created
	ok start "$ID"
	is "$(status_of)" running
	is "$out" ""
}

@test "a process is not started before start, and its pid stays the same" {
	sleeper
	created
	before=$(pid_of)
	ok start "$ID"
	is "$(pid_of)" "$before"
}

@test "config.json is not read again between create and start" {
	script 'echo first >/tmp/ran'
	created
	script 'echo second >/tmp/ran'
	ok start "$ID"
	eventually 5 test -s "$BUNDLE/rootfs/tmp/ran"
	is "$(cat "$BUNDLE/rootfs/tmp/ran")" first
}

@test "state has runc's fields" {
	config '.annotations = {"a.b": "c"}'
	running
	ok state "$ID"
	is "$(jq -r '[.id, .status, .bundle, .rootfs, .annotations["a.b"]] | @tsv' <<<"$out")" \
		"$ID"$'\t'running$'\t'"$BUNDLE"$'\t'"$BUNDLE/rootfs"$'\t'c
	matches "$(jq -r .ociVersion <<<"$out")" '^1\.[0-9]+\.[0-9]+'
	matches "$(jq -r .created <<<"$out")" '^20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9:.]+Z$'
	is "$(jq -r 'has("owner")' <<<"$out")" true
	is "$(jq -r 'keys_unsorted | join(" ")' <<<"$out")" "ociVersion id pid status bundle rootfs created annotations owner"
}

@test "state's pid is the container's init on the host" {
	running
	pid=$(pid_of)
	has "$(tr '\0' ' ' <"/proc/$pid/cmdline")" "sh -c"
}

@test "state of a stopped container has pid 0" {
	script true
	ok run --detach --bundle "$BUNDLE" "$ID"
	eventually 5 status_is stopped
	ok state "$ID"
	is "$(jq -c '[.status, .pid]' <<<"$out")" '["stopped",0]'
}

@test "unknown id: state start kill delete" {
	for verb in state start kill delete; do
		refused "$verb" nosuch
		says "container does not exist"
	done
}

@test "unknown id: delete --force is silent success" {
	ok delete --force nosuch
	is "$out$err" ""
}

@test "create of an existing id" {
	created
	refused create --bundle "$BUNDLE" "$ID"
	says "rt create failed: container with given ID already exists"
	is "$(status_of)" created
}

@test "run of an existing id" {
	created
	refused run --bundle "$BUNDLE" "$ID"
	says "rt run failed: container with given ID already exists"
}

@test "start of a running container" {
	running
	refused start "$ID"
	says "cannot start an already running container"
	is "$(status_of)" running
}

@test "start of a stopped container" {
	script true
	created
	ok start "$ID"
	eventually 5 status_is stopped
	refused start "$ID"
	says "cannot start a container that has stopped"
}

@test "delete of a running container" {
	running
	refused delete "$ID"
	says "cannot delete container $ID that is not stopped: running"
	is "$(status_of)" running
}

@test "delete of a created container kills and removes it" {
	created
	pid=$(pid_of)
	ok delete "$ID"
	is "$(status_of)" absent
	eventually 5 gone "$pid"
}

@test "delete of a stopped container, and a second one" {
	script true
	created
	ok start "$ID"
	eventually 5 status_is stopped
	ok delete "$ID"
	refused delete "$ID"
	says "container does not exist"
}

@test "delete --force kills a running container with all its processes" {
	script 'sleep 1000 & sleep 1000 & setsid sleep 1000 & sleep 1000'
	ok run --detach --bundle "$BUNDLE" "$ID"
	eventually 5 eval '[ $(cg_procs | wc -l) -ge 4 ]'
	ok delete --force "$ID"
	is "$(cg_procs)" ""
	is "$(status_of)" absent
}

@test "delete --force is repeatable" {
	running
	ok delete --force "$ID"
	ok delete --force "$ID"
}

@test "delete -f is the short form" {
	running
	ok delete -f "$ID"
	is "$(status_of)" absent
}

@test "an id can be used again after delete" {
	for i in 1 2 3; do
		running
		ok delete --force "$ID"
	done
}

@test "delete removes the cgroup of the container and not its parent" {
	running
	ok delete --force "$ID"
	for dir in /sys/fs/cgroup"$(cg_path)" /sys/fs/cgroup/*"$(cg_path)"; do [ ! -d "$dir" ]; done
	[ "$RT_DRIVER" = systemd ] || [ -d "$(cg_dir pids "$CG")" ]
}

@test "delete leaves the rootfs alone" {
	mkdir "$BUNDLE/rootfs/data"
	echo kept >"$BUNDLE/rootfs/data/file"
	running
	ok delete --force "$ID"
	is "$(cat "$BUNDLE/rootfs/data/file")" kept
}

@test "delete works after the bundle is gone" {
	running
	rm -rf "$BUNDLE"
	ok delete --force "$ID"
}

@test "create --pid-file holds the pid without a newline" {
	ok create --bundle "$BUNDLE" --pid-file "$T/pid" "$ID"
	is "$(od -An -c "$T/pid" | tail -n 1 | grep -c '\\n')" 0
	is "$(cat "$T/pid")" "$(pid_of)"
}

@test "a relative --pid-file is relative to the caller's directory" {
	ok create --bundle "$BUNDLE" --pid-file here.pid "$ID"
	[ -s "$T/work/here.pid" ]
}

@test "--bundle defaults to the current directory" {
	cd "$BUNDLE"
	ok create "$ID"
	is "$(jq -r .bundle <<<"$(oci state "$ID"; echo "$out")")" "$BUNDLE"
}

@test "a relative --bundle and a relative --root" {
	# crun's relative root breaks after its chdir to the bundle.
	cd "$T"
	sleeper
	rt_raw --root root create --bundle bundle "$ID"
	is "$code" 0
	is "$(status_of)" created
}

@test "a bundle that is a symbolic link" {
	ln -s "$BUNDLE" "$T/link"
	ok create --bundle "$T/link" "$ID"
	is "$(status_of)" created
}

@test "state directory is private" {
	# hardening S31: no access for group and others, whatever the umask.
	umask 0
	created
	matches "$(stat -c %a "$ROOT/$ID")" '^7[01][01]$'
	is "$(find "$ROOT/$ID" -type f -perm /022)" ""
}

@test "lifecycle under umask 077" {
	umask 077
	running
	ok delete --force "$ID"
}

@test "lifecycle without HOME, PATH or any environment" {
	sleeper
	env -i "$RUNTIME" --root "$ROOT" create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1 3>&- 4>&-
	ok start "$ID"
	is "$(status_of)" running
}

@test "lifecycle from a directory that no longer exists" {
	mkdir "$T/lost"
	cd "$T/lost"
	rmdir "$T/lost"
	ok create --bundle "$BUNDLE" "$ID"
	ok start "$ID"
}

@test "lifecycle with closed standard descriptors" {
	# CVE-2021-44717's class: no descriptor of the runtime may become 0, 1 or 2.
	script 'ls -l /proc/self/fd >/tmp/fds'
	RT_BATS_TEST=$TAG "$RUNTIME" --root "$ROOT" create --bundle "$BUNDLE" "$ID" <&- >&- 2>&- 3>&- 4>&-
	ok start "$ID"
	eventually 5 status_is stopped
	lacks "$(cat "$BUNDLE/rootfs/tmp/fds")" "$ROOT"
}

@test "wrong number of arguments" {
	oci create --bundle "$BUNDLE"
	[ "$code" != 0 ]
	has "$out$err" 'requires exactly 1 argument'
	oci state a b
	[ "$code" != 0 ]
	has "$out$err" 'requires exactly 1 argument'
	oci delete
	[ "$code" != 0 ]
}

@test "unknown command and unknown flag" {
	oci bogus
	is "$code" 3
	has "$out$err" "No help topic for 'bogus'"
	oci create --bogus "$ID"
	[ "$code" != 0 ]
	has "$out$err" "flag provided but not defined: -bogus"
}

@test "help and version need no root directory" {
	rt_raw --version
	is "$code" 0
	matches "$out" "^$NAME version "
	rt_raw --help
	is "$code" 0
	for verb in create start state kill delete run list spec features; do has "$out" "$verb"; done
	[ ! -e "$ROOT" ]
}
