package libct

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/compile"
	"rt/libct/host"
	"rt/libct/landlock"
)

// procRootIno is PROC_ROOT_INO of the kernel's proc_ns.h: the inode number of
// the root of every procfs.
const procRootIno = 1

// openProcfs opens a procfs that shows all that come from this process: one of
// its own, of processes alone, attached nowhere; or without the privilege for
// that the host's, which must be one.
func openProcfs() (int, error) {
	fd, err := mountProcfs()
	if !errors.Is(err, unix.EPERM) {
		return fd, err
	}
	if fd, err = unix.Open("/proc", unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0); err != nil {
		return -1, fmt.Errorf("open /proc: %w", err)
	}
	var fs unix.Statfs_t
	var st unix.Stat_t
	if err = unix.Fstatfs(fd, &fs); err == nil {
		err = unix.Fstat(fd, &st)
	}
	if err == nil && (fs.Type != unix.PROC_SUPER_MAGIC || st.Ino != procRootIno) {
		err = errors.New("is no procfs")
	}
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("/proc: %w", err)
	}
	return fd, nil
}

// mountProcfs makes a detached procfs; subset=pid since Linux 5.8.
func mountProcfs() (int, error) {
	fs, err := unix.Fsopen("proc", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("fsopen proc: %w", err)
	}
	defer unix.Close(fs)
	if err := unix.FsconfigSetString(fs, "subset", "pid"); err != nil {
		return -1, fmt.Errorf("fsconfig proc subset=pid: %w", err)
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, fmt.Errorf("fsconfig proc: %w", err)
	}
	fd, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC)
	if err != nil {
		return -1, fmt.Errorf("fsmount proc: %w", err)
	}
	return fd, nil
}

// checkLabels refuses, as runc, labels where SELinux is not enabled. Whether
// there is the AppArmor profile that is asked for, the kernel says.
func checkLabels(s *specs.Spec, f host.Facts) error {
	switch {
	case f.LSMs.Has(host.SELinux):
		return nil
	case s.Process != nil && s.Process.SelinuxLabel != "":
		return errors.New("selinux label is specified in config, but selinux is disabled or not supported")
	case s.Linux != nil && s.Linux.MountLabel != "":
		return errors.New("linux.mountLabel is specified in config, but selinux is disabled or not supported")
	}
	return nil
}

// openConfinement adds what the plan confines the process through: a procfs for
// its labels, and a descriptor in whose place Landlock's paths are put.
func (in inputs) openConfinement(c *compile.Input, preserved int) error {
	if compile.NeedsProcfs(c, c.Spec.Process) {
		fd, err := openProcfs()
		if err != nil {
			return err
		}
		in[compile.SlotProcfs] = fd
	}
	if !compile.NeedsBeneath(c) {
		return nil
	}
	fd, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open /: %w", err)
	}
	if in[compile.SlotBeneath], err = dupAbove(fd, preserved); err != nil {
		return fmt.Errorf("duplicate descriptor for landlock: %w", err)
	}
	return nil
}

// checkLandlock refuses annotations that make no sense or ask for more than the
// kernel has, and tells what it has not.
func (r *Runtime) checkLandlock(in *compile.Input) error {
	_, lost, err := compile.Landlock(in)
	if len(lost) > 0 {
		r.warn(fmt.Sprintf("annotations %s*: not restricted by this kernel: %s", landlock.Prefix, strings.Join(lost, ", ")))
	}
	return err
}
