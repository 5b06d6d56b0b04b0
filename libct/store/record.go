package store

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// recordVersion is the form of the record this program reads and writes.
const recordVersion = 1

// The statuses that a record keeps; running, paused and stopped are seen in
// the process and its cgroup.
const (
	Creating = specs.StateCreating
	Created  = specs.StateCreated
)

// Record is what one command must know of a container that another made.
// Texts that are not UTF-8 lose their stray bytes in it, as in runc's state.
type Record struct {
	Version    int
	ID         string
	OCIVersion string
	Bundle     string // absolute
	Rootfs     string // absolute
	Created    time.Time
	Status     specs.ContainerState // Creating or Created
	Pid        int                  // 0 before there is an init process
	StartTime  uint64               // of Pid: clock ticks after boot, field 22 of /proc/PID/stat
	Owner      uint32               // uid that created the container
	Namespaces uint64               // CLONE_NEW* flags of the namespaces the container does not share with the host

	// PidShared tells that the container has no pid namespace that began with
	// it: the end of init is not the end of the rest.
	PidShared     bool
	Rootless      bool
	NoPivot       bool
	SystemdCgroup bool

	// Unit is the systemd scope, such as "docker-1.scope", and Slice the slice it
	// is in; empty without SystemdCgroup.
	Unit, Slice string
	// MemorySwap is linux.resources.memory.swap, or what update made of it: bytes
	// of memory and swap together, -1 for no limit, 0 for not set.
	MemorySwap int64

	// RdtGroup and RdtMonitor are the directories of the container's groups in
	// resctrl, if it has such; RdtMade tells that the first goes with it.
	RdtGroup, RdtMonitor string
	RdtMade              bool

	// Cgroups are paths by controller, "" for cgroup v2. They are kept in a
	// file of their own too, see Dir.Cgroups.
	Cgroups     map[string]string
	Annotations map[string]string

	// Stdio names the pipes among init's standard descriptors, as /proc/PID/fd
	// does; what is none is empty. A checkpoint tells its restore.
	Stdio []string

	// The hooks that later commands run.
	StartContainer, Poststart, Poststop []specs.Hook
}

// Record reads the record. It needs no lock. The error is ErrNotExist if the
// container is gone or has not got a record yet, and matches ErrCorrupt if the
// record cannot be used.
func (d *Dir) Record() (*Record, error) {
	data, err := d.ReadFile(recordName)
	if errors.Is(err, os.ErrNotExist) {
		if err := d.present(); err != nil {
			return nil, err
		}
		data, err = d.ReadFile(recordName) // a Claim may have come between
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil, &CorruptError{ID: d.id, Err: errNoRecord}
	}
	if err != nil {
		return nil, err
	}
	rec, err := decode(data)
	if err == nil && rec.ID != d.id {
		err = fmt.Errorf("is of container %q", rec.ID)
	}
	if err != nil {
		return nil, d.corrupt(recordName, err)
	}
	return rec, nil
}

// present returns ErrNotExist unless there is something in the directory and
// the directory still in the root: since Claim writes the record first and
// Remove removes it last, an empty one is no container.
func (d *Dir) present() error {
	linked, err := d.linked()
	if err != nil {
		return d.fail("state", err)
	}
	if !linked {
		return ErrNotExist
	}
	empty, err := d.empty()
	if err != nil {
		return d.fail("state", err)
	}
	if empty {
		return ErrNotExist
	}
	return nil
}

// Update changes the record under the exclusive lock. If change returns an
// error, that is the error and nothing is written.
func (d *Dir) Update(change func(*Record) error) error {
	lock, err := d.Lock(Exclusive)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	rec, err := d.Record()
	if err != nil {
		return err
	}
	cgroups := maps.Clone(rec.Cgroups)
	if err := change(rec); err != nil {
		return err
	}
	return d.write(rec, cgroups)
}

// write writes the record, and the cgroups if they differ from what is there.
func (d *Dir) write(rec *Record, cgroups map[string]string) error {
	if err := rec.check(); err != nil {
		return d.fail("write "+recordName, err)
	}
	if err := d.WriteFile(recordName, encode(rec)); err != nil {
		return err
	}
	if maps.Equal(rec.Cgroups, cgroups) {
		return nil
	}
	return d.WriteFile(cgroupsName, encodeCgroups(rec.Cgroups))
}

// maxPid is the kernel's PID_MAX_LIMIT.
const maxPid = 1 << 22

// check refuses what no command may act upon. Pid 1 is never a container's: it
// is the host's init.
func (rec *Record) check() error {
	switch {
	case rec.Version != recordVersion:
		return fmt.Errorf("version %d is not supported", rec.Version)
	case CheckID(rec.ID) != nil:
		return fmt.Errorf("id %q: %w", rec.ID, ErrInvalidID)
	case rec.Status != Creating && rec.Status != Created:
		return fmt.Errorf("status %q is unknown", rec.Status)
	case rec.Pid < 0 || rec.Pid == 1 || rec.Pid > maxPid:
		return fmt.Errorf("pid %d is out of range", rec.Pid)
	case rec.Pid != 0 && rec.StartTime == 0, rec.Status == Created && rec.Pid == 0:
		return fmt.Errorf("pid %d with start time %d", rec.Pid, rec.StartTime)
	case !isAbs(rec.Bundle) || !isAbs(rec.Rootfs):
		return fmt.Errorf("bundle %q and rootfs %q: not absolute", rec.Bundle, rec.Rootfs)
	}
	return nil
}

func isAbs(path string) bool { return path != "" && path[0] == '/' }
