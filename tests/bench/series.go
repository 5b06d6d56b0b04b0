package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// oneSeries is an operation whose time is taken; that of before and after is
// not. The words BUNDLE and ID stand for themselves.
type oneSeries struct {
	name, bundle           string
	before, measure, after []string
}

var series = []oneSeries{
	{name: "run", bundle: trueBundle, measure: []string{"run --bundle BUNDLE ID"}},
	{name: "run, seccomp", bundle: seccompBundle, measure: []string{"run --bundle BUNDLE ID"}},
	{name: "create start delete", bundle: trueBundle,
		measure: []string{"create --bundle BUNDLE ID", "start ID", "delete --force ID"}},
	{name: "exec", bundle: sleepBundle,
		before: []string{"run --detach --bundle BUNDLE ID"}, measure: []string{"exec ID /bin/true"}, after: []string{"delete --force ID"}},
	{name: "exec, seccomp", bundle: bothBundle,
		before: []string{"run --detach --bundle BUNDLE ID"}, measure: []string{"exec ID /bin/true"}, after: []string{"delete --force ID"}},
	{name: "delete --force", bundle: sleepBundle,
		before: []string{"run --detach --bundle BUNDLE ID"}, measure: []string{"delete --force ID"}},
	{name: "state", bundle: sleepBundle,
		before: []string{"run --detach --bundle BUNDLE ID"}, measure: []string{"state ID"}, after: []string{"delete --force ID"}},
	{name: "kill", bundle: sleepBundle,
		before: []string{"run --detach --bundle BUNDLE ID"}, measure: []string{"kill ID CONT"}, after: []string{"delete --force ID"}},
	{name: "pause resume", bundle: sleepBundle,
		before: []string{"run --detach --bundle BUNDLE ID"}, measure: []string{"pause ID", "resume ID"}, after: []string{"delete --force ID"}},
	{name: "ps", bundle: sleepBundle,
		before: []string{"run --detach --bundle BUNDLE ID"}, measure: []string{"ps --format json ID"}, after: []string{"delete --force ID"}},
	{name: "update", bundle: sleepBundle,
		before: []string{"run --detach --bundle BUNDLE ID"}, measure: []string{"update --memory 67108864 --pids-limit 50 ID"}, after: []string{"delete --force ID"}},
}

// fewest is how many rounds there are however long they take.
const fewest = 10

// times measures a series and prints its line.
func (b *bench) times(s oneSeries) error {
	took := make([][]time.Duration, len(b.runtimes))
	begin := time.Now()
	for n := 0; n < b.rounds && (n < fewest || time.Since(begin) < b.limit); n++ {
		for i, p := range b.runtimes {
			if err := b.interrupted(); err != nil {
				return err
			}
			d, err := b.once(p, s)
			if err != nil {
				return err
			}
			took[i] = append(took[i], d)
		}
	}
	cells := make([]string, len(took))
	var first time.Duration
	for i, t := range took {
		slices.Sort(t)
		p10, median := t[len(t)/10], t[len(t)/2]
		cells[i] = fmt.Sprintf("%.2f / %.2f", ms(p10), ms(median))
		if i == 0 {
			first = p10
		} else {
			cells[i] += ratio(float64(first), float64(p10))
		}
	}
	row(s.name, cells, fmt.Sprintf("ms, %d rounds", len(took[0])))
	return nil
}

// once carries out an operation and returns how long the measured part took.
func (b *bench) once(p *peer, s oneSeries) (time.Duration, error) {
	list := func(lines []string) request {
		r := request{Loops: 1, Times: 1}
		for _, line := range lines {
			r.Commands = append(r.Commands, b.words(p, s.bundle, line))
		}
		return r
	}
	var took time.Duration
	for i, lines := range [][]string{s.before, s.measure, s.after} {
		if lines == nil {
			continue
		}
		answer, err := p.run(list(lines))
		if err != nil {
			_, _ = p.run(request{Commands: [][]string{b.words(p, s.bundle, "delete --force ID")}, Loops: 1, Times: 1})
			return 0, err
		}
		if i == 1 {
			took = answer.Took
		}
	}
	return took, nil
}

// words makes a command line of a text.
func (b *bench) words(p *peer, bundle, line string) []string {
	words := strings.Fields(line)
	for i, w := range words {
		switch w {
		case "BUNDLE":
			words[i] = filepath.Join(b.dir, bundle)
		case "ID":
			words[i] = b.id(p)
		}
	}
	return p.command(words...)
}

// id is unlike every other one on this machine.
func (b *bench) id(p *peer) string {
	return filepath.Base(b.dir) + "-" + strings.TrimPrefix(filepath.Base(p.root), "root-")
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

func ratio(rt, other float64) string { return fmt.Sprintf(" (×%.2f)", rt/other) }

func (b *bench) heading() {
	fmt.Printf("p10 / median; × is rt's p10 by the peer's. load %s at the beginning\n", load())
	cells := make([]string, len(b.runtimes))
	for i, p := range b.runtimes {
		cells[i] = p.name
	}
	row("", cells, "")
}

func row(name string, cells []string, unit string) {
	var line strings.Builder
	fmt.Fprintf(&line, "%-24s", name)
	for _, c := range cells {
		fmt.Fprintf(&line, "%-24s", c)
	}
	fmt.Println(strings.TrimRight(line.String()+unit, " "))
}
