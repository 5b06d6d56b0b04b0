package main

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// tap reads the Test Anything Protocol as bats writes it: a plan, and for each
// test a line "ok N name" or "not ok N name", with "#" lines after a failure.
// Several runs may follow each other.
type tap struct {
	t       *total
	prefix  string // of every test's name
	planned int
	seen    int
	failing string // the name of the failure whose output is being read
	output  strings.Builder
	stray   strings.Builder
}

var (
	tapPlan = regexp.MustCompile(`^1\.\.(\d+)$`)
	tapTest = regexp.MustCompile(`^(not )?ok \d+ (.*?)(?: # skip ?(.*))?$`)
)

func batsTests(ctx context.Context, t *total) {
	files, _ := filepath.Glob("tests/*.bats")
	if len(files) == 0 {
		t.fail("bats", "no tests/*.bats here")
		return
	}
	p := &tap{t: t, prefix: "bats: "}
	before := t.failed
	err := execute(ctx, &lines{each: p.line}, nil, "bats", append([]string{"--tap"}, files...)...)
	p.end(err, t.failed == before)
}

// end records what else went wrong: tests that never ended, and err, the runner's
// own failure, if no test is to blame.
func (p *tap) end(err error, blameless bool) {
	p.flush()
	if p.planned != p.seen || p.planned == 0 {
		p.t.fail(p.prefix+"all", fmt.Sprintf("%d of %d tests ended\n%s", p.seen, p.planned, p.stray.String()))
	} else if err != nil && blameless {
		p.t.fail(p.prefix+"all", p.stray.String()+err.Error())
	}
}

func (p *tap) line(text string) {
	if m := tapPlan.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1])
		p.planned += n
		return
	}
	m := tapTest.FindStringSubmatch(text)
	if m == nil {
		into := &p.stray
		if p.failing != "" {
			into = &p.output
		}
		into.WriteString(strings.TrimPrefix(text, "# ") + "\n")
		return
	}
	p.flush()
	p.seen++
	fmt.Fprintln(p.t.out, text)
	switch {
	case m[1] != "":
		p.failing = p.prefix + m[2]
	case strings.Contains(text, " # skip"):
		p.t.skip(p.prefix+m[2], strings.Trim(m[3], "()"))
	default:
		p.t.pass()
	}
}

// flush records the failure that has been read to its end.
func (p *tap) flush() {
	if p.failing != "" {
		p.t.fail(p.failing, p.output.String())
	}
	p.failing = ""
	p.output.Reset()
}
