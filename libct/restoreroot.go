package libct

import (
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/compile"
)

// criuRoot is the directory, in the container's own, at which CRIU finds the root
// file system: it must be a mount point, and nothing mounted over its parent.
const criuRoot = "criu-root"

// mountRoot mounts the root file system for CRIU, in a mount namespace that only
// CRIU shares, so that no mount is left on the host however a restore ends. It
// runs on a thread of its own.
func (re *restoration) mountRoot() error {
	if err := unix.Mkdirat(re.dir.FD(), criuRoot, 0o700); err != nil && err != unix.EEXIST {
		return fmt.Errorf("make %s: %w", criuRoot, err)
	}
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("keep mounts from the host: %w", err)
	}
	dir, err := openIn(re.dir.FD(), criuRoot, unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return fmt.Errorf("open %s: %w", criuRoot, err)
	}
	at, err := pathOf(dir)
	unix.Close(dir)
	if err != nil {
		return err
	}
	re.target.Root = at
	// First with the bind mounts of the container, whose mount points may be in
	// one another; then as CRIU wants it, without any.
	if err := bindTree(re.input.Rootfs, at); err != nil {
		return err
	}
	if err := re.makeMountPoints(at); err != nil {
		return err
	}
	if err := unix.Unmount(at, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil {
		return fmt.Errorf("unmount %s: %w", at, err)
	}
	return bindTree(re.input.Rootfs, at)
}

func bindTree(source, target string) error {
	if err := unix.Mount(source, target, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("mount %s on %s: %w", source, target, err)
	}
	return nil
}

// makeMountPoints makes what create would make in the root file system, and
// finds out where mounts from outside come to be.
func (re *restoration) makeMountPoints(at string) error {
	root, err := unix.Open(at, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", at, err)
	}
	defer unix.Close(root)
	s := re.input.Spec
	for i := range s.Mounts {
		m := &s.Mounts[i]
		if onFilesystem(m.Destination, s.Mounts) {
			continue // CRIU has its content, or the kernel makes it
		}
		if err := makeMountPoint(root, m); err != nil {
			return fmt.Errorf("mounts[%d]: %w", i, err)
		}
	}
	re.target.Mounts, err = restoreMounts(root, outsideMounts(s, re.input.Hierarchies))
	return err
}

// onFilesystem reports whether a destination is on a mount of the container that
// is no bind mount.
func onFilesystem(dest string, mounts []specs.Mount) bool {
	dest = path.Clean("/" + dest)
	for i := range mounts {
		at := path.Clean("/" + mounts[i].Destination)
		if !compile.IsBind(&mounts[i]) && strings.HasPrefix(dest, strings.TrimSuffix(at, "/")+"/") && dest != at {
			return true
		}
	}
	return false
}

// makeMountPoint makes a mount point, and mounts what a bind mount shows.
func makeMountPoint(root int, m *specs.Mount) error {
	source, directory := -1, true
	if compile.IsBind(m) {
		fd, err := unix.OpenTree(unix.AT_FDCWD, m.Source, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
		if err != nil {
			return fmt.Errorf("source %s: %w", m.Source, err)
		}
		defer unix.Close(fd)
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			return fmt.Errorf("source %s: %w", m.Source, err)
		}
		source, directory = fd, st.Mode&unix.S_IFMT == unix.S_IFDIR
	}
	target, err := makeIn(root, m.Destination, directory)
	if err != nil {
		return fmt.Errorf("make mount point %s: %w", m.Destination, err)
	}
	defer unix.Close(target)
	if source < 0 {
		return nil
	}
	err = unix.MoveMount(source, "", target, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH)
	if err != nil {
		return fmt.Errorf("mount %s on %s: %w", m.Source, m.Destination, err)
	}
	return nil
}

// makeIn opens a path in a root, and makes what is missing of it.
func makeIn(root int, dest string, directory bool) (int, error) {
	if d := dangling(root, dest); d != "" {
		dest = d
	}
	fd, err := openIn(root, dest, unix.O_PATH)
	if err != unix.ENOENT {
		return fd, err
	}
	parent, err := makeIn(root, path.Dir(path.Clean("/"+dest)), true)
	if err != nil {
		return -1, err
	}
	defer unix.Close(parent)
	name := path.Base(dest)
	if directory {
		err = unix.Mkdirat(parent, name, 0o755)
	} else {
		err = unix.Mknodat(parent, name, unix.S_IFREG|0o644, 0)
	}
	if err != nil && err != unix.EEXIST {
		return -1, err
	}
	return openIn(parent, name, unix.O_PATH|unix.O_NOFOLLOW)
}
