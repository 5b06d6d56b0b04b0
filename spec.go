package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"rt/libct/spec"
)

//go:embed help/spec.txt
var specHelp string

func specCommand(umask int) *cli.Command {
	return &cli.Command{
		Name:               "spec",
		Usage:              "create a new specification file",
		CustomHelpTemplate: specHelp,
		HideHelpCommand:    true,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "bundle", Aliases: []string{"b"}, Usage: "write config.json into `DIR`", DefaultText: "current directory"},
			&cli.BoolFlag{Name: "rootless", Usage: "make a configuration for a container without root", DisableDefaultText: true},
		},
		Action: func(c *cli.Context) error {
			if err := checkArgs(c, 0, 0); err != nil {
				return err
			}
			if _, err := enterBundle(c.String("bundle")); err != nil {
				return err
			}
			unix.Umask(umask)
			return writeSpec(c.Bool("rootless"))
		},
	}
}

// writeSpec writes config.json into the current directory and never over
// anything: what is there may be somebody's work.
func writeSpec(rootless bool) error {
	const name = "config.json"
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		//lint:ignore ST1005 runc's words
		return fmt.Errorf("File %s exists. Remove it first", name)
	}
	if err != nil {
		return err
	}
	s := spec.Default()
	if rootless {
		spec.Rootless(s)
	}
	_, err = f.Write(spec.Encode(s, "\t"))
	return errors.Join(err, f.Close())
}
