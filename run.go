package main

import (
	_ "embed"
	"fmt"

	"github.com/urfave/cli/v2"

	"rt/libct"
)

//go:embed help/run.txt
var runHelp string

func runCommand(rt *libct.Runtime) *cli.Command {
	return &cli.Command{
		Name:               "run",
		Usage:              "create and run a container",
		ArgsUsage:          "<container-id>",
		CustomHelpTemplate: runHelp,
		HideHelpCommand:    true,
		Flags: append(createFlags(),
			&cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, Usage: "return when the container has started", DisableDefaultText: true},
			&cli.BoolFlag{Name: "keep", Usage: "do not delete the container after it exits", DisableDefaultText: true},
			&cli.BoolFlag{Name: "no-subreaper", Usage: "do not adopt orphaned processes of the container", DisableDefaultText: true},
		),
		Action: func(c *cli.Context) error {
			if err := checkArgs(c, 1, 1); err != nil {
				return err
			}
			code, err := runContainer(c, rt)
			if err != nil {
				return fmt.Errorf("rt run failed: %w", err)
			}
			if code != 0 {
				return cli.Exit("", code)
			}
			return nil
		},
	}
}

func runContainer(c *cli.Context, rt *libct.Runtime) (int, error) {
	id, options, err := newContainer(c, rt)
	if err != nil {
		return 0, err
	}
	options.Detach = c.Bool("detach")
	options.Keep = c.Bool("keep")
	options.NoSubreaper = c.Bool("no-subreaper")
	return rt.Run(id, options)
}
