package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// measure is a number that is no time, NaN never: a runtime that it cannot be
// had of fails.
type measure struct {
	name, unit string
	tool       string // what it needs on PATH
	of         func(*bench, *peer) (float64, error)
}

var measures = []measure{
	{"containers, 4 loops", "a second", "", perSecond},
	{"peak memory of run", "KiB", "busybox", peakMemory},
	{"system calls of run", "without futex, nanosleep", "strace", systemCalls},
	{"smallest memory limit", "KiB", "", smallestLimit},
}

func (b *bench) measure(m measure) error {
	if m.tool != "" {
		if _, err := exec.LookPath(m.tool); err != nil {
			row(m.name, nil, "no "+m.tool+" on this machine")
			return nil
		}
	}
	values := make([]float64, len(b.runtimes))
	cells := make([]string, len(b.runtimes))
	for i, p := range b.runtimes {
		if err := b.interrupted(); err != nil {
			return err
		}
		v, err := m.of(b, p)
		if err != nil {
			return err
		}
		values[i], cells[i] = v, fmt.Sprintf("%.0f", v)
		if i > 0 {
			cells[i] += ratio(values[0], v)
		}
	}
	row(m.name, cells, m.unit)
	return nil
}

// perSecond is how many containers four loops run in a second.
func perSecond(b *bench, p *peer) (float64, error) {
	const loops, times = 4, 20
	run := b.words(p, trueBundle, "run --bundle BUNDLE ID")
	run[len(run)-1] += "-LOOP"
	var rates []float64
	for range 3 {
		a, err := p.run(request{Commands: [][]string{run}, Loops: loops, Times: times})
		if err != nil {
			return 0, err
		}
		rates = append(rates, loops*times/a.Took.Seconds())
	}
	return slices.Max(rates), nil
}

// peakMemory is that of the runtime and of the processes it waits for, in KiB.
// busybox before 1.36 multiplies it by the KiB of a page, so it is asked for a
// known one too.
func peakMemory(b *bench, p *peer) (float64, error) {
	var all []float64
	for range 5 {
		peak, err := b.peakOf(p, b.words(p, trueBundle, "run --bundle BUNDLE ID"))
		if err != nil {
			return 0, err
		}
		all = append(all, peak)
	}
	known, err := b.peakOf(p, []string{"busybox", "true"})
	if err != nil {
		return 0, err
	}
	slices.Sort(all)
	if known > 4000 { // a busybox that does nothing has a fraction of this
		return all[len(all)/2] * 1024 / float64(os.Getpagesize()), nil
	}
	return all[len(all)/2], nil
}

// peakOf is what busybox time says. A process started by this large one would
// take over its peak with execve; busybox is small.
func (b *bench) peakOf(p *peer, line []string) (float64, error) {
	text, err := b.stderrOf(p, append([]string{"busybox", "time", "-f", "%M"}, line...))
	if err != nil {
		return 0, err
	}
	peak, err := strconv.ParseFloat(lastLine(text), 64)
	if err != nil {
		return 0, fmt.Errorf("busybox time: %q: %w", text, err)
	}
	return peak, nil
}

// systemCalls counts those of the runtime and of all its children.
func systemCalls(b *bench, p *peer) (float64, error) {
	line := append([]string{"strace", "-f", "-c", "-U", "name,calls"}, b.words(p, trueBundle, "run --bundle BUNDLE ID")...)
	text, err := b.stderrOf(p, line)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 2 || slices.Contains([]string{"futex", "nanosleep", "total"}, f[0]) {
			continue
		}
		if n, err := strconv.ParseFloat(f[1], 64); err == nil {
			sum += n
		}
	}
	return sum, nil
}

// smallestLimit is the smallest of 128 KiB, 256 KiB … 16 MiB that runs
// /bin/true three times.
func smallestLimit(b *bench, p *peer) (float64, error) {
	line := b.words(p, memoryBundle, "run --bundle BUNDLE ID")
	for limit := int64(128); limit <= 16<<10; limit *= 2 {
		bytes := limit << 10
		err := writeBundle(b.dir, memoryBundle, func(s *specs.Spec) {
			s.Linux.Resources.Memory = &specs.LinuxMemory{Limit: &bytes}
		})
		if err != nil {
			return 0, err
		}
		if _, err := p.run(request{Commands: [][]string{line, line, line}, Loops: 1, Times: 1}); err == nil {
			return float64(limit), nil
		}
		_, _ = p.run(request{Commands: [][]string{b.words(p, memoryBundle, "delete --force ID")}, Loops: 1, Times: 1})
	}
	return 0, fmt.Errorf("%s: no memory limit up to 16 MiB runs /bin/true", p.name)
}

// stderrOf runs a command line and returns what it wrote to standard error.
func (b *bench) stderrOf(p *peer, line []string) (string, error) {
	shell := append([]string{"sh", "-c", `exec "$@" 2>&1 >/dev/null`, "sh"}, line...)
	a, err := p.run(request{Commands: [][]string{shell}, Loops: 1, Times: 1, Output: true})
	return a.Output, err
}

func lastLine(text string) string {
	lines := strings.Fields(text)
	if len(lines) == 0 {
		return ""
	}
	return lines[len(lines)-1]
}
