package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"rt/libct/spec"
)

// binary is rt as it is shipped, built once for all tests of this file.
var binary string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "rt-main-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // for tests as another user
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	binary = filepath.Join(dir, "rt-by-another-name")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags", "urfave_cli_no_docs",
		"-ldflags", "-s -w -X main.version=9.8.7 -X main.commit=abc", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		return 1
	}
	if err := os.Chmod(binary, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// command is one run of rt.
type command struct {
	dir string
	env []string
	uid uint32
}

type outcome struct {
	code        int
	out, stderr string
}

func (c command) rt(t *testing.T, args ...string) outcome {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Dir = c.dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, c.env...)
	if c.uid != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: c.uid, Gid: c.uid}}
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

var logLine = regexp.MustCompile(`^time="[^"]+" level=error msg=(".*"|\S+)\n$`)

var configPath = regexp.MustCompile(` /\S*/config\.json`)

// message is the text of the only log line on standard error.
func (o outcome) message(t *testing.T) string {
	t.Helper()
	m := logLine.FindStringSubmatch(o.stderr)
	if m == nil {
		t.Fatalf("standard error is not one log line: %q", o.stderr)
	}
	text := strings.TrimSuffix(strings.TrimPrefix(m[1], `"`), `"`)
	return strings.ReplaceAll(text, `\"`, `"`)
}

// TestMessages: exit codes and messages are runc's, with its name replaced.
func TestMessages(t *testing.T) {
	tests := []struct {
		args string // a dot alone stands for an empty argument
		code int
		want string
	}{
		{"bogus", 3, `No help topic for 'bogus'`},
		{"foo -h", 3, `No help topic for 'foo'`},
		{"help bogus", 3, `No help topic for 'bogus'`},
		{"--bogus state x", 1, `flag provided but not defined: -bogus`},
		{"state --bogus x", 1, `flag provided but not defined: -bogus`},
		{"state", 1, `rt: "state" requires exactly 1 argument(s)`},
		{"state a b", 1, `rt: "state" requires exactly 1 argument(s)`},
		{"state x --bogus", 1, `rt: "state" requires exactly 1 argument(s)`},
		{"start", 1, `rt: "start" requires exactly 1 argument(s)`},
		{"create", 1, `rt: "create" requires exactly 1 argument(s)`},
		{"run a b", 1, `rt: "run" requires exactly 1 argument(s)`},
		{"delete a b", 1, `rt: "delete" requires exactly 1 argument(s)`},
		{"kill", 1, `rt: "kill" requires a minimum of 1 argument(s)`},
		{"kill a b c", 1, `rt: "kill" requires a maximum of 2 argument(s)`},
		{"list x", 1, `rt: "list" requires exactly 0 argument(s)`},
		{"spec x", 1, `rt: "spec" requires exactly 0 argument(s)`},
		{"features x", 1, `rt: "features" requires exactly 0 argument(s)`},
		{"plan a b", 1, `rt: "plan" requires a maximum of 1 argument(s)`},
		{"completion csh", 1, `no completion for "csh": choose bash, zsh or fish`},
		{"create --preserve-fds abc x", 1, `invalid value "abc" for flag -preserve-fds: parse error`},
		{"--log-format xml state x", 1, `invalid log-format: xml`},
		{"--log /nonexistent/dir/log state x", 1, `open /nonexistent/dir/log: no such file or directory`},
		{"--root / list", 1, `Option --root argument should not be set to /`},
		{"state x", 1, `container does not exist`},
		{"start x", 1, `container does not exist`},
		{"delete x", 1, `container does not exist`},
		{"kill x", 1, `container does not exist`},
		{"kill x BOGUS", 1, `container does not exist`},
		{"kill -a x 9", 1, `container does not exist`},
		{"kill x -a 9", 1, `container does not exist`},
		{"create x", 1, `rt create failed: JSON specification file config.json not found`},
		{"run x", 1, `rt run failed: JSON specification file config.json not found`},
		{"create -b /nonexistent x", 1, `rt create failed: chdir /nonexistent: no such file or directory`},
		{"run x --bundle /nonexistent", 1, `rt run failed: chdir /nonexistent: no such file or directory`},
		{"spec -b /nonexistent", 1, `chdir /nonexistent: no such file or directory`},
		{"--rootless=bogus create x", 1, `rt create failed: strconv.ParseBool: parsing "bogus": invalid syntax`},
		{"state .", 1, `container id cannot be empty`},
		{"create .", 1, `rt create failed: container id cannot be empty`},
		{"list -f bogus", 1, `invalid format option`},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			args := strings.Fields(tt.args)
			for i := range args {
				if args[i] == "." {
					args[i] = ""
				}
			}
			if !strings.HasPrefix(tt.args, "--root ") {
				args = append([]string{"--root", filepath.Join(t.TempDir(), "state")}, args...)
			}
			got := command{dir: t.TempDir()}.rt(t, args...)
			if got.code != tt.code {
				t.Errorf("exit status %d, want %d", got.code, tt.code)
			}
			// rt tells the whole path where runc says config.json.
			if msg := configPath.ReplaceAllString(got.message(t), " config.json"); msg != tt.want {
				t.Errorf("message %q, want %q", msg, tt.want)
			}
		})
	}
}

