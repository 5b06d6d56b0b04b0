package main

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"rt/libct"
)

//go:embed help/create.txt
var createHelp string

func createCommand(rt *libct.Runtime) *cli.Command {
	return &cli.Command{
		Name:               "create",
		Usage:              "create a container",
		ArgsUsage:          "<container-id>",
		CustomHelpTemplate: createHelp,
		HideHelpCommand:    true,
		Flags:              createFlags(),
		Action: func(c *cli.Context) error {
			if err := checkArgs(c, 1, 1); err != nil {
				return err
			}
			id, options, err := newContainer(c, rt)
			if err == nil {
				err = rt.Create(id, options)
			}
			if err != nil {
				return fmt.Errorf("rt create failed: %w", err)
			}
			return nil
		},
	}
}

// createFlags are the flags that create and run share.
func createFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "bundle", Aliases: []string{"b"}, Usage: "the bundle is `DIR`", DefaultText: "current directory"},
		&cli.StringFlag{Name: "console-socket", Usage: "send the pseudoterminal's master to the AF_UNIX socket at `PATH`"},
		&cli.StringFlag{Name: "pidfd-socket", Usage: "send a pidfd of the container's init to the AF_UNIX socket at `PATH`"},
		&cli.StringFlag{Name: "pid-file", Usage: "write the process id of the container's init to `FILE`"},
		&cli.BoolFlag{Name: "no-pivot", Usage: "move the root instead of pivot_root, for a rootfs on a ramdisk", DisableDefaultText: true},
		&cli.BoolFlag{Name: "no-new-keyring", Usage: "keep the caller's session keyring", DisableDefaultText: true},
		&cli.IntFlag{Name: "preserve-fds", Usage: "pass `N` more file descriptors, from 3 on, after those of $LISTEN_FDS"},
	}
}

// newContainer reads what create and run have in common. Like runc it resolves
// the paths of files and sockets first and then enters the bundle, so that a
// bundle given by a symbolic link is recorded by its real path.
func newContainer(c *cli.Context, rt *libct.Runtime) (string, libct.CreateOptions, error) {
	o := libct.CreateOptions{
		NoPivot:      c.Bool("no-pivot"),
		NoNewKeyring: c.Bool("no-new-keyring"),
		ListenFds:    listenFds(),
	}
	o.PreserveFds = c.Int("preserve-fds") + o.ListenFds
	for name, path := range map[string]*string{
		"console-socket": &o.ConsoleSocket, "pidfd-socket": &o.PidfdSocket, "pid-file": &o.PidFile,
	} {
		abs, err := absPath(c.String(name))
		if err != nil {
			return "", o, fmt.Errorf("can't convert --%s argument to absolute path: %w", name, err)
		}
		*path = abs
	}
	var err error
	if o.Bundle, err = enterBundle(c.String("bundle")); err != nil {
		return "", o, err
	}
	if rt.Rootless, err = boolOrAuto(rt.Rootless); err != nil {
		return "", o, err
	}
	id, err := containerID(c)
	return id, o, err
}

// absPath leaves an empty path empty: the flag was not given.
func absPath(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	return filepath.Abs(path)
}

// enterBundle changes to the bundle and returns its path.
func enterBundle(dir string) (string, error) {
	if dir != "" {
		if err := os.Chdir(dir); err != nil {
			return "", err
		}
	}
	return os.Getwd()
}

// boolOrAuto checks the value of --rootless and returns true, false or auto.
func boolOrAuto(s string) (string, error) {
	if s == "" || strings.EqualFold(s, "auto") {
		return "auto", nil
	}
	b, err := strconv.ParseBool(s)
	return strconv.FormatBool(b), err
}

// listenFds is the number of sockets passed by systemd's socket activation;
// they are the descriptors from 3 on (sd_listen_fds(3)).
func listenFds() int {
	if pid, err := strconv.Atoi(os.Getenv("LISTEN_PID")); err != nil || pid != os.Getpid() {
		return 0
	}
	n, err := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if err != nil || n < 0 {
		return 0
	}
	return n
}
