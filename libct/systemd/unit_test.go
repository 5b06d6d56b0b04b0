package systemd

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, c := range []struct {
		path, id  string
		user      bool
		unit, dir string
		err       string
	}{
		{"", "box", false, "rt-box.scope", "/system.slice/rt-box.scope", ""},
		{"", "box", true, "rt-box.scope", "/user.slice/rt-box.scope", ""},
		{"::n", "box", false, "-n.scope", "/system.slice/-n.scope", ""},
		{":p:n", "box", false, "p-n.scope", "/system.slice/p-n.scope", ""},
		{":p:n", "box", true, "p-n.scope", "/user.slice/p-n.scope", ""},
		{"machine.slice:libpod:1", "box", true, "libpod-1.scope", "/machine.slice/libpod-1.scope", ""},
		{"a-b-c.slice:p:n", "", false, "p-n.scope", "/a.slice/a-b.slice/a-b-c.slice/p-n.scope", ""},
		{"-.slice:p:n", "", false, "p-n.scope", "/p-n.scope", ""},
		{"a.slice:p:a-b.slice", "", false, "a-b.slice", "/a.slice/a-b.slice", ""},
		{"kubepods-besteffort-pod1_2.slice:cri-containerd:0f", "", false, "cri-containerd-0f.scope",
			"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1_2.slice/cri-containerd-0f.scope", ""},
		{"cpu.slice:p:n", "", false, "p-n.scope", "/_cpu.slice/p-n.scope", ""},
		{"io-a.slice:_p:n", "", false, "_p-n.scope", "/_io.slice/io-a.slice/__p-n.scope", ""},
		{":cpu.x:n", "", false, "cpu.x-n.scope", "/system.slice/_cpu.x-n.scope", ""},

		{"/a/b", "", false, "", "", `expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "/a/b" instead`},
		{"a:b", "", false, "", "", `expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "a:b" instead`},
		{"a:b:c:d", "", false, "", "", `expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "a:b:c:d" instead`},
		{"a:p:n", "", false, "", "", "invalid slice name: a"},
		{".slice:p:n", "", false, "", "", "invalid slice name: .slice"},
		{"a--b.slice:p:n", "", false, "", "", "invalid slice name: a--b.slice"},
		{"-a.slice:p:n", "", false, "", "", "invalid slice name: -a.slice"},
		{"a-.slice:p:n", "", false, "", "", "invalid slice name: a-.slice"},
		{"--.slice:p:n", "", false, "", "", "invalid slice name: --.slice"},
		{"a.slice/b.slice:p:n", "", false, "", "", "invalid slice name: a.slice/b.slice"},
		{"a b.slice:p:n", "", false, "", "", "invalid slice name: a b.slice"},
		{"..:p:n", "", false, "", "", "invalid slice name: .."},
		{":p:../n", "", false, "", "", `unit name "p-../n.scope": a unit's name cannot have the byte "/"`},
		{":p:a+b", "", false, "", "", `unit name "p-a+b.scope": a unit's name cannot have the byte "+"`},
		{"", "a+b", false, "", "", `unit name "rt-a+b.scope": a unit's name cannot have the byte "+"`},
		{":p:/.slice", "", false, "", "", `unit name "/.slice": a unit's name cannot have the byte "/"`},
		{":p:" + long, "", false, "", "", `unit name "p-` + long + `.scope": longer than 255 bytes`},
	} {
		u, err := Parse(c.path, c.id, c.user)
		if text := errorText(err); text != c.err {
			t.Errorf("Parse(%q): error %q, want %q", c.path, text, c.err)
			continue
		}
		if err != nil {
			continue
		}
		dir, err := u.Path()
		if UnitAt(dir) != c.unit {
			t.Errorf("UnitAt(%s) = %s, want %s", dir, UnitAt(dir), c.unit)
		}
		if u.Name != c.unit || dir != c.dir || err != nil {
			t.Errorf("Parse(%q) = %q in %q (%v), want %q in %q", c.path, u.Name, dir, err, c.unit, c.dir)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// FuzzParse: whatever is accepted stays below the cgroup that systemd manages,
// in directories of its own.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "a-b.slice:p:n", "::", ":p:..", "-.slice:a:b.slice", "../:x:y"} {
		f.Add(s, "box", false)
	}
	f.Fuzz(func(t *testing.T, path, id string, user bool) {
		u, err := Parse(path, id, user)
		if err != nil {
			return
		}
		dir, err := u.Path()
		if err != nil {
			t.Fatal(err)
		}
		for part := range strings.SplitSeq(dir[1:], "/") {
			if part == "" || part == "." || part == ".." || !strings.Contains(part, ".s") || strings.ContainsAny(part, "\x00\n ") {
				t.Fatalf("Parse(%q, %q) is at %q", path, id, dir)
			}
		}
	})
}

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]int{"257": 257, "257.9-1~deb13u1": 257, "v245.4-1.fc32": 245, "249 (249-1)": 249} {
		if n, err := parseVersion(text); n != want || err != nil {
			t.Errorf("parseVersion(%q) = %d, %v", text, n, err)
		}
	}
	for _, text := range []string{"", "v", "x1"} {
		if n, err := parseVersion(text); err == nil {
			t.Errorf("parseVersion(%q) = %d", text, n)
		}
	}
}
