package cgroup

import (
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// procBuffer holds the mountinfo line of a cgroup: two paths of up to
	// PATH_MAX bytes, which have nothing to escape.
	procBuffer = 9 << 10
	// maxMountinfo is far above fs.mount-max (100,000) lines of usual size.
	maxMountinfo = 64 << 20
	// maxSelf bounds /proc/self/cgroup: some fifteen lines of one path each.
	maxSelf = 128 << 10
)

// Probe reads the layout of this host from /proc/self/cgroup,
// /proc/self/mountinfo and, for v2, cgroup.controllers at the mount.
// mountinfo is read only until every hierarchy was found below
// /sys/fs/cgroup, so that a host with thousands of mounts costs no more.
func Probe() (Layout, error) {
	text, err := readRecord("/proc/self/cgroup", maxSelf)
	if err != nil {
		return Layout{}, pathError("read", "/proc/self/cgroup", err)
	}
	scan := newMountScan(parseSelf(text))
	if err := scan.read("/proc/self/mountinfo"); err != nil {
		return Layout{}, pathError("read", "/proc/self/mountinfo", err)
	}
	l := Layout{Hierarchies: scan.mounted()}
	if n := len(l.Hierarchies); n > 0 && l.Hierarchies[n-1].V2 {
		h := &l.Hierarchies[n-1]
		file := h.Mount + "/cgroup.controllers"
		text, err := readRecord(file, maxKnob)
		if err != nil {
			return Layout{}, pathError("read", file, err)
		}
		h.Controllers = strings.Fields(text)
	}
	return l, nil
}

// read feeds a file to the scan until nothing is missing any more.
func (s *mountScan) read(path string) error {
	fd, err := open(path, unix.O_RDONLY)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	buf := make([]byte, procBuffer)
	kept := 0
	for total := 0; s.open > 0; {
		n, err := read(fd, buf[kept:])
		if n == 0 || err != nil {
			return err
		}
		if total += n; total > maxMountinfo {
			return unix.EFBIG
		}
		kept = copy(buf, s.feed(buf[:kept+n], len(buf)))
	}
	return nil
}
