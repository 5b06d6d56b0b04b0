package libct

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/runtime-spec/specs-go"

	"rt/libct/compile"
	"rt/libct/host"
	"rt/libct/spec"
	"rt/libct/store"
)

// ExecOptions are the flags of exec.
type ExecOptions struct {
	// Process returns the process to execute. It gets the container's own, which
	// is its to change, without args. What the result leaves out of
	// capabilities, limits, priorities and labels is the container's.
	Process func(own *specs.Process) (*specs.Process, error)
	// ConsoleSocket gets the pty's master, PidfdSocket a pidfd of the process,
	// both as SCM_RIGHTS; PidFile gets its pid.
	ConsoleSocket, PidfdSocket, PidFile string
	// PreserveFds is how many descriptors from 3 on the process gets.
	PreserveFds int
	// Cgroups are groups below the container's to join, by controller, that of
	// "" for all controllers.
	Cgroups map[string]string
	// Detach returns once the process runs, IgnorePaused executes it in a paused
	// container: it runs once that is resumed.
	Detach, IgnorePaused bool
}

// The texts are runc's: managers search for them.
var (
	// ErrExecStopped, ErrExecPaused: exec.
	ErrExecStopped = errors.New("cannot exec in a stopped container")
	ErrExecPaused  = errors.New("cannot exec in a paused container (use --ignore-paused to override)")
)

// execution is one process more on its way into a running container.
type execution struct {
	process
	h   *handle
	rec *store.Record
	o   ExecOptions
	// init is a pidfd of the container's init, root its root directory.
	init, root int
	kept       kept
	input      compile.Input
	front      foreground
	// outside is set when the child could not be born in the container's cgroup.
	outside bool
	// filed is set once the pid file is written.
	filed bool
}

// Exec executes a process in a running container, in the foreground until it
// ends or, with o.Detach, until it runs. The exit code is the process's, 128+N
// if signal N ended it. When it fails nothing is left in the container.
func (r *Runtime) Exec(id string, o ExecOptions) (exitCode int, err error) {
	h, err := r.open(id)
	if err != nil {
		return 0, err
	}
	defer h.Close()
	e := &execution{process: r.process("the process", execError, o.PreserveFds), h: h, o: o, init: -1, root: -1}
	e.front.p = &e.process
	defer e.close()
	for _, step := range []func() error{e.find, e.describe, e.openInputs, e.launch, e.attend, e.executed} {
		if err := step(); err != nil {
			return 0, e.undo(err)
		}
	}
	if o.Detach {
		return 0, nil
	}
	code, err := e.front.wait()
	if err != nil {
		return 0, e.undo(err)
	}
	return code, nil
}

// execError words a failure of the child as runc does.
func execError(err error) error {
	return fmt.Errorf("unable to start container process: %w", err)
}

// find looks at the container, and holds its init.
func (e *execution) find() (err error) {
	if e.rec, err = e.h.Record(); err != nil {
		return err
	}
	switch st, err := status(e.h.Dir, e.rec); {
	case err != nil:
		return err
	case st == statusStopped:
		return ErrExecStopped
	case st == statusPaused && !e.o.IgnorePaused:
		return ErrExecPaused
	case st == string(store.Creating):
		return errors.New("cannot exec in a container that is still being created")
	}
	fd, err := store.OpenProcess(e.rec.Pid, e.rec.StartTime)
	if errors.Is(err, store.ErrNotRunning) {
		return ErrExecStopped
	}
	if err == nil {
		e.init, err = dupAbove(fd, e.o.PreserveFds)
	}
	return err
}

// describe fills in what the plan depends on.
func (e *execution) describe() (err error) {
	if e.kept, err = readKept(e.h.Dir); errors.Is(err, os.ErrNotExist) {
		err = e.fromBundle()
	}
	if err != nil {
		return err
	}
	own := e.kept.spec.Process
	copied := *own
	p, err := e.o.Process(&copied)
	if err != nil {
		return err
	}
	inherit(p, own)
	if err := checkProcess(p, e.o); err != nil {
		return err
	}
	s := *e.kept.spec
	s.Process, s.Annotations = p, e.rec.Annotations
	for _, w := range spec.Warnings(&specs.Spec{Process: p}) {
		e.r.warn(w)
	}
	if err := checkPreserved(e.o.PreserveFds); err != nil {
		return err
	}
	facts, err := host.Probe()
	if err != nil {
		return err
	}
	chown, _ := lookAtStdio(&s)
	e.input = compile.Input{
		Spec: &s, Facts: facts, ID: e.h.ID(), NoNewKeyring: e.kept.noNewKeyring, PreserveFds: e.o.PreserveFds,
		Seccomp: e.kept.filter, Chown: chown, Rootless: !facts.Privileged(),
	}
	if !e.o.Detach {
		onlyPipes(&e.input.Chown)
	}
	if err := checkLabels(&s, facts); err != nil {
		return err
	}
	_, _, err = compile.Landlock(&e.input)
	return err
}

// onlyPipes leaves out what is the caller's: in the foreground runc passes pipes
// of its own on, and the caller's terminal and files keep their owner.
func onlyPipes(chown *[3]bool) {
	for fd := range chown {
		var st unix.Stat_t
		chown[fd] = chown[fd] && unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO
	}
}

// fromBundle reads config.json for a container of which nothing was kept.
func (e *execution) fromBundle() error {
	s, err := spec.Load(e.rec.Bundle)
	if err != nil {
		return err
	}
	facts, err := host.Probe()
	if err != nil {
		return err
	}
	if s.Process == nil {
		return errors.New("process: must be given")
	}
	e.kept.spec = s
	e.kept.filter, err = filters{root: e.h.root.FD(), facts: facts}.compile(seccompOf(s))
	return err
}

