package main

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// flagsFirst moves a command's flags before its arguments, because runc
// accepts `delete ID --force` and package flag stops at the first argument.
// What follows "--" and what is no flag of the command stays where it is. Of exec and
// ps the rest belongs to another program: their flags end at the id, as in runc.
func flagsFirst(app *cli.App, args []string) []string {
	verb := 0
	for verb < len(args) && strings.HasPrefix(args[verb], "-") {
		if args[verb] == "--" {
			return args
		}
		if _, value := lookUp(app.Flags, args[verb]); value {
			verb++
		}
		verb++
	}
	if verb >= len(args) {
		return args
	}
	command := app.Command(args[verb])
	if command == nil {
		return args
	}
	if command.Name != "exec" && command.Name != "ps" {
		args = append(args[:verb+1:verb+1], sortArgs(command.Flags, args[verb+1:])...)
	}
	rememberNames(app.Flags)
	rememberNames(command.Flags)
	return args
}

// named is a flag that knows its names: package cli asks for them some hundred
// times, and would put each together with a regular expression.
type named struct {
	visibleFlag
	names []string
}

type visibleFlag interface {
	cli.DocGenerationFlag
	cli.VisibleFlag
}

func (n *named) Names() []string { return n.names }

func rememberNames(flags []cli.Flag) {
	for i, f := range flags {
		switch f.(type) {
		case *cli.BoolFlag, *cli.StringFlag: // lists are told their separator by type
			flags[i] = &named{visibleFlag: f.(visibleFlag), names: f.Names()}
		}
	}
}

// sortArgs returns the flags in args, then the rest. A call for help is alone:
// the manual page is wanted, whatever else the line says.
func sortArgs(known []cli.Flag, args []string) []string {
	var flags, rest []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			rest = append([]string{"--"}, rest...)
			rest = append(rest, args[i+1:]...)
			break
		}
		if arg == "-h" || arg == "--help" || arg == "-help" {
			return []string{"--help"}
		}
		isFlag, value := lookUp(known, arg)
		switch {
		case isFlag && value && i+1 < len(args):
			flags = append(flags, arg, args[i+1])
			i++
		case isFlag:
			flags = append(flags, arg)
		default:
			rest = append(rest, arg)
		}
	}
	return append(flags, rest...)
}

// lookUp reports whether arg is one of the flags, and whether its value is the
// next argument.
func lookUp(flags []cli.Flag, arg string) (known, value bool) {
	if len(arg) < 2 || arg[0] != '-' {
		return false, false
	}
	name, _, joined := strings.Cut(strings.TrimPrefix(arg[1:], "-"), "=")
	for _, f := range flags {
		for _, n := range f.Names() {
			if n == name {
				_, isBool := f.(*cli.BoolFlag)
				return true, !isBool && !joined
			}
		}
	}
	return false, false
}
