package libct

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"rt/libct/cgroup"
	"rt/libct/host"
	"rt/libct/store"
)

// The statuses that state reports besides those of a record.
const (
	statusRunning = "running"
	statusPaused  = "paused"
	statusStopped = "stopped"
)

// State tells how a container is. The error matches store.ErrNotExist or
// store.ErrCorrupt.
func (r *Runtime) State(id string) (*State, error) {
	dir, err := r.open(id)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	rec, err := dir.Record()
	if err != nil {
		return nil, err
	}
	return stateOf(dir.Dir, rec)
}

func stateOf(dir *store.Dir, rec *store.Record) (*State, error) {
	status, err := status(dir, rec)
	if err != nil {
		return nil, err
	}
	s := &State{
		OCIVersion: rec.OCIVersion, ID: rec.ID, Pid: rec.Pid, Status: status, Bundle: rec.Bundle, Rootfs: rec.Rootfs,
		Created: rec.Created, Annotations: rec.Annotations, Owner: ownerName(rec.Owner),
	}
	if status == statusStopped {
		s.Pid = 0
	}
	return s, nil
}

// status looks at the process, the fifo it waits at, and its freezer.
func status(dir *store.Dir, rec *store.Record) (string, error) {
	if rec.Status == store.Creating {
		return creatingStatus(dir, rec)
	}
	alive, err := store.Alive(rec.Pid, rec.StartTime)
	if err != nil {
		return "", err
	}
	if !alive {
		return statusStopped, nil
	}
	waits, err := parked(dir)
	if err != nil {
		return "", err
	}
	frozen, err := cgroup.FrozenIn(rec.Cgroups)
	if err != nil {
		return "", err
	}
	switch {
	case frozen:
		return statusPaused, nil
	case waits:
		return string(store.Created), nil
	}
	return statusRunning, nil
}

// creatingStatus tells a container being made from one whose maker was killed.
func creatingStatus(dir *store.Dir, rec *store.Record) (string, error) {
	alive, err := store.Alive(rec.Pid, rec.StartTime)
	if err != nil {
		return "", err
	}
	if alive {
		return string(store.Creating), nil
	}
	return statusStopped, nil
}

// parked reports whether init waits for start: the exec fifo has a reader.
func parked(dir *store.Dir) (bool, error) {
	fd, err := dir.OpenExec(unix.O_WRONLY | unix.O_NONBLOCK)
	switch {
	case err == nil:
		return true, unix.Close(fd)
	case errors.Is(err, os.ErrNotExist), errors.Is(err, unix.ENXIO):
		return false, nil
	}
	return false, err
}

// ownerName is the name of a uid in the host's passwd, or "#" and the number,
// as runc prints it.
func ownerName(uid uint32) string {
	number := strconv.FormatUint(uint64(uid), 10)
	if uid == 0 {
		return "root"
	}
	text, err := host.ReadFile("/etc/passwd", maxPasswd)
	if err != nil {
		return "#" + number
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Split(line, ":"); len(f) > 2 && f[2] == number {
			return f[0]
		}
	}
	return "#" + number
}

// List tells how all containers are. A container whose record is damaged is
// left out, with a line in warnings; one that goes meanwhile is left out.
func (r *Runtime) List() (states []State, warnings []string, err error) {
	root, err := store.OpenRoot(r.Root)
	if err != nil {
		return nil, nil, err
	}
	defer root.Close()
	ids, err := root.IDs()
	if err != nil {
		return nil, nil, err
	}
	for _, id := range ids {
		s, err := r.State(id)
		switch {
		case err == nil:
			states = append(states, *s)
		case !errors.Is(err, store.ErrNotExist):
			warnings = append(warnings, "load container "+id+": "+err.Error())
		}
	}
	return states, warnings, nil
}
