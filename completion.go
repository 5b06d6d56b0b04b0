package main

import (
	_ "embed"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"
)

var (
	//go:embed help/completion.txt
	completionHelp string
	//go:embed completion/rt.bash
	completionBash string
	//go:embed completion/rt.zsh
	completionZsh string
	//go:embed completion/rt.fish
	completionFish string
)

func completionCommand() *cli.Command {
	return &cli.Command{
		Name:               "completion",
		Usage:              "print a completion script for bash, zsh or fish",
		ArgsUsage:          "<shell>",
		CustomHelpTemplate: completionHelp,
		HideHelpCommand:    true,
		Action: func(c *cli.Context) error {
			if err := checkArgs(c, 1, 1); err != nil {
				return err
			}
			scripts := map[string]string{"bash": completionBash, "zsh": completionZsh, "fish": completionFish}
			script, ok := scripts[c.Args().First()]
			if !ok {
				return fmt.Errorf("no completion for %q: choose bash, zsh or fish", c.Args().First())
			}
			_, err := io.WriteString(c.App.Writer, script)
			return err
		},
	}
}
