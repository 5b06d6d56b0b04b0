package compile

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rt/libct/host"
	"rt/libct/spec"
)

var update = flag.Bool("update", false, "rewrite the plans in testdata")

// archive is a file of sections, each under a line "-- name --", after a text
// that says what the case shows (the format of txtar).
type archive struct {
	text     string
	sections map[string]string
	names    []string
}

func readArchive(data []byte) *archive {
	a := &archive{sections: map[string]string{}}
	name := ""
	for line := range strings.Lines(string(data)) {
		if n, ok := strings.CutPrefix(line, "-- "); ok && strings.HasSuffix(n, " --\n") {
			name = strings.TrimSuffix(n, " --\n")
			a.names = append(a.names, name)
			a.sections[name] = ""
		} else if name == "" {
			a.text += line
		} else {
			a.sections[name] += line
		}
	}
	return a
}

func (a *archive) set(name, text string) {
	if _, ok := a.sections[name]; !ok {
		a.names = append(a.names, name)
	}
	a.sections[name] = text
}

func (a *archive) bytes() []byte {
	var b bytes.Buffer
	b.WriteString(a.text)
	for _, n := range a.names {
		b.WriteString("-- " + n + " --\n" + a.sections[n])
	}
	return b.Bytes()
}

// facts are those of the golden plans: a kernel of today, root, and for short
// plans few capabilities.
func facts() host.Facts {
	return host.Facts{
		Kernel: host.Version{Major: 6, Minor: 12}, InitialUserns: true, Effective: 1<<41 - 1, LastCap: 5,
		Nofile: host.Rlimit{Soft: 1024, Hard: 524288},
	}
}

// input is the Input of a case: its config.json, and what the section "input"
// says besides.
func input(t testing.TB, a *archive) Input {
	t.Helper()
	s, err := spec.Decode([]byte(a.sections["config.json"]))
	if err != nil {
		t.Fatal(err)
	}
	if err := spec.Validate(s); err != nil {
		t.Fatal(err)
	}
	in := Input{Facts: facts(), ID: "box", Rootfs: "/bundle/rootfs", Bundle: "/bundle", NoNewKeyring: true}
	if text := a.sections["input"]; text != "" {
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&in); err != nil {
			t.Fatalf("input: %v", err)
		}
	}
	in.Spec = s
	return in
}

// TestGolden compiles testdata/*.txtar. With -update it writes the plans.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d cases: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			a := readArchive(data)
			got := ""
			if p, err := Container(input(t, a)); err != nil {
				got = "error: " + err.Error() + "\n"
			} else {
				got = p.String()
				if err := invariants(input(t, a), p); err != nil {
					t.Error(err)
				}
			}
			if *update {
				a.set("plan", got)
				if err := os.WriteFile(file, a.bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want := a.sections["plan"]; got != want {
				t.Errorf("the plan has changed (go test ./libct/compile -update):\n%s", difference(want, got))
			}
		})
	}
}

// difference is the first place where two texts differ.
func difference(want, got string) string {
	w, g := strings.SplitAfter(want, "\n"), strings.SplitAfter(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return "want " + w[i] + "got  " + g[i]
		}
	}
	return "one is the beginning of the other"
}
