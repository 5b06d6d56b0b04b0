package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// The bundles, by the names of their directories.
const (
	trueBundle    = "true"
	sleepBundle   = "sleep"
	seccompBundle = "seccomp"
	memoryBundle  = "memory"
	// bothBundle sleeps under the seccomp profile.
	bothBundle = "both"
)

// profilePath is Debian's copy of Docker's default profile.
const profilePath = "/usr/share/containers/seccomp.json"

// makeBundles makes bundles that share a rootfs of busybox: rt spec's template
// with other programs.
func makeBundles(dir, rt string) error {
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return err
	}
	program, err := os.ReadFile(busybox)
	if err != nil {
		return err
	}
	rootfs := filepath.Join(dir, "rootfs")
	for _, sub := range []string{"bin", "dev", "proc", "sys"} {
		if err := os.MkdirAll(filepath.Join(rootfs, sub), 0o755); err != nil {
			return err
		}
	}
	for _, name := range []string{"true", "sleep"} {
		if err := os.WriteFile(filepath.Join(rootfs, "bin", name), program, 0o755); err != nil {
			return err
		}
	}
	if out, err := exec.Command(rt, "spec", "--bundle", dir).CombinedOutput(); err != nil {
		return fmt.Errorf("%s spec: %w: %s", rt, err, out)
	}
	for _, name := range []string{trueBundle, sleepBundle, memoryBundle} {
		if err := writeBundle(dir, name, func(*specs.Spec) {}); err != nil {
			return err
		}
	}
	profile, err := seccomp()
	if err != nil {
		return nil //nolint:nilerr // another distribution: this series is left out
	}
	if err := writeBundle(dir, seccompBundle, func(s *specs.Spec) { s.Linux.Seccomp = profile }); err != nil {
		return err
	}
	return writeBundle(dir, bothBundle, func(s *specs.Spec) {
		s.Linux.Seccomp = profile
		s.Process.Args = []string{"/bin/sleep", "1000"}
	})
}

func writeBundle(dir, name string, change func(*specs.Spec)) error {
	var s specs.Spec
	if err := readJSON(filepath.Join(dir, "config.json"), &s); err != nil {
		return err
	}
	// Older, as crun refuses versions that it does not know.
	s.Version = "1.0.2"
	s.Root.Path = filepath.Join(dir, "rootfs")
	s.Process.Terminal = false
	s.Process.Args = []string{"/bin/true"}
	if name == sleepBundle {
		s.Process.Args = []string{"/bin/sleep", "1000"}
	}
	change(&s)
	text, err := json.Marshal(&s)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name, "config.json"), text, 0o644)
}

func readJSON(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func hasSeccomp(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, seccompBundle))
	return err == nil
}

// docker is Docker's format of a profile: rules with conditions, which the
// engine resolves.
type docker struct {
	DefaultAction   specs.LinuxSeccompAction
	DefaultErrnoRet *uint
	ArchMap         []struct {
		Architecture     specs.Arch
		SubArchitectures []specs.Arch
	}
	Syscalls []struct {
		specs.LinuxSyscall
		Includes, Excludes condition
	}
}

type condition struct{ Caps, Arches []string }

// seccomp is the profile as it applies to the capabilities of rt spec, none of
// which is in a condition.
func seccomp() (*specs.LinuxSeccomp, error) {
	var d docker
	if err := readJSON(profilePath, &d); err != nil {
		return nil, err
	}
	arch := map[string]specs.Arch{"amd64": specs.ArchX86_64, "arm64": specs.ArchAARCH64}[runtime.GOARCH]
	out := &specs.LinuxSeccomp{DefaultAction: d.DefaultAction, DefaultErrnoRet: d.DefaultErrnoRet}
	for _, a := range d.ArchMap {
		if a.Architecture == arch {
			out.Architectures = append([]specs.Arch{arch}, a.SubArchitectures...)
		}
	}
	for _, rule := range d.Syscalls {
		in, not := rule.Includes, rule.Excludes
		if len(in.Caps) > 0 || len(in.Arches) > 0 && !slices.Contains(in.Arches, runtime.GOARCH) || slices.Contains(not.Arches, runtime.GOARCH) {
			continue
		}
		out.Syscalls = append(out.Syscalls, rule.LinuxSyscall)
	}
	return out, nil
}
