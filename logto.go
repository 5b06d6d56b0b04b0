package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Where the daemons listen.
const (
	journalSocket = "/run/systemd/journal/socket"
	syslogSocket  = "/dev/log"
)

// maxLogText is how much of a message a datagram takes.
const maxLogText = 48 << 10

// daemonLog is a log that a daemon keeps: systemd's journal or syslog.
type daemonLog struct {
	sock    int
	address *unix.SockaddrUnix
	// encode makes a datagram.
	encode func(severity int, msg string) []byte
}

// logTarget tells crun's kinds of log apart: file:PATH, journald:NAME and
// syslog:NAME. A text without a colon, or with a slash before it, is a path, as
// for runc.
func logTarget(text string) (kind, rest string, err error) {
	kind, rest, found := strings.Cut(text, ":")
	if !found || strings.Contains(kind, "/") {
		return "file", text, nil
	}
	switch kind {
	case "journald", "syslog":
		if rest == "" {
			rest = "rt"
		}
		return kind, rest, nil
	case "file":
		return kind, rest, nil
	}
	return "", "", errors.New("unknown log type: " + text)
}

func openDaemonLog(kind, name string) (*daemonLog, error) {
	d := &daemonLog{address: &unix.SockaddrUnix{Name: journalSocket}, encode: func(severity int, msg string) []byte {
		return journalEntry(name, severity, msg)
	}}
	if kind == "syslog" {
		d.address.Name = syslogSocket
		d.encode = func(severity int, msg string) []byte { return syslogEntry(name, severity, msg, time.Now()) }
	}
	var err error
	if d.sock, err = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	// Only to know that somebody listens: each entry is sent by address, so that
	// one comes through after the daemon was restarted too.
	if err := unix.Connect(d.sock, d.address); err != nil {
		return nil, &os.PathError{Op: "connect", Path: d.address.Name, Err: err}
	}
	return d, nil
}

// write sends one entry. There is nobody left to tell of a failure.
func (d *daemonLog) write(level, msg string) {
	if len(msg) > maxLogText {
		msg = msg[:maxLogText]
	}
	entry := d.encode(severity(level), msg)
	for unix.Sendto(d.sock, entry, unix.MSG_NOSIGNAL, d.address) == unix.EINTR {
	}
}

// severity is syslog's number of a level (syslog(3)).
func severity(level string) int {
	switch level {
	case "error":
		return 3
	case "warning":
		return 4
	case "info":
		return 6
	}
	return 7
}

// journalEntry is in the journal's native protocol. The name is in ID too, as
// crun has it.
func journalEntry(name string, severity int, msg string) []byte {
	var b []byte
	for _, f := range [...][2]string{{"PRIORITY", fmt.Sprint(severity)}, {"SYSLOG_IDENTIFIER", name}, {"ID", name}, {"MESSAGE", msg}} {
		b = append(b, f[0]...)
		if strings.Contains(f[1], "\n") {
			b = append(b, '\n')
			for shift := 0; shift < 64; shift += 8 { // its length, little endian
				b = append(b, byte(len(f[1])>>shift))
			}
		} else {
			b = append(b, '=')
		}
		b = append(b, f[1]...)
		b = append(b, '\n')
	}
	return b
}

// syslogEntry is in the form of syslog(3), facility user, on one line.
func syslogEntry(name string, severity int, msg string, now time.Time) []byte {
	const user = 1 << 3
	msg = strings.ReplaceAll(msg, "\n", " ")
	return fmt.Appendf(nil, "<%d>%s %s: %s", user|severity, now.Format(time.Stamp), name, msg)
}
