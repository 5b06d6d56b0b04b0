package main

import (
	_ "embed"
	"errors"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"rt/libct"
	"rt/libct/cgroup"
	"rt/libct/jsontext"
)

//go:embed help/events.txt
var eventsHelp string

func eventsCommand(rt *libct.Runtime) *cli.Command {
	return &cli.Command{
		Name:               "events",
		Usage:              "display container events such as OOM notifications, cpu, memory, and IO usage statistics",
		ArgsUsage:          "<container-id>",
		CustomHelpTemplate: eventsHelp,
		HideHelpCommand:    true,
		Flags: []cli.Flag{
			&cli.DurationFlag{Name: "interval", Value: 5 * time.Second, Usage: "`TIME` between two statistics, such as 500ms or 1m30s"},
			&cli.BoolFlag{Name: "stats", Usage: "print statistics once and end", DisableDefaultText: true},
		},
		Action: func(c *cli.Context) error {
			return onContainer(c, func(id string) error { return events(c, rt, id) })
		},
	}
}

func events(c *cli.Context, rt *libct.Runtime, id string) error {
	interval := c.Duration("interval")
	if interval <= 0 {
		if _, err := rt.State(id); err != nil {
			return err
		}
		return errors.New("duration interval must be greater than 0")
	}
	out := c.App.Writer
	if c.Bool("stats") {
		s, err := rt.Stats(id)
		if err != nil {
			return err
		}
		return printEvent(out, "stats", id, s)
	}
	return rt.Events(id, interval, libct.Observer{
		OOM:   func() error { return printEvent(out, "oom", id, nil) },
		Stats: func(s *cgroup.Stats) error { return printEvent(out, "stats", id, s) },
	})
}

// printEvent writes one line, in the shape of runc's types.Event.
func printEvent(out io.Writer, kind, id string, s *cgroup.Stats) error {
	w := statsWriter{jsontext.NewWriter("")}
	w.Object(func() {
		w.Key("type")
		w.String(kind)
		w.Key("id")
		w.String(id)
		if s != nil {
			w.object("data", func() { w.stats(s) })
		}
	})
	_, err := out.Write(append(w.Bytes(), '\n'))
	return err
}
