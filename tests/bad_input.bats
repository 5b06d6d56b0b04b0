#!/usr/bin/env bats
# Bad inputs: one clear line that names the field, exit code 1, nothing made.
# hardening I03 I04 I07 I08 I09, F13 F14 F35.
load lib

# bad WORD JQ: create of the bundle so edited is refused, the error has WORD.
bad() {
	local before
	cp "$BUNDLE/config.json" "$T/good.json"
	config "$2"
	refused create --bundle "$BUNDLE" --pid-file "$T/pid" "$ID"
	cp "$T/good.json" "$BUNDLE/config.json"
	nothing_made
	[ "$(wc -l <<<"$err")" -le 3 ] || fail "not one clear line: $err"
	! is_rt || has "$err" "$1"
}

nothing_made() {
	is "$(status_of)" absent
	[ ! -e "$T/pid" ]
	[ ! -d "$(cg_dir pids)" ]
}

@test "ids" {
	for id in "" . .. / a/b "$(printf 'x%.0s' {1..1100})" $'a\nb' "a b" "é" "a;b" "a:b" "../x" "a*" $'\x01' "a\\b"; do
		oci create --bundle "$BUNDLE" -- "$id"
		is "$id $code" "$id 1"
		[ -n "$err" ]
		is "$(ls -A "$ROOT" 2>/dev/null | grep -v '^\.')" ""
		for verb in state start kill delete "delete --force"; do
			oci $verb -- "$id"
			[ "$verb $code" = "delete --force 0" ] || is "$verb $code" "$verb 1"
		done
	done
}

@test "an id that looks like a flag" {
	oci create --bundle "$BUNDLE" -x
	[ "$code" != 0 ]
	oci state --
	[ "$code" != 0 ]
}

@test "ids of every allowed character, and long" {
	script true
	for id in "$TAG.+_-" "A$TAG" "${TAG}0123456789.abc" "$TAG$(printf 'x%.0s' {1..100})"; do
		config --arg p "$(cg_name "$id")" '.linux.cgroupsPath = $p'
		ok run --bundle "$BUNDLE" "$id"
	done
}

@test "a missing bundle" {
	refused create --bundle "$T/nosuch" "$ID"
	has "$err" "no such file or directory"
}

@test "a bundle that is a file" {
	refused create --bundle "$BUNDLE/config.json" "$ID"
	has "$err" "not a directory"
}

@test "a bundle without config.json" {
	rm "$BUNDLE/config.json"
	refused create --bundle "$BUNDLE" "$ID"
	! is_rt || has "$err" config.json
	nothing_made
}

@test "a config.json that is a directory, a FIFO, a loop" {
	peer_defect "runc waits for a writer of the FIFO"
	LIMIT=5
	cp "$BUNDLE/config.json" "$T/good.json"
	rm "$BUNDLE/config.json"
	mkdir "$BUNDLE/config.json"
	refused create --bundle "$BUNDLE" "$ID"
	rmdir "$BUNDLE/config.json"
	mkfifo "$BUNDLE/config.json"
	refused create --bundle "$BUNDLE" "$ID"
	rm "$BUNDLE/config.json"
	ln -s config.json "$BUNDLE/config.json"
	refused create --bundle "$BUNDLE" "$ID"
	has "$err" "too many levels"
}

@test "config.json: empty, truncated, no JSON, two documents" {
	good=$(cat "$BUNDLE/config.json")
	for text in "" "{" "${good:0:200}" "not json" "[]" '"x"' "12"; do
		printf '%s' "$text" >"$BUNDLE/config.json"
		refused create --bundle "$BUNDLE" "$ID"
		nothing_made
	done
}

@test "config.json: null" {
	peer_defect "a panic in runc 1.1"
	for text in null ' null '; do
		printf '%s' "$text" >"$BUNDLE/config.json"
		refused create --bundle "$BUNDLE" "$ID"
		nothing_made
	done
}

@test "config.json: deep nesting and great size" {
	LIMIT=10
	{ printf '{"annotations": '; head -c 1000000 /dev/zero | tr '\0' '['; } >"$BUNDLE/config.json"
	refused create --bundle "$BUNDLE" "$ID"
	[ "$(stat -c %s "$T/err")" -lt 5000 ]
}

@test "config.json: wrong types name the place" {
	bad process '.process = "x"'
	bad args '.process.args = "sh"'
	bad args '.process.args = [1, 2]'
	bad uid '.process.user.uid = -1'
	bad uid '.process.user.uid = 4294967296'
	bad uid '.process.user.uid = 1.5'
	bad mounts '.mounts = {}'
	bad readonly '.root.readonly = "yes"'
	bad env '.process.env = {"A": "b"}'
	bad terminal '.process.terminal = 1'
	bad namespaces '.linux.namespaces = ["pid"]'
}

