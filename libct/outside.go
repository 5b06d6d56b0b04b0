package libct

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/checkpoint"
	"rt/libct/compile"
)

// outsideMount is a mount of the container that shows something from outside of
// it, so that a checkpoint can only name it.
type outsideMount struct {
	dest, source string
	// masked is a file that is masked: one name stands for all of them.
	masked bool
}

// nullDevice is what masked files show, and what they are called in images.
const nullDevice = "/dev/null"

// outsideMounts are those of a config, in their order.
func outsideMounts(s *specs.Spec, groups []compile.Hierarchy) []outsideMount {
	var list []outsideMount
	for i := range s.Mounts {
		m := &s.Mounts[i]
		switch {
		case compile.IsBind(m):
			list = append(list, outsideMount{dest: m.Destination, source: m.Source})
		case m.Type == "cgroup" || m.Type == "cgroup2":
			list = append(list, cgroupMounts(m.Destination, groups)...)
		}
	}
	if s.Linux == nil {
		return list
	}
	for _, p := range s.Linux.MaskedPaths {
		list = append(list, outsideMount{dest: p, source: nullDevice, masked: true})
	}
	// In a user namespace device nodes are bind mounts.
	for _, p := range [...]string{nullDevice, "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"} {
		list = append(list, outsideMount{dest: p, source: p})
	}
	for i := range s.Linux.Devices {
		p := s.Linux.Devices[i].Path
		list = append(list, outsideMount{dest: p, source: p})
	}
	return list
}

// cgroupMounts are the clones of host directories that a cgroup mount consists
// of (package compile, cgroupMount).
func cgroupMounts(dest string, groups []compile.Hierarchy) []outsideMount {
	if len(groups) == 1 && groups[0].V2 {
		return []outsideMount{{dest: dest, source: groups[0].Dir}}
	}
	var list []outsideMount
	for _, h := range groups {
		if h.Name != "" {
			list = append(list, outsideMount{dest: path.Join(dest, h.Name), source: h.Dir})
		}
	}
	return list
}

// dumpMounts tells CRIU what to name in place of saving it. root is that of the
// container.
func dumpMounts(root int, list []outsideMount) ([]checkpoint.Mount, error) {
	var mounts []checkpoint.Mount
	for _, m := range list {
		point, directory, err := pointIn(root, m.dest)
		if err != nil {
			return nil, err
		}
		name := point
		if m.masked {
			if directory {
				continue // an empty tmpfs
			}
			name = nullDevice
		}
		mounts = append(mounts, checkpoint.Mount{Key: point, Value: name})
	}
	return mounts, nil
}

// restoreMounts tells CRIU what the names stand for. root is the root file system
// with the bind mounts of the container in place.
func restoreMounts(root int, list []outsideMount) ([]checkpoint.Mount, error) {
	mounts := []checkpoint.Mount{{Key: nullDevice, Value: nullDevice}}
	for _, m := range list {
		if m.masked {
			continue
		}
		point, _, err := pointIn(root, m.dest)
		if err != nil {
			return nil, err
		}
		mounts = append(mounts, checkpoint.Mount{Key: point, Value: m.source})
	}
	return mounts, nil
}

// pointIn is the path of dest below a root, with symbolic links resolved: that
// is where the kernel shows a mount. What is not there is left as it is.
func pointIn(root int, dest string) (point string, directory bool, err error) {
	fd, err := openIn(root, dest, unix.O_PATH)
	if err != nil {
		return path.Clean("/" + dest), false, nil
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return "", false, fmt.Errorf("stat %s: %w", dest, err)
	}
	base, err := pathOf(root)
	if err != nil {
		return "", false, err
	}
	full, err := pathOf(fd)
	if err != nil {
		return "", false, err
	}
	return path.Clean("/" + strings.TrimPrefix(full, strings.TrimSuffix(base, "/"))), st.Mode&unix.S_IFMT == unix.S_IFDIR, nil
}

// openIn opens a path inside a root.
func openIn(root int, name string, flags uint64) (int, error) {
	name = strings.TrimLeft(name, "/")
	if name == "" {
		name = "."
	}
	return unix.Openat2(root, name, &unix.OpenHow{Flags: flags | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS})
}

// pathOf is the path of a descriptor in its mount namespace.
func pathOf(fd int) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlink("/proc/self/fd/"+strconv.Itoa(fd), buf)
	if err != nil {
		return "", fmt.Errorf("path of a descriptor: %w", err)
	}
	return string(buf[:n]), nil
}
