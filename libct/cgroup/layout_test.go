package cgroup

import (
	"reflect"
	"strings"
	"testing"
)

// layoutOf parses texts as Probe does, with a buffer of size bytes.
func layoutOf(self, mountinfo string, size int) Layout {
	scan := newMountScan(parseSelf(self))
	buf, kept := make([]byte, size), 0
	for mountinfo != "" && scan.open > 0 {
		n := copy(buf[kept:], mountinfo)
		mountinfo = mountinfo[n:]
		kept = copy(buf, scan.feed(buf[:kept+n], len(buf)))
	}
	return Layout{Hierarchies: scan.mounted()}
}

const (
	selfV1 = "11:memory:/user.slice\n10:cpu,cpuacct:/user.slice\n3:devices:/user.slice\n1:name=systemd:/user.slice/s-1.scope\n"
	infoV1 = `21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
25 21 0:22 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro,mode=755
26 25 0:23 / /sys/fs/cgroup/systemd rw,nosuid shared:10 - cgroup cgroup rw,xattr,release_agent=/x,name=systemd
27 25 0:24 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:11 master:3 - cgroup cgroup rw,cpu,cpuacct
28 25 0:25 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory
29 25 0:26 / /sys/fs/cgroup/devices rw,nosuid shared:13 - cgroup cgroup rw,devices
`
	infoV2     = "30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n"
	infoHybrid = infoV1 + "31 25 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:14 - cgroup2 cgroup2 rw,nsdelegate\n"
)

func TestLayouts(t *testing.T) {
	v1 := []Hierarchy{
		{Controllers: []string{"memory"}, Mount: "/sys/fs/cgroup/memory", Root: "/", Own: "/user.slice"},
		{Controllers: []string{"cpu", "cpuacct"}, Mount: "/sys/fs/cgroup/cpu,cpuacct", Root: "/", Own: "/user.slice"},
		{Controllers: []string{"devices"}, Mount: "/sys/fs/cgroup/devices", Root: "/", Own: "/user.slice"},
		{Controllers: []string{"name=systemd"}, Mount: "/sys/fs/cgroup/systemd", Root: "/", Own: "/user.slice/s-1.scope"},
	}
	docker := strings.ReplaceAll(infoV2, " / /sys/fs/cgroup ", " /docker/ab /sys/fs/cgroup ")
	tests := []struct {
		name, self, info string
		mode             Mode
		want             []Hierarchy
	}{
		{"v1", selfV1, infoV1, ModeV1, v1},
		{"v1 with unmounted v2", selfV1 + "0::/user.slice\n", infoV1, ModeV1, v1},
		{"hybrid", "0::/u\n" + selfV1, infoHybrid, ModeHybrid,
			append(v1[:4:4], Hierarchy{Mount: "/sys/fs/cgroup/unified", Root: "/", Own: "/u", V2: true})},
		{"v2", "0::/user.slice/s.scope\n", infoV2, ModeUnified,
			[]Hierarchy{{Mount: "/sys/fs/cgroup", Root: "/", Own: "/user.slice/s.scope", V2: true}}},
		{"v2 bind mount", "0::/docker/ab/x\n", docker, ModeUnified,
			[]Hierarchy{{Mount: "/sys/fs/cgroup", Root: "/docker/ab", Own: "/docker/ab/x", V2: true}}},
		{"mount elsewhere loses", "0::/\n", "9 1 0:26 /a /mnt/cg rw - cgroup2 none rw\n" + infoV2, ModeUnified,
			[]Hierarchy{{Mount: "/sys/fs/cgroup", Root: "/", Own: "/", V2: true}}},
		{"only elsewhere", "0::/\n", `9 1 0:26 / /mnt/c\040g rw - cgroup2 none rw` + "\n", ModeUnified,
			[]Hierarchy{{Mount: "/mnt/c g", Root: "/", Own: "/", V2: true}}},
		{"none", selfV1 + "0::/\n", "21 1 8:1 / / rw - ext4 /dev/sda1 rw\n", ModeNone, []Hierarchy{}},
		{"rubbish", "x\n:\n1:cpu\n0::rel\n5::/five\n", infoHybrid + "\n - cgroup2\n1 2 3 - cgroup2 x y\n", ModeNone, []Hierarchy{}},
	}
	for _, tt := range tests {
		for _, size := range []int{256, procBuffer} {
			l := layoutOf(tt.self, tt.info, size)
			if !reflect.DeepEqual(l.Hierarchies, tt.want) || l.Mode() != tt.mode {
				t.Errorf("%s: mode %s:\n%+v, want\n%+v", tt.name, l.Mode(), l.Hierarchies, tt.want)
			}
		}
	}
}

