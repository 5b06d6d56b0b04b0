// Command tally runs the project's tests and ends with one line that counts
// them: `N passed, N failed, N skipped`. Its arguments name the stages, out of
// lint, go, bats and vm; without any it runs the first three, in this order.
// The stage vm runs bats in machines of tests/vm, the part of it that $PART says.
//
// It is what `make test` runs, so it needs nothing but Go and bats. It prints
// failures in full at the end, and when CI=true as root it makes a failure of
// every skip whose reason does not begin with "host:". It must never decide
// that a test has passed: silence, a crash or a missing result is a failure.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// limit ends a stage that hangs.
const limit = 30 * time.Minute

func main() {
	// Notified signals have a handler, so that the tests start with the default
	// action even if our caller ignores these.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	os.Exit(tally(ctx, os.Args[1:]))
}

func tally(ctx context.Context, stages []string) int {
	if len(stages) == 0 {
		stages = []string{"lint", "go", "bats"}
	}
	t := &total{strict: os.Getenv("CI") == "true" && os.Geteuid() == 0, out: os.Stdout}
	for _, stage := range stages {
		switch stage {
		case "lint":
			lint(ctx, t)
		case "go":
			goTests(ctx, t)
		case "bats":
			batsTests(ctx, t)
		case "vm":
			vmTests(ctx, t, os.Getenv("PART"))
		default:
			fmt.Fprintf(os.Stderr, "tally: no stage %q: choose lint, go, bats or vm\n", stage)
			return 2
		}
	}
	if ctx.Err() != nil {
		t.fail("tests", "interrupted")
	}
	return t.report()
}

// lint counts as one test.
func lint(ctx context.Context, t *total) {
	var out strings.Builder
	if err := execute(ctx, &out, nil, "tests/lint"); err != nil {
		t.fail("lint", out.String()+err.Error())
		return
	}
	fmt.Fprintln(t.out, "ok lint")
	t.pass()
}

// execute runs a command with its standard output and error going to out, and
// kills all of it when the time is up. It does not wait for ever for processes
// that a test left behind holding its output.
func execute(ctx context.Context, out io.Writer, env []string, name string, args ...string) error {
	return executeFor(ctx, limit, out, env, name, args...)
}

// executeFor is execute with another limit.
func executeFor(ctx context.Context, limit time.Duration, out io.Writer, env []string, name string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	err := cmd.Run()
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%s: not finished after %s", name, limit)
	case errors.Is(err, exec.ErrWaitDelay):
		return fmt.Errorf("%s: a process it started still holds its output", name)
	case err != nil:
		return fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return nil
}
