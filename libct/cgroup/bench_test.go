package cgroup

import "testing"

func BenchmarkProbe(b *testing.B) {
	probe(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Probe(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCreateApplyDelete is what a container without limits costs: the
// directories and the default device rules.
func BenchmarkCreateApplyDelete(b *testing.B) {
	l := probe(b)
	r := &resources{Devices: DeviceRules(nil)}
	parent := newGroup(b, l)
	create(b, parent, nil)
	b.Run("create", func(b *testing.B) {
		for b.Loop() {
			g := parent.sub("b")
			if err := g.Create(r); err != nil {
				b.Fatal(err)
			}
			if err := g.Apply(r); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			if err := g.Delete(long); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
	})
	b.Run("delete", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			g := parent.sub("b")
			if err := g.Create(r); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			if err := g.Delete(long); err != nil {
				b.Fatal(err)
			}
		}
	})
}
