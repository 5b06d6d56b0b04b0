#!/usr/bin/env bats
# mounts, root, masked and read-only paths: config.md#mounts, config-linux.md.
load lib

# flags MOUNTPOINT prints the mount's own options as the container sees them.
flags() { sh_run "awk '\$5 == \"$1\" {print \$6}' /proc/self/mountinfo"; }

@test "the mount table is exactly the configured one" {
	sh_run "awk '{print \$5}' /proc/self/mountinfo | sort -u"
	for d in / /proc /dev /dev/pts /dev/shm /dev/mqueue /sys; do grep -qx "$d" <<<"$out"; done
	lacks "$out" "$T"
	lacks "$out" .oldroot
}

@test "a bind mount of a directory and of a file" {
	mkdir "$T/data"
	echo one >"$T/data/file"
	mount_add /mnt bind "$T/data" bind
	mount_add /etc/group bind "$T/data/file" bind
	sh_run 'cat /mnt/file /etc/group; echo two >/mnt/new'
	is "$out" $'one\none'
	is "$(cat "$T/data/new")" two
}

@test "a bind mount with type none" {
	mkdir "$T/data"
	mount_add /mnt none "$T/data" rbind
	sh_run 'echo x >/mnt/y'
	[ -e "$T/data/y" ]
}

@test "a read-only bind mount" {
	mkdir "$T/data"
	mount_add /mnt bind "$T/data" bind ro
	sh_run 'touch /mnt/x 2>&1; true'
	has "$out" "Read-only"
	[ ! -e "$T/data/x" ]
}

@test "mount flags: nosuid nodev noexec noatime" {
	mkdir "$T/data"
	mount_add /mnt bind "$T/data" bind nosuid nodev noexec noatime
	flags /mnt
	is "$out" "rw,nosuid,nodev,noexec,noatime"
}

@test "mount flags of a tmpfs, with its data" {
	mount_add /fresh tmpfs tmpfs nosuid nodev size=128k mode=1711
	sh_run "stat -c %a /fresh; awk '\$5 == \"/fresh\" {print \$6, \$NF}' /proc/self/mountinfo; dd if=/dev/zero of=/fresh/x bs=1k count=200 2>&1 | grep -c space"
	is "$(sed -n 1p <<<"$out")" 1711
	has "$out" nosuid,nodev
	has "$out" size=128k
	is "$(sed -n '$p' <<<"$out")" 1
}

@test "rbind brings submounts, bind does not" {
	mkdir -p "$T/data/sub"
	mount -t tmpfs none "$T/data/sub"
	echo deep >"$T/data/sub/file"
	mount_add /mnt bind "$T/data" rbind
	sh_run 'cat /mnt/sub/file'
	is "$out" deep
	config '.mounts[-1].options = ["bind"]'
	sh_run 'ls /mnt/sub'
	is "$out" ""
	umount "$T/data/sub"
}

@test "recursive read-only" {
	mkdir -p "$T/data/sub"
	mount -t tmpfs none "$T/data/sub"
	mount_add /mnt bind "$T/data" rbind rro
	sh_run 'touch /mnt/a 2>&1; touch /mnt/sub/b 2>&1; true'
	is "$(grep -c Read-only <<<"$out")" 2
	umount "$T/data/sub"
}

@test "recursive flags do not clear others" {
	mkdir -p "$T/data/sub"
	mount -t tmpfs -o nodev none "$T/data/sub"
	mount_add /mnt bind "$T/data" rbind rnosuid rnoexec
	flags /mnt/sub
	has "$out" nosuid,nodev,noexec
	umount "$T/data/sub"
}

@test "mounts are done in the listed order" {
	mkdir -p "$T/one/inner" "$T/two"
	echo two >"$T/two/file"
	mount_add /mnt bind "$T/one" bind
	mount_add /mnt/inner bind "$T/two" bind
	sh_run 'cat /mnt/inner/file'
	is "$out" two
}

@test "missing mount points are made, as directories or as files" {
	mkdir "$T/data"
	: >"$T/data/file"
	mount_add /new/deep/dir bind "$T/data" bind
	mount_add /new/deep/file bind "$T/data/file" bind
	mount_add /new/tmp tmpfs tmpfs
	sh_run 'stat -c "%F" /new/deep/dir /new/deep/file /new/tmp'
	is "$out" $'directory\nregular empty file\ndirectory'
}

@test "propagation of a mount" {
	mkdir "$T/data"
	for pair in rprivate: rslave:master shared:shared rshared:shared private:; do
		config '.mounts |= map(select(.destination != "/mnt"))'
		mount_add /mnt bind "$T/data" rbind "${pair%:*}"
		sh_run "grep ' /mnt ' /proc/self/mountinfo"
		case "${pair#*:}" in
		"") lacks "$out" "shared:" ;;
		shared) has "$out" "shared:" ;;
		esac
	done
}

