package libct

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/checkpoint"
	"rt/libct/compile"
)

// TestOwnThread: what a thread changes stays with it, and it ends.
func TestOwnThread(t *testing.T) {
	mine := errors.New("mine")
	for range 20 {
		tid := 0
		err := ownThread(func() error {
			tid = unix.Gettid()
			return mine
		})
		if err != mine || tid == unix.Getpid() || tid == 0 {
			t.Fatalf("thread %d of %d: %v", tid, unix.Getpid(), err)
		}
		if unix.Geteuid() == 0 {
			before, _ := os.Readlink("/proc/self/ns/uts")
			if err := ownThread(func() error { return unix.Unshare(unix.CLONE_NEWUTS) }); err != nil {
				t.Fatal(err)
			}
			if after, _ := os.Readlink("/proc/self/ns/uts"); after != before {
				t.Fatalf("the process moved from %s to %s", before, after)
			}
		}
	}
}

func TestCgroupRoots(t *testing.T) {
	got := cgroupRoots("4:cpu,cpuacct:/a:b\n1:name=systemd:/s\n0::/u\nnonsense\n")
	want := []checkpoint.CgroupRoot{
		{Controllers: "cpu", Path: "/a:b"}, {Controllers: "cpuacct", Path: "/a:b"}, {Controllers: "name=systemd", Path: "/s"}, {Path: "/u"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestOnFilesystem(t *testing.T) {
	mounts := []specs.Mount{
		{Destination: "/dev", Type: "tmpfs"}, {Destination: "/data/", Type: "bind", Options: []string{"bind"}}, {Destination: "sys", Type: "sysfs"},
	}
	for dest, want := range map[string]bool{
		"/dev": false, "/dev/": false, "/dev/pts": true, "/device": false, "/data/sub": false, "/sys/fs/cgroup": true, "/": false, "/dev/../etc": false,
	} {
		if got := onFilesystem(dest, mounts); got != want {
			t.Errorf("%s: %v", dest, got)
		}
	}
}

func TestOutsideMounts(t *testing.T) {
	s := &specs.Spec{
		Mounts: []specs.Mount{
			{Destination: "/proc", Type: "proc"}, {Destination: "/a", Source: "/src", Options: []string{"rbind"}}, {Destination: "/sys/fs/cgroup", Type: "cgroup"},
		},
		Linux: &specs.Linux{MaskedPaths: []string{"/proc/keys"}, Devices: []specs.LinuxDevice{{Path: "/dev/fuse"}}},
	}
	text := func(groups []compile.Hierarchy) string {
		var b strings.Builder
		for _, m := range outsideMounts(s, groups) {
			if m.dest != m.source {
				fmt.Fprintf(&b, "%s=%s ", m.dest, m.source)
			}
		}
		return b.String()
	}
	if got := text([]compile.Hierarchy{{Dir: "/sys/fs/cgroup/c", V2: true}}); got != "/a=/src /sys/fs/cgroup=/sys/fs/cgroup/c /proc/keys=/dev/null " {
		t.Error(got)
	}
	hybrid := []compile.Hierarchy{{Name: "memory", Dir: "/cg/memory/c"}, {Name: "unified", Dir: "/cg/unified/c", V2: true}}
	if got := text(hybrid); got != "/a=/src /sys/fs/cgroup/memory=/cg/memory/c /sys/fs/cgroup/unified=/cg/unified/c /proc/keys=/dev/null " {
		t.Error(got)
	}
}

// TestPointIn: a mount point is named with links resolved inside the root.
func TestPointIn(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "real/conf"), 0o755); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"conf": "/real/conf", "up": "../../../real", "loop": "loop"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "real/file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	root := openPath(t, dir)
	for dest, want := range map[string]string{
		"/conf": "/real/conf true", "conf/": "/real/conf true", "/up/file": "/real/file false", "/": "/ true",
		"/none/./x": "/none/x false", "/loop": "/loop false",
	} {
		point, directory, err := pointIn(root, dest)
		if got := fmt.Sprint(point, " ", directory); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", dest, got, err, want)
		}
	}
}

// TestMakeIn: what is missing of a path is made inside the root, whatever links
// say.
func TestMakeIn(t *testing.T) {
	outer := t.TempDir()
	dir := filepath.Join(outer, "root")
	if err := os.MkdirAll(filepath.Join(dir, "run"), 0o755); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"var": "/../../made", "etc": "../../../run/etc", "run/dangling": "/new/file"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	root := openPath(t, dir)
	for dest, want := range map[string]string{"/var/lib/x": "made/lib/x", "etc/y": "run/etc/y", "/a/b/c": "a/b/c", "/run/dangling": "new/file"} {
		fd, err := makeIn(root, dest, dest != "/run/dangling")
		if err != nil {
			t.Errorf("%s: %v", dest, err)
			continue
		}
		got, err := pathOf(fd)
		unix.Close(fd)
		if err != nil || got != filepath.Join(dir, want) {
			t.Errorf("%s: got %s, %v", dest, got, err)
		}
	}
	names, err := os.ReadDir(outer)
	if err != nil || len(names) != 1 {
		t.Errorf("outside the root: %v, %v", names, err)
	}
}

func openPath(t *testing.T, path string) int {
	t.Helper()
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}
