package libct

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"rt/libct/cgroup"
)

// markName is the extended attribute by which a cgroup is known to be a
// container's: what a record says may be damaged or forged, and nothing outside
// the container's own cgroup may ever be killed.
const markName = "trusted.rt.id"

// mark writes the container's id on its cgroup. A user cannot (trusted
// attributes need CAP_SYS_ADMIN), and has no cgroups of others to fear for.
func mark(g *cgroup.Group, id string) error {
	dir := g.Members()
	if dir == "" {
		return nil
	}
	err := unix.Setxattr(dir, markName, []byte(id), 0)
	if err != nil && err != unix.EPERM && err != unix.EOPNOTSUPP {
		return fmt.Errorf("mark cgroup %s: %w", dir, err)
	}
	return nil
}

// owned reports whether the processes in a cgroup are the container's, so that
// they may be killed. The cgroup of a create that was killed before it could
// mark it is empty.
func owned(g *cgroup.Group, id string, rootless bool) (bool, error) {
	dir := g.Members()
	if dir == "" || rootless {
		return true, nil
	}
	buf := make([]byte, 1024)
	n, err := unix.Getxattr(dir, markName, buf)
	switch {
	case err == nil:
		return string(buf[:n]) == id, nil
	case errors.Is(err, unix.ENOENT):
		return true, nil
	case err == unix.ENODATA:
		return false, nil
	case err == unix.EOPNOTSUPP || err == unix.EPERM:
		return true, nil
	}
	return false, fmt.Errorf("read the mark of cgroup %s: %w", dir, err)
}
