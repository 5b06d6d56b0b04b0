package resctrl

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Group is what a container has in a resctrl: its group, and in that perhaps a
// group for monitoring.
type Group struct {
	// Dir is the group's directory.
	Dir string
	// Made is set if the group was made for the container, and goes with it.
	Made bool
	// Monitor is the directory of the monitoring group, or "".
	Monitor string
}

// Plan is the group that Make would make for a container, so that it can be
// recorded before anything is there: Made says what may have to be removed.
func (fs FS) Plan(r *specs.LinuxIntelRdt, container string) (Group, error) {
	clos := r.ClosID
	if clos == "" {
		// A container may be called as one of the file system's own.
		if err := CheckClosID(container); err != nil {
			return Group{}, err
		}
		clos = container
	}
	g := Group{Dir: path.Join(fs.Root, clos)}
	g.Made = r.ClosID == "" && unix.Access(g.Dir, unix.F_OK) == unix.ENOENT
	if r.EnableMonitoring {
		g.Monitor = path.Join(g.Dir, monGroups, container)
	}
	return g, nil
}

const monGroups = "mon_groups"

// Make makes the planned group and writes its schemata. A group that has to be
// there already is not made (config-linux.md#intelrdt).
func (fs FS) Make(g *Group, r *specs.LinuxIntelRdt) error {
	schemata := schemata(r)
	if r.ClosID != "" && schemata == "" {
		if err := unix.Access(g.Dir, unix.F_OK); err != nil {
			return fmt.Errorf("clos dir not accessible (must be pre-created when schemata, l3CacheSchema and memBwSchema are empty): %s: %w", g.Dir, err)
		}
	} else {
		err := unix.Mkdir(g.Dir, 0o755)
		if err == unix.EEXIST {
			g.Made = false
			if r.ClosID != "" {
				err = fs.compare(g.Dir, r)
			} else {
				err = nil
			}
		}
		if err != nil {
			return fs.explain(fmt.Errorf("intelrdt: group %s: %w", g.Dir, err))
		}
	}
	if g.Monitor != "" {
		if err := unix.Mkdir(g.Monitor, 0o755); err != nil && err != unix.EEXIST {
			return fs.explain(fmt.Errorf("intelrdt: monitoring group %s: %w", g.Monitor, err))
		}
	}
	return fs.write(g.Dir, schemata)
}

// schemata are the lines to write, in the order that the specification wants.
func schemata(r *specs.LinuxIntelRdt) string {
	var b strings.Builder
	for _, line := range append([]string{r.L3CacheSchema, r.MemBwSchema}, r.Schemata...) {
		if line != "" {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// Update writes other schemata of L3 cache and memory bandwidth; "" leaves one
// as it is.
func (fs FS) Update(dir, l3Cache, memoryBandwidth string) error {
	return fs.write(dir, schemata(&specs.LinuxIntelRdt{L3CacheSchema: l3Cache, MemBwSchema: memoryBandwidth}))
}

func (fs FS) write(dir, schemata string) error {
	if schemata == "" {
		return nil
	}
	if err := writeFile(dir, "schemata", schemata); err != nil {
		return fs.explain(fmt.Errorf("intelrdt: unable to write %q: %w", schemata, err))
	}
	return nil
}

// Add moves a process, with all it makes from then on, into the group.
func (fs FS) Add(g Group, pid int) error {
	for _, dir := range []string{g.Dir, g.Monitor} {
		if dir == "" {
			continue
		}
		if err := writeFile(dir, "tasks", strconv.Itoa(pid)); err != nil {
			return fs.explain(fmt.Errorf("intelrdt: unable to add pid %d: %w", pid, err))
		}
	}
	return nil
}

// Join is Add for a group that may have been removed since, which is no error.
func (fs FS) Join(g Group, pid int) error {
	if unix.Access(g.Dir, unix.F_OK) == unix.ENOENT {
		return nil
	}
	return fs.Add(g, pid)
}

// Remove removes what was made for the container. What is gone is no error.
func Remove(g Group) error {
	var errs []error
	remove := func(dir string) {
		if err := unix.Rmdir(dir); err != nil && err != unix.ENOENT {
			errs = append(errs, fmt.Errorf("intelrdt: remove group %s: %w", dir, err))
		}
	}
	if g.Monitor != "" {
		remove(g.Monitor)
	}
	if g.Made {
		remove(g.Dir)
	}
	return errors.Join(errs...)
}

// writeFile writes a file of a group in one call.
func writeFile(dir, name, text string) error {
	fd, err := unix.Openat2(unix.AT_FDCWD, dir, &unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS})
	if err != nil {
		return fmt.Errorf("open %s: %w", dir, err)
	}
	defer unix.Close(fd)
	file, err := unix.Openat(fd, name, unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open %s/%s: %w", dir, name, err)
	}
	_, err = unix.Write(file, []byte(text))
	if cerr := unix.Close(file); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("write %s/%s: %w", dir, name, err)
	}
	return nil
}
