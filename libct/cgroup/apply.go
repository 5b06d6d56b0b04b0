package cgroup

import (
	"fmt"
	"path"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// resources is what every section reads.
type resources = specs.LinuxResources

// section is one controller's part of linux.resources. Adding a controller
// is adding a line to sections.
type section struct {
	v1, v2 string // controller names; v2 is empty where none exists
	// field names the first value that limits anything; any says that there
	// is a value at all, be it "unlimited".
	field   func(r *resources) (field string, any bool)
	applyV1 func(d *dir, r *resources) error
	applyV2 func(d *dir, r *resources) error
	// files are those that apply may write.
	filesV1, filesV2 func(r *resources) []string
}

var sections = [...]section{
	{"cpuset", "cpuset", cpusetField, applyCpuset, applyCpuset, cpusetFiles, cpusetFiles},
	{"memory", "memory", memoryField, applyMemoryV1, applyMemoryV2, memoryFilesV1, memoryFilesV2},
	{"cpu", "cpu", cpuField, applyCPUV1, applyCPUV2, cpuFilesV1, cpuFilesV2},
	{"pids", "pids", pidsField, applyPids, applyPids, pidsFiles, pidsFiles},
	{"blkio", "io", blockIOField, applyBlockIOV1, applyBlockIOV2, blockIOFilesV1, blockIOFilesV2},
	{"hugetlb", "hugetlb", hugetlbField, applyHugetlbV1, applyHugetlbV2, hugetlbFilesV1, hugetlbFilesV2},
	{"rdma", "rdma", rdmaField, applyRdma, applyRdma, rdmaFiles, rdmaFiles},
	{"net_cls", "", classIDField, applyClassID, nil, classIDFiles, nil},
	{"net_prio", "", prioritiesField, applyPriorities, nil, prioritiesFiles, nil},
}

// Apply writes limits (runtime-spec config-linux.md#control-groups), also to
// a live group. A value that is not set changes nothing. memory.kernel,
// memory.kernelTCP and memory.useHierarchy are ignored: the kernels
// supported here have no such choice. A limit without its controller is an
// error that names the field; "unlimited" without it is no error.
//
// r.Devices is applied as it is if it has rules; DeviceRules adds the
// default ones at creation. Rootless, devices that cannot be restricted are
// no error: such a container cannot make device nodes either.
func (g *Group) Apply(r *specs.LinuxResources) error {
	if r == nil {
		return nil
	}
	if len(r.Unified) > 0 && g.v2() == nil && !g.unified {
		return ErrV1Unified
	}
	for i := range sections {
		if err := g.applySection(&sections[i], r); err != nil {
			return err
		}
	}
	if err := g.applyUnified(r.Unified); err != nil {
		return err
	}
	if len(r.Devices) == 0 {
		return nil
	}
	return g.applyDevices(r.Devices)
}

func (g *Group) applySection(s *section, r *resources) error {
	field, any := s.field(r)
	if !any {
		return nil
	}
	d, apply := g.find(s.v1), s.applyV1
	if d == nil && s.v2 != "" {
		d, apply = g.findV2(s.v2), s.applyV2
	}
	switch {
	case d != nil && d.lost == nil:
		err := apply(d, r)
		if d.V2 && absent(err) && d.late(s.v2) {
			err = apply(d, r)
		}
		return err
	case field == "":
		return nil
	case d != nil:
		return fmt.Errorf("cannot set %s limit: container could not join or create cgroup: %w", s.name(d), d.lost)
	case len(g.dirs) == 0:
		return fmt.Errorf("cannot set %s limit: container could not join or create cgroup", s.v1)
	case s.v2 == "" && g.unified:
		return fmt.Errorf("%s: %w", field, ErrNotInV2)
	}
	return fmt.Errorf("%s: %s %w", field, s.v1, ErrNoController)
}

// late enables a controller for a group that was made when nothing needed
// it, and reports whether that helped.
func (d *dir) late(controller string) bool {
	one := []string{controller}
	lacks, err := lacking(path.Dir(d.path), one)
	return err == nil && len(lacks) > 0 && d.enable(one, one) == nil
}

func (s *section) name(d *dir) string {
	if d.V2 {
		return s.v2
	}
	return s.v1
}

// find returns the v1 directory of a controller, even a lost one.
func (g *Group) find(controller string) *dir {
	for i := range g.dirs {
		if d := &g.dirs[i]; !d.V2 && d.has(controller) {
			return d
		}
	}
	return nil
}

// findV2 returns the v2 directory if it offers the controller.
func (g *Group) findV2(controller string) *dir {
	if n := len(g.dirs); n > 0 && g.dirs[n-1].V2 && g.dirs[n-1].has(controller) {
		return &g.dirs[n-1]
	}
	return nil
}

// needs returns the v2 controllers that limits ask for.
func needs(r *resources) []string {
	if r == nil {
		return nil
	}
	var names []string
	for i := range sections {
		s := &sections[i]
		if field, _ := s.field(r); field != "" && s.v2 != "" {
			names = append(names, s.v2)
		}
	}
	for key := range r.Unified {
		name, _, _ := strings.Cut(key, ".")
		if name != "cgroup" && len(intersect([]string{name}, names)) == 0 {
			names = append(names, name)
		}
	}
	return names
}

// set says that a pointer has a value other than zero, which most fields
// treat as "not set", as runc does.
func set[T int64 | uint64 | uint32 | uint16](p *T) bool { return p != nil && *p != 0 }
