package main

import (
	_ "embed"
	"errors"
	"io"
	"os"

	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/urfave/cli/v2"

	"rt/libct"
	"rt/libct/spec"
)

//go:embed help/update.txt
var updateHelp string

func updateCommand(rt *libct.Runtime) *cli.Command {
	return &cli.Command{
		Name:               "update",
		Usage:              "update container resource constraints",
		ArgsUsage:          "<container-id>",
		CustomHelpTemplate: updateHelp,
		HideHelpCommand:    true,
		Flags:              updateFlags(),
		Action: func(c *cli.Context) error {
			return onContainer(c, func(id string) error { return update(c, rt, id) })
		},
	}
}

func updateFlags() []cli.Flag {
	text := func(name, usage string) cli.Flag { return &cli.StringFlag{Name: name, Usage: usage} }
	hidden := func(name string) cli.Flag { return &cli.StringFlag{Name: name, Hidden: true, Usage: "ignored"} }
	return []cli.Flag{
		&cli.StringFlag{Name: "resources", Aliases: []string{"r"}, Usage: "read linux.resources as JSON from `FILE`, or from standard input if it is -"},
		&cli.IntFlag{Name: "blkio-weight", DefaultText: "unchanged", Usage: "block IO `WEIGHT`, 10 to 1000"},
		text("cpu-burst", "CPU time, in `USEC`, that may be saved up for a period beyond the quota"),
		text("cpu-idle", "1: run only when the CPU has nothing else to do, 0: as usual (`BOOL`)"),
		text("cpu-period", "the period that the quota is for, in `USEC`"),
		text("cpu-quota", "CPU time for each period, in `USEC`; -1 for no limit"),
		text("cpu-rt-period", "the period of realtime tasks, in `USEC` (cgroup v1)"),
		text("cpu-rt-runtime", "CPU time of realtime tasks for each period, in `USEC` (cgroup v1)"),
		&cli.StringFlag{Name: "cpu-share", Aliases: []string{"cpu-shares"}, Usage: "CPU `WEIGHT` beside other containers, 2 to 262144"},
		text("cpuset-cpus", "`LIST` of CPUs, such as 0-3,7"),
		text("cpuset-mems", "`LIST` of memory nodes"),
		hidden("kernel-memory"), hidden("kernel-memory-tcp"),
		text("memory", "memory limit in `BYTES`, or with k, m, g; -1 for no limit"),
		text("memory-reservation", "`BYTES` of memory that are not reclaimed early"),
		text("memory-swap", "`BYTES` of memory and swap together; -1 for no limit"),
		&cli.IntFlag{Name: "pids-limit", DefaultText: "unchanged", Usage: "`N` tasks at most; -1 for no limit"},
		text("l3-cache-schema", "Intel RDT `SCHEMA` of the L3 cache"),
		text("mem-bw-schema", "Intel RDT `SCHEMA` of memory bandwidth"),
	}
}

func update(c *cli.Context, rt *libct.Runtime, id string) error {
	change, err := updateResources(c)
	if err != nil {
		// runc looks for the container first: managers read that text.
		if _, missing := rt.State(id); missing != nil {
			return missing
		}
		return err
	}
	return rt.Update(id, change, libct.RdtChange{L3Cache: c.String("l3-cache-schema"), MemoryBandwidth: c.String("mem-bw-schema")})
}

// updateResources are those of --resources, or else of the other flags.
func updateResources(c *cli.Context) (*specs.LinuxResources, error) {
	switch path := c.String("resources"); path {
	case "":
		return flagResources(c)
	case "-":
		return readResources(os.Stdin)
	default:
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return readResources(f)
	}
}

// maxResources is more than any manager writes.
const maxResources = 1 << 20

func readResources(in io.Reader) (*specs.LinuxResources, error) {
	text, err := io.ReadAll(io.LimitReader(in, maxResources+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxResources:
		return nil, errors.New("resources: more than 1 MiB")
	case len(text) == 0:
		return nil, io.EOF
	}
	return spec.DecodeResources(text)
}

func flagResources(c *cli.Context) (*specs.LinuxResources, error) {
	r := &specs.LinuxResources{Memory: &specs.LinuxMemory{}, CPU: &specs.LinuxCPU{}, Pids: &specs.LinuxPids{}, BlockIO: &specs.LinuxBlockIO{}}
	m, cpu := r.Memory, r.CPU
	cpu.Cpus, cpu.Mems = c.String("cpuset-cpus"), c.String("cpuset-mems")
	if err := flagNumber("cpu-idle", c.String("cpu-idle"), parseInt, &cpu.Idle); err != nil {
		return nil, err
	}
	for _, f := range [...]struct {
		name string
		to   **uint64
	}{{"cpu-burst", &cpu.Burst}, {"cpu-period", &cpu.Period}, {"cpu-rt-period", &cpu.RealtimePeriod}, {"cpu-share", &cpu.Shares}} {
		if err := flagNumber(f.name, c.String(f.name), parseUint, f.to); err != nil {
			return nil, err
		}
	}
	for _, f := range [...]struct {
		name  string
		parse func(string) (int64, error)
		to    **int64
	}{
		{"cpu-quota", parseInt, &cpu.Quota}, {"cpu-rt-runtime", parseInt, &cpu.RealtimeRuntime},
		{"memory", parseBytes, &m.Limit}, {"memory-swap", parseBytes, &m.Swap},
		//lint:ignore SA1019 told to be ignored
		{"kernel-memory", parseBytes, &m.Kernel}, {"kernel-memory-tcp", parseBytes, &m.KernelTCP},
		{"memory-reservation", parseBytes, &m.Reservation},
	} {
		if err := flagNumber(f.name, c.String(f.name), f.parse, f.to); err != nil {
			return nil, err
		}
	}
	if c.IsSet("pids-limit") {
		n := int64(c.Int("pids-limit"))
		r.Pids.Limit = &n
	}
	var err error
	r.BlockIO.Weight, err = weight(c.Int("blkio-weight"))
	return r, err
}
