package systemd

import (
	"errors"
	"fmt"
	"strings"

	"rt/libct/dbus"
)

// The properties every scope has. Accounting of all controllers is what the
// cgroupfs driver has too; a unit without default dependencies does not wait
// for the host's start, and lives until the host's end.
func scopeProperties(u Unit, description string, pid int, v2 bool) []Property {
	io := "IOAccounting"
	if !v2 {
		io = "BlockIOAccounting"
	}
	return []Property{
		{"Description", dbus.String(description)},
		{"Slice", dbus.String(u.Slice)},
		{"Delegate", dbus.Bool(true)},
		{"PIDs", dbus.Array{Elem: "u", Items: []dbus.Value{dbus.Uint32(pid)}}},
		{"MemoryAccounting", dbus.Bool(true)},
		{"CPUAccounting", dbus.Bool(true)},
		{io, dbus.Bool(true)},
		{"TasksAccounting", dbus.Bool(true)},
		{"DefaultDependencies", dbus.Bool(false)},
	}
}

// marshal makes the array a(sv) of properties.
func marshal(properties []Property) dbus.Value {
	a := dbus.Array{Elem: "(sv)"}
	for _, p := range properties {
		a.Items = append(a.Items, dbus.Struct{dbus.String(p.Name), dbus.Variant{Value: p.Value}})
	}
	return a
}

// Start makes the scope with a process in it, and returns when systemd has put
// it there. A unit of that name that has failed makes way.
func (b *Bus) Start(u Unit, description string, pid int, v2 bool, more []Property) error {
	properties := append(scopeProperties(u, description, pid, v2), more...)
	err := b.start(u.Name, properties)
	var refusal *dbus.Error
	if errors.As(err, &refusal) && refusal.Name == "org.freedesktop.systemd1.UnitExists" {
		if b.Reset(u.Name) == nil {
			err = b.start(u.Name, properties)
		}
	}
	if err != nil {
		return fmt.Errorf("unable to start unit %q: %w", u.Name, err)
	}
	return nil
}

func (b *Bus) start(name string, properties []Property) error {
	aux := dbus.Array{Elem: "(sa(sv))"}
	result, err := b.job(b.method("StartTransientUnit", dbus.String(name), dbus.String("replace"), marshal(properties), aux))
	if err == nil && result != "done" {
		_ = b.Reset(name) // result is what matters
		err = fmt.Errorf("error creating systemd unit `%s`: got `%s`", name, result)
	}
	return err
}

// job makes a call that answers with a job, and waits for its end. The other
// calls are made before that, and need not succeed.
func (b *Bus) job(c dbus.Call, others ...dbus.Call) (result string, err error) {
	serial := b.conn.Send(c)
	for _, other := range others {
		b.conn.Send(other)
	}
	reply, err := b.conn.Reply(serial)
	if err != nil {
		return "", b.named(err)
	}
	if len(reply) != 1 {
		return "", b.named(fmt.Errorf("%s answered %d values", c.Member, len(reply)))
	}
	job, ok := reply[0].(dbus.ObjectPath)
	if !ok {
		return "", b.named(fmt.Errorf("%s answered no job", c.Member))
	}
	for {
		m, err := b.conn.Signal()
		if err != nil {
			return "", b.named(fmt.Errorf("wait for %s: %w", c.Member, err))
		}
		// The job's number, object and unit, and its result.
		values, err := m.Body()
		if err != nil {
			return "", b.named(err)
		}
		if len(values) != 4 {
			continue
		}
		ended, _ := values[1].(dbus.ObjectPath)
		if s, ok := values[3].(dbus.String); ok && ended == job {
			return string(s), nil
		}
	}
}

// Look tells the description of a scope, and its cgroup: "" if it has none,
// because it is not there, has ended, or has not begun.
func (b *Bus) Look(name string) (description, cgroup string, err error) {
	object := dbus.ObjectPath(managerPath + "/unit/" + escapeLabel(name))
	if cgroup, err = b.property(object, "org.freedesktop.systemd1.Scope", "ControlGroup"); err == nil {
		description, err = b.property(object, "org.freedesktop.systemd1.Unit", "Description")
	}
	return description, cgroup, err
}

// escapeLabel makes a part of an object path of a name: what is not a letter or
// digit is _ and its code, and so is a digit in front.
func escapeLabel(name string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for i, c := range []byte(name) {
		letter := c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
		if letter || i > 0 && c >= '0' && c <= '9' {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'_', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}

// Stop removes a unit and kills what is in it; one that is not there is no
// error.
func (b *Bus) Stop(name string) error {
	stop := b.method("StopUnit", dbus.String(name), dbus.String("replace"))
	// Its first process need not heed SIGTERM, and systemd would wait.
	kill := b.method("KillUnit", dbus.String(name), dbus.String("all"), dbus.Int32(9))
	_, err := b.job(stop, kill)
	if notLoaded(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("unable to stop unit %q: %w", name, err)
	}
	return nil
}

// Reset lets systemd forget a unit that has failed; one that is not there is no
// error.
func (b *Bus) Reset(name string) error {
	_, err := b.call(b.method("ResetFailedUnit", dbus.String(name)))
	if notLoaded(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("unable to reset unit %q: %w", name, err)
	}
	return nil
}

func notLoaded(err error) bool {
	var refusal *dbus.Error
	return errors.As(err, &refusal) && refusal.Name == "org.freedesktop.systemd1.NoSuchUnit"
}

// Set changes properties until the next boot, and returns when systemd has
// written them to the cgroup. It does so after its answer, but before it hears
// the next call, which is the ping.
func (b *Bus) Set(name string, properties []Property) error {
	if len(properties) == 0 {
		return nil
	}
	set := b.conn.Send(b.method("SetUnitProperties", dbus.String(name), dbus.Bool(true), marshal(properties)))
	ping := b.method("Ping")
	ping.Interface = "org.freedesktop.DBus.Peer"
	pong := b.conn.Send(ping)
	_, err := b.conn.Reply(set)
	if err == nil {
		_, err = b.conn.Reply(pong)
	}
	if err != nil {
		return fmt.Errorf("unable to set unit properties: %w", b.named(err))
	}
	return nil
}

// Attach moves processes of the caller's into a unit. A user may not do so by
// itself if it comes from another subtree.
func (b *Bus) Attach(name string, pids ...int) error {
	list := dbus.Array{Elem: "u"}
	for _, pid := range pids {
		list.Items = append(list.Items, dbus.Uint32(pid))
	}
	_, err := b.call(b.method("AttachProcessesToUnit", dbus.String(name), dbus.String(""), list))
	if err != nil {
		return fmt.Errorf("unable to attach processes %v to unit %q: %w", pids, name, err)
	}
	return nil
}
