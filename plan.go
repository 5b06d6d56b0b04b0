package main

import (
	_ "embed"
	"io"

	"github.com/urfave/cli/v2"

	"rt/libct"
)

//go:embed help/plan.txt
var planHelp string

func planCommand(rt *libct.Runtime) *cli.Command {
	return &cli.Command{
		Name:               "plan",
		Usage:              "print what create would do, step by step, and do nothing",
		ArgsUsage:          "[bundle]",
		CustomHelpTemplate: planHelp,
		HideHelpCommand:    true,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "bundle", Aliases: []string{"b"}, Usage: "the bundle is `DIR`", DefaultText: "current directory"},
			&cli.BoolFlag{Name: "json", Usage: "print JSON", DisableDefaultText: true},
			&cli.BoolFlag{Name: "no-pivot", Usage: "plan for create --no-pivot", DisableDefaultText: true},
			&cli.BoolFlag{Name: "no-new-keyring", Usage: "plan for create --no-new-keyring", DisableDefaultText: true},
			&cli.IntFlag{Name: "preserve-fds", Usage: "plan for create --preserve-fds `N`"},
		},
		Action: func(c *cli.Context) error {
			if err := checkArgs(c, 0, 1); err != nil {
				return err
			}
			return printPlan(c, rt)
		},
	}
}

func printPlan(c *cli.Context, rt *libct.Runtime) error {
	dir := c.String("bundle")
	if c.NArg() == 1 {
		dir = c.Args().First()
	}
	bundle, err := enterBundle(dir)
	if err != nil {
		return err
	}
	if rt.Rootless, err = boolOrAuto(rt.Rootless); err != nil {
		return err
	}
	plan, err := rt.Plan(bundle, libct.CreateOptions{
		Bundle:       bundle,
		NoPivot:      c.Bool("no-pivot"),
		NoNewKeyring: c.Bool("no-new-keyring"),
		PreserveFds:  c.Int("preserve-fds"),
	})
	if err != nil {
		return err
	}
	text := plan.String()
	if c.Bool("json") {
		text = string(plan.JSON()) + "\n"
	}
	_, err = io.WriteString(c.App.Writer, text)
	return err
}
