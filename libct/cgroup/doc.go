// Package cgroup makes, limits, freezes, kills and removes the control
// groups of a container, on cgroup v1, v2 and hybrid hosts (the cgroupfs
// driver), by writing the kernel's files itself.
//
// It imports only the standard library, golang.org/x/sys/unix and specs-go.
// It must never log, never signal a process that it has not just seen inside
// the group, never remove a directory outside the group, and never change a
// group of the host except to enable a controller that was asked for.
package cgroup
