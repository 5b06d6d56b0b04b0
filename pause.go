package main

import (
	_ "embed"

	"github.com/urfave/cli/v2"

	"rt/libct"
)

var (
	//go:embed help/pause.txt
	pauseHelp string
	//go:embed help/resume.txt
	resumeHelp string
)

func pauseCommand(rt *libct.Runtime) *cli.Command {
	return &cli.Command{
		Name:               "pause",
		Usage:              "pause suspends all processes inside the container",
		ArgsUsage:          "<container-id>",
		CustomHelpTemplate: pauseHelp,
		HideHelpCommand:    true,
		Action:             func(c *cli.Context) error { return onContainer(c, rt.Pause) },
	}
}

func resumeCommand(rt *libct.Runtime) *cli.Command {
	return &cli.Command{
		Name:               "resume",
		Usage:              "resumes all processes that have been previously paused",
		ArgsUsage:          "<container-id>",
		CustomHelpTemplate: resumeHelp,
		HideHelpCommand:    true,
		Action:             func(c *cli.Context) error { return onContainer(c, rt.Resume) },
	}
}

// onContainer calls act with the id that is a command's only argument.
func onContainer(c *cli.Context, act func(id string) error) error {
	if err := checkArgs(c, 1, 1); err != nil {
		return err
	}
	id, err := containerID(c)
	if err != nil {
		return err
	}
	return act(id)
}
