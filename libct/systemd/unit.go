// Package systemd is the systemd cgroup driver's part that is not cgroupfs: the
// names of scopes, resources and annotations as unit properties, and the calls
// to systemd that make, change and remove a scope.
//
// It may import dbus, cgroup and spec for their pure parts. It must never log,
// read or write a cgroup, or touch a unit that it was not told of by name.
package systemd

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Unit is where a container is in systemd's tree.
type Unit struct {
	// Name is the scope, such as "docker-1234.scope"; Slice the slice it is in.
	Name, Slice string
}

// Parse reads linux.cgroupsPath as runc's systemd driver does: slice:prefix:name.
// An empty one is as ":rt:" and the id. user means a user's systemd, whose
// containers are in user.slice unless another is named.
func Parse(cgroupsPath, id string, user bool) (Unit, error) {
	slice, prefix, name := "", "rt", id
	if cgroupsPath != "" {
		parts := strings.Split(cgroupsPath, ":")
		if len(parts) != 3 {
			return Unit{}, fmt.Errorf(`expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got %q instead`, cgroupsPath)
		}
		slice, prefix, name = parts[0], parts[1], parts[2]
	}
	switch {
	case slice != "":
	case user:
		slice = "user.slice"
	default:
		slice = "system.slice"
	}
	u := Unit{Name: prefix + "-" + name + ".scope", Slice: slice}
	if strings.HasSuffix(name, ".slice") {
		u.Name = name
	}
	if err := checkName(u.Name); err != nil {
		return Unit{}, err
	}
	_, err := expand(slice)
	return u, err
}

// maxName is the length of a file name less what systemd needs for itself:
// UNIT_NAME_MAX.
const maxName = 255

// checkName refuses what systemd would (systemd.unit(5), "Unit names"), before
// a path is made of it.
func checkName(name string) error {
	for i := range len(name) {
		c := name[i]
		plain := c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte(`:-_.\@`, c) >= 0
		if !plain {
			return fmt.Errorf("unit name %q: a unit's name cannot have the byte %q", name, string(c))
		}
	}
	if len(name) > maxName {
		return fmt.Errorf("unit name %q: longer than %d bytes", name, maxName)
	}
	return nil
}

// expand makes the path of a slice: "a-b.slice" is /a.slice/a-b.slice, and
// "-.slice" the root.
func expand(slice string) (string, error) {
	name, ok := strings.CutSuffix(slice, ".slice")
	if !ok || name == "" || strings.Contains(name, "/") || checkName(slice) != nil {
		return "", fmt.Errorf("invalid slice name: %s", slice)
	}
	if name == "-" {
		return "", nil
	}
	place, prefix := "", ""
	for part := range strings.SplitSeq(name, "-") {
		if part == "" {
			return "", fmt.Errorf("invalid slice name: %s", slice)
		}
		place += "/" + escape(prefix+part+".slice")
		prefix += part + "-"
	}
	return place, nil
}

// Path is the unit's cgroup, below that of its systemd.
func (u Unit) Path() (string, error) {
	dir, err := expand(u.Slice)
	return dir + "/" + escape(u.Name), err
}

// UnitAt is the name of the unit that has a cgroup.
func UnitAt(dir string) string {
	return strings.TrimPrefix(path.Base(dir), "_")
}

// controllers are those systemd knows, some of them its own.
var controllers = [...]string{
	"cpu", "cpuacct", "cpuset", "io", "blkio", "memory", "devices", "pids",
	"bpf-firewall", "bpf-devices", "bpf-foreign", "bpf-socket-bind", "bpf-restrict-network-interfaces", "bpf-bind-network-interface",
}

// escape puts _ before a name that would be taken for a file of the kernel's in
// the cgroup of the parent, as systemd does: cpu.slice is at _cpu.slice.
func escape(name string) string {
	first, _, _ := strings.Cut(name, ".")
	if name[0] == '_' || name[0] == '.' || first == "cgroup" || slices.Contains(controllers[:], first) {
		return "_" + name
	}
	return name
}
