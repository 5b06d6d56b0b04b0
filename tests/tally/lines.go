package main

import "bytes"

// lines is a writer that hands on whole lines without their newline. What
// follows the last newline is lost, which neither go test nor bats leaves.
type lines struct {
	each func(string)
	rest []byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		line, after, ok := bytes.Cut(l.rest, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		l.each(string(bytes.TrimSuffix(line, []byte("\r"))))
		l.rest = append(l.rest[:0], after...)
	}
}
