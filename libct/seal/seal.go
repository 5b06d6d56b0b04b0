// Package seal keeps containers from overwriting the runtime's own file.
//
// Until its execve, the process that becomes a container has the runtime as its
// /proc/self/exe, and an entry point "#!/proc/self/exe" executes it inside the
// container, where others can hold it open and write to it once nobody runs it
// (CVE-2019-5736). So the runtime runs from a read-only mount of its own file,
// made on the fly and attached nowhere; without the privilege for that, from a
// sealed copy in memory.
//
// It may import the standard library and x/sys/unix. It must run before
// anything else is opened or changed, since it executes the program again.
package seal

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

const self = "/proc/self/exe"

// Self returns at once if nobody can write to the running program through
// /proc/self/exe; otherwise it executes the program again, sealed, with the same
// arguments. It returns an error if that is not possible.
func Self() error {
	if sealed, err := isSealed(); sealed || err != nil {
		return err
	}
	fd, err := readOnlyMount()
	if err != nil {
		if fd, err = sealedCopy(); err != nil {
			return fmt.Errorf("seal %s: %w", self, err)
		}
	}
	err = unix.Exec(fmt.Sprintf("/proc/self/fd/%d", fd), os.Args, os.Environ())
	return fmt.Errorf("execute sealed %s: %w", self, err)
}

// isSealed asks for write permission, which a read-only mount refuses even to
// root, and for the seals that only a memfd has.
func isSealed() (bool, error) {
	switch err := unix.Faccessat(unix.AT_FDCWD, self, unix.W_OK, unix.AT_EACCESS); err {
	case nil:
	case unix.EROFS, unix.EACCES, unix.EPERM:
		return true, nil
	default:
		return false, fmt.Errorf("access %s: %w", self, err)
	}
	fd, err := unix.Open(self, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false, fmt.Errorf("open %s: %w", self, err)
	}
	defer unix.Close(fd)
	seals, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	return err == nil && seals&unix.F_SEAL_WRITE != 0, nil
}

// readOnlyMount clones the mount of the program's file, read-only. The clone
// lives as long as somebody executes from it.
func readOnlyMount() (int, error) {
	fd, err := unix.OpenTree(unix.AT_FDCWD, self, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return -1, err
	}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// sealedCopy copies the program into memory that cannot be changed any more.
func sealedCopy() (int, error) {
	from, err := unix.Open(self, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(from)
	fd, err := unix.MemfdCreate("rt", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_EXEC)
	if err == unix.EINVAL {
		// MFD_EXEC is known since Linux 6.3; before, every memfd is executable.
		fd, err = unix.MemfdCreate("rt", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	if err != nil {
		return -1, err
	}
	for {
		n, err := unix.Sendfile(fd, from, nil, 1<<30)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			unix.Close(fd)
			return -1, err
		}
		if n == 0 {
			break
		}
	}
	const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}
