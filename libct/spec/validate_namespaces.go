package spec

import (
	"errors"
	"fmt"
	"math"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// namespaceOf is the entry of a type, or nil.
func namespaceOf(l *specs.Linux, kind specs.LinuxNamespaceType) *specs.LinuxNamespace {
	if l == nil {
		return nil
	}
	for i := range l.Namespaces {
		if l.Namespaces[i].Type == kind {
			return &l.Namespaces[i]
		}
	}
	return nil
}

// has says whether the container has a namespace of that type, new or joined.
func has(l *specs.Linux, kind specs.LinuxNamespaceType) bool { return namespaceOf(l, kind) != nil }

// hasNew says whether a new namespace of that type is made.
func hasNew(l *specs.Linux, kind specs.LinuxNamespaceType) bool {
	ns := namespaceOf(l, kind)
	return ns != nil && ns.Path == ""
}

func validateNamespaces(l *specs.Linux) error {
	seen := map[specs.LinuxNamespaceType]bool{}
	err := each("linux.namespaces", l.Namespaces, func(ns *specs.LinuxNamespace) error {
		switch ns.Type {
		case specs.PIDNamespace, specs.NetworkNamespace, specs.MountNamespace, specs.IPCNamespace,
			specs.UTSNamespace, specs.UserNamespace, specs.CgroupNamespace, specs.TimeNamespace:
		default:
			return fmt.Errorf(".type: unknown namespace %s", quote(string(ns.Type)))
		}
		if seen[ns.Type] {
			return fmt.Errorf(".type: %s is there twice", ns.Type)
		}
		seen[ns.Type] = true
		if ns.Path == "" {
			return nil
		}
		return absolute(".path", ns.Path)
	})
	if err != nil {
		return err
	}
	if err := validateUserNamespace(l); err != nil {
		return err
	}
	return validateTimeOffsets(l)
}

// validateUserNamespace wants mappings exactly when a user namespace is there:
// without one they would be passed over and the container's root be the
// host's. Managers write the mappings of a namespace that they join, too;
// whether those are its real ones only the host can tell.
func validateUserNamespace(l *specs.Linux) error {
	uids, gids := l.UIDMappings, l.GIDMappings
	if !has(l, specs.UserNamespace) {
		if len(uids) > 0 {
			return errors.New("linux.uidMappings: needs a user namespace")
		}
		if len(gids) > 0 {
			return errors.New("linux.gidMappings: needs a user namespace")
		}
		return nil
	}
	if err := validateIDMappings("linux.uidMappings", uids); err != nil {
		return err
	}
	if err := validateIDMappings("linux.gidMappings", gids); err != nil {
		return err
	}
	if !hasNew(l, specs.UserNamespace) {
		return nil
	}
	for _, f := range [...]struct {
		field string
		maps  []specs.LinuxIDMapping
	}{{"linux.uidMappings", uids}, {"linux.gidMappings", gids}} {
		if len(f.maps) == 0 {
			return fmt.Errorf("%s: must not be empty for a new user namespace", f.field)
		}
		if !isMapped(f.maps, 0) {
			return fmt.Errorf("%s: the container's 0 is not mapped", f.field)
		}
	}
	return nil
}

// maxMappings is the kernel's UID_GID_MAP_MAX_EXTENTS.
const maxMappings = 340

// validateIDMappings refuses what writing /proc/PID/uid_map would refuse:
// user_namespaces(7).
func validateIDMappings(field string, maps []specs.LinuxIDMapping) error {
	if len(maps) > maxMappings {
		return fmt.Errorf("%s: more than %d mappings", field, maxMappings)
	}
	for i, m := range maps {
		switch {
		case m.Size == 0:
			return fmt.Errorf("%s[%d].size: must not be 0", field, i)
		case uint64(m.ContainerID)+uint64(m.Size) > math.MaxUint32:
			return fmt.Errorf("%s[%d].containerID: runs past the last id", field, i)
		case uint64(m.HostID)+uint64(m.Size) > math.MaxUint32:
			return fmt.Errorf("%s[%d].hostID: runs past the last id", field, i)
		}
		for j, o := range maps[:i] {
			if overlap(m.ContainerID, m.Size, o.ContainerID, o.Size) || overlap(m.HostID, m.Size, o.HostID, o.Size) {
				return fmt.Errorf("%s[%d]: overlaps with mapping %d", field, i, j)
			}
		}
	}
	return nil
}

// overlap says whether two ranges that do not wrap have a common id.
func overlap(a, aSize, b, bSize uint32) bool { return a < b+bSize && b < a+aSize }

func isMapped(maps []specs.LinuxIDMapping, id uint32) bool {
	for _, m := range maps {
		if id >= m.ContainerID && id-m.ContainerID < m.Size {
			return true
		}
	}
	return false
}

// validateIDsMapped wants the process's ids to exist in its new user
// namespace, else setresuid(2) fails late and says EINVAL.
func validateIDsMapped(s *specs.Spec) error {
	if !hasNew(s.Linux, specs.UserNamespace) {
		return nil
	}
	u := &s.Process.User
	if !isMapped(s.Linux.UIDMappings, u.UID) {
		return fmt.Errorf("process.user.uid: %d is not mapped in the user namespace", u.UID)
	}
	if !isMapped(s.Linux.GIDMappings, u.GID) {
		return fmt.Errorf("process.user.gid: %d is not mapped in the user namespace", u.GID)
	}
	for i, gid := range u.AdditionalGids {
		if !isMapped(s.Linux.GIDMappings, gid) {
			return fmt.Errorf("process.user.additionalGids[%d]: %d is not mapped in the user namespace", i, gid)
		}
	}
	return nil
}

// validateTimeOffsets: time_namespaces(7). Offsets can be set only before the
// first process is in the namespace.
func validateTimeOffsets(l *specs.Linux) error {
	if len(l.TimeOffsets) > 0 && !hasNew(l, specs.TimeNamespace) {
		return errors.New("linux.timeOffsets: needs a new time namespace")
	}
	return eachKey("linux.timeOffsets", l.TimeOffsets, func(clock string, t specs.LinuxTimeOffset) error {
		if clock != "monotonic" && clock != "boottime" {
			return errors.New(": unknown clock, want monotonic or boottime")
		}
		return between(".nanosecs", int64(t.Nanosecs), 0, 999_999_999)
	})
}
