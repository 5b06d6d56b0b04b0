package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// marshal is what Encode must equal.
func marshal(t *testing.T, s *specs.Spec, indent string) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(s); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func sameEncoding(t *testing.T, s *specs.Spec) {
	t.Helper()
	for _, indent := range []string{"", "\t", "    "} {
		if have, want := string(Encode(s, indent)), marshal(t, s, indent); have != want {
			t.Errorf("indent %q: have\n%s\nwant\n%s", indent, have, want)
		}
	}
}

// emptied gives every pointer, slice and map below v an empty value, where
// omitempty and a plain member differ.
func emptied(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		emptied(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			emptied(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
	}
}

func noOtherPlatforms(s *specs.Spec) *specs.Spec {
	s.Windows, s.Solaris, s.VM, s.ZOS, s.FreeBSD = nil, nil, nil, nil, nil
	return s
}

func TestEncode(t *testing.T) {
	var full, empty specs.Spec
	n := 0
	filled(reflect.ValueOf(&full).Elem(), &n)
	emptied(reflect.ValueOf(&empty).Elem())
	docker, err := Decode(read(t, "testdata/docker.json"))
	if err != nil {
		t.Fatal(err)
	}
	names := &specs.Spec{Linux: &specs.Linux{Seccomp: &specs.LinuxSeccomp{
		Syscalls: []specs.LinuxSyscall{{}, {Names: []string{}}, {Names: []string{"a"}}},
	}}}
	odd := &specs.Spec{Hostname: "<\xff&\u2028>\x00", Annotations: map[string]string{"b": "", "a": "\"", "": "/"}}
	for _, s := range []*specs.Spec{
		{}, noOtherPlatforms(&full), noOtherPlatforms(&empty), docker, names, odd, Default(),
	} {
		sameEncoding(t, s)
	}
}

// FuzzEncode writes back whatever can be read.
func FuzzEncode(f *testing.F) {
	for _, text := range odd {
		f.Add([]byte(text))
	}
	f.Add(read(f, "testdata/docker.json"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Decode(text)
		if err != nil {
			return
		}
		noOtherPlatforms(s)
		sameEncoding(t, s)
		again, err := Decode(Encode(s, ""))
		if err != nil {
			t.Fatalf("%q: written, but not read again: %v", text, err)
		}
		if have, want := Encode(again, ""), Encode(s, ""); !bytes.Equal(have, want) {
			t.Fatalf("%q: read again as\n%s\nnot\n%s", text, have, want)
		}
	})
}

// TestDefault compares with files as runc 1.5 writes them on cgroup v1.
func TestDefault(t *testing.T) {
	for _, c := range []struct {
		file   string
		change func(*specs.Spec)
	}{
		{"testdata/default.json", func(*specs.Spec) {}},
		{"testdata/rootless.json", Rootless},
	} {
		want := strings.TrimSuffix(string(read(t, c.file)), "\n")
		for _, id := range []int{os.Geteuid(), os.Getegid()} {
			want = strings.Replace(want, "\"hostID\": 0,", fmt.Sprintf("\"hostID\": %d ,", id), 1)
		}
		want = strings.ReplaceAll(want, " ,", ",")
		s := Default()
		c.change(s)
		if have := string(Encode(s, "\t")); have != want {
			t.Errorf("%s: have\n%s\nwant\n%s", c.file, have, want)
		}
		if err := errors.Join(Validate(s), Unsupported(s)); err != nil {
			t.Errorf("%s: %v", c.file, err)
		}
		if w := Warnings(s); w != nil {
			t.Errorf("%s: %v", c.file, w)
		}
	}
}

func TestPrivateCgroup(t *testing.T) {
	s := Default()
	PrivateCgroup(s)
	if ns := s.Linux.Namespaces; len(ns) != 6 || ns[5].Type != specs.CgroupNamespace {
		t.Errorf("have %v", ns)
	}
}
