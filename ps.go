package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"rt/libct"
	"rt/libct/jsontext"
)

//go:embed help/ps.txt
var psHelp string

func psCommand(rt *libct.Runtime) *cli.Command {
	return &cli.Command{
		Name:               "ps",
		Usage:              "ps displays the processes running inside a container",
		ArgsUsage:          "<container-id> [ps options]",
		CustomHelpTemplate: psHelp,
		HideHelpCommand:    true,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "table", Usage: "`FORMAT` of the list: table or json"},
		},
		Action: func(c *cli.Context) error {
			if err := checkArgs(c, 1, -1); err != nil {
				return err
			}
			id, err := containerID(c)
			if err != nil {
				return err
			}
			pids, err := rt.Processes(id)
			if err != nil {
				return err
			}
			switch c.String("format") {
			case "json":
				return printPids(c.App.Writer, pids)
			case "table":
				return printProcesses(c.App.Writer, pids, c.Args().Tail())
			}
			return errors.New("invalid format option")
		},
	}
}

// printPids writes one line; no processes are null, as from runc.
func printPids(out io.Writer, pids []int) error {
	w := jsontext.NewWriter("")
	if len(pids) == 0 {
		w.Null()
	} else {
		w.Array(func() {
			for _, pid := range pids {
				w.Int(int64(pid))
			}
		})
	}
	_, err := out.Write(append(w.Bytes(), '\n'))
	return err
}

// printProcesses runs the host's ps, without a shell, and prints its title and
// the lines about the pids.
func printProcesses(out io.Writer, pids []int, options []string) error {
	if len(options) == 0 {
		options = []string{"-ef"}
	}
	text, err := exec.Command("ps", options...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, text)
	}
	table, err := selectPids(string(text), pids)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, table)
	return err
}

// selectPids keeps of ps's output the title and the lines whose PID column has
// one of the pids.
func selectPids(text string, pids []int) (string, error) {
	title, rest, _ := strings.Cut(text, "\n")
	column := slices.Index(strings.Fields(title), "PID")
	if column < 0 {
		return "", errors.New("couldn't find PID field in ps output")
	}
	kept := title + "\n"
	for line := range strings.Lines(rest) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if column >= len(fields) {
			return "", fmt.Errorf("unable to parse pid: ps has printed %q", line)
		}
		pid, err := strconv.Atoi(fields[column])
		if err != nil {
			return "", fmt.Errorf("unable to parse pid: %w", err)
		}
		if slices.Contains(pids, pid) {
			kept += strings.TrimSuffix(line, "\n") + "\n"
		}
	}
	return kept, nil
}
