package main

import (
	_ "embed"

	"github.com/urfave/cli/v2"

	"rt/libct"
)

//go:embed help/delete.txt
var deleteHelp string

func deleteCommand(rt *libct.Runtime) *cli.Command {
	return &cli.Command{
		Name:               "delete",
		Usage:              "delete any resources held by the container often used with detached container",
		ArgsUsage:          "<container-id>",
		CustomHelpTemplate: deleteHelp,
		HideHelpCommand:    true,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "kill a container that still runs; one that does not exist is no error", DisableDefaultText: true},
		},
		Action: func(c *cli.Context) error {
			if err := checkArgs(c, 1, 1); err != nil {
				return err
			}
			id, err := containerID(c)
			if err != nil {
				return err
			}
			return rt.Delete(id, c.Bool("force"))
		},
	}
}
