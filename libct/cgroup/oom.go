package cgroup

import (
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// OOM tells when a group runs out of memory.
type OOM struct {
	dir    string
	fd     int    // to wait for
	events int16  // of fd
	v2     bool   // fd is memory.events, otherwise an eventfd
	killed uint64 // v2: as told before
}

// OOM begins to watch: v1 by memory.oom_control (cgroup-v1/memory.rst, "OOM
// Control"), v2 by the count of killed processes in memory.events. The caller
// closes the result.
func (g *Group) OOM() (*OOM, error) {
	if d := g.v1("memory"); d != nil {
		return newOOMV1(d.path)
	}
	if !g.Unified("memory") || g.v2() == nil {
		return nil, errors.New("memory controller missing")
	}
	return newOOMV2(g.v2().path)
}

func newOOMV1(dir string) (*OOM, error) {
	control, err := open(dir+"/memory.oom_control", unix.O_RDONLY)
	if err != nil {
		return nil, pathError("open", dir+"/memory.oom_control", err)
	}
	// The kernel keeps what it needs of it.
	defer unix.Close(control)
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	if err := writeFile(dir, "cgroup.event_control", strconv.Itoa(fd)+" "+strconv.Itoa(control)); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return &OOM{dir: dir, fd: fd, events: unix.POLLIN}, nil
}

func newOOMV2(dir string) (*OOM, error) {
	fd, err := open(dir+"/memory.events", unix.O_RDONLY)
	if err != nil {
		return nil, pathError("open", dir+"/memory.events", err)
	}
	o := &OOM{dir: dir, fd: fd, events: unix.POLLPRI, v2: true}
	if _, err := o.Happened(); err != nil {
		o.Close()
		return nil, err
	}
	return o, nil
}

// Poll is what to wait for with poll(2); then ask Happened.
func (o *OOM) Poll() unix.PollFd { return unix.PollFd{Fd: int32(o.fd), Events: o.events} }

// Happened reports whether there was a lack of memory since the last call. It
// does not wait. Of a group that has been removed it is false.
func (o *OOM) Happened() (bool, error) {
	if o.v2 {
		return o.happenedV2()
	}
	var count [8]byte
	if _, err := read(o.fd, count[:]); err == unix.EAGAIN {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("read eventfd: %w", err)
	}
	// The removal of the group is an event too.
	return unix.Access(o.dir+"/cgroup.event_control", unix.F_OK) == nil, nil
}

func (o *OOM) happenedV2() (bool, error) {
	var buf [1024]byte
	// Reading is also what makes the next poll wait.
	n, err := unix.Pread(o.fd, buf[:], 0)
	if absent(err) {
		return false, nil
	}
	if err != nil {
		return false, pathError("read", o.dir+"/memory.events", err)
	}
	before := o.killed
	err = eachPair(string(buf[:n]), func(name string, n uint64) {
		if name == "oom_kill" {
			o.killed = n
		}
	})
	if err != nil {
		return false, pathError("read", o.dir+"/memory.events", err)
	}
	return o.killed > before, nil
}

// Close ends it.
func (o *OOM) Close() { unix.Close(o.fd) }
