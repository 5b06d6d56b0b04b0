package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// serveWord makes this program serve requests; see serve.
const serveWord = "-serve"

// unified is the v2 hierarchy of a hybrid host, which crun refuses to work with.
const unified = "/sys/fs/cgroup/unified"

// peer is a runtime, and the process of this program that runs it: each
// runtime has one, so that they differ in nothing but the mount namespace.
type peer struct {
	name, path, root string
	cmd              *exec.Cmd
	in               io.WriteCloser
	to               *json.Encoder
	from             *json.Decoder
}

// request is for the serving process: command lines to run, one after the
// other, of which the time is taken.
type request struct {
	Commands [][]string
	// Loops is how many times the list runs in each of as many loops at a time;
	// "LOOP" in a word becomes the number of the loop.
	Loops, Times int
	Stderr       string
	Output       bool // return the standard output
}

type reply struct {
	Took   time.Duration
	Output string
	Err    string
}

func startPeer(path, dir string, index int) (*peer, error) {
	name := filepath.Base(path)
	p := &peer{name: name, path: path, root: filepath.Join(dir, fmt.Sprintf("root-%d-%s", index, name))}
	p.cmd = exec.Command("/proc/self/exe", serveWord)
	p.cmd.Stderr = os.Stderr
	if name == "crun" {
		p.cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
		p.cmd.Env = append(os.Environ(), "RT_BENCH_HIDE="+unified)
	}
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.in, p.to, p.from = in, json.NewEncoder(in), json.NewDecoder(out)
	return p, p.cmd.Start()
}

func (p *peer) close() {
	p.in.Close()
	p.cmd.Wait()
}

// run carries out a request; the container it was about is deleted when it
// fails.
func (p *peer) run(r request) (reply, error) {
	var answer reply
	r.Stderr = p.root + ".stderr"
	if err := p.to.Encode(r); err != nil {
		return answer, err
	}
	if err := p.from.Decode(&answer); err != nil {
		return answer, fmt.Errorf("%s: the serving process has ended: %w", p.name, err)
	}
	if answer.Err != "" {
		return answer, fmt.Errorf("%s: %s", p.path, answer.Err)
	}
	return answer, nil
}

// command is a command line of the runtime.
func (p *peer) command(words ...string) []string {
	return append([]string{p.path, "--root", p.root}, words...)
}

// serve answers requests from standard input until it ends.
func serve() {
	if dir := os.Getenv("RT_BENCH_HIDE"); dir != "" {
		if err := hide(dir); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
	}
	from, to := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var r request
		if from.Decode(&r) != nil {
			return
		}
		if to.Encode(answer(r)) != nil {
			return
		}
	}
}

// hide unmounts the hierarchy. What the peer writes to its place all the same
// goes with this mount namespace.
func hide(dir string) error {
	if _, err := os.Stat(dir); err != nil {
		return nil
	}
	if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil && err != syscall.EINVAL {
		return fmt.Errorf("umount %s: %w", dir, err)
	}
	if err := syscall.Mount("none", dir, "tmpfs", 0, ""); err != nil {
		return fmt.Errorf("mount %s: %w", dir, err)
	}
	return nil
}

func answer(r request) reply {
	stderr, err := os.Create(r.Stderr)
	if err != nil {
		return reply{Err: err.Error()}
	}
	defer stderr.Close()
	out := &strings.Builder{}
	errs := make([]error, r.Loops)
	begin := time.Now()
	done := make(chan struct{})
	for loop := range errs {
		go func() {
			defer func() { done <- struct{}{} }()
			for range r.Times {
				if errs[loop] = commands(r, loop, stderr, out); errs[loop] != nil {
					return
				}
			}
		}()
	}
	for range errs {
		<-done
	}
	a := reply{Took: time.Since(begin), Output: out.String()}
	if err := errors.Join(errs...); err != nil {
		text, _ := os.ReadFile(r.Stderr)
		a.Err = err.Error() + ": " + string(text)
	}
	return a
}

// commands runs a list. Standard error is a file: a created container would
// keep a pipe open.
func commands(r request, loop int, stderr *os.File, out io.Writer) error {
	for _, words := range r.Commands {
		line := make([]string, len(words))
		for i, w := range words {
			line[i] = strings.ReplaceAll(w, "LOOP", strconv.Itoa(loop))
		}
		cmd := exec.Command(line[0], line[1:]...)
		cmd.Stderr = stderr
		if r.Output {
			cmd.Stdout = out
		}
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w", strings.Join(line[1:], " "), err)
		}
	}
	return nil
}
