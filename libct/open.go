package libct

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/compile"
	"rt/libct/store"
)

// openInputs opens what the plan starts from and finds out what it depends on
// in the rootfs.
func (c *creation) openInputs() error {
	in := &c.input
	if err := c.lookIntoRootfs(); err != nil {
		return err
	}
	filter, err := filters{root: c.root.FD(), facts: in.Facts}.compile(seccompOf(in.Spec))
	if err != nil {
		return err
	}
	in.Seccomp = filter
	in.Chown, in.Null = lookAtStdio(in.Spec)
	if err := c.openSync(); err != nil {
		return err
	}
	if c.park {
		if err := c.openFifos(); err != nil {
			return err
		}
	}
	if c.scope == nil {
		if err := c.in.openTasks(c.group); err != nil {
			return err
		}
	}
	if err := c.in.openNamespaces(in.Spec); err != nil {
		return err
	}
	if err := c.in.openIdmaps(in.Spec, in.Facts); err != nil {
		return err
	}
	if err := c.in.openConfinement(in, c.o.PreserveFds); err != nil {
		return err
	}
	return c.in.cloneSources(in)
}

func seccompOf(s *specs.Spec) *specs.LinuxSeccomp {
	if s.Linux == nil {
		return nil
	}
	return s.Linux.Seccomp
}

// openFifos makes the fifos that a parked container waits and answers at. It
// holds both for reading and writing, so that opening them from the other side
// never blocks, and fails with ENXIO once it is gone.
func (c *creation) openFifos() error {
	if err := c.dir.MakeFifos(-1, -1); err != nil {
		return err
	}
	for name, open := range map[string]func(int) (int, error){compile.SlotExec: c.dir.OpenExec, compile.SlotStatus: c.dir.OpenStatus} {
		fd, err := open(unix.O_RDWR)
		if err != nil {
			return err
		}
		if err := c.keep(name, fd); err != nil {
			return err
		}
	}
	return nil
}

// lookIntoRootfs finds the user's home and destinations behind dangling links.
func (c *creation) lookIntoRootfs() error {
	in := &c.input
	fd, err := unix.Open(in.Rootfs, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("root.path %s: %w", in.Rootfs, err)
	}
	defer unix.Close(fd)
	if !hasEnv(in.Spec.Process.Env, "HOME") {
		in.Home = homeOf(in.Spec, fd)
	}
	for i := range in.Spec.Mounts {
		if m := &in.Spec.Mounts[i]; compile.IsBind(m) {
			if d := dangling(fd, m.Destination); d != "" {
				if in.Destinations == nil {
					in.Destinations = map[int]string{}
				}
				in.Destinations[i] = d
			}
		}
	}
	in.Modes = coveredModes(in, fd)
	if in.NoPivot {
		if in.KernelMounts, err = kernelMounts(in); err != nil {
			return err
		}
	}
	if in.Spec.Linux != nil && strings.HasSuffix(in.Spec.Linux.RootfsPropagation, "shared") {
		in.RootMount, err = mountPoint(in.Rootfs)
	}
	return err
}

func hasEnv(env []string, name string) bool {
	// Of a name given twice the last value counts.
	for _, e := range slices.Backward(env) {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v != ""
		}
	}
	return false
}

// dangling returns what dest stands for if it is a dangling symbolic link in
// the root, such as /etc/resolv.conf of many images; otherwise "". The child
// resolves the result inside the root again, so a race gains nothing.
func dangling(root int, dest string) string {
	open := func(p string, flags uint64) (int, error) {
		p = strings.TrimPrefix(p, "/")
		if p == "" {
			p = "."
		}
		return unix.Openat2(root, p, &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC | flags, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS})
	}
	if fd, err := open(dest, 0); err != unix.ENOENT {
		if err == nil {
			unix.Close(fd)
		}
		return ""
	}
	done, left := "/", strings.Split(path.Clean("/"+dest), "/")
	links := 0
	for len(left) > 0 {
		name := left[0]
		left = left[1:]
		next := path.Join(done, name)
		fd, err := open(next, unix.O_NOFOLLOW)
		if err != nil {
			done = next
			continue
		}
		buf := make([]byte, unix.PathMax)
		n, err := unix.Readlinkat(fd, "", buf)
		unix.Close(fd)
		if err != nil {
			done = next
			continue
		}
		if links++; links > 40 {
			return ""
		}
		if target := string(buf[:n]); strings.HasPrefix(target, "/") {
			done = "/"
			left = append(strings.Split(target, "/"), left...)
		} else {
			left = append(strings.Split(target, "/"), left...)
		}
	}
	if links == 0 {
		return ""
	}
	return done
}

// mountPoint is the mount point that path is on.
func mountPoint(p string) (string, error) {
	for {
		var st unix.Statx_t
		if err := unix.Statx(unix.AT_FDCWD, p, unix.AT_NO_AUTOMOUNT, unix.STATX_BASIC_STATS, &st); err != nil {
			return "", fmt.Errorf("statx %s: %w", p, err)
		}
		if st.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0 || p == "/" {
			return p, nil
		}
		p = path.Dir(p)
	}
}

// record stores that the container exists: its init, waiting.
func (c *creation) record() error {
	stat, err := store.ReadStat(c.pid)
	if err != nil {
		return err
	}
	return c.dir.Update(func(rec *store.Record) error {
		rec.Status, rec.Pid, rec.StartTime = store.Created, c.pid, stat.StartTime
		*c.rec = *rec
		return nil
	})
}
