package main

import (
	_ "embed"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"rt/libct"
	"rt/libct/checkpoint"
)

//go:embed help/checkpoint.txt
var checkpointHelp string

func checkpointCommand(rt *libct.Runtime) *cli.Command {
	return &cli.Command{
		Name:               "checkpoint",
		Usage:              "checkpoint a running container",
		ArgsUsage:          "<container-id>",
		CustomHelpTemplate: checkpointHelp,
		HideHelpCommand:    true,
		Flags: append(criuFlags(),
			&cli.StringFlag{Name: "parent-path", Usage: "a pre-dump is in `DIR`, relative to the image path"},
			&cli.BoolFlag{Name: "leave-running", Usage: "let the container go on", DisableDefaultText: true},
			&cli.BoolFlag{Name: "tcp-skip-in-flight", Usage: "skip TCP connections that are being made", DisableDefaultText: true},
			&cli.BoolFlag{Name: "link-remap", Usage: "link unlinked files back where possible", DisableDefaultText: true},
			&cli.IntFlag{Name: "status-fd", Value: -1, Usage: "write a zero byte to `N` when pages can be fetched", DefaultText: "none"},
			&cli.StringFlag{Name: "page-server", Usage: "the page server; with --lazy-pages, our `ADDRESS:PORT`"},
			&cli.BoolFlag{Name: "pre-dump", Usage: "save memory alone and let the container go on", DisableDefaultText: true},
		),
		Action: func(c *cli.Context) error {
			if err := checkArgs(c, 1, 1); err != nil {
				return err
			}
			id, err := containerID(c)
			if err != nil {
				return err
			}
			o, err := criuOptions(c)
			if err != nil {
				return err
			}
			return rt.Checkpoint(id, o, c.Int("status-fd"))
		},
	}
}

// criuFlags are the flags that checkpoint and restore share.
func criuFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "image-path", Usage: "the images are in `DIR`", DefaultText: "./checkpoint"},
		&cli.StringFlag{Name: "work-path", Usage: "CRIU's log and statistics go to `DIR`", DefaultText: "image path"},
		&cli.BoolFlag{Name: "tcp-established", Usage: "allow established TCP connections", DisableDefaultText: true},
		&cli.BoolFlag{Name: "ext-unix-sk", Usage: "allow unix sockets connected to outside the container", DisableDefaultText: true},
		&cli.BoolFlag{Name: "shell-job", Usage: "allow a session or terminal from outside the container", DisableDefaultText: true},
		&cli.BoolFlag{Name: "lazy-pages", Usage: "fetch memory pages when they are used", DisableDefaultText: true},
		&cli.BoolFlag{Name: "file-locks", Usage: "allow file locks", DisableDefaultText: true},
		&cli.StringFlag{Name: "manage-cgroups-mode", Usage: "`MODE` of saved cgroups: soft, full, strict or ignore", DefaultText: "soft"},
		&cli.StringSliceFlag{Name: "empty-ns", Usage: "save no properties of a namespace; `KIND` is network, which is always so"},
		&cli.BoolFlag{Name: "auto-dedup", Usage: "free the memory images of pages saved or restored twice", DisableDefaultText: true},
		&cli.StringFlag{Name: "network-lock", Usage: "lock it by `METHOD`: iptables, nftables or skip", DefaultText: "iptables"},
	}
}

// criuOptions reads what the two commands have in common. Paths are made absolute
// before the working directory changes.
func criuOptions(c *cli.Context) (o checkpoint.Options, err error) {
	o = checkpoint.Options{
		ParentPath:     c.String("parent-path"),
		LeaveRunning:   c.Bool("leave-running"),
		PreDump:        c.Bool("pre-dump"),
		TCPEstablished: c.Bool("tcp-established"), TCPSkipInFlight: c.Bool("tcp-skip-in-flight"), TCPClose: c.Bool("tcp-close"),
		LinkRemap: c.Bool("link-remap"),
		ExtUnixSk: c.Bool("ext-unix-sk"),
		ShellJob:  c.Bool("shell-job"),
		FileLocks: c.Bool("file-locks"),
		AutoDedup: c.Bool("auto-dedup"),
		LazyPages: c.Bool("lazy-pages"),

		CgroupsMode: c.String("manage-cgroups-mode"), NetworkLock: c.String("network-lock"),
		LSMProfile: c.String("lsm-profile"), LSMMountContext: c.String("lsm-mount-context"),
	}
	image := c.String("image-path")
	if image == "" {
		image = "checkpoint"
	}
	if o.ImagePath, err = filepath.Abs(image); err != nil {
		return o, err
	}
	if o.WorkPath, err = absPath(c.String("work-path")); err != nil {
		return o, err
	}
	for _, kind := range c.StringSlice("empty-ns") {
		if kind != "network" {
			return o, fmt.Errorf("namespace %q is not supported", kind)
		}
	}
	o.PageServer, err = pageServer(c.String("page-server"))
	return o, err
}

// pageServer reads ADDRESS:PORT, where an IPv6 address is in brackets.
func pageServer(s string) (p checkpoint.PageServer, err error) {
	if s == "" {
		return p, nil
	}
	i := strings.LastIndexByte(s, ':')
	if i <= 0 || i == len(s)-1 {
		//lint:ignore ST1005 runc's words
		return p, errors.New("Use --page-server ADDRESS:PORT to specify page server")
	}
	port, err := strconv.ParseUint(s[i+1:], 10, 16)
	if err != nil || port == 0 {
		//lint:ignore ST1005 runc's words
		return p, errors.New("Invalid port number")
	}
	p = checkpoint.PageServer{Address: strings.Trim(s[:i], "[]"), Port: int32(port)}
	return p, nil
}
