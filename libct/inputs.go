package libct

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/cgroup"
	"rt/libct/compile"
	"rt/libct/host"
	"rt/libct/plan"
)

// inputs are the descriptors a plan starts from, by the names of its slots.
type inputs map[string]int

// values are the inputs by slot, as child.Start wants them.
func (in inputs) values(p *plan.Plan) ([]int64, error) {
	values := make([]int64, len(p.Slots))
	for s, info := range p.Slots {
		if !info.Input {
			continue
		}
		fd, ok := in[info.Name]
		if !ok {
			return nil, fmt.Errorf("the plan's input %q was not opened", info.Name)
		}
		values[s] = int64(fd)
	}
	return values, nil
}

// close closes all.
func (in inputs) close() {
	for _, fd := range in {
		unix.Close(fd)
	}
	clear(in)
}

// drop closes one.
func (in inputs) drop(name string) {
	if fd, ok := in[name]; ok {
		unix.Close(fd)
		delete(in, name)
	}
}

// openTasks opens the files that a process writes itself into the v1 hierarchies
// through.
func (in inputs) openTasks(g *cgroup.Group) error {
	for _, p := range g.Places() {
		if p.V2 {
			continue
		}
		fd, err := unix.Open(p.Tasks(), unix.O_WRONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open %s: %w", p.Tasks(), err)
		}
		in["cgroup "+p.Name] = fd
	}
	return nil
}

// openNamespaces opens the namespaces to join, checked to be of their type.
func (in inputs) openNamespaces(s *specs.Spec) error {
	if s.Linux == nil {
		return nil
	}
	for _, ns := range s.Linux.Namespaces {
		if ns.Path == "" {
			continue
		}
		fd, err := unix.Open(ns.Path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		if err != nil {
			return fmt.Errorf("open %s namespace %s: %w", ns.Type, ns.Path, err)
		}
		in[compile.SlotNamespace(ns.Type)] = fd
		kind, err := unix.IoctlRetInt(fd, unix.NS_GET_NSTYPE)
		if err != nil || uint64(kind) != compile.Flag(ns.Type) {
			return fmt.Errorf("%s is no %s namespace", ns.Path, ns.Type)
		}
	}
	return nil
}

// mayClone reports whether this process may clone mounts of its mount namespace.
// Having the capability is not enough: it counts in the user namespace that the
// mount namespace belongs to.
func mayClone(f host.Facts) bool {
	if !f.Effective.Has(unix.CAP_SYS_ADMIN) {
		return false
	}
	mounts, err := os.Open("/proc/self/ns/mnt")
	if err != nil {
		return false
	}
	defer mounts.Close()
	owner, err := unix.IoctlRetInt(int(mounts.Fd()), unix.NS_GET_USERNS)
	if err != nil {
		return false
	}
	defer unix.Close(owner)
	var mine, its unix.Stat_t
	return unix.Stat("/proc/self/ns/user", &mine) == nil && unix.Fstat(owner, &its) == nil && mine.Ino == its.Ino && mine.Dev == its.Dev
}

// cloneSources clones the bind mounts' sources that the child could not reach.
func (in inputs) cloneSources(c *compile.Input) error {
	for i := range c.Spec.Mounts {
		m := &c.Spec.Mounts[i]
		if !compile.SourceByParent(c, m) {
			continue
		}
		if err := in.cloneSource(c.Spec, i); err != nil {
			return err
		}
	}
	return nil
}

// cloneSource clones the source of bind mount i.
func (in inputs) cloneSource(s *specs.Spec, i int) error {
	m := &s.Mounts[i]
	flags := uint(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC)
	if slices.Contains(m.Options, "rbind") {
		flags |= unix.AT_RECURSIVE
	}
	fd, err := unix.OpenTree(unix.AT_FDCWD, m.Source, flags)
	if err != nil {
		return fmt.Errorf("mounts[%d].source %s: %w", i, m.Source, err)
	}
	in[compile.SlotSource(i)] = fd
	if err := detach(s, fd); err != nil {
		return fmt.Errorf("mounts[%d].source %s: keep mounts from the host: %w", i, m.Source, err)
	}
	if userns, ok := in[compile.SlotIdmap(i)]; ok {
		if err := idmapTree(fd, userns, m.Options); err != nil {
			return fmt.Errorf("mounts[%d]: map ids of %s: %w", i, m.Source, err)
		}
	}
	return nil
}

// detach keeps what is mounted on a clone of the host's tree from reaching the
// host. The child's own clones are of a mount namespace where that is done.
func detach(s *specs.Spec, fd int) error {
	if s.Linux != nil && strings.HasSuffix(s.Linux.RootfsPropagation, "shared") {
		return nil // wanted: volumes shared with the host stay so
	}
	return unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &unix.MountAttr{Propagation: unix.MS_SLAVE})
}

// idmapTree shows a detached mount through the maps of a user namespace, since
// Linux 5.12.
func idmapTree(fd, userns int, options []string) error {
	flags := uint(unix.AT_EMPTY_PATH)
	if slices.Contains(options, "ridmap") {
		flags |= unix.AT_RECURSIVE
	}
	return unix.MountSetattr(fd, "", flags, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(userns)})
}

// dupAbove moves a descriptor out of the way of those that the container gets:
// 3 to 2+preserved, and the places the plan puts its own last ones at.
func dupAbove(fd, preserved int) (int, error) {
	high, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3+preserved+compile.LastFds)
	unix.Close(fd)
	return high, err
}

// checkPreserved makes sure that the descriptors to pass on exist, before any of
// ours can take their place.
func checkPreserved(n int) error {
	for fd := 3; fd < 3+n; fd++ {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
			return fmt.Errorf("please check that preserved-fd %d (of %d) is present: %w", fd-3, n, os.ErrNotExist)
		}
	}
	return nil
}

// lookAtStdio tells which standard descriptors the container's user must own to
// reopen them: those that are not that user's already, and not the null device,
// which it tells too.
func lookAtStdio(s *specs.Spec) (chown, null [3]bool) {
	if s.Process.Terminal {
		return chown, null
	}
	for fd := range chown {
		var st unix.Stat_t
		if unix.Fstat(fd, &st) != nil {
			continue
		}
		null[fd] = st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == unix.Mkdev(1, 3)
		chown[fd] = !null[fd] && st.Uid != s.Process.User.UID
	}
	return chown, null
}
