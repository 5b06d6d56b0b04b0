// Command rt is a low-level OCI runtime with runc's command line.
//
// Package main is the command line and nothing else: it parses flags, calls
// package libct, and turns the answer into runc's output, log lines and exit
// codes. One verb is one file; help/VERB.txt is its manual page. Only this
// package may import urfave/cli, and it must not touch containers itself.
package main

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"rt/libct"
	"rt/libct/seal"
)

// Set by the Makefile through -ldflags -X.
var (
	version = "0.1.0-dev"
	commit  = ""
)

//go:embed help/rt.txt
var appHelp string

func main() {
	os.Exit(run(os.Args[1:]))
}

// run executes one command line and returns the exit status.
func run(args []string) int {
	if slices.Contains(args, "create") || slices.Contains(args, "run") || slices.Contains(args, "exec") {
		if err := enoughFiles(); err != nil {
			fmt.Fprintln(os.Stderr, "rt:", err)
			return 1
		}
		// Before anything else: it executes rt again.
		if err := seal.Self(); err != nil {
			fmt.Fprintln(os.Stderr, "rt:", err)
			return 1
		}
	}
	// What the caller left open is for the container at most, never for hooks. A
	// kernel that does not know the call is refused later.
	_ = unix.CloseRange(3, 1<<32-1, unix.CLOSE_RANGE_CLOEXEC)
	// What rt makes on the host (cgroups, records) has the modes that it says.
	umask := unix.Umask(0o022)
	log := &logger{}
	app := newApp(log, umask)
	// The name in texts is rt, whatever file name a manager started.
	return log.exit(app.Run(append([]string{"rt"}, flagsFirst(app, args)...)))
}

// minFiles is what making a container may hold open at once.
const minFiles = 32

// enoughFiles answers in one line where Go's runtime would crash for want of
// descriptors.
func enoughFiles() error {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("getrlimit RLIMIT_NOFILE: %w", err)
	}
	if l.Cur < minFiles {
		return fmt.Errorf("RLIMIT_NOFILE is %d, at least %d open files are needed", l.Cur, minFiles)
	}
	return nil
}

// newApp describes the command line. Before fills in the runtime and the log
// from the global flags; the verbs run after it. What a user asked for, as
// config.json of spec, is made under the umask that rt was started with.
func newApp(log *logger, umask int) *cli.App {
	rt := &libct.Runtime{NotifySocket: os.Getenv("NOTIFY_SOCKET"), Warn: log.warn, Debug: log.debug}
	return &cli.App{
		Name:                  "rt",
		HelpName:              "rt",
		Usage:                 "Open Container Initiative runtime",
		Version:               versionText(),
		CustomAppHelpTemplate: appHelp,
		Flags:                 globalFlags(),
		Before:                func(c *cli.Context) error { return configure(c, rt, log) },
		// Errors are logged once, by run above.
		ExitErrHandler: func(*cli.Context, error) {},
		// An environment variable may hold commas.
		DisableSliceFlagSeparator: true,
		Commands: []*cli.Command{
			checkpointCommand(rt),
			createCommand(rt),
			deleteCommand(rt),
			eventsCommand(rt),
			execCommand(rt),
			featuresCommand(),
			killCommand(rt),
			listCommand(rt),
			mountsCommand(rt),
			pauseCommand(rt),
			planCommand(rt),
			psCommand(rt),
			restoreCommand(rt),
			resumeCommand(rt),
			runCommand(rt),
			specCommand(umask),
			startCommand(rt),
			stateCommand(rt),
			updateCommand(rt),
			completionCommand(),
		},
	}
}

// versionText is what runc prints after "runc version ", in its lines.
func versionText() string {
	text := version
	if commit != "" {
		text += "\ncommit: " + commit
	}
	return text + "\nspec: " + specs.Version + "\ngo: " + runtime.Version()
}

func globalFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "debug", Usage: "log what is done, step by step", DisableDefaultText: true},
		&cli.StringFlag{Name: "log", Usage: "append log lines to `FILE`, or to journald:NAME or syslog:NAME", DefaultText: "standard error"},
		&cli.StringFlag{Name: "log-format", Value: "text", Usage: "`FORMAT` of log lines: text or json"},
		&cli.StringFlag{Name: "log-level", Usage: "log nothing below `LEVEL`: error, warning, info or debug", DefaultText: "warning"},
		&cli.StringFlag{Name: "root", Value: defaultRoot(), Usage: "keep the state of containers under `DIR`, which should be on a tmpfs"},
		&cli.StringFlag{Name: "rootless", Value: "auto", Usage: "ignore cgroup permission errors: `WHEN` is true, false or auto (when not root)"},
		&cli.BoolFlag{Name: "systemd-cgroup", Usage: "make cgroups through systemd; cgroupsPath is then slice:prefix:name", DisableDefaultText: true},
		&cli.StringFlag{Name: "cgroup-manager", Hidden: true, Usage: "crun's --systemd-cgroup"},
		&cli.StringFlag{Name: "criu", Hidden: true, Usage: "ignored, as runc has since 1.2"},
	}
}

// configure applies the global flags, in runc's order: a wrong --root or
// --log-format is told on standard error, since there is no log yet.
func configure(c *cli.Context, rt *libct.Runtime, log *logger) error {
	root, err := stateRoot(c)
	if err != nil {
		return err
	}
	rt.Root = root
	rt.Rootless = c.String("rootless")
	rt.SystemdCgroup = c.Bool("systemd-cgroup")
	switch manager := c.String("cgroup-manager"); manager {
	case "":
	case "cgroupfs", "systemd":
		rt.SystemdCgroup = manager == "systemd"
	default:
		return fmt.Errorf("unknown cgroup manager %q: cgroupfs or systemd", manager)
	}
	if err := log.open(c.String("log"), c.String("log-format"), c.String("log-level"), c.Bool("debug")); err != nil {
		return err
	}
	if log.wordy {
		log.debug(fmt.Sprintf("rt %s, root %s: %q", version, root, c.Args().Slice()))
	}
	return nil
}

// checkArgs refuses a wrong number of arguments in runc's words, after the
// command's help on standard output. max < 0 means any number.
func checkArgs(c *cli.Context, min, max int) error {
	n, bound := c.NArg(), ""
	switch {
	case min == max && n != min:
		bound = fmt.Sprintf("exactly %d", min)
	case n < min:
		bound = fmt.Sprintf("a minimum of %d", min)
	case max >= 0 && n > max:
		bound = fmt.Sprintf("a maximum of %d", max)
	default:
		return nil
	}
	fmt.Fprintf(c.App.Writer, "Incorrect Usage.\n\n")
	cli.HelpPrinter(c.App.Writer, c.Command.CustomHelpTemplate, c.Command)
	return fmt.Errorf("rt: %q requires %s argument(s)", c.Command.Name, bound)
}

// containerID is the first argument, which may not be empty.
func containerID(c *cli.Context) (string, error) {
	id := c.Args().First()
	if id == "" {
		return "", errors.New("container id cannot be empty")
	}
	return id, nil
}
