package cgroup

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// prepareV2 enables the controllers for a v2 directory. On a host with v2
// only these are all that exist, as other runtimes do: statistics, later
// updates and nested containers depend on them. The v2 part of a hybrid
// host is shared with others and gets only what a limit asks for.
func (g *Group) prepareV2(d *dir, r *specs.LinuxResources) error {
	must := needs(r)
	if !g.unified {
		must = intersect(must, d.Controllers)
	}
	want := must
	if g.unified {
		want = d.Controllers
	}
	if err := d.enable(must, want); err != nil {
		return err
	}
	return d.settleType(must)
}

// intersect returns what is in both lists.
func intersect(a, b []string) []string {
	var both []string
	for _, x := range a {
		for _, y := range b {
			if x == y {
				both = append(both, x)
			}
		}
	}
	return both
}

// enable makes controllers available to d: each group from the mount to the
// parent has to hand them down in cgroup.subtree_control
// (cgroup-v2.rst, "Enabling and Disabling"). Usually all are: one read.
func (d *dir) enable(must, want []string) error {
	parent := path.Dir(d.path)
	if len(must) == 0 && len(want) == 0 {
		return nil
	}
	lacks, err := lacking(parent, want)
	if err != nil || len(lacks) == 0 {
		return err
	}
	reasons := make(map[string]error)
	for end := len(d.Mount); end <= len(parent); end++ {
		if end == len(parent) || parent[end] == '/' {
			handDown(parent[:end], lacks, reasons)
		}
	}
	lacks, err = lacking(parent, must)
	if err != nil || len(lacks) == 0 {
		return err
	}
	if reasons[lacks[0]] != nil {
		err = reasons[lacks[0]]
	} else {
		err = ErrNoController
	}
	return fmt.Errorf("enable controller %s for %s: %w", lacks[0], d.path, err)
}

// lacking returns the controllers that a group does not hand down.
func lacking(group string, controllers []string) ([]string, error) {
	if len(controllers) == 0 {
		return nil, nil
	}
	text, err := readKnob(group, "cgroup.subtree_control")
	if err != nil {
		return nil, err
	}
	var lacks []string
	for _, c := range controllers {
		if !hasItem(text, c, " ") {
			lacks = append(lacks, c)
		}
	}
	return lacks, nil
}

// handDown enables controllers in one group, each by itself if together
// they are refused, and notes why one was refused first.
func handDown(group string, controllers []string, reasons map[string]error) {
	lacks, err := lacking(group, controllers)
	if err != nil || len(lacks) == 0 {
		return
	}
	if writeFile(group, "cgroup.subtree_control", "+"+strings.Join(lacks, " +")) == nil {
		return
	}
	for _, c := range lacks {
		err := writeFile(group, "cgroup.subtree_control", "+"+c)
		if errors.Is(err, unix.EBUSY) {
			err = fmt.Errorf("%w (%s has processes of its own)", err, group)
		}
		if err != nil && reasons[c] == nil {
			reasons[c] = fmt.Errorf("%s: %w", group, err)
		}
	}
}

// threaded are the controllers that work in a threaded group
// (cgroup-v2.rst, "Threads").
var threaded = [...]string{"cpu", "cpuset", "pids", "perf_event"}

// settleType makes a group usable that was made below a threaded one.
func (d *dir) settleType(must []string) error {
	kind, err := readKnob(d.path, "cgroup.type")
	if err != nil || kind == "domain" {
		return err
	}
	if kind == "domain threaded" && len(must) == 0 {
		return nil
	}
	for _, c := range must {
		if len(intersect([]string{c}, threaded[:])) == 0 {
			return fmt.Errorf("cannot enter cgroupv2 %q with domain controllers (%s): it is in %s mode", d.path, c, kind)
		}
	}
	if kind == "domain invalid" {
		return writeFile(d.path, "cgroup.type", "threaded")
	}
	return nil
}
