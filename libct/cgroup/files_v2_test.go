package cgroup

import (
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
