package spec

import (
	"rt/libct/jsontext"

	"github.com/opencontainers/runtime-spec/specs-go"
)

var hooksNames = []string{
	"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
}

func hooks(r *reader, v *specs.Hooks) error {
	return r.Fields(hooksNames, func(name string) error {
		return jsontext.SetSlice(r, hooksOf(v, name), hook)
	})
}

// hooksOf is the list that stands under name. prestart is deprecated but
// managers (and nvidia-container-runtime) still write it.
func hooksOf(v *specs.Hooks, name string) *[]specs.Hook {
	switch name {
	case "prestart":
		//lint:ignore SA1019 read because it is written
		return &v.Prestart
	case "createRuntime":
		return &v.CreateRuntime
	case "createContainer":
		return &v.CreateContainer
	case "startContainer":
		return &v.StartContainer
	case "poststart":
		return &v.Poststart
	}
	return &v.Poststop
}

var hookNames = []string{"path", "args", "env", "timeout"}

func hook(r *reader, v *specs.Hook) error {
	return r.Fields(hookNames, func(name string) error {
		switch name {
		case "path":
			return jsontext.SetString(r, &v.Path)
		case "args":
			return jsontext.SetSlice(r, &v.Args, jsontext.SetString)
		case "env":
			return jsontext.SetSlice(r, &v.Env, jsontext.SetString)
		}
		return jsontext.SetPtr(r, &v.Timeout, jsontext.SetInt)
	})
}
