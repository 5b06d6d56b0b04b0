package spec

import (
	"errors"
	"fmt"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Unsupported refuses, with an error that is errors.ErrUnsupported, what this
// runtime cannot do and what a container must not silently go without: a
// confinement, a virtual machine, another system.
func Unsupported(s *specs.Spec) error {
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

// unsupportedError is an error's text that is also errors.ErrUnsupported.
type unsupportedError struct{ text string }

func (e *unsupportedError) Error() string { return e.text }

func (e *unsupportedError) Is(target error) bool { return target == errors.ErrUnsupported }

func unsupported(field, why string) error {
	return &unsupportedError{fmt.Sprintf("%s: %s", field, why)}
}
