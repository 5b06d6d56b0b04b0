package spec

import (
	"errors"
	"fmt"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// SysctlPath is a sysctl's path below /proc/sys. The name has the form of
// sysctl(8): its first separator, a dot or a slash, is the separator, and the
// other stands for itself (net/ipv4/conf/eno2.100/rp_filter is
// net.ipv4.conf.eno2/100.rp_filter).
func SysctlPath(name string) string {
	i := strings.IndexAny(name, "./")
	if i < 0 || name[i] == '/' {
		return name
	}
	return strings.Map(func(c rune) rune {
		switch c {
		case '.':
			return '/'
		case '/':
			return '.'
		}
		return c
	}, name)
}

// validateSysctl lets through only what belongs to a namespace of the
// container; everything else in /proc/sys is the host's.
func validateSysctl(l *specs.Linux) error {
	seen := map[string]bool{}
	return eachKey("linux.sysctl", l.Sysctl, func(name, value string) error {
		path := SysctlPath(name)
		if !isSysctlPath(path) {
			return errors.New(": not a sysctl's name")
		}
		if seen[path] {
			return errors.New(": is there twice, with dots and with slashes")
		}
		seen[path] = true
		if strings.ContainsAny(value, "\x00\n") {
			return errors.New(": the value must be one line")
		}
		return validateSysctlScope(l, path)
	})
}

// isSysctlPath wants two or more plain elements, none of them a way up.
func isSysctlPath(path string) bool {
	if !strings.Contains(path, "/") {
		return false
	}
	for e := range strings.SplitSeq(path, "/") {
		if e == "" || e == "." || e == ".." || !onlyOf(e, isVisible) {
			return false
		}
	}
	return true
}

func validateSysctlScope(l *specs.Linux, path string) error {
	switch path {
	case "kernel/hostname":
		return errors.New(": use hostname instead")
	case "kernel/domainname":
		return needs(l, specs.UTSNamespace)
	case "kernel/msgmax", "kernel/msgmnb", "kernel/msgmni", "kernel/sem", "kernel/shmall",
		"kernel/shmmax", "kernel/shmmni", "kernel/shm_rmid_forced":
		return needs(l, specs.IPCNamespace)
	}
	top, rest, _ := strings.Cut(path, "/")
	switch {
	case top == "fs" && strings.HasPrefix(rest, "mqueue/"):
		return needs(l, specs.IPCNamespace)
	case top == "net":
		return needs(l, specs.NetworkNamespace)
	case top == "user":
		return needs(l, specs.UserNamespace)
	}
	return errors.New(": belongs to the whole host, not to a namespace")
}

func needs(l *specs.Linux, kind specs.LinuxNamespaceType) error {
	if has(l, kind) {
		return nil
	}
	return fmt.Errorf(": needs a private %s namespace", kind)
}
