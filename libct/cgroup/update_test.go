package cgroup

import (
	"errors"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// everyLimit reads all files of a group that can be written and keep their
// value by themselves.
func everyLimit(t *testing.T, g *Group) map[string]string {
	t.Helper()
	all := map[string]string{}
	for i := range g.dirs {
		entries, err := os.ReadDir(g.dirs[i].path)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := e.Name()
			info, err := e.Info()
			if err != nil || info.Mode()&0o200 == 0 || !info.Mode().IsRegular() || counts(name) {
				continue
			}
			text, err := os.ReadFile(g.dirs[i].path + "/" + name)
			if err == nil {
				all[g.dirs[i].path+"/"+name] = string(text)
			}
		}
	}
	if len(all) < 5 {
		t.Fatalf("only %d limits", len(all))
	}
	return all
}

// counts names the writable files that count what the group does.
func counts(name string) bool {
	for _, word := range []string{"peak", "pressure", "max_usage", "failcnt", "usage", "oom_control"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// first and second differ in every value, in the order that is harder to undo.
func bothLimits(first bool) *resources {
	if first {
		return &resources{
			Memory: &specs.LinuxMemory{Limit: ptr(int64(64 << 20)), Reservation: ptr(int64(32 << 20)), Swap: ptr(int64(96 << 20))},
			CPU: &specs.LinuxCPU{Shares: ptr(uint64(512)), Quota: ptr(int64(50000)), Period: ptr(uint64(200000)),
				Burst: ptr(uint64(10000)), Cpus: "0", Mems: "0"},
			Pids: &specs.LinuxPids{Limit: ptr(int64(77))},
		}
	}
	return &resources{
		Memory: &specs.LinuxMemory{Limit: ptr(int64(256 << 20)), Reservation: ptr(int64(16 << 20)), Swap: ptr(int64(300 << 20))},
		CPU: &specs.LinuxCPU{Shares: ptr(uint64(3000)), Quota: ptr(int64(5000)), Period: ptr(uint64(10000)),
			Burst: ptr(uint64(2000)), Mems: "0"},
		Pids: &specs.LinuxPids{Limit: ptr(int64(-1))},
	}
}

// refusals are values that the kernel does not take, each in another section.
func refusals() map[string]*resources {
	nowhere := specs.LinuxBlockIODevice{Major: 4000, Minor: 1}
	return map[string]*resources{
		"blockIO":  {BlockIO: &specs.LinuxBlockIO{ThrottleReadBpsDevice: []specs.LinuxThrottleDevice{{LinuxBlockIODevice: nowhere, Rate: 1}}}},
		"hugetlb":  {HugepageLimits: []specs.LinuxHugepageLimit{{Pagesize: "3MB", Limit: 1}}},
		"unified":  {Unified: map[string]string{"cgroup.max.depth": "3", "cgroup.max.descendants": "none"}},
		"nowhere":  {Unified: map[string]string{"bogus.max": "3"}},
		"network":  {Network: &specs.LinuxNetwork{Priorities: []specs.LinuxInterfacePriority{{Name: "no-such-device", Priority: 1}}}},
		"realtime": {CPU: &specs.LinuxCPU{RealtimeRuntime: ptr(int64(1000))}},
	}
}

func TestUpdateIsAllOrNothing(t *testing.T) {
	onHosts(t, func(t *testing.T, l Layout) {
		if l.Version("pids") == 0 {
			t.Skip("host: has no controllers here")
		}
		if l.Version("hugetlb") == 2 {
			restoreController(t, l, "hugetlb")
		}
		g := newGroup(t, l)
		create(t, g, bothLimits(true))
		for _, up := range []bool{true, false} {
			if err := g.Update(bothLimits(up), nil); err != nil {
				t.Fatal(err)
			}
			before := everyLimit(t, g)
			if err := g.Update(bothLimits(!up), func() error { return unix.EUSERS }); !errors.Is(err, unix.EUSERS) {
				t.Errorf("a refusal by after: %v", err)
			}
			if after := everyLimit(t, g); !maps.Equal(before, after) {
				t.Errorf("refused by after: %v, was %v", after, before)
			}
			for name, refused := range refusals() {
				r := *bothLimits(!up)
				r.BlockIO, r.HugepageLimits, r.Unified, r.Network = refused.BlockIO, refused.HugepageLimits, refused.Unified, refused.Network
				if refused.CPU != nil {
					r.CPU.RealtimeRuntime = refused.CPU.RealtimeRuntime
				}
				err := g.Update(&r, func() error { t.Errorf("%s: went on", name); return nil })
				if err == nil {
					t.Fatalf("%s is accepted", name)
				}
				if strings.Contains(err.Error(), "lost") {
					t.Errorf("%s: %v", name, err)
				}
				// Files may have come of a controller that was needed at last.
				after := everyLimit(t, g)
				for file, text := range before {
					if after[file] != text {
						t.Errorf("%s: %s is %q, was %q", name, file, after[file], text)
					}
				}
			}
		}
	})
}

// TestUpdateUndoesThrottles: devices come and go in a file of their own.
func TestUpdateUndoesThrottles(t *testing.T) {
	l := probe(t)
	major, minor := wholeDisk(t)
	g := newGroup(t, l)
	create(t, g, &resources{BlockIO: &specs.LinuxBlockIO{ThrottleReadBpsDevice: []specs.LinuxThrottleDevice{{Rate: 1}}}})
	disk := specs.LinuxBlockIODevice{Major: major, Minor: minor}
	throttle := func(rate uint64, bad bool) *resources {
		list := []specs.LinuxThrottleDevice{{LinuxBlockIODevice: disk, Rate: rate}}
		b := &specs.LinuxBlockIO{ThrottleReadBpsDevice: list, ThrottleWriteIOPSDevice: list}
		if bad {
			b.ThrottleWriteIOPSDevice = append(list, specs.LinuxThrottleDevice{LinuxBlockIODevice: specs.LinuxBlockIODevice{Major: 4000}, Rate: 1})
		}
		return &resources{BlockIO: b}
	}
	for _, rate := range []uint64{0, 1 << 20} {
		if rate > 0 {
			if err := g.Update(throttle(rate, false), nil); err != nil {
				t.Fatal(err)
			}
		}
		before := everyLimit(t, g)
		if err := g.Update(throttle(2<<20, true), nil); err == nil {
			t.Fatal("a device that is not there is accepted")
		}
		if after := everyLimit(t, g); !maps.Equal(before, after) {
			t.Errorf("rate %d: before %v, after %v", rate, before, after)
		}
	}
}

// TestUpdateOfAPart: what v2 keeps in one file is completed from it.
func TestUpdateOfAPart(t *testing.T) {
	l := probe(t)
	g := newGroup(t, l)
	create(t, g, bothLimits(true))
	cpu := func(quota int64, period uint64) string {
		t.Helper()
		c := &specs.LinuxCPU{}
		if quota != 0 {
			c.Quota = &quota
		}
		if period != 0 {
			c.Period = &period
		}
		if err := g.Update(&resources{CPU: c}, nil); err != nil {
			t.Fatal(err)
		}
		if text, ok := readBack(t, g, "cpu", "cpu.max"); ok {
			return text
		}
		q, _ := readBack(t, g, "cpu", "cpu.cfs_quota_us")
		p, _ := readBack(t, g, "cpu", "cpu.cfs_period_us")
		return strings.Replace(q, "-1", "max", 1) + " " + p
	}
	for _, step := range []struct {
		quota  int64
		period uint64
		want   string
	}{
		{0, 50000, "max 50000"}, {30000, 0, "30000 50000"}, {0, 100000, "30000 100000"}, {-1, 0, "max 100000"}, {20000, 40000, "20000 40000"},
	} {
		if got := cpu(step.quota, step.period); got != step.want {
			t.Errorf("quota %d, period %d: %s, want %s", step.quota, step.period, got, step.want)
		}
	}
	if l.Version("memory") != 2 {
		return
	}
	err := g.Update(&resources{Memory: &specs.LinuxMemory{Swap: ptr(int64(96 << 20))}}, nil)
	if err == nil || err.Error() != "unable to set swap limit without memory limit" {
		t.Errorf("swap alone: %v", err)
	}
	for _, m := range []*specs.LinuxMemory{{Limit: ptr(int64(64 << 20))}, {Swap: ptr(int64(96 << 20))}} {
		if err := g.Update(&resources{Memory: m}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if got, ok := readBack(t, g, "memory", "memory.swap.max"); ok && got != "33554432" {
		t.Errorf("memory.swap.max: %s", got)
	}
}

// TestUpdatesExclude: a second update waits for the first.
func TestUpdatesExclude(t *testing.T) {
	g := newGroup(t, probe(t))
	create(t, g, nil)
	unlock, err := g.lock()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := open(g.members().path, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != unix.EWOULDBLOCK {
		t.Errorf("while locked: %v", err)
	}
	unlock()
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		t.Errorf("after it: %v", err)
	}
}
