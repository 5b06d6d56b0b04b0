package faults

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// verb is a command to be killed, and what comes before it.
type verb struct {
	name    string
	args    []string
	prepare func(p *place)
	// config changes config.json.
	config func(linux, config map[string]any)
	// sample is how many points are taken in a normal run.
	sample int
	// after, if any, looks at what a kill has left before it is deleted.
	after func(p *place, when string)
}

func created(p *place) { p.rtOK("create", "box") }
func running(p *place) { p.rtOK("run", "-d", "box") }

// stopped leaves a container whose init was killed.
func stopped(p *place) {
	created(p)
	p.rtOK("kill", "box", "KILL")
	for end := time.Now().Add(10 * time.Second); ; {
		r := p.do(10*time.Second, nil, "state", "box")
		if strings.Contains(r.text, `"stopped"`) {
			return
		}
		if time.Now().After(end) {
			p.t.Fatalf("not stopped: %v", r)
		}
		time.Sleep(time.Millisecond)
	}
}

var verbs = []verb{
	{"create", []string{"create", "--pid-file", "pid", "box"}, nil, nil, 40, nil},
	{"create with all", []string{"create", "box"}, nil, all, 20, nil},
	{"run", []string{"run", "-d", "box"}, nil, nil, 25, nil},
	{"start", []string{"start", "box"}, created, nil, 12, nil},
	{"kill", []string{"kill", "box", "KILL"}, running, nil, 10, nil},
	{"exec", []string{"exec", "-d", "--pid-file", "pid", "box", "/bin/sleep", "1000"}, running, nil, 30, told},
	{"delete", []string{"delete", "box"}, stopped, nil, 15, nil},
	{"delete --force", []string{"delete", "--force", "box"}, running, nil, 20, nil},
}

// told wants every process of the container but init to be in the pid file: a
// killed exec leaves no process that nobody knows.
func told(p *place, when string) {
	file := p.bundle + "/pid"
	defer os.Remove(file)
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		var extra []string
		for _, stat := range p.processes() {
			if pid, rest, _ := strings.Cut(stat, " "); strings.HasPrefix(rest, "(sleep)") || strings.HasPrefix(rest, "(rt") {
				extra = append(extra, pid)
			}
		}
		pid, _ := os.ReadFile(file)
		known := len(extra) < 2 || len(extra) == 2 && slices.Contains(extra, string(pid))
		if known {
			return
		}
		if time.Now().After(end) {
			p.t.Errorf("%s: processes %v, the pid file has %q", when, extra, pid)
			return
		}
	}
}

// all is a user and a time namespace and hooks.
func all(linux, config map[string]any) {
	type m = map[string]any
	ids := []m{{"containerID": 0, "hostID": 100000, "size": 65536}}
	linux["uidMappings"], linux["gidMappings"] = ids, ids
	linux["namespaces"] = append(linux["namespaces"].([]m), m{"type": "user"}, m{"type": "time"})
	linux["timeOffsets"] = m{"monotonic": m{"secs": 1}}
	hook := []m{{"path": "/bin/true"}}
	config["hooks"] = m{"createRuntime": hook, "createContainer": []m{{"path": "/bin/sleep", "args": []string{"sleep", "0"}}}, "poststop": hook}
}

// point is the k-th time of a system call.
type point struct {
	call string
	k    int
}

var called = regexp.MustCompile(`^\d+ +([a-z_0-9]+)\(`)

// strace is the command that traces all of rt, and the container, without
// being waited for.
func strace(args ...string) []string { return append([]string{"strace", "-D", "-f", "-qq"}, args...) }

// points lists the system calls of a command, in their order, each counted by
// itself.
func (p *place) points(v verb) (list []point) {
	p.t.Helper()
	log := p.dir + "/strace"
	if r := p.do(60*time.Second, strace("-o", log), v.args...); r.code != 0 {
		p.t.Fatalf("strace rt %s: %v", v.name, r)
	}
	p.deleteAll("strace") // its log is complete when the container has ended
	text, err := os.ReadFile(log)
	p.must(err)
	// strace counts for each thread; a few times more than one thread makes a
	// call kills nobody, which is a case too.
	count := map[string]int{}
	for line := range strings.Lines(string(text)) {
		m := called.FindStringSubmatch(line)
		if m == nil || m[1] == "execve" && count["execve"] == 0 && strings.Contains(line, p.rt) {
			continue
		}
		count[m[1]]++
		list = append(list, point{m[1], count[m[1]]})
	}
	return list
}

// TestSweep kills a command at its system calls, one after the other: whatever
// it has left, delete --force clears, and says so truly.
func TestSweep(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("host: no strace")
	}
	for _, v := range verbs {
		t.Run(v.name, func(t *testing.T) {
			p := newPlace(t)
			p.config(v.config)
			if v.prepare != nil {
				v.prepare(p)
			}
			list := p.points(v)
			step := max(1, len(list)/v.sample)
			if full {
				step = 1
			}
			killed, n := 0, 0
			for i := 0; i < len(list); i += step {
				if v.prepare != nil {
					v.prepare(p)
				}
				at := list[i]
				inject := "inject=" + at.call + ":signal=KILL:when=" + strconv.Itoa(at.k)
				r := p.do(60*time.Second, strace("-o", "/dev/null", "-e", inject), v.args...)
				if n++; r.code < 0 {
					killed++
				}
				if r.crashed() {
					t.Errorf("%s: %v", inject, r)
				}
				if v.after != nil {
					v.after(p, v.name+" "+inject)
				}
				p.deleteAll(v.name + " " + inject)
			}
			t.Logf("%d of %d points, %d times rt was killed", n, len(list), killed)
			if killed < n/4 {
				t.Error("hardly any kill has met rt")
			}
		})
	}
}
