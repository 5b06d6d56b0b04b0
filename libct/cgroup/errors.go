package cgroup

import (
	"fmt"
	"strings"
)

// Error is a reason that callers can compare with errors.Is.
type Error string

func (e Error) Error() string { return string(e) }

// Reasons for which New and Create refuse a group.
const (
	// ErrFrozen: the cgroup exists already and is frozen; a process placed
	// in it would never run.
	ErrFrozen Error = "container's cgroup unexpectedly frozen"
	// ErrNoHierarchy: neither a v1 nor a v2 hierarchy is mounted.
	ErrNoHierarchy Error = "no cgroup hierarchy is mounted"
)

// Reasons for which Apply refuses a limit.
const (
	// ErrV1Unified: linux.resources.unified needs cgroup v2
	// (runtime-spec config-linux.md#unified).
	ErrV1Unified Error = "invalid configuration: cannot use unified on cgroup v1"
	// ErrNotInV2: the limit has no counterpart in cgroup v2.
	ErrNotInV2 Error = "not supported by cgroup v2"
	// ErrNoController: the kernel, the host or the parent cgroup does not
	// offer the controller.
	ErrNoController Error = "controller is not available"
)

// ErrTimeout says that a state was not reached before the deadline: frozen,
// empty or removed.
const ErrTimeout Error = "timed out"

// NotEmptyError is returned by Create for a cgroup that is already in use.
type NotEmptyError struct {
	// Path is the directory, Procs the number of processes in and below it.
	Path  string
	Procs int
}

func (e *NotEmptyError) Error() string {
	return fmt.Sprintf("container's cgroup is not empty: %d process(es) found in %s", e.Procs, e.Path)
}

// writeError names the file, the value and the reason.
func writeError(file, value string, err error) error {
	return fmt.Errorf("write %s %q: %w", file, strings.TrimSuffix(value, "\n"), err)
}

// pathError names the operation, the object and the reason.
func pathError(op, path string, err error) error {
	return fmt.Errorf("%s %s: %w", op, path, err)
}
