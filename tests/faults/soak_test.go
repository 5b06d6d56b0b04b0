package faults

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestSoak is the life of very many containers, eight at a time, in some of which
// rt is killed: RT_SOAK says how many, otherwise there are few.
func TestSoak(t *testing.T) {
	p := newPlace(t)
	total := 80
	if n, err := strconv.Atoi(os.Getenv("RT_SOAK")); err == nil {
		total = n
	}
	begin := time.Now()
	var next, kills atomic.Int64
	var wg sync.WaitGroup
	for worker := range 8 {
		l := newLife(p, worker)
		l.kills = &kills
		wg.Go(func() {
			for !t.Failed() {
				n := int(next.Add(1))
				if n > total {
					return
				}
				l.cycle(n)
				if n%1000 == 0 {
					fmt.Fprintf(os.Stderr, "soak: %d of %d after %v, rt killed %d times\n", n, total, time.Since(begin).Round(time.Second), kills.Load())
				}
			}
		})
	}
	wg.Wait()
	p.deleteAll("soak")
	p.cleanRoot()
	t.Logf("%d containers, rt killed %d times, in %v", total, kills.Load(), time.Since(begin).Round(time.Second))
}

// cleanRoot fails the test if the state directory holds more than the cache of
// filters, or that an unfinished file.
func (p *place) cleanRoot() {
	p.t.Helper()
	entries, err := os.ReadDir(p.root)
	p.must(err)
	for _, e := range entries {
		if e.Name() != "@seccomp" {
			p.t.Errorf("left in the state directory: %s", e.Name())
		}
	}
	cached, _ := filepath.Glob(p.root + "/@seccomp/*")
	for _, c := range cached {
		if strings.Contains(filepath.Base(c), ".") {
			p.t.Errorf("left in the cache: %s", c)
		}
	}
	if pids, _ := filepath.Glob(p.dir + "/pids/*"); len(pids) > 0 {
		p.t.Errorf("left beside pid files: %v", pids)
	}
	hidden, _ := filepath.Glob(p.dir + "/pids/.*")
	for _, h := range hidden {
		if b := filepath.Base(h); b != "." && b != ".." {
			p.t.Errorf("left beside pid files: %s", h)
		}
	}
}

// life makes one container after the other.
type life struct {
	*place
	id, bundle, cgroup, pidFile string
	random                      *rand.Rand
	kills                       *atomic.Int64
}

// newLife gives a worker a bundle of its own, with the rootfs of all.
func newLife(p *place, worker int) *life {
	p.t.Helper()
	name := "w" + strconv.Itoa(worker)
	l := &life{place: p, bundle: p.dir + "/" + name, cgroup: p.tag + "/" + name, pidFile: p.dir + "/pids/" + name}
	l.random = rand.New(rand.NewPCG(uint64(worker), 3))
	p.must(os.MkdirAll(p.dir+"/pids", 0o755))
	p.must(os.MkdirAll(l.bundle, 0o755))
	text, err := os.ReadFile(p.bundle + "/config.json")
	p.must(err)
	var config map[string]any
	p.must(json.Unmarshal(text, &config))
	config["root"] = map[string]any{"path": p.bundle + "/rootfs"}
	linux := config["linux"].(map[string]any)
	linux["cgroupsPath"] = "/" + l.cgroup
	linux["seccomp"] = map[string]any{"defaultAction": "SCMP_ACT_ALLOW",
		"syscalls": []any{map[string]any{"names": []string{"swapon"}, "action": "SCMP_ACT_ERRNO"}}}
	text, err = json.Marshal(config)
	p.must(err)
	p.must(os.WriteFile(l.bundle+"/config.json", text, 0o644))
	return l
}

// cycle is create, start, exec, kill and delete. One command in eight is killed,
// and then delete --force must find all there is.
func (l *life) cycle(n int) {
	l.id = fmt.Sprintf("c%d", n)
	for _, verb := range [][]string{
		{"create", "--bundle", l.bundle, "--pid-file", l.pidFile, l.id}, {"start", l.id}, {"exec", l.id, "/bin/sleep", "0"},
		{"kill", l.id, "KILL"},
	} {
		if l.random.IntN(8) == 0 {
			l.killed(verb)
			l.gone("killed: " + verb[0])
			return
		}
		if r := l.do(30*time.Second, nil, verb...); r.code != 0 {
			l.t.Errorf("container %d: %s: %v", n, verb[0], r)
			l.gone(verb[0])
			return
		}
	}
	if l.random.IntN(8) == 0 {
		l.killed([]string{"delete", "--force", l.id})
	} else if n%2 == 0 {
		l.deleteStopped()
	}
	l.gone("delete")
}

// killed runs rt and kills it after some time. What is no longer known then must
// not be there.
func (l *life) killed(verb []string) {
	l.kills.Add(1)
	after := time.Duration(l.random.IntN(20_000)) * time.Microsecond
	if r := l.do(after, nil, verb...); r.crashed() {
		l.t.Errorf("%v killed after %v: %v", verb, after, r)
	}
	if r := l.do(30*time.Second, nil, "state", l.id); r.code != 0 && strings.Contains(r.text, "does not exist") {
		if left := l.cgroupDirs(); len(left) > 0 {
			l.t.Errorf("%v killed after %v: not known any more, but there: %v", verb, after, left)
		}
	}
}

// deleteStopped waits until the killed init has ended.
func (l *life) deleteStopped() {
	end := time.Now().Add(30 * time.Second)
	for {
		r := l.do(30*time.Second, nil, "delete", l.id)
		if r.code == 0 {
			return
		}
		if time.Now().After(end) || !strings.Contains(r.text, "not stopped") {
			l.t.Errorf("delete %s: %v", l.id, r)
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// gone deletes by force and fails the test if anything is left.
func (l *life) gone(after string) {
	if r := l.do(30*time.Second, nil, "delete", "--force", l.id); r.code != 0 {
		l.t.Errorf("%s: delete --force %s: %v", after, l.id, r)
	}
	if left := l.cgroupDirs(); len(left) > 0 {
		l.t.Errorf("%s: left of %s: %v", after, l.id, left)
	}
	if _, err := os.Lstat(l.root + "/" + l.id); err == nil {
		l.t.Errorf("%s: %s is still known", after, l.id)
	}
	_ = os.Remove(l.pidFile)
}

func (l *life) cgroupDirs() []string {
	a, _ := filepath.Glob("/sys/fs/cgroup/" + l.cgroup)
	b, _ := filepath.Glob("/sys/fs/cgroup/*/" + l.cgroup)
	return append(a, b...)
}
