package faults

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

func contains(text string, any ...string) bool {
	for _, s := range any {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}

// soon is how long a starved command may take: it has nothing to wait for.
const soon = 5 * time.Second

// TestFewDescriptors runs create and run with RLIMIT_NOFILE from 3 up: a plain
// error, or success, and nothing left.
func TestFewDescriptors(t *testing.T) {
	p := newPlace(t)
	step := 3
	if full {
		step = 1
	}
	works := 0
	for _, verb := range [][]string{{"create", "box"}, {"run", "-d", "box"}} {
		for n := 3; n <= 64; n += step {
			limit := []string{"/bin/sh", "-c", `ulimit -n ` + strconv.Itoa(n) + ` && exec "$@"`, "sh"}
			r := p.do(20*time.Second, limit, verb...)
			when := verb[0] + " with " + strconv.Itoa(n) + " descriptors"
			switch {
			case r.crashed(), r.code < 0, r.code > 1, r.took > soon, r.code == 1 && r.text == "":
				t.Errorf("%s: %v", when, r)
			case r.code == 0:
				works++
			}
			p.deleteAll(when)
		}
	}
	if works == 0 {
		t.Error("rt never works with up to 64 descriptors")
	}
}

// TestFewProcesses runs create and run in a cgroup with a small pids.max. Go
// itself needs threads: where there is none for it, its runtime ends with a
// dump, and rt has no say. From threads on it must end with an error of its own.
func TestFewProcesses(t *testing.T) {
	const threads = 8
	dir := "/sys/fs/cgroup/pids"
	if _, err := os.Stat(dir + "/cgroup.procs"); err != nil {
		t.Skip("host: no pids hierarchy of cgroup v1")
	}
	p := newPlace(t)
	group := dir + "/" + p.tag + "-few"
	p.must(os.Mkdir(group, 0o755))
	defer func() { p.must(os.Remove(group)) }()
	for _, verb := range [][]string{{"create", "box"}, {"run", "-d", "box"}} {
		for n := 1; n <= 25; n++ {
			p.must(os.WriteFile(group+"/pids.max", []byte(strconv.Itoa(n)), 0o644))
			join := []string{"/bin/sh", "-c", `echo $$ >` + group + `/cgroup.procs && exec "$@"`, "sh"}
			r := p.do(20*time.Second, join, verb...)
			when := verb[0] + " with pids.max " + strconv.Itoa(n)
			if r.took > soon || r.code < 0 || r.code == 1 && r.text == "" || n >= threads && r.crashed() {
				t.Errorf("%s: %v", when, r)
			}
			p.deleteAll(when)
		}
	}
}
