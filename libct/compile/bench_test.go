package compile

import (
	"testing"

	"rt/libct/spec"
)

// template is a container of rt spec's config.json on a host with eight v1
// hierarchies.
func template() Input {
	f := facts()
	f.LastCap = 40
	in := Input{Spec: spec.Default(), Facts: f, ID: "box", Rootfs: "/bundle/rootfs", Bundle: "/bundle"}
	in.Spec.Process.Terminal = false
	for _, name := range []string{"cpu,cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "systemd"} {
		in.Hierarchies = append(in.Hierarchies, Hierarchy{Name: name, Dir: "/sys/fs/cgroup/" + name + "/box", Join: true})
	}
	return in
}

func BenchmarkContainer(b *testing.B) {
	in := template()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Container(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	p, err := Container(template())
	if err != nil {
		b.Fatal(err)
	}
	inputs := make([]int64, len(p.Slots))
	b.ReportMetric(float64(len(p.Ops)), "ops")
	b.ReportAllocs()
	for b.Loop() {
		p.Encode(inputs)
	}
}
