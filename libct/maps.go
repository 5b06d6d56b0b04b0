package libct

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/host"
)

// idMaps writes the maps of a new user namespace.
type idMaps struct {
	facts host.Facts
	linux *specs.Linux
}

// write maps the ids of the namespace that pid is in. Root writes the maps
// itself; a user maps only his own id, and has newuidmap(1) do the rest.
func (m idMaps) write(pid int) error {
	if len(m.linux.UIDMappings) == 0 && len(m.linux.GIDMappings) == 0 {
		return nil
	}
	if m.facts.EUID != 0 && !m.ownOnly() {
		if err := m.tool("newgidmap", pid, m.linux.GIDMappings); err != nil {
			return err
		}
		return m.tool("newuidmap", pid, m.linux.UIDMappings)
	}
	if m.facts.EUID != 0 {
		// user_namespaces(7): without privilege setgroups must be denied first.
		if err := writeProc(pid, "setgroups", "deny"); err != nil {
			return err
		}
	}
	if err := writeProc(pid, "gid_map", mapText(m.linux.GIDMappings)); err != nil {
		return err
	}
	return writeProc(pid, "uid_map", mapText(m.linux.UIDMappings))
}

// ownOnly reports whether the maps are what a user may write: one id, his own.
func (m idMaps) ownOnly() bool {
	own := func(list []specs.LinuxIDMapping, id int) bool {
		return len(list) == 1 && list[0].Size == 1 && int(list[0].HostID) == id
	}
	return own(m.linux.UIDMappings, m.facts.EUID) && own(m.linux.GIDMappings, m.facts.EGID)
}

func mapText(list []specs.LinuxIDMapping) string {
	var b strings.Builder
	for _, m := range list {
		fmt.Fprintf(&b, "%d %d %d\n", m.ContainerID, m.HostID, m.Size)
	}
	return b.String()
}

// tool runs newuidmap or newgidmap, which are setuid and check /etc/subuid.
func (m idMaps) tool(name string, pid int, list []specs.LinuxIDMapping) error {
	path, err := find(name)
	if err != nil {
		return err
	}
	args := []string{name, strconv.Itoa(pid)}
	for _, l := range list {
		args = append(args, strconv.FormatUint(uint64(l.ContainerID), 10),
			strconv.FormatUint(uint64(l.HostID), 10), strconv.FormatUint(uint64(l.Size), 10))
	}
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	p, err := os.StartProcess(path, args, &os.ProcAttr{Files: []*os.File{nil, write, write}})
	write.Close()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	said := make([]byte, 1024)
	n, _ := read.Read(said)
	state, err := p.Wait()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if !state.Success() {
		return fmt.Errorf("%s: %s: %s", strings.Join(args, " "), state, strings.TrimSpace(string(said[:n])))
	}
	return nil
}

// find looks for a program in PATH and where it usually is.
func find(name string) (string, error) {
	for _, dir := range strings.Split(os.Getenv("PATH")+":/usr/bin:/usr/local/bin", ":") {
		if !strings.HasPrefix(dir, "/") {
			continue
		}
		if unix.Access(dir+"/"+name, unix.X_OK) == nil {
			return dir + "/" + name, nil
		}
	}
	return "", fmt.Errorf("%s is needed for these id mappings (package uidmap): %w", name, os.ErrNotExist)
}

// writeProc writes a file of a process in one call.
func writeProc(pid int, name, text string) error {
	path := "/proc/" + strconv.Itoa(pid) + "/" + name
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	_, err = unix.Write(fd, []byte(text))
	unix.Close(fd)
	if err != nil {
		return fmt.Errorf("write %s %q: %w", path, text, err)
	}
	return nil
}

// timeOffsets writes linux.timeOffsets for the children of pid
// (time_namespaces(7)).
func timeOffsets(pid int, offsets map[string]specs.LinuxTimeOffset) error {
	var b strings.Builder
	for clock, o := range offsets {
		fmt.Fprintf(&b, "%s %d %d\n", clock, o.Secs, o.Nanosecs)
	}
	return writeProc(pid, "timens_offsets", b.String())
}

// oomScore sets process.oomScoreAdj. A user may not lower it, nor may root
// without CAP_SYS_RESOURCE; like runc, a user namespace tolerates that.
func oomScore(pid int, s *specs.Spec, rootless bool) error {
	if s.Process.OOMScoreAdj == nil {
		return nil
	}
	err := writeProc(pid, "oom_score_adj", strconv.Itoa(*s.Process.OOMScoreAdj))
	if rootless && (errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM)) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("process.oomScoreAdj: %w", err)
	}
	return nil
}