@test "required fields" {
	bad process 'del(.process)'
	bad args '.process.args = []'
	bad args 'del(.process.args)'
	bad cwd 'del(.process.cwd)'
	bad cwd '.process.cwd = "relative"'
	bad root 'del(.root)'
}

@test "ociVersion" {
	peer_defect "runc 1.1 does not look at ociVersion"
	bad ociVersion '.ociVersion = ""'
	bad ociVersion '.ociVersion = "2.0.0"'
	bad ociVersion '.ociVersion = "x"'
}

@test "an empty argument vector's first word" {
	bad args '.process.args = [""]'
}

@test "rlimits" {
	# hardening I07
	bad RLIMIT_DREAM '.process.rlimits = [{type: "RLIMIT_DREAM", soft: 1, hard: 1}]'
	bad rlimits '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: -1, hard: 1}]'
	bad rlimits '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 1, hard: 1e30}]'
}

@test "rlimits: soft above hard, and twice" {
	peer_defect "runc finds the first out late, the second never"
	bad rlimits '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 2000, hard: 1000}]'
	bad rlimits '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 10, hard: 10}, {type: "RLIMIT_NOFILE", soft: 20, hard: 20}]'
}

@test "oomScoreAdj out of range" {
	bad oomScoreAdj '.process.oomScoreAdj = 1001'
	bad oomScoreAdj '.process.oomScoreAdj = -1000000000'
	bad oomScoreAdj '.process.oomScoreAdj = "x"'
}

@test "limits of wrong types" {
	bad limit '.linux.resources.memory = {limit: "1g"}'
	bad shares '.linux.resources.cpu = {shares: -1}'
	bad pids '.linux.resources.pids = {limit: "max"}'
	bad period '.linux.resources.cpu = {period: 99999999999999999999}'
}

@test "limits the kernel refuses" {
	cg_have cpu
	bad cpu '.linux.resources.cpu = {quota: 1, period: 1}'
	bad cpu '.linux.resources.cpu = {quota: 5000, period: 99999999}'
}

@test "mounts" {
	# hardening I08
	bad destination '.mounts += [{type: "tmpfs", source: "x", destination: ""}]'
}

@test "a bind mount without a source" {
	peer_defect "runc binds the bundle"
	bad mounts '.mounts += [{destination: "/mnt", type: "bind", source: "", options: ["bind"]}]'
}

@test "a mount on the root itself" {
	peer_defect "runc does what it can"
	bad / '.mounts += [{destination: "/", type: "tmpfs", source: "x"}]'
	bad / '.mounts += [{destination: "/..", type: "tmpfs", source: "x"}]'
}

@test "conflicting and empty mount options" {
	config '.mounts += [{destination: "/mnt", type: "tmpfs", source: "x", options: ["ro", "rw", "ro", "rw"]}]'
	sh_run 'touch /mnt/x && echo rw'
	is "$out" rw
}

@test "masked and read-only paths that are relative" {
	peer_defect "runc takes them from its working directory, or passes them over"
	for field in maskedPaths readonlyPaths; do
		for p in proc/keys ../etc; do
			bad "$field" ".linux.$field = [\"$p\"]"
		done
	done
}

@test "devices" {
	bad devices '.linux.devices = [{path: "relative", type: "q", major: 1, minor: 3}]'
	bad devices '.linux.devices = [{path: "/dev/x", type: "c", major: "1", minor: 3}]'
}

@test "hooks" {
	bad path '.hooks = {createRuntime: [{path: ""}]}'
	bad hooks '.hooks = {createRuntime: {}}'
}

@test "root.path" {
	bad root '.root.path = "nosuch"'
	bad root '.root.path = "config.json"'
}

@test "a root file system that is a FIFO or a loop" {
	mkfifo "$BUNDLE/fifo"
	ln -s loop "$BUNDLE/loop"
	LIMIT=5
	bad root '.root.path = "fifo"'
	bad root '.root.path = "loop"'
}

@test "the host's root as root file system" {
	# Refused, or a container that changes nothing of the host's.
	before=$(cat /proc/self/mountinfo)
	config '.root = {path: "/", readonly: true} | .process.args = ["/bin/true"] | .linux.maskedPaths = [] | .linux.readonlyPaths = []'
	oci run --bundle "$BUNDLE" "$ID"
	[ "$code" = 0 ] || [ "$code" = 1 ]
	is "$(cat /proc/self/mountinfo)" "$before"
}

