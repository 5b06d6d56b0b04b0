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
type tap struct {
	t       *total
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
	p := &tap{t: t, planned: -1}
	before := t.failed
	err := execute(ctx, &lines{each: p.line}, nil, "bats", append([]string{"--tap"}, files...)...)
	p.flush()
	if p.planned != p.seen {
		t.fail("bats", fmt.Sprintf("%d of %d tests ended\n%s", p.seen, p.planned, p.stray.String()))
	}
	if err != nil && t.failed == before {
		t.fail("bats", p.stray.String()+err.Error())
	}
}

func (p *tap) line(text string) {
	if m := tapPlan.FindStringSubmatch(text); m != nil {
		p.planned, _ = strconv.Atoi(m[1])
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
		p.failing = "bats: " + m[2]
	case strings.Contains(text, " # skip"):
		p.t.skip("bats: "+m[2], strings.Trim(m[3], "()"))
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
