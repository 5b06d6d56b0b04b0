package spec

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func validateMounts(s *specs.Spec) error {
	return ValidateMounts(s.Mounts, has(s.Linux, specs.UserNamespace))
}

// ValidateMounts is what Validate does for config.json's mounts; userns tells
// whether the container has a user namespace of its own.
func ValidateMounts(mounts []specs.Mount, userns bool) error {
	return each("mounts", mounts, func(m *specs.Mount) error {
		if err := validateMountText(m); err != nil {
			return err
		}
		if err := validateBind(m); err != nil {
			return err
		}
		return validateIDMap(m, userns)
	})
}

// validateMountText takes a relative destination, from / (runtime-spec 1.2).
func validateMountText(m *specs.Mount) error {
	if m.Destination == "" {
		return errors.New(".destination: must not be empty")
	}
	if path.Clean("/"+m.Destination) == "/" && !slices.Contains(m.Options, "remount") {
		return errors.New(".destination: must not be /, which is the root file system itself")
	}
	for _, f := range [...]struct{ field, text string }{
		{".destination", m.Destination}, {".type", m.Type}, {".source", m.Source},
	} {
		if err := noNUL(f.field, f.text); err != nil {
			return err
		}
	}
	return noNULs(".options", m.Options)
}

// validateBind refuses options for a file system on a bind mount: the kernel
// would pass over them in silence.
func validateBind(m *specs.Mount) error {
	if !isBind(m) {
		return nil
	}
	if m.Source == "" {
		return errors.New(".source: a bind mount needs one")
	}
	for i, o := range m.Options {
		if !IsMountOption(o) {
			return fmt.Errorf(".options[%d]: a bind mount cannot have the file system's option %s", i, quote(o))
		}
	}
	return nil
}

func isBind(m *specs.Mount) bool {
	for _, o := range m.Options {
		if o == "bind" || o == "rbind" {
			return true
		}
	}
	return false
}

// validateIDMap: runtime-spec config.md#posix-platform-mounts. Without
// mappings of its own, idmap takes those of the container's user namespace.
func validateIDMap(m *specs.Mount, userns bool) error {
	option, own := false, false
	for _, o := range m.Options {
		name, _, hasValue := strings.Cut(o, "=")
		if name == "idmap" || name == "ridmap" {
			option, own = true, own || hasValue
		}
	}
	uids, gids := len(m.UIDMappings) > 0, len(m.GIDMappings) > 0
	switch {
	case !option && !uids && !gids:
		return nil
	case !isBind(m):
		return errors.New(": id mappings are possible for bind mounts only")
	case uids && !gids:
		return errors.New(".gidMappings: must not be empty when uidMappings is there")
	case gids && !uids:
		return errors.New(".uidMappings: must not be empty when gidMappings is there")
	case !uids && !userns && !own:
		return errors.New(".uidMappings: idmap needs mappings, or a user namespace to take them from")
	}
	if err := validateIDMappings(".uidMappings", m.UIDMappings); err != nil {
		return err
	}
	return validateIDMappings(".gidMappings", m.GIDMappings)
}

// IsMountOption says whether an option is about the mount and not one that is
// handed to the file system: mount(8)'s flags, their recursive forms, the
// propagation types, and tmpcopyup, idmap and crun's copy-symlink family.
func IsMountOption(o string) bool {
	switch o {
	case "async", "atime", "bind", "defaults", "dev", "diratime", "dirsync", "exec", "iversion",
		"lazytime", "loud", "mand", "noatime", "nodev", "nodiratime", "noexec", "noiversion",
		"nolazytime", "nomand", "norelatime", "nostrictatime", "nosuid", "nosymfollow", "rbind",
		"relatime", "remount", "ro", "rw", "silent", "strictatime", "suid", "sync", "symfollow",
		"rasync", "rdirsync", "rmand", "rsync",
		"rro", "rrw", "rnosuid", "rsuid", "rnodev", "rdev", "rnoexec", "rexec", "rnodiratime",
		"rdiratime", "rrelatime", "rnorelatime", "rnoatime", "ratime", "rstrictatime",
		"rnostrictatime", "rnosymfollow", "rsymfollow",
		"tmpcopyup", "idmap", "ridmap", "copy-symlink", "src-nofollow", "dest-nofollow":
		return true
	}
	return IsPropagation(o) || strings.HasPrefix(o, "idmap=") || strings.HasPrefix(o, "ridmap=")
}

// IsPropagation says whether s is one of the propagation types of
// mount_namespaces(7), plain or recursive.
func IsPropagation(s string) bool {
	switch s {
	case "private", "rprivate", "slave", "rslave", "shared", "rshared", "unbindable", "runbindable":
		return true
	}
	return false
}
