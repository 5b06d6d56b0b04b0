package resctrl

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// These tests show which directories and files are used, and how; a directory
// tree is no resctrl, so what the kernel makes of them is not shown. Where the
// kernel would fill a new group with files, the tree has them before.

func tree(t *testing.T, groups ...string) FS {
	t.Helper()
	root := t.TempDir()
	for _, dir := range append([]string{"info/L3", "info/MB", "mon_groups"}, groups...) {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range append([]string{"."}, groups...) {
		for name, text := range map[string]string{"tasks": "", "schemata": "    L3:0=00ff;1=0f0\n    MB:0=100;1=20\n"} {
			if err := os.WriteFile(filepath.Join(root, dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(t, root+"/info/MB/bandwidth_gran", "10\n")
	return FS{Root: root}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestFind: this machine has resctrl mounted, or it has not; Find must know.
func TestFind(t *testing.T) {
	fs, err := Find()
	mounts := read(t, "/proc/self/mountinfo")
	if has := strings.Contains(mounts, " - resctrl "); has != (err == nil) || err != nil && !errors.Is(err, ErrNone) {
		t.Errorf("%+v, %v; mounted: %v", fs, err, has)
	}
}

func TestMountPoint(t *testing.T) {
	const lines = "24 1 0:22 / /proc rw - proc proc rw\n" +
		"30 24 0:40 /group /elsewhere rw - resctrl resctrl rw\n" +
		"31 24 0:40 / /mnt/a\\040b rw,relatime shared:9 - resctrl resctrl rw\n"
	if at := mountPoint([]byte(lines)); at != "/mnt/a b" {
		t.Errorf("%q", at)
	}
	for _, none := range []string{"", "x", "31 24 0:40 /\n", "31 24 0:40 / /r rw - tmpfs resctrl rw\n", "31 - resctrl resctrl rw"} {
		if at := mountPoint([]byte(none)); at != "" {
			t.Errorf("%q: %q", none, at)
		}
	}
}

func TestCheckClosID(t *testing.T) {
	for _, good := range []string{"", "/", "a", "guaranteed-1", "...", "tasks2"} {
		if err := CheckClosID(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{".", "..", "a/b", "/a", "../a", "//", "info", "mon_groups", "mon_data", "a\nb", "a\x00", strings.Repeat("x", 256)} {
		if err := CheckClosID(bad); err == nil || !strings.HasPrefix(err.Error(), "invalid intelRdt.ClosID ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestCheck(t *testing.T) {
	fs := tree(t)
	for _, dir := range []string{"/info/L3", "/info/MB"} {
		if err := os.RemoveAll(fs.Root + dir); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		r    specs.LinuxIntelRdt
		want error
	}{
		{specs.LinuxIntelRdt{ClosID: "a", Schemata: []string{"L2:0=f"}}, nil},
		{specs.LinuxIntelRdt{L3CacheSchema: "L3:0=f"}, errNoCAT},
		{specs.LinuxIntelRdt{MemBwSchema: "MB:0=20"}, errNoMBA},
	} {
		if err := fs.Check(&c.r); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v", c.r, err)
		}
	}
}

func TestEnabled(t *testing.T) {
	fs := tree(t)
	if err := fs.Enabled(true, true); err != nil {
		t.Error(err)
	}
	if err := os.Remove(fs.Root + "/info/L3"); err != nil {
		t.Fatal(err)
	}
	const cat, mba = "Intel RDT/CAT: l3 cache schema is not enabled", "Intel RDT/MBA: memory bandwidth schema is not enabled"
	if err := fs.Enabled(true, false); err == nil || err.Error() != cat {
		t.Error(err)
	}
	if err := (FS{}).Enabled(false, true); err == nil || err.Error() != mba {
		t.Error(err)
	}
	if CheckLine("L3:0=f") != nil || CheckLine("L3:0=f\nMB:0=1") == nil {
		t.Error("lines")
	}
}

// TestPlan: which group is meant, and which of them goes with the container.
func TestPlan(t *testing.T) {
	fs := tree(t, "there")
	for _, c := range []struct {
		id        string
		r         specs.LinuxIntelRdt
		dir, mon  string
		made, bad bool
	}{
		{id: "box", dir: "/box", made: true},
		{id: "there", dir: "/there"},
		{id: "box", r: specs.LinuxIntelRdt{ClosID: "there"}, dir: "/there"},
		{id: "box", r: specs.LinuxIntelRdt{ClosID: "new", L3CacheSchema: "L3:0=f"}, dir: "/new"},
		{id: "box", r: specs.LinuxIntelRdt{ClosID: "/"}, dir: ""},
		{id: "box", r: specs.LinuxIntelRdt{ClosID: "/", EnableMonitoring: true}, dir: "", mon: "/mon_groups/box"},
		{id: "box", r: specs.LinuxIntelRdt{EnableMonitoring: true}, dir: "/box", mon: "/box/mon_groups/box", made: true},
		{id: "info", bad: true},
		{id: "mon_groups", bad: true},
		{id: "info", r: specs.LinuxIntelRdt{ClosID: "there"}, dir: "/there"},
	} {
		g, err := fs.Plan(&c.r, c.id)
		if (err != nil) != c.bad {
			t.Errorf("%s %+v: %v", c.id, c.r, err)
		}
		want := Group{Made: c.made}
		if !c.bad {
			want.Dir = fs.Root + c.dir
		}
		if c.mon != "" {
			want.Monitor = fs.Root + c.mon
		}
		if g != want {
			t.Errorf("%s %+v: %+v, want %+v", c.id, c.r, g, want)
		}
	}
}

func TestMakeAndRemove(t *testing.T) {
	fs := tree(t, "there", "there/mon_groups")
	r := &specs.LinuxIntelRdt{}
	g, err := fs.Plan(r, "box")
	if err == nil {
		err = fs.Make(&g, r)
	}
	if err != nil || !g.Made {
		t.Fatalf("%+v %v", g, err)
	}
	if err := Remove(g); err != nil || unix.Access(g.Dir, unix.F_OK) != unix.ENOENT {
		t.Errorf("%v", err)
	}
	if err := Remove(g); err != nil {
		t.Errorf("once more: %v", err)
	}
	// A group that comes between plan and make is another's.
	g, err = fs.Plan(r, "late")
	if err == nil {
		err = os.Mkdir(g.Dir, 0o755)
	}
	if err == nil {
		err = fs.Make(&g, r)
	}
	if err != nil || g.Made {
		t.Errorf("%+v %v", g, err)
	}
	if err := Remove(g); err != nil || unix.Access(g.Dir, unix.F_OK) != nil {
		t.Errorf("another's group is gone: %v", err)
	}
	// With closID the group stays, its monitoring group goes.
	r = &specs.LinuxIntelRdt{ClosID: "there", EnableMonitoring: true}
	g, err = fs.Plan(r, "box")
	if err == nil {
		err = fs.Make(&g, r)
	}
	if err != nil || unix.Access(fs.Root+"/there/mon_groups/box", unix.F_OK) != nil {
		t.Fatalf("%+v %v", g, err)
	}
	if err := Remove(g); err != nil || unix.Access(g.Dir, unix.F_OK) != nil || unix.Access(g.Monitor, unix.F_OK) != unix.ENOENT {
		t.Errorf("%v", err)
	}
}

func TestMakeWantsTheGroup(t *testing.T) {
	fs := tree(t)
	write(t, fs.Root+"/info/last_cmd_status", "ok\n")
	r := &specs.LinuxIntelRdt{ClosID: "nosuch"}
	g, err := fs.Plan(r, "box")
	if err == nil {
		err = fs.Make(&g, r)
	}
	if err == nil || !strings.HasPrefix(err.Error(), "clos dir not accessible (must be pre-created when schemata, l3CacheSchema and memBwSchema are empty): ") {
		t.Error(err)
	}
}

// TestSchemata: the order of the lines, and groups of others, which must be as
// they are wanted.
func TestSchemata(t *testing.T) {
	fs := tree(t, "there")
	write(t, fs.Root+"/info/last_cmd_status", "mask too large\n")
	for _, c := range []struct {
		l3, mb string
		ok     bool
	}{
		{"L3:0=ff;1=f0", "", true}, {"L3:1=0f0", "MB:1=20", true}, {"L3:0=ff", "MB:0=100;1=15", true},
		{"L3:0=f", "", false}, {"", "MB:1=25", false}, {"L3:2=ff", "", false}, {"L3CODE:0=ff", "", false}, {"L3", "", false},
	} {
		r := &specs.LinuxIntelRdt{ClosID: "there", L3CacheSchema: c.l3, MemBwSchema: c.mb, Schemata: []string{"L2:0=f", "MB:0=1"}}
		before := read(t, fs.Root+"/there/schemata")
		g, err := fs.Plan(r, "box")
		if err == nil {
			err = fs.Make(&g, r)
		}
		after := read(t, fs.Root+"/there/schemata")
		if !c.ok {
			if err == nil || !strings.HasSuffix(err.Error(), ", last_cmd_status: mask too large") || after != before {
				t.Errorf("%+v: %v, %q", c, err, after)
			}
			continue
		}
		want := ""
		for _, s := range []string{c.l3, c.mb, "L2:0=f", "MB:0=1"} {
			if s != "" {
				want += s + "\n"
			}
		}
		// A file of resctrl takes lines; one of a directory tree keeps what is
		// written at its beginning.
		if err != nil || !strings.HasPrefix(after, want) {
			t.Errorf("%+v: %v, %q", c, err, after)
		}
		write(t, fs.Root+"/there/schemata", before)
	}
}

func TestAddAndUpdate(t *testing.T) {
	fs := tree(t, "there", "there/mon_groups/box")
	g := Group{Dir: fs.Root + "/there", Monitor: fs.Root + "/there/mon_groups/box"}
	if err := fs.Join(g, 42); err != nil {
		t.Fatal(err)
	}
	if a, b := read(t, g.Dir+"/tasks"), read(t, g.Monitor+"/tasks"); a != "42" || b != "42" {
		t.Errorf("tasks %q and %q", a, b)
	}
	if err := fs.Update(g.Dir, "L3:0=3", ""); err != nil || !strings.HasPrefix(read(t, g.Dir+"/schemata"), "L3:0=3\n") {
		t.Error(err)
	}
	if err := fs.Join(Group{Dir: fs.Root + "/gone"}, 42); err != nil {
		t.Errorf("a group that is gone: %v", err)
	}
	// No link leads out of the file system.
	out := t.TempDir()
	write(t, out+"/tasks", "")
	if err := os.Symlink(out, fs.Root+"/link"); err != nil {
		t.Fatal(err)
	}
	if err := fs.Add(Group{Dir: fs.Root + "/link"}, 42); !errors.Is(err, unix.ELOOP) || read(t, out+"/tasks") != "" {
		t.Errorf("through a link: %v", err)
	}
	if err := os.Remove(g.Dir + "/tasks"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(out+"/tasks", g.Dir+"/tasks"); err != nil {
		t.Fatal(err)
	}
	if err := fs.Add(g, 42); !errors.Is(err, unix.ELOOP) {
		t.Errorf("through a linked file: %v", err)
	}
}
