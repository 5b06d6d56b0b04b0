package libct

import (
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/compile"
)

// coveredModes are the modes of the directories that tmpfs mounts will cover,
// by mount: a tmpfs looks like the directory it covers, as in runc. What an
// earlier mount brings is looked up in its source; a directory that is not
// there yet has no mode, and its tmpfs the kernel's.
func coveredModes(in *compile.Input, root int) map[int]uint32 {
	var modes map[int]uint32
	for i := range in.Spec.Mounts {
		m := &in.Spec.Mounts[i]
		if m.Type != "tmpfs" || compile.IsBind(m) {
			continue
		}
		if mode, ok := modeBelow(in.Spec.Mounts[:i], root, filepath.Clean("/"+m.Destination)); ok {
			if modes == nil {
				modes = map[int]uint32{}
			}
			modes[i] = mode
		}
	}
	return modes
}

// modeBelow is the mode of dest after the mounts before it.
func modeBelow(before []specs.Mount, root int, dest string) (uint32, bool) {
	for j := len(before) - 1; j >= 0; j-- {
		m := &before[j]
		rest, ok := strings.CutPrefix(dest, strings.TrimSuffix(filepath.Clean("/"+m.Destination), "/"))
		if !ok || (rest != "" && rest[0] != '/') {
			continue
		}
		if !compile.IsBind(m) {
			return 0, false
		}
		fd, err := unix.Open(m.Source, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return 0, false
		}
		defer unix.Close(fd)
		return modeAt(fd, rest)
	}
	return modeAt(root, dest)
}

// modeAt is the mode of the directory at path in root.
func modeAt(root int, path string) (uint32, bool) {
	fd, err := unix.Openat2(root, "."+path, &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return 0, false
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return 0, false
	}
	return st.Mode & 0o7777, true
}
