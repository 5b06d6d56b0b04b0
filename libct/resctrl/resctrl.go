// Package resctrl puts a container into a group of the kernel's resctrl file
// system, which shares out caches and memory bandwidth (Intel RDT, the kernel's
// resctrl.rst, runtime-spec config-linux.md#intelrdt).
//
// It may import the standard library, x/sys/unix and the types of runtime-spec.
// It must never follow a name out of the file system, and never remove a group
// that it has not made.
package resctrl

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// ErrNone: no resctrl is mounted, or the hardware has none.
//
//lint:ignore ST1005 runc's words
var ErrNone = errors.New("Intel RDT not available")

// The other texts are runc's too.
var (
	errDisabled = errors.New("intelRdt is specified in config, but Intel RDT is not enabled")
	errNoCAT    = errors.New("intelRdt.l3CacheSchema is specified in config, but Intel RDT/CAT is not enabled")
	errNoMBA    = errors.New("intelRdt.memBwSchema is specified in config, but Intel RDT/MBA is not enabled")
)

// FS is a mounted resctrl.
type FS struct {
	// Root is its mount point.
	Root string
}

// usual is where the kernel makes a directory for it, on hardware that has it.
const usual = "/sys/fs/resctrl"

// Find looks for a mounted resctrl; the error is ErrNone if there is none.
func Find() (FS, error) {
	var st unix.Statfs_t
	switch err := unix.Statfs(usual, &st); {
	case err == unix.ENOENT:
		return FS{}, ErrNone
	case err != nil:
		return FS{}, &os.PathError{Op: "statfs", Path: usual, Err: err}
	case st.Type == unix.RDTGROUP_SUPER_MAGIC:
		return FS{Root: usual}, nil
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return FS{}, err
	}
	if root := mountPoint(mounts); root != "" {
		return FS{Root: root}, nil
	}
	return FS{}, ErrNone
}

// mountPoint finds it in /proc/self/mountinfo (proc_pid_mountinfo(5)).
func mountPoint(mounts []byte) string {
	for line := range bytes.Lines(mounts) {
		mount, fs, ok := strings.Cut(string(line), " - ")
		fields := strings.Fields(mount)
		if ok && strings.HasPrefix(fs, "resctrl ") && len(fields) > 4 && fields[3] == "/" {
			return unescape(fields[4])
		}
	}
	return ""
}

// unescape undoes "\040" of mountinfo.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			b.WriteByte((s[i+1]-'0')<<6 | (s[i+2]-'0')<<3 | (s[i+3] - '0'))
			i += 3
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// Check refuses what this file system cannot do, and a closID that is not the
// name of a group.
func (fs FS) Check(r *specs.LinuxIntelRdt) error {
	if err := CheckClosID(r.ClosID); err != nil {
		return err
	}
	switch {
	case r.L3CacheSchema != "" && !fs.has("L3"):
		return errNoCAT
	case r.MemBwSchema != "" && !fs.has("MB"):
		return errNoMBA
	}
	return nil
}

// Enabled refuses an update of what is not there; the texts are runc's. A zero FS
// has nothing.
func (fs FS) Enabled(l3Cache, memoryBandwidth bool) error {
	switch {
	case l3Cache && (fs.Root == "" || !fs.has("L3")):
		//lint:ignore ST1005 runc's words
		return errors.New("Intel RDT/CAT: l3 cache schema is not enabled")
	case memoryBandwidth && (fs.Root == "" || !fs.has("MB")):
		//lint:ignore ST1005 runc's words
		return errors.New("Intel RDT/MBA: memory bandwidth schema is not enabled")
	}
	return nil
}

// CheckLine refuses a schema that would be more than one line of the file.
func CheckLine(schema string) error {
	if strings.ContainsAny(schema, "\x00\n") {
		return fmt.Errorf("intelrdt: %q is not one line", schema)
	}
	return nil
}

// has reports whether the hardware has a resource, such as L3 or MB, to share.
func (fs FS) has(resource string) bool {
	return unix.Access(fs.Root+"/info/"+resource, unix.F_OK) == nil
}

// Disabled is the error of a config.json that asks for resctrl where there is
// none.
func Disabled(err error) error {
	if errors.Is(err, ErrNone) {
		return errDisabled
	}
	return fmt.Errorf("%w: %w", errDisabled, err)
}

// CheckClosID wants the name of a group: one component of a path, none of the
// file system's own; or "/", the default group; or nothing.
func CheckClosID(id string) error {
	switch id {
	case "", "/":
		return nil
	case ".", "..", "info", "mon_groups", "mon_data":
		return fmt.Errorf("invalid intelRdt.ClosID %q", id)
	}
	if strings.ContainsAny(id, "/\x00\n") || len(id) > unix.NAME_MAX {
		return fmt.Errorf("invalid intelRdt.ClosID %q", id)
	}
	return nil
}
