// Package house checks the rules of the project's own code that no linter
// knows: which package may import what, what may be linked into rt, how long
// files and functions may be, and what must be documented. It reads the output
// of `go list` and the sources, and must never need root or a built binary.
package house

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// pkg is what this test reads of `go list -json`.
type pkg struct {
	Dir, ImportPath, Name string
	Module                *struct{ Main bool }
	GoFiles, Imports      []string
}

func (p *pkg) ours() bool { return p.Module != nil && p.Module.Main }

// list returns rt's packages and everything that is linked into it.
func list(t *testing.T, arch string, args ...string) map[string]*pkg {
	t.Helper()
	args = append([]string{"list", "-json=Dir,ImportPath,Name,Module,GoFiles,Imports", "-tags", "urfave_cli_no_docs"}, args...)
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	packages := map[string]*pkg{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		p := &pkg{}
		if err := d.Decode(p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages[p.ImportPath] = p
	}
}

const urfave = "github.com/urfave/cli/v2"

// TestLinked: what the command line's start would pay for is not linked into
// rt. urfave/cli brings some of it; what comes through urfave/cli alone is known and
// measured, and not counted.
func TestLinked(t *testing.T) {
	forbidden := []string{"encoding/json", "encoding/gob", "regexp", "net", "net/http", "text/template", "html/template", "os/user", "log", "testing"}
	for _, arch := range []string{"amd64", "arm64"} {
		packages := list(t, arch, "-deps", ".")
		via := map[string]string{"rt": ""}
		for queue := []string{"rt"}; len(queue) > 0; queue = queue[1:] {
			for _, path := range packages[queue[0]].Imports {
				if _, seen := via[path]; seen || path == urfave || packages[path] == nil {
					continue
				}
				via[path] = queue[0]
				queue = append(queue, path)
			}
		}
		for _, path := range forbidden {
			if importer, ok := via[path]; ok {
				t.Errorf("%s: rt links %s, imported by %s", arch, path, importer)
			}
		}
		if _, ok := packages[urfave]; !ok {
			t.Errorf("%s: %s is not among rt's dependencies: is this test still right?", arch, urfave)
		}
	}
}

// pure packages do no input or output and make no system calls. The value
// names the files that may: they are the package's edge.
var pure = map[string][]string{
	"rt/libct/plan": nil, "rt/libct/jsontext": nil, "rt/libct/compile": nil, "rt/libct/seccomp": nil, "rt/libct/landlock": nil,
	"rt/libct/spec": {"load.go", "default.go"}, // reads config.json; asks for the caller's ids
}

// effects are the packages that pure ones may not import.
var effects = []string{"os/exec", "os/signal", "io/ioutil", "net", "rt/libct/child", "rt/libct/store", "rt/libct/cgroup"}

// TestDirection: imports go one way, main → libct → compile → plan ← child.
func TestDirection(t *testing.T) {
	packages := list(t, "amd64", "./...")
	for path, p := range packages {
		for _, imp := range p.Imports {
			external := strings.Contains(strings.SplitN(imp, "/", 2)[0], ".")
			switch {
			case imp == urfave && path != "rt":
				t.Errorf("%s imports %s: only package main may", path, imp)
			case path == "rt/libct/plan" && (external || strings.HasPrefix(imp, "rt/")):
				t.Errorf("%s imports %s: it may import the standard library alone", path, imp)
			case path == "rt/libct/jsontext" && (external || strings.HasPrefix(imp, "rt/")):
				t.Errorf("%s imports %s: it may import the standard library alone", path, imp)
			case path == "rt/libct/child" && strings.HasPrefix(imp, "rt/") && imp != "rt/libct/plan":
				t.Errorf("%s imports %s: of rt it may import plan alone", path, imp)
			case strings.HasPrefix(path, "rt/libct/") && imp == "rt/libct":
				t.Errorf("%s imports %s, which is above it", path, imp)
			case imp == "rt/libct/compile" && path != "rt" && path != "rt/libct" && !strings.HasPrefix(path, "rt/tests"):
				t.Errorf("%s imports %s, which is above it", path, imp)
			}
		}
	}
	for path := range pure {
		if packages[path] == nil {
			t.Errorf("there is no package %s", path)
		}
	}
}

// source is a parsed non-test file of the module.
type source struct {
	pkg, name, path string
	file            *ast.File
	fset            *token.FileSet
	lines           int
}

// sources parses every non-test Go file of the module, for all architectures.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	packages := list(t, "amd64", "./...")
	for path, p := range packages {
		if !p.ours() {
			continue
		}
		files, err := filepath.Glob(filepath.Join(p.Dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			fset := token.NewFileSet()
			file, err := parser.ParseFile(fset, name, text, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			if ast.IsGenerated(file) {
				continue
			}
			all = append(all, source{path, filepath.Base(name), name, file, fset, strings.Count(string(text), "\n")})
		}
	}
	slices.SortFunc(all, func(a, b source) int { return strings.Compare(a.path, b.path) })
	if len(all) < 20 {
		t.Fatalf("found %d source files only", len(all))
	}
	return all
}

// TestPure: pure packages import no effects, and take constants and types, not
// calls, from x/sys/unix, syscall and os.
func TestPure(t *testing.T) {
	harmless := []string{"FileMode", "Errno", "Signal", "ErrnoName", "SignalName", "SignalNum", "Mkdev", "Major", "Minor"}
	for _, s := range sources(t) {
		edge, isPure := pure[s.pkg]
		if !isPure || slices.Contains(edge, s.name) {
			continue
		}
		for _, imp := range s.file.Imports {
			if path := strings.Trim(imp.Path.Value, `"`); slices.Contains(effects, path) {
				t.Errorf("%s imports %s: its package is pure", s.path, path)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			fun, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := fun.X.(*ast.Ident); ok && slices.Contains([]string{"unix", "syscall", "os"}, x.Name) && !slices.Contains(harmless, fun.Sel.Name) && x.Obj == nil {
				t.Errorf("%s calls %s.%s: its package is pure", s.fset.Position(n.Pos()), x.Name, fun.Sel.Name)
			}
			return true
		})
	}
}

// TestUnsafe: unsafe is for the child, the recorder of the inherited limit,
// and files that say so in their name.
func TestUnsafe(t *testing.T) {
	for _, s := range sources(t) {
		if s.pkg == "rt/libct/child" || s.pkg == "rt/libct/host/nofile" || strings.HasSuffix(s.name, "_unsafe.go") || strings.HasPrefix(s.pkg, "rt/tests/") {
			continue
		}
		for _, imp := range s.file.Imports {
			if imp.Path.Value == `"unsafe"` {
				t.Errorf("%s imports unsafe", s.path)
			}
		}
	}
}

const (
	maxFile     = 500
	maxFunction = 80
)

// TestLength: a file is a room with one purpose, a function fits a screen.
func TestLength(t *testing.T) {
	for _, s := range sources(t) {
		if s.lines >= maxFile {
			t.Errorf("%s has %d lines, more than %d", s.path, s.lines, maxFile)
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			n := s.fset.Position(f.End()).Line - s.fset.Position(f.Pos()).Line + 1
			if n >= maxFunction && s.pkg != "rt/libct/child" { // the child's loop is one function
				t.Errorf("%s: %s has %d lines, more than %d", s.fset.Position(f.Pos()), f.Name.Name, n, maxFunction)
			}
		}
	}
}