func TestLongMountLineIsSkipped(t *testing.T) {
	long := "40 1 0:50 / /" + strings.Repeat("x", 1000) + " rw - overlay overlay rw\n"
	l := layoutOf("0::/\n", long+infoV2, 256)
	if l.Mode() != ModeUnified {
		t.Errorf("mode %s after a long line", l.Mode())
	}
}

func TestPathResolution(t *testing.T) {
	h := func(mount, root, own string, v2 bool, c ...string) Hierarchy {
		return Hierarchy{Controllers: c, Mount: mount, Root: root, Own: own, V2: v2}
	}
	v1 := Layout{[]Hierarchy{h("/cg/cpu", "/", "/own", false, "cpu")}}
	v2 := Layout{[]Hierarchy{h("/cg", "/", "/a/b.scope", true)}}
	hybrid := Layout{[]Hierarchy{h("/cg/cpu", "/", "/", false, "cpu"), h("/cg/u", "/", "/x", true)}}
	tests := []struct {
		name string
		l    Layout
		path string
		want string // of the last hierarchy, or part of the error
	}{
		{"v1 absolute", v1, "/a/b", "/cg/cpu/a/b"},
		{"v1 relative", v1, "a/b", "/cg/cpu/own/a/b"},
		{"v1 empty", v1, "", "/cg/cpu/own/id"},
		{"v2 absolute", v2, "/a", "/cg/a"},
		{"v2 relative is beside", v2, "c", "/cg/a/c"},
		{"v2 empty", v2, "", "/cg/a/id"},
		{"v2 in the root", Layout{[]Hierarchy{h("/cg", "/", "/", true)}}, "c", "/cg/c"},
		{"hybrid relative is below", hybrid, "c", "/cg/u/x/c"},
		{"dots absolute", v1, "/../../etc", "/cg/cpu/etc"},
		{"dots relative", v1, "../../etc", "/cg/cpu/own/etc"},
		{"dots inside", v1, "/a/../../b/./c//", "/cg/cpu/b/c"},
		{"root", v1, "/", "names no cgroup of its own"},
		{"dots only", v1, "a/../..", "names no cgroup of its own"},
		{"bind mount", Layout{[]Hierarchy{h("/cg", "/docker/a", "/docker/a/s/x", true)}}, "c", "/cg/s/c"},
		{"bind mount at own", Layout{[]Hierarchy{h("/cg", "/docker/a", "/docker/a", false, "cpu")}}, "c", "/cg/c"},
		{"not visible", Layout{[]Hierarchy{h("/cg", "/docker/a", "/docker/ab", true)}}, "c", "is not visible"},
		{"namespace below the mount", Layout{[]Hierarchy{h("/cg", "/..", "/", true)}}, "c", "is not visible"},
		{"absolute needs no own", Layout{[]Hierarchy{h("/cg", "/..", "/", true)}}, "/c", "/cg/c"},
		{"outside the namespace", Layout{[]Hierarchy{h("/cg", "/", "/../x", true)}}, "c", "is not visible"},
		{"nothing mounted", Layout{}, "/c", "no cgroup hierarchy is mounted"},
	}
	for _, tt := range tests {
		g, err := New(tt.l, tt.path, "id", false)
		if err != nil {
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
			}
			continue
		}
		if got := g.dirs[len(g.dirs)-1].path; got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	if _, err := New(v1, "", "..", false); err == nil {
		t.Error("id .. accepted")
	}
	if g, err := New(Layout{}, "", "id", true); err != nil || len(g.Paths()) != 0 {
		t.Errorf("rootless without cgroups: %v", err)
	}
}

