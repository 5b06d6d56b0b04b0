package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/urfave/cli/v2"

	"rt/libct"
	"rt/libct/spec"
)

//go:embed help/exec.txt
var execHelp string

func execCommand(rt *libct.Runtime) *cli.Command {
	return &cli.Command{
		Name:               "exec",
		Usage:              "execute new process inside the container",
		ArgsUsage:          "<container-id> <command> [command options]  || -p process.json <container-id>",
		CustomHelpTemplate: execHelp,
		HideHelpCommand:    true,
		Flags:              execFlags(),
		Action: func(c *cli.Context) error {
			if err := checkArgs(c, 1, -1); err != nil {
				return err
			}
			code, err := execInContainer(c, rt)
			if err != nil {
				return cli.Exit(fmt.Errorf("exec failed: %w", err), 255)
			}
			if code != 0 {
				return cli.Exit("", code)
			}
			return nil
		},
	}
}

func execFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "process", Aliases: []string{"p"}, Usage: "read the process from `FILE`, like that of a config.json"},
		&cli.StringFlag{Name: "cwd", Usage: "work in `DIR` of the container"},
		&cli.StringSliceFlag{Name: "env", Aliases: []string{"e"}, Usage: "set the environment variable `NAME=VALUE`; may be repeated"},
		&cli.BoolFlag{Name: "tty", Aliases: []string{"t"}, Usage: "allocate a pseudoterminal", DisableDefaultText: true},
		&cli.StringFlag{Name: "user", Aliases: []string{"u"}, Usage: "run as `UID[:GID]`"},
		&cli.Int64SliceFlag{Name: "additional-gids", Aliases: []string{"g"}, Usage: "be in the group `GID` too; may be repeated"},
		&cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, Usage: "return when the process has started", DisableDefaultText: true},
		&cli.StringFlag{Name: "pid-file", Usage: "write the process id to `FILE`"},
		&cli.StringFlag{Name: "console-socket", Usage: "send the pseudoterminal's master to the AF_UNIX socket at `PATH`"},
		&cli.StringFlag{Name: "pidfd-socket", Usage: "send a pidfd of the process to the AF_UNIX socket at `PATH`"},
		&cli.StringFlag{Name: "process-label", Usage: "run under the SELinux `LABEL`"},
		&cli.StringFlag{Name: "apparmor", Usage: "run under the AppArmor `PROFILE`"},
		&cli.BoolFlag{Name: "no-new-privs", Usage: "set, or with =false clear, noNewPrivileges", DisableDefaultText: true},
		&cli.StringSliceFlag{Name: "cap", Aliases: []string{"c"}, Usage: "add the capability `CAP`; may be repeated"},
		&cli.IntFlag{Name: "preserve-fds", Usage: "pass `N` more file descriptors, from 3 on"},
		&cli.StringSliceFlag{Name: "cgroup", Usage: "join `[CONTROLLER:]PATH` below the container's cgroup; may be repeated with controllers"},
		&cli.BoolFlag{Name: "ignore-paused", Usage: "in a paused container the process runs once that is resumed", DisableDefaultText: true},
		&cli.BoolFlag{Name: "no-subreaper", Hidden: true, Usage: "ignored, as runc does"},
	}
}

func execInContainer(c *cli.Context, rt *libct.Runtime) (int, error) {
	id, err := containerID(c)
	if err != nil {
		return 0, err
	}
	o := libct.ExecOptions{
		Process: func(own *specs.Process) (*specs.Process, error) {
			if path := c.String("process"); path != "" {
				return processFile(path)
			}
			return own, processFlags(c, own)
		},
		PreserveFds:  c.Int("preserve-fds"),
		Detach:       c.Bool("detach"),
		IgnorePaused: c.Bool("ignore-paused"),
	}
	for name, path := range map[string]*string{
		"console-socket": &o.ConsoleSocket, "pidfd-socket": &o.PidfdSocket, "pid-file": &o.PidFile,
	} {
		if *path, err = absPath(c.String(name)); err != nil {
			return 0, fmt.Errorf("can't convert --%s argument to absolute path: %w", name, err)
		}
	}
	if o.Cgroups, err = subCgroups(c.StringSlice("cgroup")); err != nil {
		return 0, err
	}
	return rt.Exec(id, o)
}

