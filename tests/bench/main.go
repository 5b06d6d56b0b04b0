// Command bench runs whole commands of rt and of the runc and crun found on
// PATH, interleaved, and prints 10th percentile and median of each in
// milliseconds with the ratio of rt's percentile to the peer's. Only the ratios of one
// run mean anything. It reports and never fails for a slow result.
//
// It imports the standard library and specs-go alone and needs root. It must leave no
// container and no cgroup behind.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// bench is a directory with a bundle, and the runtimes to compare.
type bench struct {
	dir, bundle string
	runtimes    []string // the first is rt
	rounds      int
}

// operation is what is measured: prepare and finish are not.
type operation struct {
	name                     string
	prepare, measure, finish [][]string
}

// The words BUNDLE and ID stand for themselves.
var operations = []operation{
	{name: "run", measure: [][]string{{"run", "--bundle", "BUNDLE", "ID"}}},
	{name: "create start delete", measure: [][]string{
		{"create", "--bundle", "BUNDLE", "ID"}, {"start", "ID"}, {"delete", "--force", "ID"}}},
	{name: "delete --force", prepare: [][]string{{"create", "--bundle", "BUNDLE", "ID"}},
		measure: [][]string{{"delete", "--force", "ID"}}},
	{name: "state", prepare: [][]string{{"create", "--bundle", "BUNDLE", "ID"}},
		measure: [][]string{{"state", "ID"}}, finish: [][]string{{"delete", "--force", "ID"}}},
}

func main() {
	rounds := flag.Int("n", 50, "rounds of each operation")
	rt := flag.String("rt", "bin/rt", "the rt to measure")
	flag.Parse()
	if os.Geteuid() != 0 {
		fmt.Println("make bench needs root")
		return
	}
	if err := hideUnified(); err != nil {
		fatal(err)
	}
	b, err := prepare(*rt, *rounds)
	if err == nil {
		err = b.all()
		os.RemoveAll(b.dir)
	}
	if err != nil {
		fatal(err)
	}
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}

// hideUnified goes on in a mount namespace without the v2 hierarchy of a
// hybrid host, which crun refuses to work with. What crun then writes to its
// place goes with the namespace.
func hideUnified() error {
	const unified = "/sys/fs/cgroup/unified"
	if _, err := os.Stat(unified); err != nil || os.Getenv("RT_BENCH_NS") != "" {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		return err
	}
	args := append([]string{"unshare", "-m", "sh", "-c", `umount ` + unified + ` && mount -t tmpfs none ` + unified + ` && exec "$0" "$@"`, self}, os.Args[1:]...)
	return syscall.Exec(unshare, args, append(os.Environ(), "RT_BENCH_NS=1"))
}

func prepare(rt string, rounds int) (*bench, error) {
	rt, err := filepath.Abs(rt)
	if err != nil {
		return nil, err
	}
	b := &bench{runtimes: []string{rt}, rounds: rounds}
	for _, peer := range []string{"crun", "runc"} {
		if path, err := exec.LookPath(peer); err == nil {
			b.runtimes = append(b.runtimes, path)
		}
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return nil, err
	}
	if b.dir, err = os.MkdirTemp("", "rt-bench-"); err != nil {
		return nil, err
	}
	b.bundle = filepath.Join(b.dir, "bundle")
	for _, dir := range []string{"bin", "dev", "proc", "sys"} {
		if err := os.MkdirAll(filepath.Join(b.bundle, "rootfs", dir), 0o755); err != nil {
			return nil, err
		}
	}
	program, err := os.ReadFile(busybox)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(b.bundle, "rootfs/bin/true"), program, 0o755); err != nil {
		return nil, err
	}
	if out, err := exec.Command(rt, "spec", "--bundle", b.bundle).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("rt spec: %w: %s", err, out)
	}
	return b, b.edit(filepath.Join(b.bundle, "config.json"))
}

// edit makes the template of rt spec run /bin/true without a terminal, and
// older, as crun refuses versions that it does not know.
func (b *bench) edit(config string) error {
	text, err := os.ReadFile(config)
	if err != nil {
		return err
	}
	text = bytes.Replace(text, []byte(`"ociVersion": "`+specs.Version+`"`), []byte(`"ociVersion": "1.0.2"`), 1)
	text = bytes.Replace(text, []byte(`"terminal": true`), []byte(`"terminal": false`), 1)
	text = bytes.Replace(text, []byte(`"sh"`), []byte(`"/bin/true"`), 1)
	return os.WriteFile(config, text, 0o644)
}

func (b *bench) all() error {
	fmt.Printf("%d rounds, p10 / median in ms; × is rt's p10 by the peer's\n%-22s", b.rounds, "")
	for _, runtime := range b.runtimes {
		fmt.Printf("%-24s", filepath.Base(runtime))
	}
	fmt.Println()
	for _, op := range operations {
		times := make([][]time.Duration, len(b.runtimes))
		for range b.rounds {
			for i, runtime := range b.runtimes {
				d, err := b.once(runtime, op)
				if err != nil {
					return err
				}
				times[i] = append(times[i], d)
			}
		}
		report(op.name, times)
	}
	return nil
}

func report(name string, times [][]time.Duration) {
	fmt.Printf("%-22s", name)
	var first time.Duration
	for i, t := range times {
		slices.Sort(t)
		p10, median := t[len(t)/10], t[len(t)/2]
		cell := fmt.Sprintf("%.1f / %.1f", ms(p10), ms(median))
		if i == 0 {
			first = p10
		} else {
			cell += fmt.Sprintf(" (×%.2f)", float64(first)/float64(p10))
		}
		fmt.Printf("%-24s", cell)
	}
	fmt.Println()
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

// once carries out an operation and returns how long the measured part took.
func (b *bench) once(runtime string, op operation) (time.Duration, error) {
	if err := b.commands(runtime, op.prepare); err != nil {
		return 0, err
	}
	begin := time.Now()
	if err := b.commands(runtime, op.measure); err != nil {
		return 0, err
	}
	d := time.Since(begin)
	return d, b.commands(runtime, op.finish)
}

func (b *bench) commands(runtime string, list [][]string) error {
	name := filepath.Base(runtime)
	id := fmt.Sprintf("rt-bench-%d-%s", os.Getpid(), name)
	words := strings.NewReplacer("BUNDLE", b.bundle, "ID", id)
	for _, command := range list {
		args := []string{"--root", filepath.Join(b.dir, "state-"+name)}
		for _, word := range command {
			args = append(args, words.Replace(word))
		}
		cmd := exec.Command(runtime, args...)
		stderr, err := os.Create(filepath.Join(b.dir, "stderr"))
		if err != nil {
			return err
		}
		cmd.Stderr = stderr // a file: a created container keeps a pipe open
		err = cmd.Run()
		stderr.Close()
		if err != nil {
			text, _ := os.ReadFile(stderr.Name())
			exec.Command(runtime, "--root", args[1], "delete", "--force", id).Run()
			return fmt.Errorf("%s %s: %w: %s", name, strings.Join(command, " "), err, text)
		}
	}
	return nil
}
