package cgroup

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// TestFilesV2 checks which v2 files get which values, on plain files, for
// hosts whose controllers are all on v1. TestLimitsReadBack is the real test.
func TestFilesV2(t *testing.T) {
	dev := specs.LinuxBlockIODevice{Major: 8, Minor: 16}
	limit := func(n int64) *int64 { return &n }
	for _, tt := range []struct {
		name  string
		apply func(d *dir, r *resources) error
		r     resources
		want  map[string]string // every file that must exist; "": unwritten
	}{
		{"memory", applyMemoryV2, resources{Memory: &specs.LinuxMemory{Limit: limit(100), Swap: limit(300), Reservation: limit(50)}},
			map[string]string{"memory.max": "100", "memory.swap.max": "200", "memory.low": "50"}},
		{"memory without swap accounting", applyMemoryV2, resources{Memory: &specs.LinuxMemory{Limit: limit(100), Swap: limit(100)}},
			map[string]string{"memory.max": "100"}},
		{"memory unlimited", applyMemoryV2, resources{Memory: &specs.LinuxMemory{Limit: limit(-1)}},
			map[string]string{"memory.max": "max", "memory.swap.max": "max"}},
		{"reservation alone", applyMemoryV2, resources{Memory: &specs.LinuxMemory{Reservation: limit(-1)}},
			map[string]string{"memory.low": "max", "memory.max": "", "memory.swap.max": ""}},
		{"cpu", applyCPUV2, resources{CPU: &specs.LinuxCPU{Shares: ptr(uint64(1024)), Quota: limit(7), Burst: ptr(uint64(0)), Idle: limit(0)}},
			map[string]string{"cpu.weight": "100", "cpu.max": "7 100000", "cpu.max.burst": "0", "cpu.idle": "0"}},
		{"io by bfq", applyBlockIOV2, resources{BlockIO: &specs.LinuxBlockIO{Weight: ptr(uint16(500))}},
			map[string]string{"io.bfq.weight": "500", "io.weight": ""}},
		{"io by cost", applyBlockIOV2, resources{BlockIO: &specs.LinuxBlockIO{Weight: ptr(uint16(500))}},
			map[string]string{"io.weight": "4950"}},
		{"io of a device", applyBlockIOV2, resources{BlockIO: &specs.LinuxBlockIO{
			WeightDevice: []specs.LinuxWeightDevice{{LinuxBlockIODevice: dev, Weight: ptr(uint16(1000))}}}},
			map[string]string{"io.weight": "8:16 10000"}},
		{"io limit", applyBlockIOV2, resources{BlockIO: &specs.LinuxBlockIO{
			ThrottleWriteBpsDevice: []specs.LinuxThrottleDevice{{LinuxBlockIODevice: dev, Rate: 5}}}},
			map[string]string{"io.max": "8:16 wbps=5"}},
		{"rdma", applyRdma, resources{Rdma: map[string]specs.LinuxRdma{"mlx5_0": {HcaObjects: ptr(uint32(4))}}},
			map[string]string{"rdma.max": "mlx5_0 hca_object=4"}},
		{"hugetlb without rsvd", applyHugetlbV2, resources{HugepageLimits: []specs.LinuxHugepageLimit{{Pagesize: "1GB", Limit: 9}}},
			map[string]string{"hugetlb.1GB.max": "9"}},
		{"net_cls", applyClassID, resources{Network: &specs.LinuxNetwork{ClassID: ptr(uint32(0x100001))}},
			map[string]string{"net_cls.classid": "1048577"}},
		{"net_prio", applyPriorities, resources{Network: &specs.LinuxNetwork{Priorities: []specs.LinuxInterfacePriority{{Name: "eth0", Priority: 5}}}},
			map[string]string{"net_prio.ifpriomap": "eth0 5"}},
	} {
		d := &dir{path: t.TempDir()}
		for file := range tt.want {
			if err := os.WriteFile(filepath.Join(d.path, file), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := tt.apply(d, &tt.r); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		for file, want := range tt.want {
			if got, err := os.ReadFile(filepath.Join(d.path, file)); err != nil || string(got) != want {
				t.Errorf("%s: %s: %q, want %q", tt.name, file, got, want)
			}
		}
	}
}

func TestCheckBeforeUpdate(t *testing.T) {
	d := &dir{path: t.TempDir()}
	for file, text := range map[string]string{"memory.current": "1000\n", "memory.max": "", "memory.swap.max": ""} {
		if err := os.WriteFile(filepath.Join(d.path, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		limit, swap int64
		want        string
	}{{1000, 0, "rejecting memory limit 1000 <= usage 1000"}, {500, 900, "rejecting memory+swap limit 900 <= usage 1000"}, {2000, 3000, ""}} {
		err := applyMemoryV2(d, &resources{Memory: &specs.LinuxMemory{Limit: &tt.limit, Swap: &tt.swap, CheckBeforeUpdate: ptr(true)}})
		if err == nil && tt.want != "" || err != nil && err.Error() != tt.want {
			t.Errorf("%d, %d: %v", tt.limit, tt.swap, err)
		}
	}
}

// plainV2 is a v2 group of plain files, for hosts whose controllers are all on
// v1. A value is written over the old one, so that both have one length here.
func plainV2(t *testing.T, files map[string]string) *Group {
	t.Helper()
	return &Group{unified: true, dirs: []dir{{
		Hierarchy: Hierarchy{V2: true, Mount: "/", Controllers: []string{"cpu", "memory", "pids", "io"}}, path: statDir(t, files),
	}}}
}

func TestCompleteV2(t *testing.T) {
	g := plainV2(t, map[string]string{"cpu.max": "50000 100000\n", "memory.max": "1048576\n"})
	quota, period, swap := int64(7000), uint64(20000), int64(4<<20)
	for _, tt := range []struct {
		name         string
		r            resources
		quota        int64
		period       uint64
		limit, total int64
	}{
		{"quota", resources{CPU: &specs.LinuxCPU{Quota: &quota}}, 7000, 100000, 0, 0},
		{"period", resources{CPU: &specs.LinuxCPU{Period: &period}}, 50000, 20000, 0, 0},
		{"both", resources{CPU: &specs.LinuxCPU{Quota: &quota, Period: &period}}, 7000, 20000, 0, 0},
		{"neither", resources{CPU: &specs.LinuxCPU{Cpus: "0"}}, 0, 0, 0, 0},
		{"swap", resources{Memory: &specs.LinuxMemory{Swap: &swap}}, 0, 0, 1 << 20, 4 << 20},
		{"unlimited swap", resources{Memory: &specs.LinuxMemory{Swap: ptr(int64(-1))}}, 0, 0, 0, -1},
	} {
		full, err := g.Complete(&tt.r)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if c := full.CPU; c != nil && (value(c.Quota) != tt.quota || c.Period == nil && tt.period != 0 || c.Period != nil && *c.Period != tt.period) {
			t.Errorf("%s: quota %d, period %v", tt.name, value(c.Quota), c.Period)
		}
		if m := full.Memory; m != nil && (value(m.Limit) != tt.limit || value(m.Swap) != tt.total) {
			t.Errorf("%s: limit %d, swap %d", tt.name, value(m.Limit), value(m.Swap))
		}
	}
	for name, files := range map[string]map[string]string{"no quota": {"cpu.max": "max 100000\n"}, "no controller": {}} {
		full, err := plainV2(t, files).Complete(&resources{CPU: &specs.LinuxCPU{Period: &period}, Memory: &specs.LinuxMemory{Swap: &swap}})
		if err != nil || full.Memory.Limit != nil || value(full.CPU.Quota) > 0 {
			t.Errorf("%s: %+v, %v", name, full, err)
		}
	}
	if _, err := plainV2(t, map[string]string{"cpu.max": "x y\n"}).Complete(&resources{CPU: &specs.LinuxCPU{Quota: &quota}}); err == nil {
		t.Error("nonsense is completed")
	}
}

func TestUpdateV2IsAllOrNothing(t *testing.T) {
	before := map[string]string{
		"cpu.max": "50000 100000\n", "memory.max": "1048576\n", "memory.swap.max": "2097152\n", "memory.low": "1000\n",
		"io.max": "8:0 rbps=1000 wbps=max riops=max wiops=max\n",
	}
	g := plainV2(t, before)
	d := specs.LinuxBlockIODevice{Major: 8}
	r := &resources{
		CPU:     &specs.LinuxCPU{Quota: ptr(int64(60000))},
		Memory:  &specs.LinuxMemory{Limit: ptr(int64(2097152)), Swap: ptr(int64(2097152 + 1048576)), Reservation: ptr(int64(2000))},
		BlockIO: &specs.LinuxBlockIO{ThrottleReadBpsDevice: []specs.LinuxThrottleDevice{{LinuxBlockIODevice: d, Rate: 2000}}},
	}
	read := func() map[string]string {
		now := map[string]string{}
		for name := range before {
			text, err := os.ReadFile(filepath.Join(g.dirs[0].path, name))
			if err != nil {
				t.Fatal(err)
			}
			now[name] = string(text)
		}
		return now
	}
	refused := *r
	refused.Pids = &specs.LinuxPids{Limit: ptr(int64(5))} // there is no pids.max
	if err := g.Update(&refused, nil); err == nil || !absent(err) {
		t.Errorf("without pids.max: %v", err)
	}
	if now := read(); !maps.Equal(now, before) {
		t.Errorf("now %q, before %q", now, before)
	}
	if err := g.Update(r, nil); err != nil {
		t.Fatal(err)
	}
	now := read()
	for name, want := range map[string]string{"cpu.max": "60000 100000\n", "memory.max": "2097152\n", "memory.swap.max": "1048576\n", "memory.low": "2000\n"} {
		if now[name] != want {
			t.Errorf("%s: %q, want %q", name, now[name], want)
		}
	}
}
