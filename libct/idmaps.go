package libct

import (
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/child"
	"rt/libct/compile"
	"rt/libct/host"
	"rt/libct/plan"
)

// openIdmaps makes a user namespace for each of the id-mapped mounts, with its
// maps.
func (in inputs) openIdmaps(s *specs.Spec, facts host.Facts) error {
	for i := range s.Mounts {
		uids, gids, ok := compile.IdmapOf(s, &s.Mounts[i])
		if !ok {
			continue
		}
		if len(uids) == 0 {
			joined := in[compile.SlotNamespace(specs.UserNamespace)]
			fd, err := unix.FcntlInt(uintptr(joined), unix.F_DUPFD_CLOEXEC, 3)
			if err != nil {
				return fmt.Errorf("duplicate the user namespace: %w", err)
			}
			in[compile.SlotIdmap(i)] = fd
			continue
		}
		fd, err := usernsWith(idMaps{facts: facts, linux: &specs.Linux{UIDMappings: uids, GIDMappings: gids}})
		if err != nil {
			return fmt.Errorf("mounts[%d].uidMappings: %w", i, err)
		}
		in[compile.SlotIdmap(i)] = fd
	}
	return nil
}

// mapMount shows the bind mount that the child has just cloned through its maps.
// The child comes here once for each such mount, in their order.
func (c *creation) mapMount() error {
	mounts := c.input.Spec.Mounts
	for c.mapped < len(mounts) && !compile.IdmapByParent(&c.input, &mounts[c.mapped]) {
		c.mapped++
	}
	i := c.mapped
	if c.mapped++; i >= len(mounts) {
		return errors.New("init has no more id-mapped mounts")
	}
	fd, err := c.fetch(compile.SlotCopyTo)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := idmapTree(fd, c.in[compile.SlotIdmap(i)], mounts[i].Options); err != nil {
		return fmt.Errorf("mounts[%d]: map ids of %s: %w", i, mounts[i].Source, err)
	}
	return nil
}

// usernsWith returns a descriptor of a new user namespace with these maps. The
// process that made it waits at a pipe and ends.
func usernsWith(maps idMaps) (int, error) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return -1, fmt.Errorf("pipe: %w", err)
	}
	defer unix.Close(pipe[0])
	b := plan.NewBuilder()
	hold := b.Input("hold")
	b.SetClone(unix.CLONE_NEWUSER)
	b.Step("hold a user namespace")
	b.Add(plan.Prctl(unix.PR_SET_PDEATHSIG, uint64(unix.SIGKILL), 0), plan.Read(hold, 1))
	proc, err := child.Start(b.Plan(), []int64{int64(pipe[0])}, -1)
	if err != nil {
		unix.Close(pipe[1])
		return -1, err
	}
	defer func() {
		_ = unix.PidfdSendSignal(proc.Pidfd, unix.SIGKILL, nil, 0)
		_, _ = reap(proc.Pid)
		unix.Close(pipe[1])
		proc.Close()
	}()
	if err := maps.write(proc.Pid); err != nil {
		return -1, err
	}
	path := "/proc/" + strconv.Itoa(proc.Pid) + "/ns/user"
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open %s: %w", path, err)
	}
	return fd, nil
}
