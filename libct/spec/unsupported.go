package spec

import (
	"errors"
	"fmt"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Unsupported refuses, with an error that is errors.ErrUnsupported, what this
// runtime cannot do and what a container must not silently go without: a
// confinement, a virtual machine, another system. An AppArmor profile that is
// unconfined asks for nothing.
func Unsupported(s *specs.Spec) error {
	if p := s.Process; p != nil {
		if err := UnsupportedProcess(p); err != nil {
			return err
		}
	}
	if l := s.Linux; l != nil {
		switch {
		case l.MountLabel != "":
			return unsupported("linux.mountLabel", "SELinux is not supported yet")
		case l.IntelRdt != nil:
			return unsupported("linux.intelRdt", "Intel RDT is not supported yet")
		}
	}
	if s.VM != nil {
		return unsupported("vm", "not supported on Linux")
	}
	if s.Linux != nil {
		return nil // a file for several systems; ours is among them
	}
	switch {
	case s.Windows != nil:
		return unsupported("windows", "not supported on Linux")
	case s.Solaris != nil:
		return unsupported("solaris", "not supported on Linux")
	case s.ZOS != nil:
		return unsupported("zos", "not supported on Linux")
	case s.FreeBSD != nil:
		return unsupported("freebsd", "not supported on Linux")
	}
	return nil
}

// UnsupportedProcess is Unsupported for a process alone, as exec --process
// gives it.
func UnsupportedProcess(p *specs.Process) error {
	switch {
	case p.ApparmorProfile != "" && p.ApparmorProfile != "unconfined":
		return unsupported("process.apparmorProfile", "AppArmor is not supported yet")
	case p.SelinuxLabel != "":
		return unsupported("process.selinuxLabel", "SELinux is not supported yet")
	}
	return nil
}

// unsupportedError is an error's text that is also errors.ErrUnsupported.
type unsupportedError struct{ text string }

func (e *unsupportedError) Error() string { return e.text }

func (e *unsupportedError) Is(target error) bool { return target == errors.ErrUnsupported }

func unsupported(field, why string) error {
	return &unsupportedError{fmt.Sprintf("%s: %s", field, why)}
}
