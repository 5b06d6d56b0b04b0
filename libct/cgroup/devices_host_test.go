package cgroup

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

var denyAll = specs.LinuxDeviceCgroup{Access: "rwm"}

func char(major, minor int64, access string) specs.LinuxDeviceCgroup {
	return specs.LinuxDeviceCgroup{Allow: true, Type: "c", Major: &major, Minor: &minor, Access: access}
}

func TestDevicesV1(t *testing.T) {
	l := probe(t)
	if l.Version("devices") != 1 {
		t.Skip("host: devices are not on v1")
	}
	g := newGroup(t, l)
	create(t, g, nil)
	if err := g.Apply(&resources{Devices: DeviceRules(nil)}); err != nil {
		t.Fatal(err)
	}
	check := func(want ...string) {
		t.Helper()
		text, _ := readBack(t, g, "devices", "devices.list")
		got := strings.Split(text, "\n")
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("devices.list: %v, want %v", got, want)
		}
	}
	check("b *:* m", "c *:* m", "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm",
		"c 10:200 rwm", "c 136:* rwm", "c 5:0 rwm", "c 5:2 rwm")
	// Now as on a live group: from what it has.
	live, err := FromPaths(l, g.Paths(), false)
	if err != nil {
		t.Fatal(err)
	}
	if err := live.Apply(&resources{Devices: []specs.LinuxDeviceCgroup{denyAll, char(1, 3, "rw"), char(1, 11, "r")}}); err != nil {
		t.Fatal(err)
	}
	check("c 1:3 rw", "c 1:11 r")
	if err := live.Apply(&resources{Devices: []specs.LinuxDeviceCgroup{{Allow: true, Access: "rwm"}}}); err != nil {
		t.Fatal(err)
	}
	check("a *:* rwm")
}

// opens says whether a process in the group can read a device.
func opens(t *testing.T, g *Group, device string) bool {
	t.Helper()
	err := spawn(t, g, "head", "-c1", device).Wait()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	return err == nil
}

// TestDevicesTakeEffect tries devices out, under the v1 controller and under
// an eBPF program, before and after a change.
func TestDevicesTakeEffect(t *testing.T) {
	onHosts(t, func(t *testing.T, l Layout) {
		if l.Mode() != ModeUnified && l.Version("devices") == 0 {
			t.Skip("host: no devices controller")
		}
		g := newGroup(t, l)
		create(t, g, nil)
		if err := g.Apply(&resources{Devices: []specs.LinuxDeviceCgroup{denyAll, char(1, 5, "r"), char(1, 3, "rw")}}); err != nil {
			t.Fatal(err)
		}
		if !opens(t, g, "/dev/zero") || opens(t, g, "/dev/urandom") {
			t.Error("first rules do not hold")
		}
		live, err := FromPaths(l, g.Paths(), false)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := live.Apply(&resources{Devices: []specs.LinuxDeviceCgroup{denyAll, char(1, 9, "r"), char(1, 3, "rw")}}); err != nil {
				t.Fatal(err)
			}
		}
		if opens(t, live, "/dev/zero") || !opens(t, live, "/dev/urandom") {
			t.Error("changed rules do not hold")
		}
		if l.Mode() == ModeUnified {
			if n := countPrograms(t, live); n != 1 {
				t.Errorf("%d programs are attached", n)
			}
		}
	})
}

func countPrograms(t *testing.T, g *Group) int {
	t.Helper()
	fd, err := g.Fd()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	fds, err := attachedPrograms(fd)
	if err != nil {
		t.Fatal(err)
	}
	closeAll(fds)
	return len(fds)
}

// TestKernelAcceptsPrograms loads what random rules compile to.
func TestKernelAcceptsPrograms(t *testing.T) {
	g := newGroup(t, probe(t))
	if g.v2() == nil {
		t.Skip("host: v2 is not mounted")
	}
	sets := [][]rule{nil, {{true, 'a', anyNumber, anyNumber, allAccess}}, make([]rule, 0, 500)}
	for i := range int64(500) {
		sets[2] = append(sets[2], rule{i%3 != 0, "abc"[i%3], i, 0xffffffff - i, access(1 + i%7)})
	}
	for _, rules := range sets {
		fd, err := loadProgram(compile(rules))
		if err != nil {
			t.Fatalf("%d rules: %v", len(rules), err)
		}
		unix.Close(fd)
	}
}
