package jsontext

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// String reads a string. As with encoding/json, bytes that are not UTF-8 and
// lone surrogates become U+FFFD.
func (r *Reader) String() (string, error) {
	if r.peek() != '"' {
		return "", r.want("string")
	}
	return r.quoted()
}

// quoted reads the string whose quote is next.
func (r *Reader) quoted() (string, error) {
	start := r.pos + 1
	plain := true // no escape and no byte above ASCII: the text itself
	for i := start; i < len(r.text); i++ {
		switch c := r.text[i]; {
		case c == '"':
			r.pos = i + 1
			s := r.text[start:i]
			if plain {
				return s, nil
			}
			return r.unescape(s)
		case c == '\\':
			plain = false
			i++ // the escaped byte ends nothing; unescape judges it
		case c < ' ':
			r.pos = i
			return "", r.syntax("unexpected " + r.here() + " in a string")
		case c >= utf8.RuneSelf:
			plain = false
		}
	}
	r.pos = len(r.text)
	return "", r.syntax("unexpected end of text in a string")
}

// unescape returns what s, a string's text without its quotes, stands for.
func (r *Reader) unescape(s string) (string, error) {
	if strings.IndexByte(s, '\\') < 0 && utf8.ValidString(s) {
		return s, nil
	}
	b := make([]byte, 0, len(s))
	for len(s) > 0 {
		if s[0] != '\\' {
			c, n := utf8.DecodeRuneInString(s)
			b = utf8.AppendRune(b, c)
			s = s[n:]
			continue
		}
		c, n := escape(s)
		if n == 0 {
			return "", r.syntax("unknown escape in a string")
		}
		b = utf8.AppendRune(b, c)
		s = s[n:]
	}
	return string(b), nil
}

// escape returns the character that the escape at the head of s stands for and
// the escape's length, which is 0 if it is none. A surrogate without its other
// half is U+FFFD.
func escape(s string) (rune, int) {
	if len(s) < 2 {
		return 0, 0
	}
	switch s[1] {
	case '"', '\\', '/':
		return rune(s[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	}
	high, ok := hex4(s)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(high) {
		return high, 6
	}
	if low, ok := hex4(s[6:]); ok {
		if c := utf16.DecodeRune(high, low); c != utf8.RuneError {
			return c, 12
		}
	}
	return utf8.RuneError, 6
}

// hex4 reads \uXXXX at the head of s.
func hex4(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var c rune
	for i := 2; i < 6; i++ {
		switch d := s[i]; {
		case d >= '0' && d <= '9':
			c = c<<4 | rune(d-'0')
		case d >= 'a' && d <= 'f':
			c = c<<4 | rune(d-'a'+10)
		case d >= 'A' && d <= 'F':
			c = c<<4 | rune(d-'A'+10)
		default:
			return 0, false
		}
	}
	return c, true
}

// number reads a number's text: RFC 8259 section 6.
func (r *Reader) number() (string, error) {
	r.space()
	start := r.pos
	if r.at('-') {
		r.pos++
	}
	if r.at('0') {
		r.pos++
	} else if !r.digits() {
		return "", r.syntax("unexpected " + r.here() + " in a number")
	}
	if r.at('.') {
		r.pos++
		if !r.digits() {
			return "", r.syntax("unexpected " + r.here() + " in a number")
		}
	}
	if r.at('e') || r.at('E') {
		r.pos++
		if r.at('+') || r.at('-') {
			r.pos++
		}
		if !r.digits() {
			return "", r.syntax("unexpected " + r.here() + " in a number")
		}
	}
	return r.text[start:r.pos], nil
}

func (r *Reader) at(c byte) bool { return r.pos < len(r.text) && r.text[r.pos] == c }

// digits reads one or more digits.
func (r *Reader) digits() bool {
	start := r.pos
	for r.pos < len(r.text) && r.text[r.pos] >= '0' && r.text[r.pos] <= '9' {
		r.pos++
	}
	return r.pos > start
}

// numeral reads the text of a number for a caller who wants one.
func (r *Reader) numeral() (string, error) {
	if kindOf(r.peek()) != "number" {
		return "", r.want("number")
	}
	return r.number()
}

// Int64 reads an integer; 1.0 and 1e3 are none.
func (r *Reader) Int64() (int64, error) { return r.signed(64) }

// Uint64 reads an integer that is not negative; 1.0, 1e3 and -0 are none.
func (r *Reader) Uint64() (uint64, error) { return r.unsigned(64) }

// Uint32 reads an integer from 0 to 1<<32 - 1.
func (r *Reader) Uint32() (uint32, error) {
	n, err := r.unsigned(32)
	return uint32(n), err
}

// Float64 reads a number; one too large for a float64 is an error.
func (r *Reader) Float64() (float64, error) {
	s, err := r.numeral()
	if err != nil {
		return 0, err
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, r.Fail("number " + cut(s) + " is out of range")
	}
	return f, nil
}

func (r *Reader) signed(bits int) (int64, error) {
	s, err := r.numeral()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(s, 10, bits)
	if err != nil {
		return 0, r.integer(s, bits, "")
	}
	return n, nil
}

func (r *Reader) unsigned(bits int) (uint64, error) {
	s, err := r.numeral()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(s, 10, bits)
	if err != nil {
		return 0, r.integer(s, bits, "un")
	}
	return n, nil
}

// integer is the error for a number that is no integer of that many bits.
func (r *Reader) integer(s string, bits int, sign string) error {
	return r.Fail("want " + sign + "signed " + strconv.Itoa(bits) + "-bit integer, have " + cut(s))
}
