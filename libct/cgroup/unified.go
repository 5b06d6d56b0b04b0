package cgroup

import (
	"fmt"
	"slices"
	"strings"
)

// applyUnified writes files of the v2 group by name, a line at a time
// (runtime-spec config-linux.md#unified), in the order of their names. On a
// hybrid host that works for the controllers v2 has.
func (g *Group) applyUnified(files map[string]string) error {
	if len(files) == 0 {
		return nil
	}
	d := g.v2()
	if d == nil {
		return fmt.Errorf("cannot set unified limit: container could not join or create cgroup")
	}
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if controller, _, _ := strings.Cut(name, "."); g.find(controller) != nil {
			return fmt.Errorf("%w, as %s is here", ErrV1Unified, controller)
		}
		if err := d.applyUnifiedFile(name, files[name]); err != nil {
			return err
		}
	}
	return nil
}

func (d *dir) applyUnifiedFile(name, value string) error {
	controller, _, ok := strings.Cut(name, ".")
	switch {
	case strings.Contains(name, "/"):
		return fmt.Errorf("unified resource %q must be a file name (no slashes)", name)
	case !ok || controller == "":
		return fmt.Errorf("unified resource %q must be in the form CONTROLLER.PARAMETER", name)
	case moves(name):
		return fmt.Errorf("unified resource %q is not a limit", name)
	case controller != "cgroup" && !d.has(controller):
		return fmt.Errorf("unified resource %q can't be set: controller %q not available", name, controller)
	}
	if controller != "cgroup" {
		d.late(controller)
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(value, "\n"), "\n") {
		if err := writeFile(d.path, name, line); err != nil {
			return fmt.Errorf("unable to set unified resource %q: %w", name, err)
		}
	}
	return nil
}

// moves names the files that act on processes, also on the host's own, and
// not on the group.
func moves(name string) bool {
	switch name {
	case "cgroup.procs", "cgroup.threads", "cgroup.kill", "cgroup.freeze":
		return true
	}
	return false
}
