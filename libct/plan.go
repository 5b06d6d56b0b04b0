package libct

import (
	"rt/libct/cgroup"
	"rt/libct/compile"
	"rt/libct/plan"
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
	if path == "" {
		path = "/CONTAINER-ID"
	}
	g, err := cgroup.New(layout, path, "plan", true)
	if err != nil {
		return nil, err
	}
	in.Hierarchies = hierarchies(g)
	filter, err := filters{root: -1, facts: in.Facts}.compile(seccompOf(in.Spec))
	if err != nil {
		return nil, err
	}
	in.Seccomp = filter
	return compile.Container(in)
}