// inherit completes a process with what runc takes of the container's.
func inherit(p, own *specs.Process) {
	if p.Capabilities == nil {
		p.Capabilities = own.Capabilities
	}
	if p.ApparmorProfile == "" {
		p.ApparmorProfile = own.ApparmorProfile
	}
	if p.SelinuxLabel == "" {
		p.SelinuxLabel = own.SelinuxLabel
	}
	if len(p.Rlimits) == 0 {
		p.Rlimits = own.Rlimits
	}
	if p.IOPriority == nil {
		p.IOPriority = own.IOPriority
	}
	if p.Scheduler == nil {
		p.Scheduler = own.Scheduler
	}
	if p.ExecCPUAffinity == nil {
		p.ExecCPUAffinity = own.ExecCPUAffinity
	}
	if p.OOMScoreAdj == nil {
		p.OOMScoreAdj = own.OOMScoreAdj
	}
	if p.User.Umask == nil {
		p.User.Umask = own.User.Umask
	}
}

func checkProcess(p *specs.Process, o ExecOptions) error {
	if err := spec.ValidateProcess(p); err != nil {
		return err
	}
	return checkConsole(p, o.Detach, o.ConsoleSocket)
}

// checkConsole wants a socket for the terminal exactly of who is not there to
// attend to it.
func checkConsole(p *specs.Process, detached bool, socket string) error {
	switch {
	case p.Terminal && detached && socket == "":
		return errors.New("cannot allocate tty if rt will detach without setting console socket")
	case socket != "" && !(p.Terminal && detached):
		return errors.New("cannot use console socket if rt will not detach or allocate tty")
	}
	return nil
}

// openInputs opens the way into the container: its cgroup, its namespaces, its
// root.
func (e *execution) openInputs() (err error) {
	root, err := unix.Open("/proc/"+strconv.Itoa(e.rec.Pid)+"/root", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err == unix.ENOENT || err == unix.ESRCH {
		return ErrExecStopped // init is ending
	}
	if err != nil {
		return fmt.Errorf("open the root of container %s: %w", e.h.ID(), err)
	}
	if e.root, err = dupAbove(root, e.o.PreserveFds); err != nil {
		return err
	}
	// What was opened by pid is init's if init is still there.
	switch gone, err := poll(e.init, unix.POLLIN, 0); {
	case err != nil:
		return fmt.Errorf("poll the pidfd of init of %s: %w", e.h.ID(), err)
	case gone:
		return ErrExecStopped
	}
	if !hasEnv(e.input.Spec.Process.Env, "HOME") {
		e.input.Home = homeOf(e.input.Spec, e.root)
	}
	if err := e.in.openConfinement(&e.input, e.o.PreserveFds); err != nil {
		return err
	}
	return e.openSync()
}

// attend answers the child at its barriers.
func (e *execution) attend() error { return e.converse(e.answer) }

func (e *execution) answer(barrier byte) error {
	switch barrier {
	case compile.BarrierBegin:
		e.attach()
		return e.oomScore()
	case compile.BarrierConsole:
		return e.takeConsole(e.o.ConsoleSocket)
	case compile.BarrierListener:
		return e.takeListener(e.input.Spec.Linux.Seccomp, e.state())
	case compile.BarrierReady:
		return e.ready()
	}
	return fmt.Errorf("%s is at an unknown barrier %q", e.name, barrier)
}

func (e *execution) state() *State {
	return &State{
		OCIVersion: e.rec.OCIVersion, ID: e.rec.ID, Pid: e.rec.Pid, Status: statusRunning, Bundle: e.rec.Bundle,
		Annotations: e.rec.Annotations,
	}
}

func (e *execution) oomScore() error {
	return oomScore(e.pid, e.input.Spec, e.input.Rootless || e.rec.Namespaces&unix.CLONE_NEWUSER != 0)
}

// ready makes the process known, before it may run. Until here a signal ends rt,
// and the child with it.
func (e *execution) ready() error {
	if !e.input.Rootless {
		if err := e.oomScore(); err != nil {
			return err
		}
	}
	if err := e.joinRdt(); err != nil {
		return err
	}
	if !e.o.Detach {
		if err := e.front.prepare(); err != nil {
			return err
		}
	}
	if e.o.PidfdSocket != "" {
		if err := send(e.o.PidfdSocket, e.pidfd, "pidfd"); err != nil {
			return err
		}
	}
	if e.o.PidFile == "" {
		return nil
	}
	e.filed = true
	return writePidFile(e.o.PidFile, e.pid)
}

// undo ends the process and takes the pid file away. A failure that comes of the
// container's end says so.
func (e *execution) undo(why error) error {
	var errs []error
	if e.proc != nil {
		errs = append(errs, e.kill())
	}
	if e.stopped(why) {
		why = ErrExecStopped
	}
	if e.filed {
		errs = append(errs, removePidFile(e.o.PidFile))
	}
	if err := errors.Join(errs...); err != nil {
		return errors.Join(why, err)
	}
	return why
}

// ending is how long init may take to end after its processes, which it does not
// before they are reaped.
const ending = 200 * time.Millisecond

// stopped reports whether the container has ended, and with it the process: it
// was killed, or found nothing to join any more.
func (e *execution) stopped(why error) bool {
	if e.init < 0 {
		return false
	}
	wait := time.Duration(0)
	if e.killed || errors.Is(why, unix.ESRCH) || errors.Is(why, unix.ENOMEM) {
		wait = ending
	}
	gone, err := poll(e.init, unix.POLLIN, wait)
	return err == nil && gone
}

func (e *execution) close() {
	e.process.close()
	for _, fd := range []int{e.init, e.root} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}
