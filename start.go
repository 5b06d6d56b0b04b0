package main

import (
	_ "embed"

	"github.com/urfave/cli/v2"

	"rt/libct"
)

//go:embed help/start.txt
var startHelp string

func startCommand(rt *libct.Runtime) *cli.Command {
	return &cli.Command{
		Name:               "start",
		Usage:              "executes the user defined process in a created container",
		ArgsUsage:          "<container-id>",
		CustomHelpTemplate: startHelp,
		HideHelpCommand:    true,
		Action: func(c *cli.Context) error {
			if err := checkArgs(c, 1, 1); err != nil {
				return err
			}
			id, err := containerID(c)
			if err != nil {
				return err
			}
			return rt.Start(id)
		},
	}
}