@test "rootfsPropagation" {
	for p in private slave shared rprivate rslave unbindable; do
		[ $p != unbindable ] || is_rt || break # runc 1.1: EINVAL
		config --arg p "$p" '.linux.rootfsPropagation = $p'
		sh_run "awk '\$5 == \"/\"' /proc/self/mountinfo"
		case "$p" in
		shared) ! is_rt || has "$out" shared: ;; # runc 1.1 leaves the root private
		*private) lacks "$out" shared: ;;
		unbindable) has "$out" unbindable ;;
		esac
	done
}

@test "an unknown rootfsPropagation" {
	config '.linux.rootfsPropagation = "sideways"'
	refused create --bundle "$BUNDLE" "$ID"
	has "$err" ropagation
}

@test "no mount of the container shows on the host" {
	mount_add /mnt tmpfs tmpfs
	before=$(wc -l </proc/self/mountinfo)
	running
	is "$(wc -l </proc/self/mountinfo)" "$before"
}

@test "a read-only root" {
	config '.root.readonly = true'
	sh_run 'touch /x 2>&1; touch /dev/shm/y && echo shm; true'
	has "$out" "Read-only"
	has "$out" shm
}

@test "mount points in a read-only root are made before" {
	config '.root.readonly = true'
	mount_add /new/place tmpfs tmpfs
	sh_run 'touch /new/place/x && echo ok'
	is "$out" ok
}

@test "an absolute and a relative root.path" {
	config --arg p "$BUNDLE/rootfs" '.root.path = $p'
	sh_run 'echo abs'
	config '.root.path = "./rootfs/../rootfs"'
	sh_run 'echo rel'
	is "$out" rel
}

@test "masked paths show nothing" {
	config '.linux.maskedPaths += ["/proc/version", "/proc/driver", "/etc/passwd", "/home", "/nosuch"]'
	echo secret >"$BUNDLE/rootfs/home/file"
	sh_run 'cat /proc/version /etc/passwd; ls -A /home /proc/driver | grep -v :; touch /home/x 2>&1 | grep -c Read-only'
	is "$(grep -v '^$' <<<"$out")" 1
}

@test "masked paths cannot be written or removed" {
	config '.linux.maskedPaths += ["/etc/passwd"]'
	sh_run 'echo x >>/etc/passwd; cat /etc/passwd; rm /etc/passwd 2>&1 | grep -c busy; umount /etc/passwd 2>&1 | grep -ci "not permitted"'
	has "$out" 1
	has "$(cat "$BUNDLE/rootfs/etc/passwd")" root
}

@test "read-only paths" {
	config '.linux.readonlyPaths += ["/etc", "/nosuch"]'
	sh_run 'cat /etc/passwd | head -n 1; touch /etc/x 2>&1; echo 1 >/proc/sys/net/ipv4/ip_forward; echo h >/proc/sysrq-trigger; true'
	has "$out" root
	has "$out" Read-only
}

@test "read-only paths keep the mount's other flags" {
	mount_add /mnt tmpfs tmpfs nosuid nodev noexec
	config '.linux.readonlyPaths += ["/mnt"]'
	sh_run "awk '\$5 == \"/mnt\" {print \$6}' /proc/self/mountinfo | tail -n 1"
	has "$out" ro,nosuid,nodev,noexec
}

@test "tmpcopyup copies what the image has there" {
	mkdir -p "$BUNDLE/rootfs/var/lib/sub"
	echo kept >"$BUNDLE/rootfs/var/lib/sub/file"
	ln -s sub/file "$BUNDLE/rootfs/var/lib/link"
	chmod 0750 "$BUNDLE/rootfs/var/lib/sub"
	mount_add /var/lib tmpfs tmpfs tmpcopyup
	sh_run 'cat /var/lib/link; stat -c %a /var/lib/sub; echo new >/var/lib/sub/file'
	is "$out" $'kept\n750'
	is "$(cat "$BUNDLE/rootfs/var/lib/sub/file")" kept
}

@test "cgroup mounts" {
	mount_add /sys/fs/cgroup cgroup cgroup nosuid noexec nodev relatime ro
	for ns in '' '{type: "cgroup"}'; do
		config ".linux.namespaces |= map(select(.type != \"cgroup\")) + [$ns]"
		sh_run 'ls /sys/fs/cgroup | head -n 50; find /sys/fs/cgroup -name cgroup.procs | head -n 40 | while read f; do grep -qx 1 $f && echo found; done | sort -u; touch /sys/fs/cgroup/x 2>&1; true'
		has "$out" found
	done
}

@test "cgroup mounts show only the container's own subtree" {
	# hardening S21
	mount_add /sys/fs/cgroup cgroup cgroup nosuid noexec nodev relatime ro
	sh_run "find /sys/fs/cgroup -name 'rt-bats*' | wc -l; find /sys/fs/cgroup -name release_agent | wc -l"
	is "$(head -n 1 <<<"$out")" 0
	is "$(sed -n 2p <<<"$out")" 0
}

@test "a cgroup mount is read-only" {
	# hardening S21
	mount_add /sys/fs/cgroup cgroup cgroup nosuid noexec nodev relatime ro
	sh_run 'for d in /sys/fs/cgroup /sys/fs/cgroup/*/; do mkdir $d/x 2>/dev/null && echo "made in $d"; done; true'
	is "$out" ""
}

