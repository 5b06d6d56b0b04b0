package main

import (
	_ "embed"

	"github.com/urfave/cli/v2"

	"rt/libct"
)

//go:embed help/restore.txt
var restoreHelp string

func restoreCommand(rt *libct.Runtime) *cli.Command {
	return &cli.Command{
		Name:               "restore",
		Usage:              "restore a container from a previous checkpoint",
		ArgsUsage:          "<container-id>",
		CustomHelpTemplate: restoreHelp,
		HideHelpCommand:    true,
		Flags: append(criuFlags(),
			&cli.StringFlag{Name: "bundle", Aliases: []string{"b"}, Usage: "the bundle is `DIR`", DefaultText: "current directory"},
			&cli.StringFlag{Name: "console-socket", Usage: "send the pseudoterminal's master to the AF_UNIX socket at `PATH`"},
			&cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, Usage: "return when the container runs", DisableDefaultText: true},
			&cli.StringFlag{Name: "pid-file", Usage: "write the process id of the container's init to `FILE`"},
			&cli.BoolFlag{Name: "no-subreaper", Usage: "do not adopt orphaned processes of the container", DisableDefaultText: true},
			&cli.BoolFlag{Name: "no-pivot", Usage: "accepted as by runc; a restore has no use for it", DisableDefaultText: true},
			&cli.BoolFlag{Name: "tcp-close", Usage: "restore TCP connections as closed", DisableDefaultText: true},
			&cli.StringFlag{Name: "lsm-profile", Usage: "restore with the profile `TYPE:NAME`; TYPE is apparmor or selinux"},
			&cli.StringFlag{Name: "lsm-mount-context", Usage: "restore tmpfs mounts with the SELinux `CONTEXT`"},
		),
		Action: func(c *cli.Context) error {
			if err := checkArgs(c, 1, 1); err != nil {
				return err
			}
			code, err := restoreContainer(c, rt)
			if err == nil && code != 0 {
				err = cli.Exit("", code)
			}
			return err
		},
	}
}

func restoreContainer(c *cli.Context, rt *libct.Runtime) (int, error) {
	images, err := criuOptions(c)
	if err != nil {
		return 0, err
	}
	id, options, err := newContainer(c, rt)
	if err != nil {
		return 0, err
	}
	options.Detach = c.Bool("detach")
	options.NoSubreaper = c.Bool("no-subreaper")
	return rt.Restore(id, options, images)
}
