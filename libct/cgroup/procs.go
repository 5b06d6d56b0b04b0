package cgroup

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// maxProcs bounds one cgroup.procs: pid_max lines.
const maxProcs = 64 << 20

// Procs returns the processes in the group and below it, without order. A
// group that does not exist has none.
func (g *Group) Procs() ([]int, error) {
	d := g.members()
	if d == nil {
		return nil, nil
	}
	pids, err := procs(d.path)
	if absent(err) {
		return nil, nil
	}
	return pids, err
}

// procs lists a directory and all below it.
func procs(path string) ([]int, error) {
	var pids []int
	err := walk(path, func(fd int, name string) error {
		text, err := readFileAt(fd, "cgroup.procs", maxProcs, false)
		if err == unix.EOPNOTSUPP {
			// A threaded group has no processes, only threads.
			text, err = readFileAt(fd, "cgroup.threads", maxProcs, false)
		}
		if err != nil {
			return pathError("read", name+"/cgroup.procs", err)
		}
		pids = appendPids(pids, text)
		return nil
	}, nil)
	return pids, err
}

// appendPids parses one pid a line. 0 is a process outside the reader's pid
// namespace, which cannot be named.
func appendPids(pids []int, text string) []int {
	for line := range strings.SplitSeq(text, "\n") {
		if pid, err := strconv.Atoi(line); err == nil && pid > 0 {
			pids = append(pids, pid)
		}
	}
	return pids
}

// Join moves a process into the group, in every hierarchy.
func (g *Group) Join(pid int) error {
	for i := range g.dirs {
		d := &g.dirs[i]
		if d.lost != nil {
			continue
		}
		held, err := d.holds(pid)
		if err == nil && !held {
			err = writeFile(d.path, "cgroup.procs", strconv.Itoa(pid))
		}
		if err != nil {
			return fmt.Errorf("move process %d into %s: %w", pid, d.path, err)
		}
	}
	return nil
}

// Holds says whether the process is in the group or below it now. Between
// opening a pidfd and signalling through it this is the proof that the pid
// has not come to mean another process. A process that is gone is not held.
func (g *Group) Holds(pid int) (bool, error) {
	d := g.members()
	if d == nil {
		return false, nil
	}
	return d.holds(pid)
}

func (d *dir) holds(pid int) (bool, error) {
	path := "/proc/" + strconv.Itoa(pid) + "/cgroup"
	text, err := readRecord(path, maxSelf)
	if err == unix.ENOENT || err == unix.ESRCH {
		return false, nil
	}
	if err != nil {
		return false, pathError("read", path, err)
	}
	inside := d.inside(d.path)
	for _, h := range parseSelf(text) {
		if h.V2 == d.V2 && (d.V2 || slices.Equal(h.Controllers, d.Controllers)) {
			return below(inside, h.Own), nil
		}
	}
	return false, nil
}

// list formats a few pids for an error.
func list(pids []int) string {
	const shown = 5
	var b strings.Builder
	for i, pid := range pids {
		if i == shown {
			b.WriteString(" and " + strconv.Itoa(len(pids)-shown) + " more")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Itoa(pid))
	}
	return b.String()
}
