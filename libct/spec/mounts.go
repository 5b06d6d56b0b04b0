package spec

import (
	"rt/libct/jsontext"

	"github.com/opencontainers/runtime-spec/specs-go"
)

var mountNames = []string{"destination", "type", "source", "options", "uidMappings", "gidMappings"}

func mount(r *reader, v *specs.Mount) error {
	return r.Fields(mountNames, func(name string) error {
		switch name {
		case "destination":
			return jsontext.SetString(r, &v.Destination)
		case "type":
			return jsontext.SetString(r, &v.Type)
		case "source":
			return jsontext.SetString(r, &v.Source)
		case "options":
			return jsontext.SetSlice(r, &v.Options, jsontext.SetString)
		case "uidMappings":
			return jsontext.SetSlice(r, &v.UIDMappings, idMapping)
		}
		return jsontext.SetSlice(r, &v.GIDMappings, idMapping)
	})
}

var idMappingNames = []string{"containerID", "hostID", "size"}

func idMapping(r *reader, v *specs.LinuxIDMapping) error {
	return r.Fields(idMappingNames, func(name string) error {
		switch name {
		case "containerID":
			return jsontext.SetUint(r, &v.ContainerID)
		case "hostID":
			return jsontext.SetUint(r, &v.HostID)
		}
		return jsontext.SetUint(r, &v.Size)
	})
}
