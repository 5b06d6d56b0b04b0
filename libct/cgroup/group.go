package cgroup

import (
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// Group is one container's cgroup: a directory in every hierarchy.
// It is not safe for concurrent use.
type Group struct {
	dirs     []dir
	rootless bool
	named    bool // the configuration names a path
	unified  bool // no v1 hierarchy is mounted
}

// dir is the group's directory in one hierarchy.
type dir struct {
	Hierarchy
	path string
	// made is the length of the part of path that names the outermost
	// directory made by Create; 0: none was.
	made int
	// lost is why the directory could not be made (rootless only).
	lost error
}

// New resolves linux.cgroupsPath as runc's cgroupfs driver does
// (runtime-spec config-linux.md#cgroups-path); it makes nothing.
// An absolute path is below each mount. A relative one, or the id if
// cgroupsPath is empty, is below the caller's own cgroup, and on a host with
// v2 only beside it, since a v2 group with processes cannot have limited
// children. ".." never leads out of the mount.
//
// With rootless, a directory may be impossible to make if no path is named
// and no limit needs it.
func New(l Layout, cgroupsPath, id string, rootless bool) (*Group, error) {
	g := &Group{rootless: rootless, named: cgroupsPath != "", unified: l.Mode() == ModeUnified}
	inner := path.Clean("/" + cgroupsPath)
	if !g.named {
		inner = path.Clean("/" + id)
	}
	if inner == "/" {
		return nil, fmt.Errorf("cgroupsPath %q names no cgroup of its own", cgroupsPath)
	}
	absolute := strings.HasPrefix(cgroupsPath, "/")
	g.dirs = make([]dir, 0, len(l.Hierarchies))
	for _, h := range l.Hierarchies {
		if !h.joined() {
			continue
		}
		base, err := g.base(&h, absolute)
		if err != nil {
			return nil, err
		}
		g.dirs = append(g.dirs, dir{Hierarchy: h, path: base + inner})
	}
	if len(g.dirs) == 0 && !rootless {
		return nil, ErrNoHierarchy
	}
	return g, nil
}

// joined leaves out v1 trees of other service managers than systemd.
func (h *Hierarchy) joined() bool {
	return h.V2 || !strings.HasPrefix(h.Controllers[0], "name=") || h.Controllers[0] == "name=systemd"
}

// base returns the directory below which the group is made.
func (g *Group) base(h *Hierarchy, absolute bool) (string, error) {
	if absolute {
		return h.Mount, nil
	}
	own, ok := h.ownDir()
	if !ok {
		return "", fmt.Errorf("own cgroup %s is not visible at %s, which shows %s: use an absolute cgroupsPath", h.Own, h.Mount, h.Root)
	}
	if g.unified && own != h.Mount {
		own = own[:strings.LastIndexByte(own, '/')]
	}
	return own, nil
}

// FromPaths returns the group of a record: what Paths returned when the
// container was created. A path that is not below its controller's mount
// (a damaged or foreign record) is an error, so that no other directory can
// be touched.
func FromPaths(l Layout, paths map[string]string, rootless bool) (*Group, error) {
	g := &Group{rootless: rootless, named: true, unified: l.Mode() == ModeUnified}
	left := len(paths)
	for _, h := range l.Hierarchies {
		names := h.Controllers
		if h.V2 {
			names = []string{""}
		}
		at := ""
		for _, name := range names {
			p, ok := paths[name]
			if !ok {
				continue
			}
			left--
			if p == h.Mount || !below(h.Mount, p) || path.Clean(p) != p || at != "" && at != p {
				return nil, fmt.Errorf("cgroup record: %q: %s is not a cgroup below %s", name, p, h.Mount)
			}
			at = p
		}
		if at != "" {
			g.dirs = append(g.dirs, dir{Hierarchy: h, path: at})
		}
	}
	if left != 0 {
		return nil, fmt.Errorf("cgroup record: %d of %d hierarchies are not mounted", left, len(paths))
	}
	return g, nil
}

// DropAbsent gives up directories that do not exist: those of a record that a
// rootless create could not make.
func (g *Group) DropAbsent() {
	for i := range g.dirs {
		if err := unix.Access(g.dirs[i].path, unix.F_OK); err != nil {
			g.dirs[i].lost = err
		}
	}
}

// Paths returns the directory for each v1 controller, and for v2 under the
// key "": the form of runc's state.json (cgroup_paths).
func (g *Group) Paths() map[string]string {
	paths := make(map[string]string, len(g.dirs)+2)
	for i := range g.dirs {
		d := &g.dirs[i]
		switch {
		case d.lost != nil:
		case d.V2:
			paths[""] = d.path
		default:
			for _, c := range d.Controllers {
				paths[c] = d.path
			}
		}
	}
	return paths
}

// Sub returns the group named path below this one, for exec --cgroup. "/"
// names the group itself. A path that leads out of it is an error.
func (g *Group) Sub(name string) (*Group, error) {
	inner := path.Clean("./" + name)
	if inner == ".." || strings.HasPrefix(inner, "../") {
		return nil, fmt.Errorf("bad sub cgroup path: %s", name)
	}
	if inner == "." {
		return g, nil
	}
	return g.sub(inner), nil
}

// sub returns the group for a clean relative path.
func (g *Group) sub(inner string) *Group {
	sub := *g
	sub.dirs = make([]dir, len(g.dirs))
	for i, d := range g.dirs {
		sub.dirs[i] = dir{Hierarchy: d.Hierarchy, path: d.path + "/" + inner, lost: d.lost}
	}
	return &sub
}

// TaskFiles returns the v1 files into which a process writes "0" to join
// the group by itself. tasks is used instead of cgroup.procs, which waits
// for every CPU of the host (2 to 15 ms).
func (g *Group) TaskFiles() []string {
	files := make([]string, 0, len(g.dirs))
	for i := range g.dirs {
		if d := &g.dirs[i]; !d.V2 && d.lost == nil {
			files = append(files, d.path+"/tasks")
		}
	}
	return files
}

// Fd opens the v2 directory, for CLONE_INTO_CGROUP (since Linux 5.7). The
// caller closes it. Without v2 it returns -1 and no error.
func (g *Group) Fd() (int, error) {
	d := g.v2()
	if d == nil {
		return -1, nil
	}
	fd, err := open(d.path, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return -1, pathError("open", d.path, err)
	}
	return fd, nil
}

// v2 returns the directory in the unified hierarchy, or nil.
func (g *Group) v2() *dir {
	if n := len(g.dirs); n > 0 && g.dirs[n-1].V2 && g.dirs[n-1].lost == nil {
		return &g.dirs[n-1]
	}
	return nil
}

// v1 returns the directory of a v1 controller, or nil.
func (g *Group) v1(controller string) *dir {
	for i := range g.dirs {
		if d := &g.dirs[i]; !d.V2 && d.lost == nil && d.has(controller) {
			return d
		}
	}
	return nil
}

// anyV1 returns the v1 directory by which membership is judged: the one of
// the devices controller, which no service manager moves processes in.
func (g *Group) anyV1() *dir {
	if d := g.v1("devices"); d != nil {
		return d
	}
	for i := range g.dirs {
		if d := &g.dirs[i]; !d.V2 && d.lost == nil {
			return d
		}
	}
	return nil
}

// members returns the directory that lists the group's processes, or nil
// if the group has no directory at all.
func (g *Group) members() *dir {
	if d := g.v2(); d != nil {
		return d
	}
	return g.anyV1()
}
