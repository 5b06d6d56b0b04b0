package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"
)

// vmLimit ends a machine that hangs: emulated, all of it may take this long.
const vmLimit = 4 * time.Hour

// vmTests runs tests/vm/suite in one machine for each CPU, which share the work.
func vmTests(ctx context.Context, t *total, part string) {
	var setup strings.Builder
	if err := execute(ctx, &setup, nil, "tests/vm/setup"); err != nil {
		t.fail("tests/vm/setup", setup.String()+err.Error())
		return
	}
	work, err := os.MkdirTemp("", "rt-vm-suite.")
	if err != nil {
		t.fail("vm", err.Error())
		return
	}
	defer os.RemoveAll(work)
	// Users who are not root look here, too.
	if err := os.Chmod(work, 0o755); err != nil {
		t.fail("vm", err.Error())
		return
	}
	var lock sync.Mutex
	var wait sync.WaitGroup
	for n := range min(runtime.NumCPU(), 4) {
		lane := &vmLane{tap: tap{t: &total{strict: t.strict, out: t.out}, prefix: "vm: "}, strict: t.strict}
		wait.Go(func() {
			out := &lines{each: func(text string) {
				lock.Lock()
				defer lock.Unlock()
				lane.line(text)
			}}
			err := executeFor(ctx, vmLimit, out, nil, "tests/vm/run", "-c", "1", "-t", fmt.Sprint(int(vmLimit.Seconds())),
				"-s", work, fmt.Sprintf("tests/vm/suite '%s' '%s'", work, part))
			lock.Lock()
			defer lock.Unlock()
			lane.end(n, err)
			t.add(lane.tap.t)
		})
	}
	wait.Wait()
}

// vmLane is what one machine says: "== job" before each run of bats, and TAP.
type vmLane struct {
	tap
	strict bool
}

func (l *vmLane) line(text string) {
	job, ok := strings.CutPrefix(text, "== ")
	if !ok {
		l.tap.line(text)
		return
	}
	l.flush()
	fmt.Fprintln(l.tap.t.out, text)
	l.prefix = "vm " + job + ": "
	// What needs root is skipped as a user.
	l.tap.t.strict = l.strict && strings.HasPrefix(job, "root ")
}

func (l *vmLane) end(n int, err error) {
	l.flush()
	l.prefix = fmt.Sprintf("vm %d: ", n)
	if err == nil && l.planned == 0 {
		return // the others were quicker
	}
	l.tap.end(err, l.tap.t.failed == 0)
}

// add takes over the results of another total that wrote to the same place.
func (t *total) add(other *total) {
	t.passed += other.passed
	t.failed += other.failed
	t.skipped += other.skipped
	t.failures = append(t.failures, other.failures...)
	if t.reasons == nil {
		t.reasons = map[string]int{}
	}
	for reason, n := range other.reasons {
		t.reasons[reason] += n
	}
}
