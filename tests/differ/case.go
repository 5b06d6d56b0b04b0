package main

import (
	"bufio"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

//go:embed cases/*.txt
var caseFiles embed.FS

// testCase is one stanza of cases/*.txt: a line with its name and options in
// brackets, and indented lines, each an edit of the default configuration or a
// thing that the root filesystem has beforehand.
type testCase struct {
	name  string // file/words
	steps []string
	peer  string   // runc, or crun for what runc 1.1 does not know
	flags []string // of create and run
	env   []string // of create and run
	fds   int      // descriptors passed beyond the first three
	tty   bool     // the runtime has a terminal
	hold  string   // namespaces kept open: plain, or user
	raw   string   // the whole of config.json
	edits []string
	files [][]string
}

// readCases returns the cases of all files in the files' order.
func readCases() ([]*testCase, error) {
	names, err := fs.Glob(caseFiles, "cases/*.txt")
	if err != nil {
		return nil, err
	}
	var all []*testCase
	seen := map[string]bool{}
	for _, name := range names {
		text, err := caseFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		section := strings.TrimSuffix(strings.TrimPrefix(name, "cases/"), ".txt")
		list, err := parseCases(section, string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, c := range list {
			if seen[c.name] {
				return nil, fmt.Errorf("%s: two cases are called %s", name, c.name)
			}
			seen[c.name] = true
		}
		all = append(all, list...)
	}
	return all, nil
}

func parseCases(section, text string) ([]*testCase, error) {
	var list []*testCase
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		body := strings.TrimSpace(line)
		switch {
		case body == "" || strings.HasPrefix(line, "#"):
		case line[0] != ' ' && line[0] != '\t':
			c, err := parseHead(section, body)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			list = append(list, c)
		case len(list) == 0:
			return nil, fmt.Errorf("line %d: an edit before the first case", n)
		default:
			list[len(list)-1].add(body)
		}
	}
	return list, nil
}

// parseHead reads `name [option option=value …]`.
func parseHead(section, line string) (*testCase, error) {
	name, options, _ := strings.Cut(strings.TrimSuffix(line, "]"), " [")
	c := &testCase{name: section + "/" + name, steps: []string{"run"}, peer: "runc"}
	for _, option := range strings.Fields(options) {
		key, value, _ := strings.Cut(option, "=")
		switch key {
		case "steps":
			c.steps = strings.Split(value, ",")
		case "peer":
			c.peer = value
		case "flag":
			c.flags = append(c.flags, value)
		case "env":
			c.env = append(c.env, value)
		case "fds":
			c.fds, _ = strconv.Atoi(value)
		case "tty":
			c.tty = true
		case "hold":
			c.hold = value
		default:
			return nil, fmt.Errorf("no option is called %q", key)
		}
	}
	return c, nil
}

// add takes an indented line.
func (c *testCase) add(line string) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "mkdir", "file", "link", "mode":
		c.files = append(c.files, append([]string{word}, strings.Fields(rest)...))
	case "raw":
		c.raw = rest
	default:
		c.edits = append(c.edits, line)
	}
}

// config is what this case makes of the default configuration. words replaces
// the names that stand for what is known only at run time.
func (c *testCase) config(base []byte, words *strings.Replacer) ([]byte, error) {
	if c.raw != "" {
		return []byte(words.Replace(c.raw)), nil
	}
	var doc any
	if err := json.Unmarshal([]byte(words.Replace(string(base))), &doc); err != nil {
		return nil, err
	}
	for _, line := range c.edits {
		var err error
		if doc, err = edit(doc, words.Replace(line)); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", c.name, line, err)
		}
	}
	return json.Marshal(doc)
}

// edit carries out `path = JSON`, `path += JSON` (append the elements of a
// list) or `path -` (remove). A path is names between dots; name[N] and
// name[key=value] choose an element of a list.
func edit(doc any, line string) (any, error) {
	if path, ok := strings.CutSuffix(line, " -"); ok {
		return set(doc, strings.Split(path, "."), func(any) (any, error) { return nil, nil }, true)
	}
	path, value, ok := strings.Cut(line, " ")
	op, value, ok2 := strings.Cut(value, " ")
	if !ok || !ok2 || (op != "=" && op != "+=") {
		return nil, fmt.Errorf("not `path = JSON`, `path += JSON` or `path -`")
	}
	var v any
	if err := json.Unmarshal([]byte(value), &v); err != nil {
		return nil, err
	}
	return set(doc, strings.Split(path, "."), func(old any) (any, error) {
		if op == "=" {
			return v, nil
		}
		more, ok := v.([]any)
		if !ok {
			return nil, fmt.Errorf("+= wants a list")
		}
		list, _ := old.([]any)
		return append(list, more...), nil
	}, false)
}

// set changes the value at path and returns the new document.
func set(doc any, path []string, change func(any) (any, error), remove bool) (any, error) {
	if len(path) == 0 {
		return change(doc)
	}
	name, index, indexed := strings.Cut(strings.TrimSuffix(path[0], "]"), "[")
	object, ok := doc.(map[string]any)
	if doc == nil {
		object, ok = map[string]any{}, true
	}
	if !ok {
		return nil, fmt.Errorf("%s: not in an object", path[0])
	}
	if !indexed {
		if remove && len(path) == 1 {
			delete(object, name)
			return object, nil
		}
		v, err := set(object[name], path[1:], change, remove)
		object[name] = v
		return object, err
	}
	list, _ := object[name].([]any)
	i, err := find(list, index)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path[0], err)
	}
	if remove && len(path) == 1 {
		object[name] = append(list[:i], list[i+1:]...)
		return object, nil
	}
	list[i], err = set(list[i], path[1:], change, remove)
	return object, err
}

// find returns the place of the element that index, N or key=value, chooses.
func find(list []any, index string) (int, error) {
	key, value, keyed := strings.Cut(index, "=")
	if !keyed {
		n, err := strconv.Atoi(index)
		if err != nil || n < 0 || n >= len(list) {
			return 0, fmt.Errorf("no such element")
		}
		return n, nil
	}
	for i, element := range list {
		if object, ok := element.(map[string]any); ok && object[key] == value {
			return i, nil
		}
	}
	return 0, fmt.Errorf("no such element")
}