func TestFromPaths(t *testing.T) {
	l := Layout{[]Hierarchy{
		{Controllers: []string{"cpu", "cpuacct"}, Mount: "/cg/cpu,cpuacct", Root: "/", Own: "/"},
		{Controllers: []string{"name=elogind"}, Mount: "/cg/elogind", Root: "/", Own: "/"},
		{Mount: "/cg/u", Root: "/", Own: "/", V2: true},
	}}
	g, err := New(l, "/a", "id", false)
	if err != nil {
		t.Fatal(err)
	}
	paths := g.Paths()
	want := map[string]string{"cpu": "/cg/cpu,cpuacct/a", "cpuacct": "/cg/cpu,cpuacct/a", "": "/cg/u/a"}
	if !reflect.DeepEqual(paths, want) {
		t.Fatalf("Paths: %v", paths)
	}
	again, err := FromPaths(l, paths, false)
	if err != nil || !reflect.DeepEqual(again.Paths(), want) {
		t.Fatalf("FromPaths: %v", err)
	}
	if files := again.TaskFiles(); !reflect.DeepEqual(files, []string{"/cg/cpu,cpuacct/a/tasks"}) {
		t.Errorf("TaskFiles: %v", files)
	}
	for name, want := range map[string]string{"/": "/cg/u/a", "": "/cg/u/a", "x/../y/": "/cg/u/a/y", "/x": "/cg/u/a/x", "../x": "", "x/../..": "", "/..": ""} {
		sub, err := again.Sub(name)
		if want == "" && err == nil || want != "" && (err != nil || sub.Paths()[""] != want) {
			t.Errorf("Sub(%q): %v", name, err)
		}
	}
	for _, bad := range []map[string]string{
		{"cpu": "/cg/cpu,cpuacct"}, {"cpu": "/etc"}, {"cpu": "/cg/cpu,cpuacct/../x"}, {"": "/cg/u2/a"},
		{"cpu": "/cg/cpu,cpuacct/"}, {"": "/cg/cpu,cpuacct/a"}, {"memory": "/cg/memory/a"},
		{"cpu": "/cg/cpu,cpuacct/a", "cpuacct": "/cg/cpu,cpuacct/b"},
	} {
		if _, err := FromPaths(l, bad, false); err == nil {
			t.Errorf("%v accepted", bad)
		}
	}
}

func FuzzMountinfo(f *testing.F) {
	f.Add(selfV1+"0::/x\n", infoHybrid)
	f.Add("0::/docker/ab\n", infoV2)
	f.Add("1:cpu:/..\n", `1 2 0:3 /.. /a\040b rw - cgroup cgroup rw,cpu`+"\n")
	f.Fuzz(func(t *testing.T, self, info string) {
		whole, pieces := layoutOf(self, info, len(info)+512), layoutOf(self, info, 512)
		long := false
		for line := range strings.SplitSeq(info, "\n") {
			long = long || len(line) >= 500
		}
		// A file that ends without newline is fed alike in both ways.
		if !long && !reflect.DeepEqual(whole, pieces) {
			t.Fatalf("buffer size matters: %+v and %+v", whole, pieces)
		}
		for _, path := range []string{"/../a", "../a", ""} {
			g, err := New(whole, path, "id", false)
			if err != nil {
				continue
			}
			for _, d := range g.dirs {
				if !below(d.Mount, d.path) || d.path == d.Mount || strings.Contains(d.path[len(d.Mount):]+"/", "/../") {
					t.Fatalf("%q leads to %q, outside of %q", path, d.path, d.Mount)
				}
			}
		}
	})
}
