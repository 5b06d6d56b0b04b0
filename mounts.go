package main

import (
	_ "embed"
	"errors"

	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/urfave/cli/v2"

	"rt/libct"
	"rt/libct/spec"
)

//go:embed help/mounts.txt
var mountsHelp string

func mountsCommand(rt *libct.Runtime) *cli.Command {
	return &cli.Command{
		Name:               "mounts",
		Usage:              "add mounts to a running container, or remove them",
		ArgsUsage:          "add|remove <container-id> <file>",
		CustomHelpTemplate: mountsHelp,
		HideHelpCommand:    true,
		Action: func(c *cli.Context) error {
			if err := checkArgs(c, 3, 3); err != nil {
				return err
			}
			var change func(id string, mounts []specs.Mount) error
			switch c.Args().First() {
			case "add":
				change = rt.AddMounts
			case "remove":
				change = rt.RemoveMounts
			default:
				return errors.New("unknown command " + c.Args().First())
			}
			mounts, err := spec.LoadMounts(c.Args().Get(2))
			if err != nil {
				return err
			}
			return change(c.Args().Get(1), mounts)
		},
	}
}
