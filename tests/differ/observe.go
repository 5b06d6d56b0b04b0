package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// classes are the phrases of error messages that containerd, CRI-O, podman and
// moby look for. The first that a message contains is its class.
var classes = []string{
	"executable file not found", "container does not exist", "already exists", "container not running",
	"cannot start an already running container", "cannot start a container that has stopped", "that is not stopped",
	"no such process", "unknown signal", "permission denied", "operation not permitted", "no such file or directory", "not a directory",
	"is a directory", "too many levels of symbolic links",
}

// class is the kind of error that a caller would see in a message. A container's
// own exit status is none.
func class(status syscall.WaitStatus, message string) string {
	if status.ExitStatus() == 0 {
		return ""
	}
	message = strings.ToLower(message)
	var b strings.Builder
	for line := range strings.Lines(message) {
		if !strings.Contains(line, "level=warning") {
			b.WriteString(line)
		}
	}
	message = b.String()
	for _, phrase := range classes {
		if strings.Contains(message, phrase) {
			return "error " + phrase
		}
	}
	if strings.TrimSpace(message) == "" {
		return "no message"
	}
	return "error"
}

// tree describes everything beneath dir on its own file system.
func tree(dir string) (map[string]string, error) {
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			return err
		}
		what := fmt.Sprintf("%#o %d:%d", st.Mode, st.Uid, st.Gid)
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFREG:
			what += fmt.Sprintf(" %d bytes", st.Size)
		case unix.S_IFCHR, unix.S_IFBLK:
			what += fmt.Sprintf(" %d:%d", unix.Major(st.Rdev), unix.Minor(st.Rdev))
		case unix.S_IFLNK:
			target, _ := os.Readlink(path)
			what += " -> " + target
		}
		all["/"+strings.TrimPrefix(strings.TrimPrefix(path, dir), "/")] = what
		return nil
	})
	return all, err
}

// cgroupDirs returns the directories of a cgroup that there are.
func cgroupDirs(path string) (dirs []string) {
	for _, pattern := range []string{"/sys/fs/cgroup/*", "/sys/fs/cgroup"} {
		found, _ := filepath.Glob(pattern + path)
		dirs = append(dirs, found...)
	}
	return dirs
}

// removeCgroup removes a cgroup and those beneath it.
func removeCgroup(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if e.IsDir() {
			removeCgroup(filepath.Join(dir, e.Name()))
		}
	}
	// What is in there is the harness's own, and dies late if its runtime hung.
	err := unix.Rmdir(dir)
	for range 500 {
		if err != unix.EBUSY {
			break
		}
		text, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		for _, word := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(word); err == nil && pid > 1 {
				_ = unix.Kill(pid, unix.SIGKILL)
				_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
			}
		}
		time.Sleep(2 * time.Millisecond)
		err = unix.Rmdir(dir)
	}
	if err != nil && err != unix.ENOENT {
		fmt.Fprintf(os.Stderr, "differ: rmdir %s: %v\n", dir, err)
	}
}

// moving are cgroup files whose content is no setting, or moves by itself.
var moving = []string{"usage", "stat", "failcnt", "event", "tasks", "procs", "pressure", "force_empty", "io_serv", "io_wait", "io_merged",
	"io_queued", "sectors", "time", "clone_children", "release", "numa", "effective_", "reset_stats", "current", "peak", "self_freezing", "parent_freezing",
	"memory_migrate", "memory_spread", "memory_pressure", "mem_exclusive", "mem_hardwall", "sched_", "oom_control", "threads", "move_charge", "io_service", "devices.allow", "devices.deny"}

// cgroupFiles returns the settings of a cgroup, one a line.
func cgroupFiles(path string) (lines []string) {
	for _, dir := range cgroupDirs(path) {
		files, _ := os.ReadDir(dir)
	next:
		for _, f := range files {
			for _, word := range moving {
				if strings.Contains(f.Name(), word) {
					continue next
				}
			}
			text, err := os.ReadFile(filepath.Join(dir, f.Name()))
			if err != nil || f.IsDir() {
				continue
			}
			for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
				lines = append(lines, fmt.Sprintf("cgroup-file: %s %s", filepath.Join(filepath.Base(strings.TrimSuffix(dir, path)), f.Name()), line))
			}
		}
	}
	return lines
}
