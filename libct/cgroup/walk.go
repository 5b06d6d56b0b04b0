package cgroup

import (
	"os"

	"golang.org/x/sys/unix"
)

// level is a directory on the way down: its name and the children left.
type level struct {
	name     string
	children []string
}

// walk goes through a cgroup and all below it. enter is called for each
// before its children, leave, if not nil, after a child's children with the
// parent's descriptor. Only two descriptors are open at a time, and names
// are relative, so that no depth that a container made is too much. A child
// that vanishes meanwhile is passed over.
func walk(top string, enter func(fd int, path string) error, leave func(parent int, child, path string) error) error {
	fd, err := open(top, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return pathError("open", top, err)
	}
	defer func() { unix.Close(fd) }()
	path, stack := top, []level(nil)
	for down := true; ; {
		if down {
			if err := enter(fd, path); err != nil && (len(stack) == 0 || !absent(err)) {
				return err
			}
			children, err := subgroups(fd)
			if err != nil && !absent(err) {
				return pathError("list", path, err)
			}
			stack = append(stack, level{path, children})
		}
		here := &stack[len(stack)-1]
		if n := len(here.children); n > 0 {
			child := here.children[n-1]
			here.children = here.children[:n-1]
			next, err := openat(fd, child, unix.O_RDONLY|unix.O_DIRECTORY)
			if down = err == nil; down {
				unix.Close(fd)
				fd, path = next, here.name+"/"+child
			} else if !absent(err) {
				return pathError("open", here.name+"/"+child, err)
			}
			continue
		}
		if stack = stack[:len(stack)-1]; len(stack) == 0 {
			return nil
		}
		parent, err := openat(fd, "..", unix.O_RDONLY|unix.O_DIRECTORY)
		if err != nil {
			return pathError("open parent of", path, err)
		}
		unix.Close(fd)
		fd, down = parent, false
		child := path[len(stack[len(stack)-1].name)+1:]
		if leave != nil {
			if err := leave(fd, child, path); err != nil {
				return err
			}
		}
		path = stack[len(stack)-1].name
	}
}

// subgroups lists the directories in a cgroup directory. kernfs counts them
// in the number of links, so that most need no listing.
func subgroups(fd int) ([]string, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Nlink <= 2 {
		return nil, err
	}
	again, err := openat(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(again), ".")
	defer f.Close()
	entries, err := f.ReadDir(-1)
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, err
}
