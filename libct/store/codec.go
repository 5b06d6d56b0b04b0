package store

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/jsontext"
)

func encode(rec *Record) []byte {
	var w jsontext.Writer
	w.Object(func() {
		text := func(name, value string) { w.Key(name); w.String(value) }
		number := func(name string, n uint64) { w.Key(name); w.Uint(n) }
		flag := func(name string, b bool) { w.Key(name); w.Bool(b) }

		number("version", uint64(rec.Version))
		text("id", rec.ID)
		text("ociVersion", rec.OCIVersion)
		text("bundle", rec.Bundle)
		text("rootfs", rec.Rootfs)
		text("created", rec.Created.Format(time.RFC3339Nano))
		text("status", string(rec.Status))
		number("pid", uint64(rec.Pid))
		number("startTime", rec.StartTime)
		number("owner", uint64(rec.Owner))
		number("namespaces", rec.Namespaces)
		flag("pidShared", rec.PidShared)
		flag("rootless", rec.Rootless)
		flag("noPivot", rec.NoPivot)
		flag("systemdCgroup", rec.SystemdCgroup)
		if rec.SystemdCgroup {
			text("unit", rec.Unit)
			text("slice", rec.Slice)
		}
		if rec.MemorySwap != 0 {
			w.Key("memorySwap")
			w.Int(rec.MemorySwap)
		}
		if rec.RdtGroup != "" {
			text("rdtGroup", rec.RdtGroup)
			text("rdtMonitor", rec.RdtMonitor)
			flag("rdtMade", rec.RdtMade)
		}
		writeMap(&w, "cgroups", rec.Cgroups)
		writeMap(&w, "annotations", rec.Annotations)
		writeList(&w, "stdio", rec.Stdio)
		writeHooks(&w, "startContainer", rec.StartContainer)
		writeHooks(&w, "poststart", rec.Poststart)
		writeHooks(&w, "poststop", rec.Poststop)
	})
	return append(w.Bytes(), '\n')
}

func writeMap(w *jsontext.Writer, name string, m map[string]string) {
	if len(m) == 0 {
		return
	}
	w.Key(name)
	w.Object(func() {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			w.Key(k)
			w.String(m[k])
		}
	})
}

func writeList(w *jsontext.Writer, name string, values []string) {
	if len(values) == 0 {
		return
	}
	w.Key(name)
	w.Array(func() {
		for _, v := range values {
			w.String(v)
		}
	})
}

func writeHooks(w *jsontext.Writer, name string, hooks []specs.Hook) {
	if len(hooks) == 0 {
		return
	}
	w.Key(name)
	w.Array(func() {
		for i := range hooks {
			writeHook(w, &hooks[i])
		}
	})
}

func writeHook(w *jsontext.Writer, h *specs.Hook) {
	list := func(name string, values []string) {
		if values == nil {
			return // no environment and an empty one may differ
		}
		w.Key(name)
		w.Array(func() {
			for _, v := range values {
				w.String(v)
			}
		})
	}
	w.Object(func() {
		w.Key("path")
		w.String(h.Path)
		list("args", h.Args)
		list("env", h.Env)
		if h.Timeout != nil {
			w.Key("timeout")
			w.Int(int64(*h.Timeout))
		}
	})
}

var recordFields = []string{
	"version", "id", "ociVersion", "bundle", "rootfs", "created", "status", "pid", "startTime", "owner",
	"namespaces", "pidShared", "rootless", "noPivot", "systemdCgroup", "unit", "slice", "memorySwap", "rdtGroup", "rdtMonitor", "rdtMade",
	"cgroups", "annotations", "startContainer", "poststart", "poststop", "stdio",
}

// decode reads a record and checks it.
func decode(data []byte) (*Record, error) {
	rec := new(Record)
	r := jsontext.NewReader(data)
	err := r.Fields(recordFields, func(name string) error { return rec.field(r, name) })
	if err == nil {
		err = r.End()
	}
	if err == nil {
		err = rec.check()
	}
	if err != nil {
		return nil, err
	}
	return rec, nil
}

func (rec *Record) field(r *jsontext.Reader, name string) error {
	switch name {
	case "version":
		return jsontext.SetInt(r, &rec.Version)
	case "id":
		return jsontext.SetString(r, &rec.ID)
	case "ociVersion":
		return jsontext.SetString(r, &rec.OCIVersion)
	case "bundle":
		return jsontext.SetString(r, &rec.Bundle)
	case "rootfs":
		return jsontext.SetString(r, &rec.Rootfs)
	case "created":
		return setTime(r, &rec.Created)
	case "status":
		return jsontext.SetString(r, &rec.Status)
	case "pid":
		return jsontext.SetInt(r, &rec.Pid)
	case "startTime":
		return jsontext.SetUint(r, &rec.StartTime)
	case "owner":
		return jsontext.SetUint(r, &rec.Owner)
	case "namespaces":
		return jsontext.SetUint(r, &rec.Namespaces)
	case "pidShared":
		return jsontext.SetBool(r, &rec.PidShared)
	case "rootless":
		return jsontext.SetBool(r, &rec.Rootless)
	case "noPivot":
		return jsontext.SetBool(r, &rec.NoPivot)
	case "systemdCgroup":
		return jsontext.SetBool(r, &rec.SystemdCgroup)
	case "unit":
		return jsontext.SetString(r, &rec.Unit)
	case "slice":
		return jsontext.SetString(r, &rec.Slice)
	case "memorySwap":
		return jsontext.SetInt(r, &rec.MemorySwap)
	case "rdtGroup":
		return jsontext.SetString(r, &rec.RdtGroup)
	case "rdtMonitor":
		return jsontext.SetString(r, &rec.RdtMonitor)
	case "rdtMade":
		return jsontext.SetBool(r, &rec.RdtMade)
	case "cgroups":
		return jsontext.SetMap(r, &rec.Cgroups, jsontext.SetString[string])
	case "annotations":
		return jsontext.SetMap(r, &rec.Annotations, jsontext.SetString[string])
	case "startContainer":
		return jsontext.SetSlice(r, &rec.StartContainer, setHook)
	case "poststart":
		return jsontext.SetSlice(r, &rec.Poststart, setHook)
	case "stdio":
		return jsontext.SetSlice(r, &rec.Stdio, jsontext.SetString[string])
	case "poststop":
		return jsontext.SetSlice(r, &rec.Poststop, setHook)
	}
	return fmt.Errorf("field %s has no reader", name)
}

func setTime(r *jsontext.Reader, t *time.Time) error {
	s, err := r.String()
	if err != nil {
		return err
	}
	if *t, err = time.Parse(time.RFC3339Nano, s); err != nil {
		return r.Fail("is not a time")
	}
	return nil
}

var hookFields = []string{"path", "args", "env", "timeout"}

func setHook(r *jsontext.Reader, h *specs.Hook) error {
	return r.Fields(hookFields, func(name string) error {
		switch name {
		case "path":
			return jsontext.SetString(r, &h.Path)
		case "args":
			return jsontext.SetSlice(r, &h.Args, jsontext.SetString[string])
		case "env":
			return jsontext.SetSlice(r, &h.Env, jsontext.SetString[string])
		}
		return jsontext.SetPtr(r, &h.Timeout, jsontext.SetInt[int])
	})
}
