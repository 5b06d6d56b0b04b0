package compile

import (
	"strings"

	"golang.org/x/sys/unix"
)

// mountOptions is the meaning of a mount's option list.
type mountOptions struct {
	// set and clear are MOUNT_ATTR_* bits for the mount, recSet and recClear
	// for it and all below it.
	set, clear, recSet, recClear uint64
	// bind and recursive: bind, rbind.
	bind, recursive, remount bool
	// propagations are applied in order; recursive ones have MS_REC.
	propagations []uint64
	// flags are superblock flags by their fsconfig name.
	flags []string
	// data are the file system's own options.
	data []string
	// copyUp is tmpcopyup; idmap and ridmap ask for an id-mapped mount.
	copyUp, idmap, ridmap bool
}

const atime = unix.MOUNT_ATTR__ATIME

// attr is an option that sets or clears attributes of the mount.
type attr struct {
	name       string
	set, clear uint64
}

// attrs are the options with an r variant, in the words of mount(8) and runc.
var attrs = [...]attr{
	{"ro", unix.MOUNT_ATTR_RDONLY, 0}, {"rw", 0, unix.MOUNT_ATTR_RDONLY},
	{"nosuid", unix.MOUNT_ATTR_NOSUID, 0}, {"suid", 0, unix.MOUNT_ATTR_NOSUID},
	{"nodev", unix.MOUNT_ATTR_NODEV, 0}, {"dev", 0, unix.MOUNT_ATTR_NODEV},
	{"noexec", unix.MOUNT_ATTR_NOEXEC, 0}, {"exec", 0, unix.MOUNT_ATTR_NOEXEC},
	{"nosymfollow", unix.MOUNT_ATTR_NOSYMFOLLOW, 0}, {"symfollow", 0, unix.MOUNT_ATTR_NOSYMFOLLOW},
	{"nodiratime", unix.MOUNT_ATTR_NODIRATIME, 0}, {"diratime", 0, unix.MOUNT_ATTR_NODIRATIME},
	{"noatime", unix.MOUNT_ATTR_NOATIME, atime}, {"atime", 0, atime},
	{"strictatime", unix.MOUNT_ATTR_STRICTATIME, atime}, {"nostrictatime", 0, atime},
	{"relatime", unix.MOUNT_ATTR_RELATIME, atime}, {"norelatime", 0, atime},
}

var propagations = [...]struct {
	name string
	flag uint64
}{
	{"private", unix.MS_PRIVATE}, {"shared", unix.MS_SHARED}, {"slave", unix.MS_SLAVE}, {"unbindable", unix.MS_UNBINDABLE},
}

// superblock are the options of the file system that fsconfig knows as flags,
// with those that undo them.
var superblock = [...]string{"sync", "dirsync", "mand", "lazytime"}

// ignored options say what is so anyway, or what the kernel has no word for any
// more.
var ignored = [...]string{
	"defaults", "async", "nomand", "nolazytime", "silent", "loud", "iversion", "noiversion", "acl", "noacl",
}

func parseOptions(options []string) (o mountOptions) {
	for _, opt := range options {
		if !o.keyword(opt) && !o.attribute(opt) && !o.propagation(opt) {
			if opt != "" {
				o.data = append(o.data, opt)
			}
		}
	}
	return o
}

func (o *mountOptions) keyword(opt string) bool {
	switch opt {
	case "bind":
		o.bind = true
	case "rbind":
		o.bind, o.recursive = true, true
	case "remount":
		o.remount = true
	case "tmpcopyup":
		o.copyUp = true
	case "idmap":
		o.idmap = true
	case "ridmap":
		o.idmap, o.ridmap = true, true
	default:
		for _, s := range superblock {
			if s == opt {
				o.flags = append(o.flags, opt)
				return true
			}
		}
		for _, s := range ignored {
			if s == opt {
				return true
			}
		}
		return false
	}
	return true
}

func (o *mountOptions) attribute(opt string) bool {
	for _, a := range attrs {
		switch opt {
		case a.name:
			o.set = o.set&^a.clear&^atimeOf(a) | a.set
			o.clear = o.clear&^a.set | a.clear
			return true
		case "r" + a.name:
			o.recSet = o.recSet&^a.clear&^atimeOf(a) | a.set
			o.recClear = o.recClear&^a.set | a.clear
			return true
		}
	}
	return false
}

// atimeOf is the whole atime field if a is one of its values: they replace each
// other.
func atimeOf(a attr) uint64 { return a.clear & atime }

func (o *mountOptions) propagation(opt string) bool {
	for _, p := range propagations {
		switch opt {
		case p.name:
			o.propagations = append(o.propagations, p.flag)
			return true
		case "r" + p.name:
			o.propagations = append(o.propagations, p.flag|unix.MS_REC)
			return true
		}
	}
	return false
}

// labelled reports whether the options give the file system an SELinux label.
func (o *mountOptions) labelled() bool {
	for _, d := range o.data {
		if strings.HasPrefix(d, "context=") {
			return true
		}
	}
	return false
}

// MountOptions lists every option that has a meaning of its own, for features.
func MountOptions() (names []string) {
	names = append(names, "bind", "rbind", "remount", "tmpcopyup", "idmap", "ridmap")
	names = append(names, superblock[:]...)
	names = append(names, ignored[:]...)
	for _, a := range attrs {
		names = append(names, a.name, "r"+a.name)
	}
	for _, p := range propagations {
		names = append(names, p.name, "r"+p.name)
	}
	return names
}

// clean is path as an absolute path without dots: mount destinations may be
// relative (runtime-spec 1.2) and are taken from the root.
func clean(path string) string {
	var parts []string
	for _, p := range strings.Split(path, "/") {
		switch p {
		case "", ".":
		case "..":
			if len(parts) > 0 {
				parts = parts[:len(parts)-1]
			}
		default:
			parts = append(parts, p)
		}
	}
	return "/" + strings.Join(parts, "/")
}
