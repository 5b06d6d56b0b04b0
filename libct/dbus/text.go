package dbus

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ParseText reads a value in GVariant's text form (docs.gtk.org, "GVariant Text
// Format"), without its maybe types, which D-Bus lacks: 1, uint64 1, 'text',
// [1, 2], @as [], ('a', true), {'k': <1>}, b'bytes'. A number is int32 unless
// it says otherwise or has a point.
func ParseText(text string) (Value, error) {
	if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
		return nil, errors.New("invalid UTF-8, or a NUL byte")
	}
	p := &parser{text: text}
	n, err := p.node(0)
	if err != nil {
		return nil, err
	}
	if p.space(); p.at < len(p.text) {
		return nil, fmt.Errorf("unexpected %q after the value", p.text[p.at:])
	}
	v, err := n.value(n.kind)
	if err == nil && !CheckSignature(v.sig()) {
		err = errors.New("not a type that D-Bus can carry")
	}
	return v, err
}

// kind is a type that may not be known yet: 'N' is some number, 'S' some text,
// '?' anything. Containers have inner kinds.
type kind struct {
	letter byte
	inner  []*kind
}

// node is a parsed value.
type node struct {
	kind  *kind
	text  string
	items []*node
}

type parser struct {
	text string
	at   int
}

func (p *parser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\n\r\f\v", p.text[p.at]) >= 0 {
		p.at++
	}
}

