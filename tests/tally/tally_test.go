package main

import (
	"io"
	"strings"
	"testing"
)

func TestTAP(t *testing.T) {
	tests := []struct {
		name, text                                string
		strict                                    bool
		passed, failed, skipped, planned, testsIn int
	}{
		{"all", "1..3\nok 1 a\nnot ok 2 b # c\n# why\nok 3 d # skip host: no\n", true, 1, 1, 1, 3, 3},
		{"a skip for no good reason", "1..1\nok 1 a # skip needs root\n", true, 0, 1, 0, 1, 1},
		{"a skip without a reason", "1..1\nok 1 a # skip\n", true, 0, 1, 0, 1, 1},
		{"a skip at home", "1..1\nok 1 a # skip needs root\n", false, 0, 0, 1, 1, 1},
		{"a plan that is not kept", "1..2\nok 1 a\n", false, 1, 0, 0, 2, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := &tap{t: &total{strict: tt.strict, out: io.Discard}}
			io.WriteString(&lines{each: p.line}, tt.text)
			p.flush()
			got := [5]int{p.t.passed, p.t.failed, p.t.skipped, p.planned, p.seen}
			if got != [5]int{tt.passed, tt.failed, tt.skipped, tt.planned, tt.testsIn} {
				t.Errorf("passed, failed, skipped, planned, seen: %v", got)
			}
		})
	}
}

func TestGoEvents(t *testing.T) {
	tests := []struct {
		name, events            string
		passed, failed, skipped int
	}{
		{"subtests count once", `
			{"Action":"pass","Package":"p","Test":"TestA/x"}
			{"Action":"pass","Package":"p","Test":"TestA/y"}
			{"Action":"pass","Package":"p","Test":"TestA"}
			{"Action":"pass","Package":"p"}`, 2, 0, 0},
		{"a failed subtest is one failure", `
			{"Action":"fail","Package":"p","Test":"TestA/x"}
			{"Action":"fail","Package":"p","Test":"TestA"}
			{"Action":"fail","Package":"p"}`, 0, 1, 0},
		{"a test that never ended failed", `
			{"Action":"run","Package":"p","Test":"TestA"}
			{"Action":"fail","Package":"p"}`, 0, 1, 0},
		{"a build that failed", `
			{"ImportPath":"p [p.test]","Action":"build-output","Output":"undefined: x\n"}
			{"ImportPath":"p [p.test]","Action":"build-fail"}
			{"Action":"fail","Package":"p","FailedBuild":"p [p.test]"}`, 0, 1, 0},
		{"seeds are one test", `
			{"Action":"pass","Package":"p","Test":"FuzzA/seed#0"}
			{"Action":"pass","Package":"p","Test":"FuzzA/seed#1"}
			{"Action":"pass","Package":"p","Test":"FuzzA"}
			{"Action":"pass","Package":"p"}`, 1, 0, 0},
		{"a package without tests", `{"Action":"skip","Package":"p"}`, 0, 0, 0},
		{"a skip", `
			{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:7: host: no\n"}
			{"Action":"skip","Package":"p","Test":"TestA"}
			{"Action":"pass","Package":"p"}`, 0, 0, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := &goResults{t: &total{strict: true, out: io.Discard}, results: map[string]*result{}, builds: map[string]*strings.Builder{}}
			for line := range strings.Lines(tt.events) {
				g.line(strings.TrimSpace(line))
			}
			g.count()
			if g.t.passed != tt.passed || g.t.failed != tt.failed || g.t.skipped != tt.skipped {
				t.Errorf("%d passed, %d failed, %d skipped; %q", g.t.passed, g.t.failed, g.t.skipped, g.t.failures)
			}
		})
	}
}

// TestReport: the closing line is plain, and nothing at all is no success.
func TestReport(t *testing.T) {
	var out strings.Builder
	if code := (&total{out: &out}).report(); code != 1 || !strings.HasSuffix(out.String(), "\n0 passed, 0 failed, 0 skipped\n") {
		t.Errorf("%d %q", code, out.String())
	}
	out.Reset()
	if code := (&total{out: &out, passed: 2}).report(); code != 0 || !strings.HasSuffix(out.String(), "\n2 passed, 0 failed, 0 skipped\n") {
		t.Errorf("%d %q", code, out.String())
	}
}

// TestExecute: a command's output and exit status are kept.
func TestExecute(t *testing.T) {
	var out strings.Builder
	err := execute(t.Context(), &out, nil, "sh", "-c", "echo said; exit 3")
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || out.String() != "said\n" {
		t.Errorf("error %v, output %q", err, out.String())
	}
}