// TestUsage: a wrong number of arguments shows the command's help on standard
// output, as runc does.
func TestUsage(t *testing.T) {
	got := command{}.rt(t, "create")
	if !strings.HasPrefix(got.out, "Incorrect Usage.\n\nNAME:\n   rt create - create a container\n") {
		t.Errorf("standard output begins with %.80q", got.out)
	}
	got = command{}.rt(t, "create", "--bogus")
	if !strings.HasPrefix(got.out, "Incorrect Usage: flag provided but not defined: -bogus\n\nNAME:\n   rt create") {
		t.Errorf("standard output begins with %.80q", got.out)
	}
}

// TestLog: with --log the line goes to the file, appended, and the plain
// message to standard error.
func TestLog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	root := filepath.Join(t.TempDir(), "state")
	for _, format := range []string{"text", "json"} {
		got := command{}.rt(t, "--root", root, "--log", file, "--log-format", format, "state", "x")
		if got.code != 1 || got.stderr != "container does not exist\n" || got.out != "" {
			t.Errorf("%s: %+v", format, got)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	first, second, _ := strings.Cut(string(text), "\n")
	if !logLine.MatchString(first+"\n") || !strings.Contains(first, "container does not exist") {
		t.Errorf("text line %q", first)
	}
	var entry struct{ Level, Msg, Time string }
	if err := json.Unmarshal([]byte(second), &entry); err != nil {
		t.Fatalf("json line %q: %v", second, err)
	}
	if _, err := time.Parse(time.RFC3339, entry.Time); err != nil {
		t.Error(err)
	}
	if entry.Level != "error" || entry.Msg != "container does not exist" {
		t.Errorf("json line %q", second)
	}
	if !strings.HasPrefix(second, `{"level":"error","msg":"container does not exist","time":"`) {
		t.Errorf("keys are not in logrus's order: %q", second)
	}
}

// TestMissing: what is no error about a container that does not exist.
func TestMissing(t *testing.T) {
	root := filepath.Join(t.TempDir(), "state")
	for _, args := range [][]string{{"delete", "--force", "x"}, {"delete", "x", "-f"}} {
		if got := (command{}).rt(t, append([]string{"--root", root}, args...)...); got != (outcome{}) {
			t.Errorf("rt %v: %+v", args, got)
		}
	}
	// A root that is given must be there for list, as in runc.
	if got := (command{}).rt(t, "--root", root, "list"); got.code != 1 || !strings.Contains(got.stderr, root+": no such file or directory") {
		t.Errorf("list without a root: %+v", got)
	}
	if err := os.Mkdir(root, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := (command{}).rt(t, "--root", root, "list", "-q"); got != (outcome{}) {
		t.Errorf("list -q: %+v", got)
	}
	want := "ID          PID         STATUS      BUNDLE      CREATED     OWNER\n"
	if got := (command{}).rt(t, "--root", root, "list"); got != (outcome{out: want}) {
		t.Errorf("list: %+v", got)
	}
	if got := (command{}).rt(t, "--root", root, "list", "--format=json"); got != (outcome{out: "null\n"}) {
		t.Errorf("list -f json: %+v", got)
	}
}

func TestVersion(t *testing.T) {
	for _, args := range [][]string{{"--version"}, {"-v"}} {
		got := command{}.rt(t, args...)
		if !regexp.MustCompile(`^rt version 9\.8\.7\ncommit: abc\nspec: 1\.\d+\.\d+\ngo: go1\.\S+\n$`).MatchString(got.out) || got.code != 0 {
			t.Errorf("rt %v: %+v", args, got)
		}
	}
}

// TestSpec: spec writes a bundle's configuration and never over one.
func TestSpec(t *testing.T) {
	dir := t.TempDir()
	if got := (command{dir: dir}).rt(t, "spec"); got != (outcome{}) {
		t.Fatalf("%+v", got)
	}
	text, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil || !json.Valid(text) {
		t.Fatalf("config.json: %v: %.100q", err, text)
	}
	got := command{}.rt(t, "spec", "--bundle", dir)
	if msg := got.message(t); got.code != 1 || msg != "File config.json exists. Remove it first" {
		t.Errorf("again: %d %q", got.code, msg)
	}
	if after, err := os.ReadFile(filepath.Join(dir, "config.json")); err != nil || !bytes.Equal(after, text) {
		t.Error("config.json was changed")
	}
}

// TestFeatures: the document is JSON of the specification's shape and lists
// what a manager looks for.
func TestFeatures(t *testing.T) {
	got := command{}.rt(t, "features")
	var f struct {
		OCIVersionMin, OCIVersionMax string
		Hooks, MountOptions          []string
		Linux                        struct {
			Namespaces, Capabilities []string
			Cgroup                   struct{ V1, V2, Systemd bool }
			Seccomp                  struct{ Actions, Archs, KnownFlags, SupportedFlags []string }
		}
	}
	if err := json.Unmarshal([]byte(got.out), &f); err != nil || got.code != 0 {
		t.Fatalf("%v: %+v", err, got)
	}
	if f.OCIVersionMin != "1.0.0" || len(f.Hooks) != 6 || len(f.Linux.Namespaces) != 8 || len(f.Linux.Capabilities) != 41 {
		t.Errorf("%+v", f)
	}
	if !strings.Contains(got.out, `"rro"`) || !strings.Contains(got.out, "SCMP_ACT_NOTIFY") {
		t.Error("rro or SCMP_ACT_NOTIFY is missing")
	}
	for i, name := range f.Linux.Capabilities {
		if n, ok := spec.Capability(name); !ok || int(n) != i {
			t.Errorf("capability %d is %s, which config.json may not name", i, name)
		}
	}
	if !f.Linux.Cgroup.V1 || !f.Linux.Cgroup.V2 || !f.Linux.Cgroup.Systemd {
		t.Errorf("cgroup: %+v", f.Linux.Cgroup)
	}
}

// TestUserRoot: a user's default state directory is made with the sticky bit.
func TestUserRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	dir := filepath.Join(filepath.Dir(binary), "xdg")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, 1000, 1000); err != nil {
		t.Fatal(err)
	}
	got := command{dir: "/", uid: 1000, env: []string{"XDG_RUNTIME_DIR=" + dir}}.rt(t, "list", "-q")
	if got != (outcome{}) {
		t.Fatalf("%+v", got)
	}
	info, err := os.Stat(filepath.Join(dir, "rt"))
	if err != nil || info.Mode() != os.ModeDir|os.ModeSticky|0o700 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

// TestHelp: every command has a page with all its sections, which names every
// flag, as do the completion scripts.
func TestHelp(t *testing.T) {
	verbs := []string{"checkpoint", "completion", "create", "delete", "features", "kill", "list", "plan", "restore", "run", "spec", "start", "state"}
	scripts := map[string]string{}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		scripts[shell] = command{}.rt(t, "completion", shell).out
	}
	top := command{}.rt(t).out
	for _, verb := range verbs {
		if !strings.Contains(top, "\n   "+verb+" ") {
			t.Errorf("rt --help does not name %s", verb)
		}
		page := command{}.rt(t, "some-id", "--help")
		if page.code != 3 {
			t.Errorf("an id is no command: %+v", page)
		}
		page = command{}.rt(t, verb, "argument", "--help")
		if page.code != 0 || page.stderr != "" {
			t.Errorf("%s --help: %+v", verb, page)
		}
		last := 0
		for _, section := range []string{"NAME:\n   rt " + verb + " - ", "SYNOPSIS:\n   rt ", "DESCRIPTION:\n", "OPTIONS:\n", "EXIT STATUS:\n", "EXAMPLES:\n"} {
			at := strings.Index(page.out, section)
			if at < last {
				t.Errorf("%s --help: %q is missing or out of order", verb, section)
			}
			last = at
		}
		for _, line := range strings.Split(page.out, "\n") {
			if len(line) > 110 {
				t.Errorf("%s --help: a line of %d columns: %s", verb, len(line), line)
			}
		}
		for _, flag := range regexp.MustCompile(`(?m)^   --([a-z-]+)`).FindAllStringSubmatch(page.out, -1) {
			for shell, script := range scripts {
				if !regexp.MustCompile(`\b` + regexp.QuoteMeta(flag[1]) + `\b`).MatchString(script) {
					t.Errorf("the %s completion lacks %s --%s", shell, verb, flag[1])
				}
			}
		}
	}
}