// processFile reads --process. It may be a pipe.
func processFile(path string) (*specs.Process, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, spec.MaxSize+1))
	if err == nil && len(text) > spec.MaxSize {
		err = fmt.Errorf("larger than %d bytes", spec.MaxSize)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	p, err := spec.DecodeProcess(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// processFlags makes the container's process the one that the flags describe.
func processFlags(c *cli.Context, p *specs.Process) error {
	if p.Args = c.Args().Tail(); len(p.Args) == 0 {
		return errors.New("exec args cannot be empty")
	}
	p.Terminal = c.Bool("tty")
	p.Env = append(p.Env[:len(p.Env):len(p.Env)], c.StringSlice("env")...)
	if cwd := c.String("cwd"); cwd != "" {
		p.Cwd = cwd
	}
	if profile := c.String("apparmor"); profile != "" {
		p.ApparmorProfile = profile
	}
	if label := c.String("process-label"); label != "" {
		p.SelinuxLabel = label
	}
	if c.IsSet("no-new-privs") {
		p.NoNewPrivileges = c.Bool("no-new-privs")
	}
	addCapabilities(p, c.StringSlice("cap"))
	return setUser(p, c.String("user"), c.Int64Slice("additional-gids"))
}

// addCapabilities is --cap. An ambient capability must be inheritable, which
// --cap makes none, so only a process with inheritable ones gets it.
func addCapabilities(p *specs.Process, names []string) {
	if len(names) == 0 {
		return
	}
	var sets specs.LinuxCapabilities
	if p.Capabilities != nil {
		sets = *p.Capabilities
	}
	add := func(set *[]string) { *set = append((*set)[:len(*set):len(*set)], names...) }
	add(&sets.Bounding)
	add(&sets.Effective)
	add(&sets.Permitted)
	if len(sets.Inheritable) > 0 {
		add(&sets.Ambient)
	}
	p.Capabilities = &sets
}

// setUser is --user and --additional-gids.
func setUser(p *specs.Process, user string, gids []int64) error {
	if user != "" {
		uid, gid, ok := strings.Cut(user, ":")
		if ok {
			n, err := strconv.ParseUint(gid, 10, 32)
			if err != nil {
				return fmt.Errorf("bad gid: %w", err)
			}
			p.User.GID = uint32(n)
		}
		n, err := strconv.ParseUint(uid, 10, 32)
		if err != nil {
			return fmt.Errorf("bad uid: %w", err)
		}
		p.User.UID = uint32(n)
	}
	groups := p.User.AdditionalGids
	p.User.AdditionalGids = groups[:len(groups):len(groups)]
	for _, gid := range gids {
		if gid < 0 || gid > 1<<32-1 {
			return fmt.Errorf("additional-gids must be a positive number %d", gid)
		}
		p.User.AdditionalGids = append(p.User.AdditionalGids, uint32(gid))
	}
	return nil
}

// subCgroups reads --cgroup: one path, or paths by controllers.
func subCgroups(args []string) (map[string]string, error) {
	paths := make(map[string]string, len(args))
	for _, arg := range args {
		controllers, path, ok := strings.Cut(arg, ":")
		if !ok {
			if len(args) != 1 {
				return nil, fmt.Errorf("invalid --cgroup argument: %s (missing <controller>: prefix)", arg)
			}
			paths[""] = arg
			continue
		}
		for controller := range strings.SplitSeq(controllers, ",") {
			if controller == "" {
				return nil, fmt.Errorf("invalid --cgroup argument: %s (empty <controller> prefix)", arg)
			}
			if _, ok := paths[controller]; ok {
				return nil, fmt.Errorf("invalid --cgroup argument(s): controller %s specified multiple times", controller)
			}
			paths[controller] = path
		}
	}
	return paths, nil
}
