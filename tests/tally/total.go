package main

import (
	"fmt"
	"io"
	"strings"
)

// total counts results and keeps the failures for the end.
type total struct {
	strict                  bool // a skip needs a reason of the host's
	passed, failed, skipped int
	failures                []string
	reasons                 map[string]int
	out                     io.Writer
}

func (t *total) pass() { t.passed++ }

// fail records a failure with all that the test said.
func (t *total) fail(name, output string) {
	t.failed++
	fmt.Fprintf(t.out, "FAILED %s\n", name)
	t.failures = append(t.failures, fmt.Sprintf("--- FAILED %s\n%s\n", name, strings.TrimRight(output, "\n")))
}

// skip records a skip, which is a failure when only the test can be to blame.
func (t *total) skip(name, reason string) {
	if t.strict && !strings.HasPrefix(reason, "host:") {
		t.fail(name, "skipped under CI, and not for a reason of the host's: "+reason)
		return
	}
	t.skipped++
	if t.reasons == nil {
		t.reasons = map[string]int{}
	}
	t.reasons[reason]++
}

// report prints failures and the closing line and returns the exit status. No
// test at all is a failure too.
func (t *total) report() int {
	for _, line := range sorted(t.reasons) {
		fmt.Fprintf(t.out, "skipped %d: %s\n", t.reasons[line], line)
	}
	for _, failure := range t.failures {
		fmt.Fprintf(t.out, "\n%s", failure)
	}
	if t.passed+t.failed == 0 {
		fmt.Fprintln(t.out, "no test ran")
	}
	fmt.Fprintf(t.out, "\n%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
	if t.failed > 0 || t.passed == 0 {
		return 1
	}
	return 0
}
