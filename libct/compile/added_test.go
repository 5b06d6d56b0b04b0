package compile

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/plan"
)

// TestAddMounts: sources are looked for before the container's mount namespace
// is entered, targets after it and inside its root.
func TestAddMounts(t *testing.T) {
	s := &specs.Spec{Mounts: []specs.Mount{
		{Destination: "/a/b", Source: "/src", Options: []string{"rbind", "rro"}},
		{Destination: "t", Type: "tmpfs", Source: "x", Options: []string{"size=1k"}},
		{Destination: "/p", Type: "proc"},
	}}
	for _, rootless := range []bool{false, true} {
		for _, namespaces := range []uint64{unix.CLONE_NEWNS, unix.CLONE_NEWNS | unix.CLONE_NEWPID, unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUSER} {
			p, err := AddMounts(Input{Spec: s, Rootless: rootless}, namespaces)
			if err != nil {
				t.Fatal(err)
			}
			enter := find(p, func(o *plan.Op) bool { return o.Call.Name == "setns" && o.Args[1].N == unix.CLONE_NEWNS })
			if len(enter) != 1 {
				t.Fatalf("enters the mount namespace %d times:\n%s", len(enter), p)
			}
			for i, o := range p.Ops {
				inside := i > enter[0]
				switch o.Call.Name {
				case "open_tree", "fsopen", "fsmount":
					if inside {
						t.Errorf("op %d %s after the mount namespace is entered", i, o.Call.Name)
					}
				case "openat2":
					if !inside || !strings.Contains(p.Line(i), "RESOLVE_IN_ROOT") {
						t.Errorf("op %d is not inside the root: %s", i, p.Line(i))
					}
				}
			}
			if n := len(find(p, called("move_mount"))); n != len(s.Mounts) {
				t.Errorf("%d mounts attached, want %d", n, len(s.Mounts))
			}
		}
	}
}

// TestRemoveMounts: the last component is never followed, and the rest stays
// inside the root.
func TestRemoveMounts(t *testing.T) {
	p, err := RemoveMounts(unix.CLONE_NEWNS, []string{"/a/../b/c", "d"})
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for i, o := range p.Ops {
		if o.Call.Name == "umount2" || o.Call.Name == "openat2" {
			got += p.Line(i) + "\n"
		}
	}
	for _, want := range []string{`umount2("c", MNT_DETACH|UMOUNT_NOFOLLOW)`, `umount2("d", MNT_DETACH|UMOUNT_NOFOLLOW)`, `"b", {O_PATH`, `".", {O_PATH`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}
