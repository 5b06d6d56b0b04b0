// Package landlock turns annotations of config.json into what Landlock, the
// kernel's security module for unprivileged restrictions, shall keep a container
// from: opening files and using TCP ports that no rule allows.
//
// It is pure: it imports the standard library alone, makes no system call and
// never looks at a file system.
package landlock

import (
	"fmt"
	"slices"
	"strings"
)

// Prefix begins the names of the annotations. A name with it that is not one of
// those below is an error: a misspelt restriction would be none.
const Prefix = "org.rt.landlock."

// The annotations, without Prefix.
const (
	// annotABI is the least ABI that the kernel must have.
	annotABI = "abi"
	// annotScope are the kinds of processes outside that are out of reach.
	annotScope = "scope"
)

// FS are rights on files, LANDLOCK_ACCESS_FS_* of linux/landlock.h.
type FS uint64

// The rights on files.
const (
	Execute FS = 1 << iota
	WriteFile
	ReadFile
	ReadDir
	RemoveDir
	RemoveFile
	MakeChar
	MakeDir
	MakeReg
	MakeSock
	MakeFifo
	MakeBlock
	MakeSym
	Refer    // since ABI 2, Linux 5.19
	Truncate // since ABI 3, Linux 6.2
	IoctlDev // since ABI 5, Linux 6.10
)

// OnFile are the rights that a rule on a file, rather than a directory, can have.
const OnFile = Execute | WriteFile | ReadFile | Truncate | IoctlDev

// Net are rights on TCP ports, LANDLOCK_ACCESS_NET_*, since ABI 4, Linux 6.7.
type Net uint64

// The rights on TCP ports.
const (
	BindTCP Net = 1 << iota
	ConnectTCP
)

// Scope are kinds of processes outside the container's restriction that are out
// of reach, LANDLOCK_SCOPE_*, since ABI 6, Linux 6.12.
type Scope uint64

// The scopes.
const (
	AbstractUnixSocket Scope = 1 << iota
	Signal
)

// Rules are what a container asks for.
type Rules struct {
	// HandledFS, HandledNet and Scoped is what is forbidden but for the rules.
	HandledFS  FS
	HandledNet Net
	Scoped     Scope
	// Paths and Ports are the exceptions, sorted.
	Paths []Path
	Ports []Port
	// AtLeast is the ABI that the kernel must have, 0 if any will do.
	AtLeast int
}

// Path allows rights on a file, or on all that is beneath a directory.
type Path struct {
	// Name is absolute, in the container's root.
	Name string
	// Allowed are the rights.
	Allowed FS
	// Optional is set if the path need not be there.
	Optional bool
}

// Port allows rights on a TCP port.
type Port struct {
	// Number is the port; 0 means, for bind, any that the kernel chooses.
	Number uint16
	// Allowed are the rights.
	Allowed Net
}

// kinds are the annotations whose value is a list of paths.
var kinds = [...]struct {
	name string
	fs   FS
}{
	{"fs.read", ReadFile | ReadDir},
	{"fs.write", WriteFile | Truncate | Refer | RemoveDir | RemoveFile | MakeChar | MakeDir | MakeReg | MakeSock | MakeFifo | MakeBlock | MakeSym},
	{"fs.execute", Execute},
	{"fs.ioctl", IoctlDev},
}

// ports are those whose value is a list of TCP ports.
var ports = [...]struct {
	name string
	net  Net
}{{"net.bind", BindTCP}, {"net.connect", ConnectTCP}}

// scopes are the words of annotScope.
var scopes = [...]struct {
	name  string
	scope Scope
}{{"abstract_unix_socket", AbstractUnixSocket}, {"signal", Signal}}

// Annotations lists the names of all annotations, sorted.
func Annotations() []string {
	names := []string{Prefix + annotABI, Prefix + annotScope}
	for _, k := range kinds {
		names = append(names, Prefix+k.name)
	}
	for _, p := range ports {
		names = append(names, Prefix+p.name)
	}
	slices.Sort(names)
	return names
}

// Parse reads a container's annotations. It returns nil if none is of this
// family; the error names the annotation.
func Parse(annotations map[string]string) (*Rules, error) {
	var names []string
	for key := range annotations {
		if name, ours := strings.CutPrefix(key, Prefix); ours {
			names = append(names, name)
		}
	}
	if names == nil {
		return nil, nil
	}
	slices.Sort(names)
	r := &Rules{}
	for _, name := range names {
		if err := r.set(name, annotations[Prefix+name]); err != nil {
			return nil, fmt.Errorf("annotations[%q]: %w", Prefix+name, err)
		}
	}
	r.merge()
	if r.HandledFS == 0 && r.HandledNet == 0 && r.Scoped == 0 {
		return nil, fmt.Errorf("annotations[%q]: restricts nothing without others of %s*", Prefix+annotABI, Prefix)
	}
	return r, nil
}

// merge joins rules of the same path or port.
func (r *Rules) merge() {
	slices.SortStableFunc(r.Paths, func(a, b Path) int { return strings.Compare(a.Name, b.Name) })
	slices.SortStableFunc(r.Ports, func(a, b Port) int { return int(a.Number) - int(b.Number) })
	var paths []Path
	for _, p := range r.Paths {
		if n := len(paths); n > 0 && paths[n-1].Name == p.Name {
			paths[n-1].Allowed |= p.Allowed
			// Once without the mark it must be there.
			paths[n-1].Optional = paths[n-1].Optional && p.Optional
			continue
		}
		paths = append(paths, p)
	}
	var list []Port
	for _, p := range r.Ports {
		if n := len(list); n > 0 && list[n-1].Number == p.Number {
			list[n-1].Allowed |= p.Allowed
			continue
		}
		list = append(list, p)
	}
	r.Paths, r.Ports = paths, list
}
