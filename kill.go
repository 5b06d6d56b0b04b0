package main

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"rt/libct"
)

//go:embed help/kill.txt
var killHelp string

func killCommand(rt *libct.Runtime) *cli.Command {
	return &cli.Command{
		Name:               "kill",
		Usage:              "kill sends the specified signal (default: SIGTERM) to the container's init process",
		ArgsUsage:          "<container-id> [signal]",
		CustomHelpTemplate: killHelp,
		HideHelpCommand:    true,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Hidden: true, Usage: "a container that has stopped is no error"},
		},
		Action: func(c *cli.Context) error {
			if err := checkArgs(c, 1, 2); err != nil {
				return err
			}
			id, err := containerID(c)
			if err != nil {
				return err
			}
			sig, wrong := parseSignal(c.Args().Get(1))
			if wrong == nil {
				return rt.Kill(id, sig, c.Bool("all"))
			}
			// runc looks for the container first: managers read that text.
			if _, err := rt.State(id); err != nil {
				return err
			}
			return wrong
		},
	}
}

// parseSignal reads a signal by number or name, in any case, with or without
// SIG; an empty text is SIGTERM. The kernel judges the number.
func parseSignal(text string) (unix.Signal, error) {
	if text == "" {
		return unix.SIGTERM, nil
	}
	if n, err := strconv.Atoi(text); err == nil {
		return unix.Signal(n), nil
	}
	name := strings.ToUpper(text)
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	sig := unix.SignalNum(name)
	if sig == 0 {
		return 0, fmt.Errorf("unknown signal %q", text)
	}
	return sig, nil
}
