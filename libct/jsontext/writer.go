package jsontext

import (
	"strconv"
	"unicode/utf8"
)

// Writer appends one JSON text, byte for byte as encoding/json with
// SetEscapeHTML(false) would. With an indent it writes as json.MarshalIndent
// with an empty prefix, else as json.Marshal. The zero Writer writes compactly.
type Writer struct {
	buf    []byte
	indent string
	depth  int
	comma  bool // something stands before the next value on its level
	keyed  bool // a name has just been written, so no comma and no new line
}

// NewWriter returns a Writer that indents each level by indent; none writes
// everything on one line.
func NewWriter(indent string) *Writer { return &Writer{indent: indent} }

// Bytes returns the text written so far, without a newline at its end.
func (w *Writer) Bytes() []byte { return w.buf }

// Object writes an object whose members are what members writes.
func (w *Writer) Object(members func()) { w.nest('{', '}', members) }

// Array writes an array whose elements are what elements writes.
func (w *Writer) Array(elements func()) { w.nest('[', ']', elements) }

func (w *Writer) nest(open, end byte, inside func()) {
	w.before()
	w.buf = append(w.buf, open)
	w.depth++
	w.comma = false
	inside()
	w.depth--
	if w.comma {
		w.line()
	}
	w.buf = append(w.buf, end)
	w.comma = true
}

// Key writes a member's name; its value comes next.
func (w *Writer) Key(name string) {
	w.before()
	w.buf = AppendString(w.buf, name)
	w.buf = append(w.buf, ':')
	if w.indent != "" {
		w.buf = append(w.buf, ' ')
	}
	w.keyed = true
}

// String writes a string; bytes that are not UTF-8 become \ufffd.
func (w *Writer) String(s string) {
	w.before()
	w.buf = AppendString(w.buf, s)
}

// Int writes an integer.
func (w *Writer) Int(n int64) {
	w.before()
	w.buf = strconv.AppendInt(w.buf, n, 10)
}

// Uint writes an integer.
func (w *Writer) Uint(n uint64) {
	w.before()
	w.buf = strconv.AppendUint(w.buf, n, 10)
}

// Bool writes true or false.
func (w *Writer) Bool(b bool) {
	w.before()
	w.buf = strconv.AppendBool(w.buf, b)
}

// Null writes null.
func (w *Writer) Null() {
	w.before()
	w.buf = append(w.buf, "null"...)
}

// Raw writes a JSON text as one value, its white space made the Writer's. A
// text that is not one JSON value is an error, and nothing is written.
func (w *Writer) Raw(text []byte) error {
	check := NewReader(text)
	if err := check.Skip(); err != nil {
		return err
	}
	if err := check.End(); err != nil {
		return err
	}
	w.raw(NewReader(text))
	return nil
}

// raw copies one value that is known to be well-formed.
func (w *Writer) raw(r *Reader) {
	switch r.peek() {
	case '{':
		w.Object(func() {
			_ = r.Object(func(key string) error {
				w.Key(key)
				w.raw(r)
				return nil
			})
		})
	case '[':
		w.Array(func() {
			_ = r.Array(func(int) error {
				w.raw(r)
				return nil
			})
		})
	case '"':
		s, _ := r.String()
		w.String(s)
	default:
		start := r.pos
		_ = r.Skip()
		w.before()
		w.buf = append(w.buf, r.text[start:r.pos]...)
	}
}

// before writes what stands between the last value and the next.
func (w *Writer) before() {
	if w.keyed {
		w.keyed = false
		w.comma = true
		return
	}
	if w.comma {
		w.buf = append(w.buf, ',')
	}
	if w.depth > 0 {
		w.line()
	}
	w.comma = true
}

func (w *Writer) line() {
	if w.indent == "" {
		return
	}
	w.buf = append(w.buf, '\n')
	for range w.depth {
		w.buf = append(w.buf, w.indent...)
	}
}

// AppendString appends s as a JSON string, quotes included.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c, n := rune(s[i]), 1
		if c >= utf8.RuneSelf {
			c, n = utf8.DecodeRuneInString(s[i:])
		}
		if plain(c, n) {
			i += n
			continue
		}
		dst = append(dst, s[start:i]...)
		dst = appendEscape(dst, c)
		i += n
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// plain says whether a character of n bytes is written as it stands. U+2028
// and U+2029 are not, so that a JSON text is a JavaScript text.
func plain(c rune, n int) bool {
	switch {
	case c < ' ', c == '"', c == '\\', c == '\u2028', c == '\u2029':
		return false
	case c == utf8.RuneError:
		return n > 1 // a real U+FFFD, not a byte that is no UTF-8
	}
	return true
}

func appendEscape(dst []byte, c rune) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', byte(c))
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', hex[c>>12&15], hex[c>>8&15], hex[c>>4&15], hex[c&15])
}
