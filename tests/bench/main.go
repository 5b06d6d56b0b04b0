// Command bench runs whole commands of rt and of the crun and runc found on
// PATH, interleaved, and prints 10th percentile and median of each with the
// ratio of rt's percentile to the peer's, and what a run costs in memory and
// system calls. Only the ratios of one run mean anything. It reports and never
// fails for a slow result.
//
// It imports the standard library and specs-go alone and needs root. It must
// leave no container, no cgroup and no file behind, and unmounts nothing but in
// a mount namespace of its own.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// bench is a directory with the bundles, and the runtimes to compare.
type bench struct {
	dir      string
	runtimes []*peer // the first is rt
	rounds   int
	limit    time.Duration // of one series
	only     string
	stop     <-chan os.Signal
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == serveWord {
		serve()
		return
	}
	rt := flag.String("rt", "bin/rt", "the rt to measure")
	with := flag.String("with", "", "more runtimes to measure, separated by commas, such as an older rt")
	rounds := flag.Int("n", 60, "rounds of each series at most")
	limit := flag.Duration("for", 100*time.Second, "time for all")
	only := flag.String("only", "", "measure only what has this in its name")
	flag.Parse()
	if os.Geteuid() != 0 {
		fmt.Println("make bench needs root")
		return
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	b := &bench{rounds: *rounds, limit: *limit / time.Duration(len(series)+3), only: *only, stop: stop}
	err := b.prepare(*rt, *with)
	if err == nil {
		err = b.all()
	}
	if err := errors.Join(err, b.close()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// prepare makes the bundles and starts a process for each runtime.
func (b *bench) prepare(rt, with string) (err error) {
	if b.dir, err = os.MkdirTemp("", "rt-bench-"); err != nil {
		return err
	}
	if err := makeBundles(b.dir, rt); err != nil {
		return err
	}
	paths := []string{rt}
	for _, name := range []string{"crun", "runc"} {
		if path, err := exec.LookPath(name); err == nil {
			paths = append(paths, path)
		}
	}
	if with != "" {
		paths = append(paths, strings.Split(with, ",")...)
	}
	for i, path := range paths {
		if path, err = filepath.Abs(path); err != nil {
			return err
		}
		p, err := startPeer(path, b.dir, i)
		if err != nil {
			return err
		}
		b.runtimes = append(b.runtimes, p)
	}
	return nil
}

func (b *bench) close() error {
	for _, p := range b.runtimes {
		p.close()
	}
	if b.dir == "" {
		return nil
	}
	return os.RemoveAll(b.dir)
}

func (b *bench) all() error {
	b.heading()
	for _, s := range series {
		if !strings.Contains(s.name, b.only) {
			continue
		}
		if (s.bundle == seccompBundle || s.bundle == bothBundle) && !hasSeccomp(b.dir) {
			fmt.Printf("%-24s no %s on this machine\n", s.name, profilePath)
			continue
		}
		if err := b.times(s); err != nil {
			return err
		}
	}
	for _, m := range measures {
		if !strings.Contains(m.name, b.only) {
			continue
		}
		if err := b.measure(m); err != nil {
			return err
		}
	}
	fmt.Printf("load %s at the end\n", load())
	return nil
}

// interrupted reports whether the user wants no more of it.
func (b *bench) interrupted() error {
	select {
	case sig := <-b.stop:
		return fmt.Errorf("ended by signal %v", sig)
	default:
		return nil
	}
}

// load is the machine's, of the last 1, 5 and 15 minutes.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return err.Error()
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}
