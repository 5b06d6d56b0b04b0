package libct

import (
	"fmt"

	"rt/libct/cgroup"
	"rt/libct/compile"
	"rt/libct/plan"
	"rt/libct/systemd"
)

// Plan compiles what create would do with a bundle and does nothing. It needs
// no privilege.
func (r *Runtime) Plan(bundle string, o CreateOptions) (*plan.Plan, error) {
	o.Bundle = bundle
	var in compile.Input
	if err := r.describe(&in, "plan", o); err != nil {
		return nil, err
	}
	in.Park = true
	layout, err := cgroup.Probe()
	if err != nil {
		return nil, err
	}
	path := ""
	if in.Spec.Linux != nil {
		path = in.Spec.Linux.CgroupsPath
	}
	switch {
	case r.SystemdCgroup:
		unit, err := systemd.Parse(path, "CONTAINER-ID", r.rootless(in.Facts))
		if err != nil {
			return nil, fmt.Errorf("linux.cgroupsPath: %w", err)
		}
		if path, err = unit.Path(); err != nil {
			return nil, fmt.Errorf("linux.cgroupsPath: %w", err)
		}
		in.Placed = true
	case path == "":
		path = "/CONTAINER-ID"
	}
	g, err := cgroup.New(layout, path, "plan", true)
	if err != nil {
		return nil, err
	}
	in.Hierarchies = hierarchies(g)
	if in.Placed {
		unjoined(in.Hierarchies)
	}
	filter, err := filters{root: -1, facts: in.Facts}.compile(seccompOf(in.Spec))
	if err != nil {
		return nil, err
	}
	in.Seccomp = filter
	return compile.Container(in)
}