@test "an unknown file system" {
	mount_add /mnt nosuchfs none
	refused create --bundle "$BUNDLE" "$ID"
	! is_rt || has "$err" nosuchfs
	has "$err" /mnt
	is "$(status_of)" absent
}

@test "a bind source that is missing" {
	mount_add /mnt bind "$T/missing" bind
	refused create --bundle "$BUNDLE" "$ID"
	has "$err" "$T/missing"
	has "$err" "no such file or directory"
	is "$(status_of)" absent
}

@test "a relative bind source is relative to the bundle" {
	mkdir "$BUNDLE/data"
	echo here >"$BUNDLE/data/file"
	mount_add /mnt bind data bind
	sh_run 'cat /mnt/file'
	is "$out" here
}

@test "a file bound over a directory" {
	: >"$T/file"
	mount_add /mnt bind "$T/file" bind
	refused create --bundle "$BUNDLE" "$ID"
	has "$err" /mnt
	has "$err" "not a directory"
}

@test "a relative destination" {
	mount_add mnt tmpfs tmpfs
	oci run --bundle "$BUNDLE" "$ID"
	# Spec 1.2 deprecates it; runc warns and takes it from the root.
	[ "$code" = 0 ] || [ "$code" = 1 ]
	is "$(status_of)" absent
}

@test "200 options, and an option nobody knows" {
	mount_add /mnt tmpfs tmpfs
	config '.mounts[-1].options = [range(200) | "nosuid"]'
	sh_run true
	config '.mounts[-1].options = ["bogus"]'
	refused create --bundle "$BUNDLE" "$ID"
	has "$err" /mnt
	is "$(status_of)" absent
}

@test "an option longer than fsconfig takes: overlay's lowerdir" {
	local one two
	one="$T/$(printf 'a%.0s' {1..120})/$(printf 'b%.0s' {1..120})"
	two="$T/two"
	mkdir -p "$one" "$two"
	echo one >"$one/one"
	echo two >"$two/two"
	mount_add /image overlay overlay "lowerdir=$one:$two" nodev
	sh_run 'cat /image/one /image/two; grep " /image " /proc/mounts | cut -d " " -f 3,4; pwd'
	has "$out" $'one\ntwo\noverlay '
	has "$out" nodev
	has "$out" $'\n/'
}

@test "300 tmpfs mounts" {
	config '.mounts += [range(300) | {destination: "/m/\(.)", type: "tmpfs", source: "tmpfs"}]'
	sh_run "grep -c ' /m/' /proc/self/mountinfo"
	is "$out" 300
}

@test "300 masked paths use one tmpfs" {
	# hardening F27: a mask must not cost a super block each.
	[ "$(printf '6.15\n%s\n' "$(uname -r)" | sort -V | head -n 1)" = 6.15 ] || skip "host: no clone of a detached mount before Linux 6.15"
	for i in $(seq 300); do mkdir "$BUNDLE/rootfs/home/$i"; done
	config '.linux.maskedPaths += [range(1; 301) | "/home/\(.)"]'
	sh_run "awk '\$5 ~ /^\\/home\\// {print \$3}' /proc/self/mountinfo | sort -u | wc -l"
	peer_defect "runc before 1.3.6 mounts a tmpfs for each"
	is "$out" 1
}

@test "a tmpfs has the mode of the directory it covers" {
	mkdir -p "$BUNDLE/rootfs/odd" "$T/data/sub"
	chmod 0710 "$BUNDLE/rootfs/odd"
	chmod 3751 "$T/data/sub"
	mount_add /odd tmpfs tmpfs
	mount_add /mnt bind "$T/data" bind
	mount_add /mnt/sub tmpfs tmpfs
	mount_add /fresh tmpfs tmpfs
	sh_run 'stat -c %a /odd /mnt/sub /fresh'
	is "$out" $'710\n3751\n1777'
	config '(.mounts[] | select(.destination == "/odd")).options = ["mode=1711"]'
	sh_run 'stat -c %a /odd'
	is "$out" 1711
}

@test "proc and sysfs are not mounted through a symbolic link" {
	for d in proc sys; do
		rm -rf "$BUNDLE/rootfs/$d"
		mkdir -p "$BUNDLE/rootfs/else"
		ln -s /else "$BUNDLE/rootfs/$d"
		script true
		refused run --bundle "$BUNDLE" "$ID"
		has "$err" "must be mounted on ordinary directory"
		rm "$BUNDLE/rootfs/$d"
		mkdir "$BUNDLE/rootfs/$d"
	done
}

@test "a destination that begins with the rootfs's path is a place in it" {
	mkdir "$T/data"
	touch "$T/data/file"
	mount_add "$BUNDLE/rootfs/mnt" bind "$T/data" bind
	sh_run 'ls /mnt'
	is "$out" file
}

@test "a source inside the rootfs is what the mounts before it made of it" {
	mkdir "$T/data"
	touch "$T/data/file"
	mount_add /mnt bind "$T/data" bind
	mount_add /again bind "$BUNDLE/rootfs/mnt" rbind
	sh_run 'ls /again'
	is "$out" file
}
