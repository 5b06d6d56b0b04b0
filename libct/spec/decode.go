package spec

import (
	"errors"

	"rt/libct/jsontext"

	"github.com/opencontainers/runtime-spec/specs-go"
)

type reader = jsontext.Reader

// Decode reads the text of a config.json. It gives what encoding/json gives,
// but for two things: nesting is limited to jsontext.MaxDepth, and of the
// sections of other platforms only the syntax is read, so that a non-nil
// pointer says no more than that the section is there.
func Decode(text []byte) (*specs.Spec, error) {
	if r := jsontext.NewReader(text); r.Null() && r.End() == nil {
		return nil, errors.New("config.json must be an object, have null")
	}
	return decode(text, config)
}

// DecodeProcess reads the text of a process, as exec --process gives it.
func DecodeProcess(text []byte) (*specs.Process, error) { return decode(text, process) }

// DecodeResources reads the text of linux.resources, as update gives it.
func DecodeResources(text []byte) (*specs.LinuxResources, error) { return decode(text, resources) }

// DecodeMounts reads a list of mounts, as mounts add gives it.
func DecodeMounts(text []byte) ([]specs.Mount, error) {
	r := jsontext.NewReader(text)
	if r.Null() {
		return nil, errors.New("mounts must be an array, have null")
	}
	var list []specs.Mount
	if err := jsontext.SetSlice(r, &list, mount); err != nil {
		return nil, err
	}
	return list, r.End()
}

// DecodeSeccomp reads the text of linux.seccomp.
func DecodeSeccomp(text []byte) (*specs.LinuxSeccomp, error) { return decode(text, seccomp) }

func decode[T any](text []byte, read func(*reader, *T) error) (*T, error) {
	r := jsontext.NewReader(text)
	v := new(T)
	if err := read(r, v); err != nil {
		return nil, err
	}
	if err := r.End(); err != nil {
		return nil, err
	}
	return v, nil
}

var configNames = []string{
	"ociVersion", "process", "root", "hostname", "domainname", "mounts", "hooks", "annotations",
	"linux", "solaris", "windows", "vm", "zos", "freebsd",
}

func config(r *reader, v *specs.Spec) error {
	return r.Fields(configNames, func(name string) error {
		switch name {
		case "ociVersion":
			return jsontext.SetString(r, &v.Version)
		case "process":
			return jsontext.SetPtr(r, &v.Process, process)
		case "root":
			return jsontext.SetPtr(r, &v.Root, root)
		case "hostname":
			return jsontext.SetString(r, &v.Hostname)
		case "domainname":
			return jsontext.SetString(r, &v.Domainname)
		case "mounts":
			return jsontext.SetSlice(r, &v.Mounts, mount)
		case "hooks":
			return jsontext.SetPtr(r, &v.Hooks, hooks)
		case "annotations":
			return jsontext.SetMap(r, &v.Annotations, jsontext.SetString)
		case "linux":
			return jsontext.SetPtr(r, &v.Linux, linux)
		}
		return otherPlatform(r, v, name)
	})
}

func otherPlatform(r *reader, v *specs.Spec, name string) error {
	switch name {
	case "solaris":
		return jsontext.SetPtr(r, &v.Solaris, syntaxOnly)
	case "windows":
		return jsontext.SetPtr(r, &v.Windows, syntaxOnly)
	case "vm":
		return jsontext.SetPtr(r, &v.VM, syntaxOnly)
	case "zos":
		return jsontext.SetPtr(r, &v.ZOS, syntaxOnly)
	case "freebsd":
		return jsontext.SetPtr(r, &v.FreeBSD, syntaxOnly)
	}
	return r.Skip()
}

// syntaxOnly reads an object and keeps nothing of it.
func syntaxOnly[T any](r *reader, _ *T) error {
	return r.Fields(nil, func(string) error { return r.Skip() })
}

var rootNames = []string{"path", "readonly"}

func root(r *reader, v *specs.Root) error {
	return r.Fields(rootNames, func(name string) error {
		if name == "path" {
			return jsontext.SetString(r, &v.Path)
		}
		return jsontext.SetBool(r, &v.Readonly)
	})
}
