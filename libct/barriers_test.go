package libct

import (
	"os"
	"regexp"
	"testing"
)

// TestBarriersAnswered: the parent has an answer for every barrier that a plan
// can have; without one the child would wait for good.
func TestBarriersAnswered(t *testing.T) {
	names := func(file, pattern string) map[string]bool {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
			found[m[1]] = true
		}
		return found
	}
	made := names("compile/compile.go", `(?m)^\s+(Barrier\w+)\s+= '`)
	answered := names("converse.go", `case compile\.(Barrier\w+):`)
	for name := range names("scope.go", `b != compile\.(Barrier\w+) \{`) {
		answered[name] = true // before all others, by launch
	}
	for name := range made {
		if !answered[name] {
			t.Errorf("no answer for %s", name)
		}
	}
	if len(made) < 7 || len(answered) != len(made) {
		t.Errorf("%d barriers, %d answers", len(made), len(answered))
	}
}
