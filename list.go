package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"rt/libct"
	"rt/libct/jsontext"
)

//go:embed help/list.txt
var listHelp string

func listCommand(rt *libct.Runtime) *cli.Command {
	return &cli.Command{
		Name:               "list",
		Usage:              "lists containers started by rt with the given root",
		CustomHelpTemplate: listHelp,
		HideHelpCommand:    true,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "table", Usage: "`FORMAT` of the list: table or json"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print the ids alone", DisableDefaultText: true},
		},
		Action: func(c *cli.Context) error {
			if err := checkArgs(c, 0, 0); err != nil {
				return err
			}
			format := c.String("format")
			if format != "table" && format != "json" && !c.Bool("quiet") {
				return errors.New("invalid format option")
			}
			if err := givenRoot(c, rt.Root); err != nil {
				return err
			}
			states, warnings, err := rt.List()
			if err != nil {
				return err
			}
			for _, warning := range warnings {
				fmt.Fprintln(os.Stderr, warning)
			}
			return printList(c.App.Writer, states, format, c.Bool("quiet"))
		},
	}
}

// givenRoot wants a --root that is given to be there, as runc. Without the
// default one no container was ever made.
func givenRoot(c *cli.Context, root string) error {
	if !c.IsSet("root") {
		return nil
	}
	dir, err := os.Open(root)
	if err != nil {
		return err
	}
	return dir.Close()
}

func printList(out io.Writer, states []libct.State, format string, quiet bool) error {
	switch {
	case quiet:
		return printIDs(out, states)
	case format == "json":
		return printJSON(out, states)
	}
	return printTable(out, states)
}

func printIDs(out io.Writer, states []libct.State) error {
	for _, s := range states {
		if _, err := fmt.Fprintln(out, s.ID); err != nil {
			return err
		}
	}
	return nil
}

func printTable(out io.Writer, states []libct.State) error {
	w := tabwriter.NewWriter(out, 12, 1, 3, ' ', 0)
	fmt.Fprint(w, "ID\tPID\tSTATUS\tBUNDLE\tCREATED\tOWNER\n")
	for _, s := range states {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\n",
			s.ID, s.Pid, s.Status, s.Bundle, s.Created.Format(time.RFC3339Nano), s.Owner)
	}
	return w.Flush()
}

// printJSON writes one line; no containers are null, as from runc.
func printJSON(out io.Writer, states []libct.State) error {
	w := jsontext.NewWriter("")
	if len(states) == 0 {
		w.Null()
	} else {
		w.Array(func() {
			for i := range states {
				writeState(w, &states[i])
			}
		})
	}
	_, err := out.Write(append(w.Bytes(), '\n'))
	return err
}
