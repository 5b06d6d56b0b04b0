package cgroup

import "path"

// Place is the group's directory in one hierarchy.
type Place struct {
	// Name is the directory of the hierarchy below /sys/fs/cgroup: "memory",
	// "cpu,cpuacct", "unified"; empty where v2 is mounted there itself.
	Name string
	// Dir is the group's directory, as the caller sees it.
	Dir string
	// V2 says that this is the unified hierarchy.
	V2 bool
	// Links are the controllers of a hierarchy that has several.
	Links []string
}

// Members is the directory that lists the group's processes, empty if the
// group has none.
func (g *Group) Members() string {
	if d := g.members(); d != nil {
		return d.path
	}
	return ""
}

// Inside is the group as /proc/PID/cgroup of its processes has it, empty if the
// group has no directory.
func (g *Group) Inside() string {
	if d := g.members(); d != nil {
		return d.inside(d.path)
	}
	return ""
}

// Tasks is the v1 file into which a process writes "0" to join by itself; see
// TaskFiles.
func (p Place) Tasks() string { return p.Dir + "/tasks" }

// Places returns where the group is, in the order of /proc/self/cgroup.
func (g *Group) Places() []Place {
	places := make([]Place, 0, len(g.dirs))
	for i := range g.dirs {
		d := &g.dirs[i]
		if d.lost != nil {
			continue
		}
		p := Place{Name: path.Base(d.Mount), Dir: d.path, V2: d.V2}
		if g.unified {
			p.Name = ""
		} else if len(d.Controllers) > 1 && !d.V2 {
			p.Links = d.Controllers
		}
		places = append(places, p)
	}
	return places
}