// peek is the next byte after spaces, 0 at the end.
func (p *parser) peek() byte {
	if p.space(); p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

// accept passes over the next byte if it is c.
func (p *parser) accept(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.at++
	return true
}

func (p *parser) node(depth int) (*node, error) {
	if depth > maxDepth {
		return nil, errors.New("nested too deeply")
	}
	switch c := p.peek(); {
	case c == 0 && p.at == len(p.text):
		return nil, errors.New("unexpected end")
	case c == '@':
		return p.typed(depth)
	case c == '\'' || c == '"':
		s, err := p.quoted()
		return &node{kind: &kind{letter: 'S'}, text: s}, err
	case c == '[':
		return p.array(depth)
	case c == '(':
		return p.tuple(depth)
	case c == '{':
		return p.dict(depth)
	case c == '<':
		p.at++
		n, err := p.node(depth + 1)
		if err == nil && !p.accept('>') {
			err = errors.New("no > after a variant")
		}
		return &node{kind: &kind{letter: 'v'}, items: []*node{n}}, err
	case c == 'b' && p.at+1 < len(p.text) && strings.IndexByte(`'"`, p.text[p.at+1]) >= 0:
		p.at++
		s, err := p.bytes()
		return &node{kind: &kind{letter: 'a', inner: []*kind{{letter: 'y'}}}, text: s}, err
	case c >= '0' && c <= '9' || strings.IndexByte("+-.", c) >= 0:
		return p.number(), nil
	}
	return p.word(depth)
}

// names of types, as GVariant writes them.
func letterOf(name string) byte {
	switch name {
	case "boolean":
		return 'b'
	case "byte":
		return 'y'
	case "int16":
		return 'n'
	case "uint16":
		return 'q'
	case "int32":
		return 'i'
	case "uint32":
		return 'u'
	case "int64":
		return 'x'
	case "uint64":
		return 't'
	case "double":
		return 'd'
	case "string":
		return 's'
	case "objectpath":
		return 'o'
	case "signature":
		return 'g'
	}
	return 0
}

// word is true, false, or the name of a type and a value.
func (p *parser) word(depth int) (*node, error) {
	start := p.at
	for p.at < len(p.text) && (p.text[p.at] >= 'a' && p.text[p.at] <= 'z' || p.text[p.at] >= '0' && p.text[p.at] <= '9') {
		p.at++
	}
	word := p.text[start:p.at]
	if word == "true" || word == "false" {
		return &node{kind: &kind{letter: 'b'}, text: word}, nil
	}
	letter := letterOf(word)
	if letter == 0 {
		return nil, fmt.Errorf("unexpected %q", p.text[start:])
	}
	return p.annotated(&kind{letter: letter}, depth)
}

// typed is a value after @ and a signature.
func (p *parser) typed(depth int) (*node, error) {
	start := p.at + 1
	for p.at < len(p.text) && strings.IndexByte(" \t\n\r\f\v", p.text[p.at]) < 0 {
		p.at++
	}
	sig := p.text[start:p.at]
	if !CheckSignature(sig) || strings.Contains(sig, "h") {
		return nil, fmt.Errorf("%q is not a type", sig)
	}
	k, _ := parseKind(sig)
	return p.annotated(k, depth)
}

func (p *parser) annotated(k *kind, depth int) (*node, error) {
	n, err := p.node(depth + 1)
	if err != nil {
		return nil, err
	}
	n.kind, err = unify(n.kind, k)
	return n, err
}

func (p *parser) number() *node {
	start := p.at
	for p.at < len(p.text) && strings.IndexByte("0123456789abcdefABCDEFxX+-.", p.text[p.at]) >= 0 {
		p.at++
	}
	text := p.text[start:p.at]
	letter := byte('N')
	if !strings.ContainsAny(text, "xX") && strings.ContainsAny(text, ".eE") {
		letter = 'd'
	}
	return &node{kind: &kind{letter: letter}, text: text}
}

// list reads items up to the closing byte.
func (p *parser) list(end byte, item func() error) error {
	p.at++
	for first := true; !p.accept(end); first = false {
		if !first {
			if !p.accept(',') {
				return fmt.Errorf("want , or %c", end)
			}
			if end == ')' && p.accept(end) {
				return nil // a tuple of one is (1,)
			}
		}
		if err := item(); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) array(depth int) (*node, error) {
	elem := &kind{letter: '?'}
	n := &node{}
	err := p.list(']', func() error {
		item, err := p.node(depth + 1)
		if err == nil {
			elem, err = unify(elem, item.kind)
		}
		n.items = append(n.items, item)
		return err
	})
	n.kind = &kind{letter: 'a', inner: []*kind{elem}}
	return n, err
}

func (p *parser) tuple(depth int) (*node, error) {
	n := &node{kind: &kind{letter: '('}}
	err := p.list(')', func() error {
		item, err := p.node(depth + 1)
		if err == nil {
			n.items = append(n.items, item)
			n.kind.inner = append(n.kind.inner, item.kind)
		}
		return err
	})
	if err == nil && len(n.items) == 0 {
		err = errors.New("a tuple cannot be empty")
	}
	return n, err
}

func (p *parser) dict(depth int) (*node, error) {
	k, v := &kind{letter: '?'}, &kind{letter: '?'}
	n := &node{}
	err := p.list('}', func() error {
		key, err := p.node(depth + 1)
		if err != nil {
			return err
		}
		if !p.accept(':') {
			return errors.New("no : after a key")
		}
		value, err := p.node(depth + 1)
		if err != nil {
			return err
		}
		if k, err = unify(k, key.kind); err == nil {
			v, err = unify(v, value.kind)
		}
		n.items = append(n.items, &node{kind: &kind{letter: '{', inner: []*kind{key.kind, value.kind}}, items: []*node{key, value}})
		return err
	})
	n.kind = &kind{letter: 'a', inner: []*kind{{letter: '{', inner: []*kind{k, v}}}}
	return n, err
}

// quoted reads a text between quotes, with C's escapes and \u and \U.
func (p *parser) quoted() (string, error) {
	quote := p.text[p.at]
	p.at++
	var b strings.Builder
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch {
		case c == quote:
			return b.String(), nil
		case c != '\\':
			b.WriteByte(c)
		case p.at < len(p.text):
			if err := p.escape(&b); err != nil {
				return "", err
			}
		}
	}
	return "", errors.New("unterminated string")
}

func (p *parser) escape(b *strings.Builder) error {
	c := p.text[p.at]
	p.at++
	digits := 0
	switch c {
	case 'u':
		digits = 4
	case 'U':
		digits = 8
	case '\n':
		return nil
	}
	if digits == 0 {
		if i := strings.IndexByte("abfnrtv", c); i >= 0 {
			c = "\a\b\f\n\r\t\v"[i]
		}
		b.WriteByte(c)
		return nil
	}
	if p.at+digits > len(p.text) {
		return errors.New("short unicode escape")
	}
	r, err := strconv.ParseUint(p.text[p.at:p.at+digits], 16, 32)
	if err != nil || r == 0 || !utf8.ValidRune(rune(r)) {
		return fmt.Errorf("%q is not a character", p.text[p.at:p.at+digits])
	}
	p.at += digits
	b.WriteRune(rune(r))
	return nil
}

// bytes reads a byte string, with octal escapes, and adds the NUL at its end.
func (p *parser) bytes() (string, error) {
	quote := p.text[p.at]
	p.at++
	var b strings.Builder
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch {
		case c == quote:
			b.WriteByte(0)
			return b.String(), nil
		case c != '\\' || p.at == len(p.text):
			b.WriteByte(c)
		case p.text[p.at] >= '0' && p.text[p.at] <= '7':
			n, digits := 0, 0
			for digits < 3 && p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '7' {
				n = n*8 + int(p.text[p.at]-'0')
				p.at++
				digits++
			}
			if n > 255 {
				return "", errors.New("octal escape above 377")
			}
			b.WriteByte(byte(n))
		default:
			if strings.IndexByte("uU", p.text[p.at]) >= 0 {
				return "", errors.New("unicode escape in a byte string")
			}
			if err := p.escape(&b); err != nil {
				return "", err
			}
		}
	}
	return "", errors.New("unterminated byte string")
}