@test "env" {
	# hardening I09
	bad env '.process.env += ["A\u0000B=c"]'
}

@test "env without an equals sign or with an empty name" {
	peer_defect "runc refuses the first and takes the second"
	bad env '.process.env += ["=value"]'
}

@test "more environment than execve takes is E2BIG, not ENOENT" {
	config '.process.env += ["BIG=" + ([range(140000) | "x"] | add)] | .process.args = ["/bin/true"]'
	oci run --bundle "$BUNDLE" "$ID"
	is "$code" 1
	has "$err" "argument list too long"
	is "$(status_of)" absent
}

@test "100,000 environment variables end quickly" {
	peer_defect "13 s in runc 1.1"
	LIMIT=10
	config '.process.env += [range(100000) | "V\(.)=1"] | .process.args = ["/bin/true"]'
	begin=$(now_ms)
	oci run --bundle "$BUNDLE" "$ID"
	[ $(($(now_ms) - begin)) -lt 5000 ]
}

@test "NUL bytes in words" {
	peer_defect "runc cuts or finds out late"
	bad args '.process.args = ["sh", "a\u0000b"]'
	bad cwd '.process.cwd = "/a\u0000b"'
	bad destination '.mounts += [{destination: "/m\u0000n", type: "tmpfs", source: "t"}]'
	bad hostname '.hostname = "a\u0000b"'
}

@test "a hostname the kernel cannot take" {
	bad hostname '.hostname = ([range(65) | "x"] | add)'
}

@test "a capability name of 66,000 bytes" {
	peer_defect "hangs runc: its log pipe takes lines of 64 KiB"
	LIMIT=5
	config '.process.capabilities.bounding += ["CAP_" + ([range(66000) | "X"] | add)]'
	oci run --bundle "$BUNDLE" "$ID"
	[ "$code" = 0 ] || [ "$code" = 1 ]
	[ "$(stat -c %s "$T/err")" -lt 20000 ]
}

@test "a --pid-file that cannot be written" {
	# hardening F35
	for p in "$T/no/such/pid" "$T"; do
		refused create --bundle "$BUNDLE" --pid-file "$p" "$ID"
		is "$(status_of)" absent
	done
}

@test "a --pid-file on a full file system" {
	# hardening F35
	mkdir "$T/full"
	mount -t tmpfs -o size=4k,nr_inodes=2 none "$T/full"
	: >"$T/full/taken"
	oci create --bundle "$BUNDLE" --pid-file "$T/full/pid" "$ID"
	left=$(ls -A "$T/full")
	umount "$T/full"
	is "$code" 1
	is "$left" taken
	is "$(status_of)" absent
}

@test "a --root that cannot be written" {
	: >"$T/file"
	rt_raw --root "$T/file" create --bundle "$BUNDLE" "$ID"
	is "$code" 1
	rt_raw --root "$T/file/x" create --bundle "$BUNDLE" "$ID"
	is "$code" 1
	is "$(cg_procs)" ""
}

@test "few file descriptors" {
	# hardening F13
	peer_defect "runc crashes or hangs"
	need prlimit
	script true
	LIMIT=5
	for n in 3 4 5 6 8 10 12 14 16 20 24 32; do
		code=0
		timeout -k 1 5 prlimit --nofile=$n "$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" \
			</dev/null >"$T/out" 2>"$T/err" 3>&- 4>&- || code=$?
		[ "$code" -lt 124 ] || fail "limit $n: exit $code"
		err=$(cat "$T/err")
		[ "$n" -le 4 ] || no_crash
		oci delete --force "$ID"
		is "$n $code" "$n 0"
	done
}

@test "few processes" {
	# hardening F14: no leak, no hang; Go itself cannot start with fewer than a handful.
	cg_is_v1 pids || skip "host: no v1 pids controller"
	script true
	LIMIT=5
	mkdir -p "$(cg_dir pids "$CG/narrow")"
	for n in 2 4 6 8 10 14 18; do
		echo $n >"$(cg_dir pids "$CG/narrow")/pids.max"
		code=0
		sh -c 'echo $$ >"$0"; exec timeout -k 1 5 "$@"' "$(cg_dir pids "$CG/narrow")/cgroup.procs" \
			"$RUNTIME" --root "$ROOT" run --bundle "$BUNDLE" "$ID" </dev/null >"$T/out" 2>"$T/err" 3>&- 4>&- || code=$?
		[ "$code" != 124 ] && [ "$code" != 137 ] || fail "limit $n: a hang"
		oci delete --force "$ID"
		is "$n $code" "$n 0"
		is "$(cg_procs)" ""
	done
	eventually 5 rmdir "$(cg_dir pids "$CG/narrow")"
}
