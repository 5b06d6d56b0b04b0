package systemd

import (
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/cgroup"
	"rt/libct/dbus"
)

// Devices translates device rules, so that they outlive a reload of systemd,
// which sets the devices of each unit anew. What systemd cannot say is left
// out, and so denied after a reload: devices of any major and one minor number.
// It has no way to say "all but": on v2, where the restrictions of systemd and
// of the runtime add up, it is told nothing then, and on v1 to deny all.
func Devices(rules []specs.LinuxDeviceCgroup, h Host) []Property {
	if len(rules) == 0 || h.User {
		return nil
	}
	policy, allowed, ok := "strict", []dbus.Value(nil), false
	list, fallback, err := cgroup.Reduce(rules)
	switch {
	case err != nil && h.V2, fallback && (h.V2 || len(list) == 0):
		policy = "auto"
	case err != nil || fallback:
	default:
		for _, d := range list {
			var name string
			if name, ok = deviceName(d); ok {
				allowed = append(allowed, dbus.Struct{dbus.String(name), dbus.String(d.Access)})
			}
		}
	}
	return []Property{
		{"DevicePolicy", dbus.String(policy)},
		// An empty list first: what comes later is added.
		{"DeviceAllow", dbus.Array{Elem: "(ss)"}},
		{"DeviceAllow", dbus.Array{Elem: "(ss)", Items: allowed}},
	}
}

// deviceName is how systemd calls a device or a group of them
// (systemd.resource-control(5), "DeviceAllow="); these names need no file.
func deviceName(d cgroup.Device) (string, bool) {
	kind := "char"
	if d.Kind == 'b' {
		kind = "block"
	}
	switch {
	case d.Major == cgroup.AnyNumber && d.Minor == cgroup.AnyNumber:
		return kind + "-*", true
	case d.Major == cgroup.AnyNumber:
		return "", false
	case d.Minor == cgroup.AnyNumber:
		return kind + "-" + strconv.FormatInt(d.Major, 10), true
	}
	return "/dev/" + kind + "/" + strconv.FormatInt(d.Major, 10) + ":" + strconv.FormatInt(d.Minor, 10), true
}
