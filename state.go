package main

import (
	_ "embed"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"rt/libct"
	"rt/libct/jsontext"
)

//go:embed help/state.txt
var stateHelp string

func stateCommand(rt *libct.Runtime) *cli.Command {
	return &cli.Command{
		Name:               "state",
		Usage:              "output the state of a container",
		ArgsUsage:          "<container-id>",
		CustomHelpTemplate: stateHelp,
		HideHelpCommand:    true,
		Action: func(c *cli.Context) error {
			if err := checkArgs(c, 1, 1); err != nil {
				return err
			}
			id, err := containerID(c)
			if err != nil {
				return err
			}
			state, err := rt.State(id)
			if err != nil {
				return err
			}
			w := jsontext.NewWriter("  ")
			writeState(w, state)
			_, err = c.App.Writer.Write(w.Bytes()) // without a newline, as runc
			return err
		},
	}
}

// writeState writes a container's state in runc's shape, which adds rootfs,
// created and owner to the OCI state (runtime-spec runtime.md#state).
func writeState(w *jsontext.Writer, s *libct.State) {
	member := func(key, value string) {
		w.Key(key)
		w.String(value)
	}
	w.Object(func() {
		member("ociVersion", s.OCIVersion)
		member("id", s.ID)
		w.Key("pid")
		w.Int(int64(s.Pid))
		member("status", s.Status)
		member("bundle", s.Bundle)
		member("rootfs", s.Rootfs)
		member("created", s.Created.Format(time.RFC3339Nano))
		writeAnnotations(w, s.Annotations)
		member("owner", s.Owner)
	})
}

// writeAnnotations writes nothing for an empty map, and sorted keys otherwise.
func writeAnnotations(w *jsontext.Writer, annotations map[string]string) {
	if len(annotations) == 0 {
		return
	}
	keys := make([]string, 0, len(annotations))
	for key := range annotations {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	w.Key("annotations")
	w.Object(func() {
		for _, key := range keys {
			w.Key(key)
			w.String(annotations[key])
		}
	})
}
