package main

import (
	_ "embed"
	"fmt"
	"path"
	"regexp"
	"strings"
	"sync/atomic"
)

//go:embed known.txt
var knownText string

// known is a difference that is meant: a line of known.txt,
//
//	case pattern :: regular expression of the difference :: reason
//
// in which the pattern is path.Match's, or * for every case, or *@PEER for those
// compared with that peer, and a difference begins with + if rt alone has the line, and with - if
// the peer alone has it.
type known struct {
	cases, reason string
	line          *regexp.Regexp
	seen          atomic.Int32
}

func readKnown(text string) ([]*known, error) {
	var list []*known
	for n, line := range strings.Split(text, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, " :: ")
		if len(f) != 3 {
			return nil, fmt.Errorf("known.txt:%d: want `cases :: regexp :: reason`", n+1)
		}
		re, err := regexp.Compile("^(?:" + f[1] + ")$")
		if err != nil {
			return nil, fmt.Errorf("known.txt:%d: %w", n+1, err)
		}
		list = append(list, &known{cases: f[0], line: re, reason: f[2]})
	}
	return list, nil
}

// unknown returns those differences of a case that no entry covers, and counts
// the entries that cover one.
func unknown(list []*known, c *testCase, differences []string) (left []string) {
	for _, d := range differences {
		covered := false
		for _, k := range list {
			ok, _ := path.Match(k.cases, c.name)
			if (ok || k.cases == "*" || k.cases == "*@"+c.peer) && k.line.MatchString(d) {
				k.seen.Add(1)
				covered = true
				break
			}
		}
		if !covered {
			left = append(left, d)
		}
	}
	return left
}

// steps keeps what the caller saw of a case: one runtime refused what the other
// did, and that is the whole difference.
func steps(lines []string) (kept []string) {
	for _, line := range lines {
		if strings.HasPrefix(line, "step ") || strings.HasPrefix(line, "left:") {
			kept = append(kept, line)
		}
	}
	return kept
}

// said tells whether the container said anything.
func said(lines []string) bool {
	for _, line := range lines {
		if strings.HasPrefix(line, "arg: ") {
			return true
		}
	}
	return false
}

// compare returns what is in one list and not in the other, with + for rt's.
// The same line twice is not the same as once.
func compare(rt, peer []string) (differences []string) {
	if said(rt) != said(peer) {
		rt, peer = steps(rt), steps(peer)
	}
	count := map[string]int{}
	for _, line := range rt {
		count[line]++
	}
	for _, line := range peer {
		count[line]--
	}
	for _, line := range peer {
		if count[line] < 0 {
			count[line]++
			differences = append(differences, "- "+line)
		}
	}
	for _, line := range rt {
		if count[line] > 0 {
			count[line]--
			differences = append(differences, "+ "+line)
		}
	}
	return differences
}
