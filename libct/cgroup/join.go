package cgroup

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// Entry is the open way into a container's cgroup for one process more: it is
// born in Dir (CLONE_INTO_CGROUP) and writes "0" into each of Tasks.
type Entry struct {
	// Dir is the directory of cgroup v2, -1 without one.
	Dir int
	// Gone is set when there should be a directory of cgroup v2 and is none: its
	// processes have moved, and somebody has removed it.
	Gone bool
	// Tasks are the files of cgroup v1.
	Tasks []Task
}

// Task is the tasks file of a v1 hierarchy, see Group.TaskFiles.
type Task struct {
	// Name is a controller of the hierarchy.
	Name string
	Fd   int
	dir  string
}

// Close closes what is open.
func (e *Entry) Close() {
	if e.Dir >= 0 {
		unix.Close(e.Dir)
	}
	for _, t := range e.Tasks {
		unix.Close(t.Fd)
	}
	e.Dir, e.Tasks = -1, nil
}

// Enter opens the way into the group of a record (see Group.Paths). subs are
// groups below it by controller, the one of "" for all that are not named, as
// exec --cgroup gives them. With rootless, what cannot be entered is left out.
func Enter(paths, subs map[string]string, rootless bool) (*Entry, error) {
	for controller, sub := range subs {
		if leaves(sub) {
			return nil, fmt.Errorf("bad sub cgroup path: %s", sub)
		}
		if _, ok := paths[controller]; !ok && controller != "" {
			return nil, fmt.Errorf("unknown controller %s in SubCgroupPaths", controller)
		}
	}
	e := &Entry{Dir: -1}
	// Of a hierarchy with several controllers the group below is joined last.
	for _, below := range [...]bool{false, true} {
		for _, controller := range slices.Sorted(maps.Keys(paths)) {
			sub, named := subs[controller]
			if !named {
				sub = subs[""]
			}
			if (sub != "") != below {
				continue
			}
			err := e.add(controller, path.Join(paths[controller], sub))
			if errors.Is(err, unix.ENOENT) && controller == "" && below && len(paths) > 1 {
				// Beside v1 hierarchies v2 need not have that group.
				err = e.add("", paths[""])
			}
			if errors.Is(err, unix.ENOENT) && controller == "" && !below {
				e.Gone = true
				continue
			}
			if err != nil && !rootless {
				e.Close()
				return nil, err
			}
		}
	}
	return e, nil
}

// leaves reports whether a relative path goes up beyond its beginning.
func leaves(sub string) bool {
	inner := path.Clean("./" + sub)
	return inner == ".." || len(inner) > 2 && inner[:3] == "../"
}

// add opens one hierarchy, unless it is open under another controller's name.
func (e *Entry) add(controller, dir string) error {
	for i := range e.Tasks {
		if e.Tasks[i].dir == dir {
			return nil
		}
	}
	file, flags, magic := dir+"/tasks", unix.O_WRONLY, int64(unix.CGROUP_SUPER_MAGIC)
	if controller == "" {
		file, flags, magic = dir, unix.O_RDONLY|unix.O_DIRECTORY, unix.CGROUP2_SUPER_MAGIC
	}
	fd, err := open(file, flags)
	if err != nil {
		return pathError("open", file, err)
	}
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err != nil || int64(fs.Type) != magic {
		unix.Close(fd)
		return fmt.Errorf("%s is no cgroup", dir)
	}
	if controller == "" {
		e.Dir = fd
		return nil
	}
	e.Tasks = append(e.Tasks, Task{Name: controller, Fd: fd, dir: dir})
	return nil
}

// EnterOf opens the v2 directory that a process is in: of a container whose init
// has moved on, and whose own group takes no processes any more (EBUSY, once
// controllers are enabled below it) or is gone.
func EnterOf(pid int) (dir int, err error) {
	l, err := Probe()
	if err != nil {
		return -1, err
	}
	file := "/proc/" + strconv.Itoa(pid) + "/cgroup"
	text, err := readRecord(file, maxSelf)
	if err != nil {
		return -1, pathError("read", file, err)
	}
	own := parseSelf(text)
	n, m := len(own), len(l.Hierarchies)
	if n == 0 || m == 0 || !own[n-1].V2 || !l.Hierarchies[m-1].V2 {
		return -1, ErrNoHierarchy
	}
	h := l.Hierarchies[m-1]
	h.Own = own[n-1].Own
	at, ok := h.ownDir()
	if !ok {
		return -1, fmt.Errorf("cgroup %s of process %d is not visible at %s", h.Own, pid, h.Mount)
	}
	fd, err := open(at, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return -1, pathError("open", at, err)
	}
	return fd, nil
}
