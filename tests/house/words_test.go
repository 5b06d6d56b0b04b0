package house

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// TestPackageDocs: each package says once what it is for, in one to ten lines
// or so.
func TestPackageDocs(t *testing.T) {
	docs, programs := map[string][]string{}, map[string]bool{}
	for _, s := range sources(t) {
		programs[s.pkg] = s.file.Name.Name == "main"
		if docs[s.pkg] == nil {
			docs[s.pkg] = []string{}
		}
		if s.file.Doc != nil {
			docs[s.pkg] = append(docs[s.pkg], s.file.Doc.Text())
		}
	}
	for path, texts := range docs {
		switch {
		case len(texts) != 1:
			t.Errorf("%s has %d package comments, want 1", path, len(texts))
		case !strings.HasPrefix(texts[0], "Package ") && !programs[path]:
			t.Errorf("%s: the package comment begins with %.20q", path, texts[0])
		case strings.Count(texts[0], "\n") > 20:
			t.Errorf("%s: the package comment has %d lines", path, strings.Count(texts[0], "\n"))
		}
	}
}

// known are methods whose meaning the standard library's interfaces give.
var known = []string{"Error", "String", "Unwrap", "Is", "Write", "Read", "Close"}

// TestExportedDocs: every exported name has a comment.
func TestExportedDocs(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				plain := d.Recv != nil && slices.Contains(known, d.Name.Name)
				if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) && !plain {
					t.Errorf("%s: %s has no comment", s.fset.Position(d.Pos()), d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if name := undocumented(d, spec); name != "" {
						t.Errorf("%s: %s has no comment", s.fset.Position(spec.Pos()), name)
					}
				}
			}
		}
	}
}

// exportedReceiver reports whether a function is one or belongs to an exported
// type.
func exportedReceiver(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	expr := f.Recv.List[0].Type
	for {
		switch e := expr.(type) {
		case *ast.StarExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.Ident:
			return e.IsExported()
		default:
			return false
		}
	}
}

// undocumented returns an exported name that has a comment neither of its own
// nor of its group.
func undocumented(d *ast.GenDecl, spec ast.Spec) string {
	if d.Doc != nil {
		return ""
	}
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() && s.Doc == nil && s.Comment == nil {
			return s.Name.Name
		}
	case *ast.ValueSpec:
		for _, name := range s.Names {
			if name.IsExported() && s.Doc == nil && s.Comment == nil {
				return name.Name
			}
		}
	}
	return ""
}

// empty are words that say nothing of what a thing is.
var empty = []string{"manager", "helper", "helpers", "util", "utils", "factory", "common", "base", "misc"}

// TestNames: no type, exported function, package or file is called by an empty
// word.
func TestNames(t *testing.T) {
	for _, s := range sources(t) {
		check := func(name string) {
			for _, word := range words(name) {
				if slices.Contains(empty, word) {
					t.Errorf("%s: the name %s contains %q", s.path, name, word)
				}
			}
		}
		check(strings.TrimSuffix(s.name, ".go"))
		check(s.file.Name.Name)
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() {
					check(d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if ts, ok := spec.(*ast.TypeSpec); ok {
						check(ts.Name.Name)
					}
				}
			}
		}
	}
}

// words splits a name at underscores and at capitals.
func words(name string) (out []string) {
	var word []rune
	flush := func() {
		if len(word) > 0 {
			out = append(out, strings.ToLower(string(word)))
		}
		word = word[:0]
	}
	runes := []rune(name)
	for i, r := range runes {
		if r == '_' || r == '-' {
			flush()
			continue
		}
		if i > 0 && unicode.IsUpper(r) && !unicode.IsUpper(runes[i-1]) {
			flush()
		}
		word = append(word, r)
	}
	flush()
	return out
}

// TestWords keeps the splitting of names right.
func TestWords(t *testing.T) {
	for name, want := range map[string]string{"readBaseDir": "read base dir", "Database": "database", "OCIState": "ocistate", "walk_unsafe": "walk unsafe"} {
		if got := strings.Join(words(name), " "); got != want {
			t.Errorf("words(%q) = %q, want %q", name, got, want)
		}
	}
}
