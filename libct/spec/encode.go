package spec

import (
	"slices"

	"rt/libct/jsontext"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Encode writes s as json.MarshalIndent with an empty prefix does, or without
// an indent as json.Marshal does, except that <, > and & stand as they are.
// The sections of other platforms are left out.
func Encode(s *specs.Spec, indent string) []byte {
	w := jsontext.NewWriter(indent)
	w.Object(func() {
		putString(w, "ociVersion", s.Version)
		putProcess(w, s.Process)
		if s.Root != nil {
			w.Key("root")
			w.Object(func() {
				putString(w, "path", s.Root.Path)
				optBool(w, "readonly", s.Root.Readonly)
			})
		}
		optString(w, "hostname", s.Hostname)
		optString(w, "domainname", s.Domainname)
		optArray(w, "mounts", s.Mounts, putMount)
		putHooks(w, s.Hooks)
		optMap(w, "annotations", s.Annotations, (*writer).String)
		putLinux(w, s.Linux)
	})
	return w.Bytes()
}

type writer = jsontext.Writer

// put writes a member that is always there; opt one that is left out when it
// is zero, nil or empty (encoding/json's omitempty).

func putString[T ~string](w *writer, key string, s T) {
	w.Key(key)
	w.String(string(s))
}

func optString[T ~string](w *writer, key string, s T) {
	if s != "" {
		putString(w, key, s)
	}
}

func optBool(w *writer, key string, b bool) {
	if b {
		w.Key(key)
		w.Bool(true)
	}
}

func putInt[T jsontext.Signed](w *writer, key string, n T) {
	w.Key(key)
	w.Int(int64(n))
}

func optInt[T jsontext.Signed](w *writer, key string, n T) {
	if n != 0 {
		putInt(w, key, n)
	}
}

func putUint[T jsontext.Unsigned](w *writer, key string, n T) {
	w.Key(key)
	w.Uint(uint64(n))
}

func optUint[T jsontext.Unsigned](w *writer, key string, n T) {
	if n != 0 {
		putUint(w, key, n)
	}
}

// optPtr writes what p points to with put.
func optPtr[T any](w *writer, key string, p *T, put func(*writer, string, T)) {
	if p != nil {
		put(w, key, *p)
	}
}

func putBool(w *writer, key string, b bool) {
	w.Key(key)
	w.Bool(b)
}

func putArray[T any](w *writer, key string, list []T, put func(*writer, *T)) {
	w.Key(key)
	if list == nil {
		w.Null()
		return
	}
	w.Array(func() {
		for i := range list {
			put(w, &list[i])
		}
	})
}

func optArray[T any](w *writer, key string, list []T, put func(*writer, *T)) {
	if len(list) > 0 {
		putArray(w, key, list, put)
	}
}

// str is an array's element.
func str[T ~string](w *writer, s *T) { w.String(string(*s)) }

// optMap writes a map in the order of its keys, as encoding/json does.
func optMap[T any](w *writer, key string, m map[string]T, put func(*writer, T)) {
	if len(m) == 0 {
		return
	}
	w.Key(key)
	w.Object(func() {
		for _, k := range sortedKeys(m) {
			w.Key(k)
			put(w, m[k])
		}
	})
}

func sortedKeys[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// optObject writes *v as an object whose members put writes.
func optObject[T any](w *writer, key string, v *T, put func(*writer, *T)) {
	if v != nil {
		w.Key(key)
		w.Object(func() { put(w, v) })
	}
}

func putMount(w *writer, m *specs.Mount) {
	w.Object(func() {
		putString(w, "destination", m.Destination)
		optString(w, "type", m.Type)
		optString(w, "source", m.Source)
		optArray(w, "options", m.Options, str)
		optArray(w, "uidMappings", m.UIDMappings, putIDMapping)
		optArray(w, "gidMappings", m.GIDMappings, putIDMapping)
	})
}

func putIDMapping(w *writer, m *specs.LinuxIDMapping) {
	w.Object(func() {
		putUint(w, "containerID", m.ContainerID)
		putUint(w, "hostID", m.HostID)
		putUint(w, "size", m.Size)
	})
}

func putHooks(w *writer, v *specs.Hooks) {
	optObject(w, "hooks", v, func(w *writer, v *specs.Hooks) {
		for _, name := range hooksNames {
			optArray(w, name, *hooksOf(v, name), putHook)
		}
	})
}

func putHook(w *writer, h *specs.Hook) {
	w.Object(func() {
		putString(w, "path", h.Path)
		optArray(w, "args", h.Args, str)
		optArray(w, "env", h.Env, str)
		optPtr(w, "timeout", h.Timeout, putInt)
	})
}
