package spec

import (
	"rt/libct/jsontext"

	"github.com/opencontainers/runtime-spec/specs-go"
)

var seccompNames = []string{
	"defaultAction", "defaultErrnoRet", "architectures", "flags", "listenerPath", "listenerMetadata",
	"syscalls",
}

func seccomp(r *reader, v *specs.LinuxSeccomp) error {
	return r.Fields(seccompNames, func(name string) error {
		switch name {
		case "defaultAction":
			return jsontext.SetString(r, &v.DefaultAction)
		case "defaultErrnoRet":
			return jsontext.SetPtr(r, &v.DefaultErrnoRet, jsontext.SetUint)
		case "architectures":
			return jsontext.SetSlice(r, &v.Architectures, jsontext.SetString)
		case "flags":
			return jsontext.SetSlice(r, &v.Flags, jsontext.SetString)
		case "listenerPath":
			return jsontext.SetString(r, &v.ListenerPath)
		case "listenerMetadata":
			return jsontext.SetString(r, &v.ListenerMetadata)
		}
		return jsontext.SetSlice(r, &v.Syscalls, syscall)
	})
}

var syscallNames = []string{"names", "action", "errnoRet", "args"}

func syscall(r *reader, v *specs.LinuxSyscall) error {
	return r.Fields(syscallNames, func(name string) error {
		switch name {
		case "names":
			return jsontext.SetSlice(r, &v.Names, jsontext.SetString)
		case "action":
			return jsontext.SetString(r, &v.Action)
		case "errnoRet":
			return jsontext.SetPtr(r, &v.ErrnoRet, jsontext.SetUint)
		}
		return jsontext.SetSlice(r, &v.Args, seccompArg)
	})
}

var seccompArgNames = []string{"index", "value", "valueTwo", "op"}

func seccompArg(r *reader, v *specs.LinuxSeccompArg) error {
	return r.Fields(seccompArgNames, func(name string) error {
		switch name {
		case "index":
			return jsontext.SetUint(r, &v.Index)
		case "value":
			return jsontext.SetUint(r, &v.Value)
		case "valueTwo":
			return jsontext.SetUint(r, &v.ValueTwo)
		}
		return jsontext.SetString(r, &v.Op)
	})
}
