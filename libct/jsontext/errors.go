package jsontext

import (
	"strconv"
	"strings"
)

// MaxDepth is how deep objects and arrays may nest. encoding/json allows
// 10000; a config.json needs nine.
const MaxDepth = 1000

// Error says where in a text reading stopped and why.
type Error struct {
	Path string // the value, such as process.args[1]; empty for the whole text
	Line int    // 1-based line of a syntax error, 0 for a wrong type
	Text string // what is wrong, one line
}

// Error returns one line: the path, the line number if any, and what is wrong.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Path != "" {
		b.WriteString(e.Path)
		b.WriteString(": ")
	}
	if e.Line > 0 {
		b.WriteString("line ")
		b.WriteString(strconv.Itoa(e.Line))
		b.WriteString(": ")
	}
	b.WriteString(e.Text)
	return b.String()
}

// step is one element of the path to the value being read.
type step struct {
	key   string
	index int // of an array's element; -1 for an object's member
}

// maxShown is how many bytes of a member's name or a stray text an error shows.
const maxShown = 64

// Path names the value being read: process.args[1], annotations["a.b"].
func (r *Reader) Path() string {
	var b strings.Builder
	for _, s := range r.path {
		if s.index >= 0 {
			b.WriteByte('[')
			b.WriteString(strconv.Itoa(s.index))
			b.WriteByte(']')
			continue
		}
		AppendKey(&b, s.key)
	}
	return b.String()
}

// AppendKey adds a member's name to a path: .name, or ["na.me"] when the name
// is not a plain word. Names come from hostile texts, so they are quoted and
// cut.
func AppendKey(b *strings.Builder, key string) {
	if isWord(key) {
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(key)
		return
	}
	b.WriteByte('[')
	b.WriteString(strconv.Quote(cut(key)))
	b.WriteByte(']')
}

func isWord(key string) bool {
	if key == "" || len(key) > maxShown {
		return false
	}
	for i := 0; i < len(key); i++ {
		c := key[i]
		if !(c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9') {
			return false
		}
	}
	return true
}

func cut(s string) string {
	if len(s) > maxShown {
		return s[:maxShown] + "..."
	}
	return s
}

// syntax is an error in the text itself, at the reader's place.
func (r *Reader) syntax(text string) error {
	pos := min(r.pos, len(r.text))
	return &Error{Path: r.Path(), Line: 1 + strings.Count(r.text[:pos], "\n"), Text: text}
}

// want is the error for a value of another kind than the caller asked for.
func (r *Reader) want(kind string) error {
	r.space()
	if r.pos >= len(r.text) {
		return r.syntax("unexpected end of text, want " + kind)
	}
	have := kindOf(r.text[r.pos])
	if have == "" {
		return r.syntax("unexpected " + r.here() + ", want " + kind)
	}
	// A misspelt literal is a fault of the text, not of the type.
	probe := *r
	if err := probe.Skip(); err != nil {
		return err
	}
	return &Error{Path: r.Path(), Text: "want " + kind + ", have " + have}
}

// Fail returns an Error at the value being read.
func (r *Reader) Fail(text string) error { return &Error{Path: r.Path(), Text: text} }

// here is the character at the reader's place, quoted.
func (r *Reader) here() string {
	if r.pos >= len(r.text) {
		return "end of text"
	}
	for _, c := range r.text[r.pos:] {
		return strconv.QuoteRune(c)
	}
	return ""
}

// kindOf names the kind of the value that begins with c, or is empty.
func kindOf(c byte) string {
	switch {
	case c == '{':
		return "object"
	case c == '[':
		return "array"
	case c == '"':
		return "string"
	case c == 't' || c == 'f':
		return "boolean"
	case c == 'n':
		return "null"
	case c == '-' || c >= '0' && c <= '9':
		return "number"
	}
	return ""
}
