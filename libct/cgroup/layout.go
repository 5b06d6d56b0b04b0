package cgroup

import "strings"

// Mode says which cgroup versions a host mounts.
type Mode string

// The three kinds of host, and the one without cgroups.
const (
	ModeNone    Mode = "none"
	ModeV1      Mode = "v1"
	ModeUnified Mode = "unified"
	ModeHybrid  Mode = "hybrid"
)

// Layout describes the mounted cgroup hierarchies as the caller sees them.
type Layout struct {
	// Hierarchies are in the order of /proc/self/cgroup; v2, if mounted, is
	// the last.
	Hierarchies []Hierarchy
}

// Hierarchy is one mounted cgroup tree.
type Hierarchy struct {
	// Controllers of the tree: "cpu", "cpuacct"; "name=systemd" for a v1 tree
	// without any; for v2 what cgroup.controllers offers at the mount.
	Controllers []string
	// Mount is where the tree is mounted: "/sys/fs/cgroup/cpu,cpuacct".
	Mount string
	// Root is the cgroup that is visible at Mount, relative to the root of
	// the caller's cgroup namespace: "/" as a rule, a subtree for a bind
	// mount, "/.." and so on for a mount made outside the namespace.
	Root string
	// Own is the caller's cgroup in this tree, relative to the same root.
	Own string
	// V2 says that this is the unified hierarchy.
	V2 bool
}

// Mode tells v1, v2 and hybrid hosts apart.
func (l Layout) Mode() Mode {
	var v1, v2 bool
	for i := range l.Hierarchies {
		v2 = v2 || l.Hierarchies[i].V2
		v1 = v1 || !l.Hierarchies[i].V2
	}
	switch {
	case v1 && v2:
		return ModeHybrid
	case v1:
		return ModeV1
	case v2:
		return ModeUnified
	}
	return ModeNone
}

// Version returns 1 or 2 for the hierarchy that has the controller, and 0
// if none has it.
func (l Layout) Version(controller string) int {
	for i := range l.Hierarchies {
		h := &l.Hierarchies[i]
		if h.has(controller) {
			if h.V2 {
				return 2
			}
			return 1
		}
	}
	return 0
}

func (h *Hierarchy) has(controller string) bool {
	for _, c := range h.Controllers {
		if c == controller {
			return true
		}
	}
	return false
}

// ownDir returns the directory of the caller's own cgroup. It is unknown
// when the cgroup is not visible below the mount.
func (h *Hierarchy) ownDir() (string, bool) {
	rest := h.Own
	if h.Root != "/" {
		var ok bool
		rest, ok = strings.CutPrefix(h.Own, h.Root)
		if !ok || rest != "" && rest[0] != '/' {
			return "", false
		}
	}
	if strings.Contains(rest+"/", "/../") {
		return "", false
	}
	return h.Mount + strings.TrimSuffix(rest, "/"), true
}

// inside returns the name of a directory below Mount as /proc/PID/cgroup
// shows it.
func (h *Hierarchy) inside(dir string) string {
	rest := strings.TrimPrefix(dir, h.Mount)
	if h.Root == "/" {
		return rest
	}
	return h.Root + rest
}
