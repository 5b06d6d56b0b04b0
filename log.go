package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"rt/libct/jsontext"
)

// logger writes runc's log lines: logrus's text or JSON form with the fields
// level, msg and time. Managers read them: containerd's shim takes the last
// object whose level is "error" for the reason of a failure.
type logger struct {
	file   *os.File   // nil: standard error, or
	daemon *daemonLog // nil: file
	json   bool
	wordy  bool // --debug
	terse  bool // errors alone
}

// open applies --log, --log-format, --log-level and --debug. The file is opened
// even when nothing will be written, as runc does, so that a caller finds it.
func (l *logger) open(target, format, level string, wordy bool) error {
	switch format {
	case "text":
	case "json":
		l.json = true
	default:
		return errors.New("invalid log-format: " + format)
	}
	switch level {
	case "", "warning", "info":
	case "debug":
		wordy = true
	case "error":
		l.terse = true
	default:
		return errors.New("unknown log level: " + level)
	}
	l.wordy = wordy
	if target == "" {
		return nil
	}
	kind, file, err := logTarget(target)
	if err != nil {
		return err
	}
	if kind != "file" {
		l.daemon, err = openDaemonLog(kind, file)
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_APPEND|os.O_SYNC, 0o644)
	if err != nil {
		return err
	}
	l.file = f
	return nil
}

func (l *logger) warn(msg string) {
	if !l.terse {
		l.line("warning", msg)
	}
}

func (l *logger) debug(msg string) {
	if l.wordy {
		l.line("debug", msg)
	}
}

// line writes one log line with a single write, since a manager may share the
// file between several runtimes. There is nobody left to tell of a failure.
func (l *logger) line(level, msg string) {
	if l.daemon != nil {
		l.daemon.write(level, msg)
		return
	}
	out := l.file
	if out == nil {
		out = os.Stderr
	}
	now := time.Now().Format(time.RFC3339)
	if l.json {
		out.Write(jsonLine(level, msg, now))
		return
	}
	fmt.Fprintf(out, "time=%q level=%s msg=%s\n", now, level, textValue(msg))
}

// jsonLine has logrus's key order, which is alphabetical.
func jsonLine(level, msg, now string) []byte {
	w := jsontext.NewWriter("")
	w.Object(func() {
		w.Key("level")
		w.String(level)
		w.Key("msg")
		w.String(msg)
		w.Key("time")
		w.String(now)
	})
	return append(bytes.Clone(w.Bytes()), '\n')
}

// textValue quotes a value unless it is a plain word in logrus's eyes.
func textValue(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._/@^+", r)
	}
	for _, r := range s {
		if !plain(r) {
			return fmt.Sprintf("%q", s)
		}
	}
	return s
}

// exit logs a failed command's error, repeats it plainly on standard error
// when the log is elsewhere, and returns the exit status: 1, or what the error
// carries: a container's own status (without a message), 3 for an unknown
// command.
func (l *logger) exit(err error) int {
	if err == nil {
		return 0
	}
	code := 1
	if exit, ok := err.(cli.ExitCoder); ok { // not errors.As: a wrapped *exec.ExitError is no status of ours
		code = exit.ExitCode()
	}
	if msg := err.Error(); msg != "" {
		l.line("error", msg)
		if l.file != nil || l.daemon != nil {
			fmt.Fprintln(os.Stderr, msg)
		}
	}
	return code
}
