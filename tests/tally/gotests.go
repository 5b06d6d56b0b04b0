package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// event is one line of `go test -json` (go doc test2json).
type event struct {
	Action, Package, Test, Output, ImportPath, FailedBuild string
	Elapsed                                                float64
}

// result is what is known of one test, or of a package when it has no name.
type result struct {
	action string
	output strings.Builder
}

// goResults collects the events of one run. The key of a test is its package,
// a space and its name; of a package its name.
type goResults struct {
	t       *total
	results map[string]*result
	builds  map[string]*strings.Builder
	stray   strings.Builder
}

func goTests(ctx context.Context, t *total) {
	g := &goResults{t: t, results: map[string]*result{}, builds: map[string]*strings.Builder{}}
	err := execute(ctx, &lines{each: g.line}, nil,
		"go", "test", "-json", "-count=1", "-tags", "urfave_cli_no_docs", "-timeout", "10m", "./...")
	before := t.failed
	g.count()
	if err != nil && t.failed == before {
		t.fail("go test", g.stray.String()+err.Error())
	}
}

func (g *goResults) line(text string) {
	var e event
	if json.Unmarshal([]byte(text), &e) != nil {
		g.stray.WriteString(text + "\n")
		return
	}
	if e.Action == "build-output" {
		b := g.builds[e.ImportPath]
		if b == nil {
			b = &strings.Builder{}
			g.builds[e.ImportPath] = b
		}
		b.WriteString(e.Output)
		return
	}
	if e.Package == "" {
		return
	}
	r := g.result(e)
	switch e.Action {
	case "output":
		r.output.WriteString(e.Output)
	case "pass", "fail", "skip":
		r.action = e.Action
		if e.Test == "" {
			if b := g.builds[e.FailedBuild]; b != nil {
				r.output.WriteString(b.String())
			}
			if e.Action != "skip" { // no test files
				fmt.Fprintf(g.t.out, "%-4s %s %.1fs\n", e.Action, e.Package, e.Elapsed)
			}
		}
	}
}

// result finds the test that an event belongs to. The seeds of a fuzz test
// count as one test.
func (g *goResults) result(e event) *result {
	key := e.Package
	if e.Test != "" {
		name := e.Test
		if strings.HasPrefix(name, "Fuzz") {
			name, _, _ = strings.Cut(name, "/")
		}
		key += " " + name
	}
	r := g.results[key]
	if r == nil {
		r = &result{}
		g.results[key] = r
	}
	return r
}

// count goes through the tests from the leaves up. A test with subtests counts
// only if it failed by itself; a package only if it failed and none of its
// tests did (a panic, a failed build, a timeout).
func (g *goResults) count() {
	parents, blamed := map[string]bool{}, map[string]bool{}
	keys := sorted(g.results)
	for _, key := range keys {
		for _, up := range ancestors(key) {
			parents[up] = true
		}
	}
	slices.SortStableFunc(keys, func(a, b string) int { return len(ancestors(b)) - len(ancestors(a)) })
	for _, key := range keys {
		r := g.results[key]
		isTest := strings.Contains(key, " ")
		switch {
		case r.action == "pass" && isTest && !parents[key]:
			g.t.pass()
		case r.action == "skip" && isTest:
			g.t.skip(key, reason(r.output.String()))
		case r.action == "pass", r.action == "skip", blamed[key]:
		default: // failed, or never ended
			g.t.fail(key, r.output.String())
			for _, up := range ancestors(key) {
				blamed[up] = true
			}
		}
	}
}

// ancestors returns the enclosing tests of a test, and its package.
func ancestors(key string) (up []string) {
	pkg, name, ok := strings.Cut(key, " ")
	if !ok {
		return nil
	}
	for i := range name {
		if name[i] == '/' {
			up = append(up, pkg+" "+name[:i])
		}
	}
	return append(up, pkg)
}

var said = regexp.MustCompile(`(?m)^\s+[\w.-]+\.go:\d+: (.*)$`)

// reason is the last thing a skipped test said.
func reason(output string) string {
	all := said.FindAllStringSubmatch(output, -1)
	if len(all) == 0 {
		return "no reason given"
	}
	return all[len(all)-1][1]
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
