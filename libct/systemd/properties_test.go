package systemd

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"rt/libct/cgroup"
	"rt/libct/dbus"
	"rt/libct/spec"
)

// show prints properties as "Name=value".
func show(properties []Property) string {
	var b strings.Builder
	for _, p := range properties {
		v := any(p.Value)
		if n, ok := v.(dbus.Uint64); ok && n == math.MaxUint64 {
			v = "infinity"
		}
		if a, ok := v.(dbus.Array); ok {
			v = a.Items
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s=%v", p.Name, v)
	}
	return b.String()
}

// TestResources: one line is one linux.resources and what systemd is told on v2
// and on v1.
func TestResources(t *testing.T) {
	for _, c := range []struct{ json, v2, v1 string }{
		{`{}`, "", ""},
		{`{"memory":{"limit":1048576}}`, "MemoryMax=1048576", "MemoryLimit=1048576"},
		{`{"memory":{"limit":0,"reservation":0,"swap":0}}`, "", ""},
		{`{"memory":{"limit":-1}}`, "MemoryMax=infinity MemorySwapMax=infinity", "MemoryLimit=infinity"},
		{`{"memory":{"limit":100,"reservation":50,"swap":130}}`, "MemoryMax=100 MemoryLow=50 MemorySwapMax=30", "MemoryLimit=100"},
		{`{"memory":{"limit":100,"swap":100}}`, "MemoryMax=100 MemorySwapMax=0", "MemoryLimit=100"},
		{`{"memory":{"limit":100,"swap":-1}}`, "MemoryMax=100 MemorySwapMax=infinity", "MemoryLimit=100"},
		{`{"cpu":{"shares":1024}}`, "CPUWeight=100", "CPUShares=1024"},
		{`{"cpu":{"idle":1,"shares":1024}}`, "CPUWeight=0", "CPUShares=1024"},
		{`{"cpu":{"idle":0,"shares":1024}}`, "CPUWeight=100", "CPUShares=1024"},
		{`{"cpu":{"quota":50000}}`, "CPUQuotaPerSecUSec=500000", "CPUQuotaPerSecUSec=500000"},
		{`{"cpu":{"quota":50000,"period":200000}}`, "CPUQuotaPeriodUSec=200000 CPUQuotaPerSecUSec=250000", "CPUQuotaPeriodUSec=200000 CPUQuotaPerSecUSec=250000"},
		{`{"cpu":{"quota":12345,"period":50000}}`, "CPUQuotaPeriodUSec=50000 CPUQuotaPerSecUSec=250000", "CPUQuotaPeriodUSec=50000 CPUQuotaPerSecUSec=250000"},
		{`{"cpu":{"quota":1001}}`, "CPUQuotaPerSecUSec=20000", "CPUQuotaPerSecUSec=20000"},
		{`{"cpu":{"quota":-1}}`, "CPUQuotaPerSecUSec=infinity", "CPUQuotaPerSecUSec=infinity"},
		{`{"cpu":{"period":50000}}`, "CPUQuotaPeriodUSec=50000 CPUQuotaPerSecUSec=infinity", "CPUQuotaPeriodUSec=50000 CPUQuotaPerSecUSec=infinity"},
		{`{"cpu":{"cpus":"0-1,9","mems":"0"}}`, "AllowedCPUs=[3 2] AllowedMemoryNodes=[1]", "AllowedCPUs=[3 2] AllowedMemoryNodes=[1]"},
		{`{"pids":{"limit":50}}`, "TasksMax=50", "TasksMax=50"},
		{`{"pids":{"limit":0}}`, "TasksMax=1", "TasksMax=1"},
		{`{"pids":{"limit":-1}}`, "TasksMax=infinity", "TasksMax=infinity"},
		{`{"pids":{"limit":-7}}`, "TasksMax=infinity", "TasksMax=infinity"},
		{`{"blockIO":{"weight":10}}`, "IOWeight=1", "BlockIOWeight=10"},
		{`{"unified":{"memory.high":"5","memory.min":"max","memory.swap.max":"0","pids.max":" 7 "}}`,
			"MemoryHigh=5 MemoryMin=infinity MemorySwapMax=0 TasksMax=7", ""},
		{`{"unified":{"cpu.max":"max"}}`, "CPUQuotaPerSecUSec=infinity", ""},
		{`{"unified":{"cpu.max":"max 50000"}}`, "CPUQuotaPeriodUSec=50000 CPUQuotaPerSecUSec=infinity", ""},
		{`{"unified":{"cpu.max":"25000 50000"}}`, "CPUQuotaPeriodUSec=50000 CPUQuotaPerSecUSec=500000", ""},
		{`{"unified":{"cpu.weight":"33","cpuset.cpus":"1","cpuset.mems":"0"}}`, "CPUWeight=33 AllowedCPUs=[2] AllowedMemoryNodes=[1]", ""},
		{`{"unified":{"cpu.idle":"1","cpu.weight":"33"}}`, "CPUWeight=0", ""},
		{`{"unified":{"memory.oom.group":"1"}}`, "OOMPolicy=kill", ""},
		{`{"unified":{"memory.oom.group":"0","io.max":"8:0 rbps=1","cgroup.max.depth":"3"}}`, "OOMPolicy=continue", ""},
	} {
		r, err := spec.DecodeResources([]byte(c.json))
		if err != nil {
			t.Fatal(err)
		}
		for want, h := range map[string]Host{"2:" + c.v2: {V2: true, Version: 257, New: true}, "1:" + c.v1: {Version: 257, New: true}} {
			got, err := Resources(r, h)
			if text := show(got); text != want[2:] || err != nil {
				t.Errorf("%s, v%c: %s (%v), want %s", c.json, want[0], text, err, want[2:])
			}
		}
	}
}

func TestResourcesErrors(t *testing.T) {
	for json, want := range map[string]string{
		`{"unified":{"memory.max":"-1"}}`:        `unified resource "memory.max": "-1" is not a number or max`,
		`{"unified":{"cpu.max":""}}`:             `unified resource "cpu.max": "": want a quota and perhaps a period`,
		`{"unified":{"cpu.max":"1 2 3"}}`:        `unified resource "cpu.max": "1 2 3": want a quota and perhaps a period`,
		`{"unified":{"cpu.max":"1 0"}}`:          `unified resource "cpu.max": "0" is not a period`,
		`{"unified":{"cpu.weight":"heavy"}}`:     `unified resource "cpu.weight": "heavy" is not a number`,
		`{"cpu":{"cpus":"2-1"}}`:                 `cpu.cpus "2-1": "2-1" runs backwards`,
		`{"cpu":{"mems":"9000"}}`:                `cpu.mems "9000": 9000 is above 8191`,
		`{"unified":{"cpuset.cpus":"x"}}`:        `unified resource "cpuset.cpus": want a list such as 0-3,5, have "x"`,
		`{"memory":{"limit":100,"swap":50}}`:     `memory+swap limit should be >= memory limit`,
		`{"unified":{"cpu.max":"-5 100000"}}`:    `unified resource "cpu.max": "-5" is not a quota`,
		`{"unified":{"memory.swap.max":"lots"}}`: `unified resource "memory.swap.max": "lots" is not a number or max`,
	} {
		r, err := spec.DecodeResources([]byte(json))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Resources(r, Host{V2: true, Version: 257}); errorText(err) != want {
			t.Errorf("%s: error %q, want %q", json, errorText(err), want)
		}
	}
}

// TestOlder: what an older systemd does not know it is not told.
func TestOlder(t *testing.T) {
	r, err := spec.DecodeResources([]byte(`{"cpu":{"idle":1,"shares":1024},"unified":{"memory.oom.group":"1"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for version, want := range map[int]string{249: "CPUWeight=100", 252: "CPUWeight=0", 253: "CPUWeight=0 OOMPolicy=kill"} {
		got, err := Resources(r, Host{V2: true, Version: version, New: true})
		if show(got) != want || err != nil {
			t.Errorf("systemd %d: %s (%v), want %s", version, show(got), err, want)
		}
	}
	if !NeedsVersion(r) {
		t.Error("the version is not asked for")
	}
	if got, _ := Resources(r, Host{V2: true, Version: 257}); show(got) != "CPUWeight=0" {
		t.Errorf("of a running scope: %s", show(got))
	}
}

// TestRound: the cgroup gets what systemd will write, and the caller keeps its
// own.
func TestRound(t *testing.T) {
	for json, want := range map[string]int64{
		`{"cpu":{"quota":12345,"period":50000}}`:    12500,
		`{"cpu":{"quota":50000}}`:                   50000,
		`{"cpu":{"quota":1001}}`:                    2000,
		`{"cpu":{"quota":-1}}`:                      -1,
		`{"cpu":{"quota":333333,"period":1000000}}`: 340000,
	} {
		r, err := spec.DecodeResources([]byte(json))
		if err != nil {
			t.Fatal(err)
		}
		before := *r.CPU.Quota
		if got := *Round(r).CPU.Quota; got != want || *r.CPU.Quota != before {
			t.Errorf("%s: %d, want %d", json, got, want)
		}
	}
	r, _ := spec.DecodeResources([]byte(`{"pids":{"limit":1}}`))
	if Round(r) != r {
		t.Error("resources without a quota are copied")
	}
}

func TestDevices(t *testing.T) {
	for _, c := range []struct{ json, v2, v1 string }{
		{`[]`, "", ""},
		{`[{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":1,"minor":3,"access":"rw"}]`,
			"DevicePolicy=strict DeviceAllow=[] DeviceAllow=[[/dev/char/1:3 rw]]", ""},
		{`[{"allow":true,"type":"c","access":"m"},{"allow":true,"type":"b","access":"m"},{"allow":true,"type":"c","major":136,"access":"rwm"}]`,
			"DevicePolicy=strict DeviceAllow=[] DeviceAllow=[[char-* m] [block-* m] [char-136 rwm]]", ""},
		{`[{"allow":true,"type":"b","major":8,"minor":0,"access":"r"},{"allow":false,"type":"b","major":8,"minor":0,"access":"r"}]`,
			"DevicePolicy=strict DeviceAllow=[] DeviceAllow=[]", ""},
		{`[{"allow":true,"type":"c","minor":3,"access":"r"}]`, "DevicePolicy=strict DeviceAllow=[] DeviceAllow=[]", ""},
		{`[{"allow":true,"access":"rwm"}]`, "DevicePolicy=auto DeviceAllow=[] DeviceAllow=[]", ""},
		{`[{"allow":true,"access":"rwm"},{"allow":false,"type":"c","major":1,"minor":3,"access":"rwm"}]`,
			"DevicePolicy=auto DeviceAllow=[] DeviceAllow=[]", "DevicePolicy=strict DeviceAllow=[] DeviceAllow=[]"},
		{`[{"allow":true,"type":"c","access":"rwm"},{"allow":false,"type":"c","major":1,"minor":3,"access":"rwm"}]`,
			"DevicePolicy=auto DeviceAllow=[] DeviceAllow=[]", "DevicePolicy=strict DeviceAllow=[] DeviceAllow=[]"},
	} {
		r, err := spec.DecodeResources([]byte(`{"devices":` + c.json + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if c.v1 == "" {
			c.v1 = c.v2
		}
		if got := show(Devices(r.Devices, Host{V2: true})); got != c.v2 {
			t.Errorf("%s, v2: %s, want %s", c.json, got, c.v2)
		}
		if got := show(Devices(r.Devices, Host{})); got != c.v1 {
			t.Errorf("%s, v1: %s, want %s", c.json, got, c.v1)
		}
		if got := Devices(r.Devices, Host{V2: true, User: true}); got != nil {
			t.Errorf("%s: a user's systemd is told %s", c.json, show(got))
		}
	}
	if got := show(Devices(cgroup.DeviceRules(nil), Host{V2: true})); !strings.Contains(got, "[/dev/char/1:3 rwm]") || strings.Contains(got, "auto") {
		t.Errorf("the default devices: %s", got)
	}
}

func TestAnnotations(t *testing.T) {
	for _, c := range []struct{ name, value, want, err string }{
		{"org.systemd.property.TimeoutStopUSec", "uint64 123456789", "TimeoutStopUSec=123456789", ""},
		{"org.systemd.property.TimeoutStopSec", "uint64 5", "TimeoutStopUSec=5000000", ""},
		{"org.systemd.property.TimeoutStopSec", "5", "TimeoutStopUSec=5000000", ""},
		{"org.systemd.property.TimeoutStopSec", "1.5", "TimeoutStopUSec=1500000", ""},
		{"org.systemd.property.TimeoutStopSec", "byte 2", "TimeoutStopUSec=2000000", ""},
		{"org.systemd.property.CollectMode", "'inactive-or-failed'", "CollectMode=inactive-or-failed", ""},
		{"org.systemd.property.SomethingNSec", "1", "SomethingNSec=1", ""},
		{"org.systemd.property.Sec", "1", "Sec=1", ""},
		{"org.systemd.property.SendSIGHUP", "true", "SendSIGHUP=true", ""},
		{"org.systemd.property", "true", "", ""},
		{"com.example.x", "true", "", ""},
		{"org.systemd.property.", "1", "", "annotation org.systemd.property. name incorrect: too short"},
		{"org.systemd.property.Xy", "1", "", "annotation org.systemd.property.Xy name incorrect: too short"},
		{"org.systemd.property.Foo1", "1", "", "annotation org.systemd.property.Foo1 name incorrect: contains non-alphabetic character"},
		{"org.systemd.property.Füü", "1", "", "annotation org.systemd.property.Füü name incorrect: contains non-alphabetic character"},
		{"org.systemd.property.TimeoutStopUSec", "foo", "", `annotation org.systemd.property.TimeoutStopUSec=foo value parse error: unexpected "foo"`},
		{"org.systemd.property.TimeoutStopSec", "'x'", "", "annotation org.systemd.property.TimeoutStopSec='x' value parse error: not a number"},
		{"org.systemd.property.CollectMode", "'x' 'y'", "", `annotation org.systemd.property.CollectMode='x' 'y' value parse error: unexpected "'y'" after the value`},
	} {
		got, err := Annotations(map[string]string{c.name: c.value})
		if errorText(err) != c.err || show(got) != c.want {
			t.Errorf("%s=%s: %s (%v), want %s (%s)", c.name, c.value, show(got), err, c.want, c.err)
		}
	}
	got, err := Annotations(map[string]string{"org.systemd.property.Bbb": "1", "org.systemd.property.Aaa": "2"})
	if show(got) != "Aaa=2 Bbb=1" || err != nil {
		t.Errorf("not in the order of names: %s (%v)", show(got), err)
	}
}
