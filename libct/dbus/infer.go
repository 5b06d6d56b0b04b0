package dbus

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// parseKind reads the first type of a valid signature.
func parseKind(sig string) (k *kind, rest string) {
	k, rest = &kind{letter: sig[0]}, sig[1:]
	var end byte
	switch k.letter {
	case 'a':
		inner, rest := parseKind(rest)
		k.inner = []*kind{inner}
		return k, rest
	case '(':
		end = ')'
	case '{':
		end = '}'
	default:
		return k, rest
	}
	for rest[0] != end {
		var inner *kind
		inner, rest = parseKind(rest)
		k.inner = append(k.inner, inner)
	}
	return k, rest[1:]
}

// String is the signature; of what is not known yet, the usual type.
func (k *kind) String() string {
	inner := ""
	for _, i := range k.inner {
		inner += i.String()
	}
	switch k.letter {
	case 'N':
		return "i"
	case 'S':
		return "s"
	case 'a':
		return "a" + inner
	case '(':
		return "(" + inner + ")"
	case '{':
		return "{" + inner + "}"
	}
	return string(k.letter)
}

// unify is the kind that both can be.
func unify(a, b *kind) (*kind, error) {
	wide := func(l byte) string {
		switch l {
		case 'N':
			return "Nynqiuxtd"
		case 'S':
			return "Ssog"
		}
		return string(l)
	}
	switch {
	case a.letter == '?':
		return b, nil
	case b.letter == '?':
		return a, nil
	case len(a.inner) == 0 && strings.IndexByte(wide(a.letter), b.letter) >= 0:
		return b, nil
	case len(b.inner) == 0 && strings.IndexByte(wide(b.letter), a.letter) >= 0:
		return a, nil
	case a.letter != b.letter || len(a.inner) != len(b.inner):
		return nil, fmt.Errorf("%s is not of type %s", a, b)
	}
	both := &kind{letter: a.letter}
	for i := range a.inner {
		k, err := unify(a.inner[i], b.inner[i])
		if err != nil {
			return nil, err
		}
		both.inner = append(both.inner, k)
	}
	return both, nil
}

// value makes the value of a node as kind k.
func (n *node) value(k *kind) (Value, error) {
	switch k.letter {
	case '?':
		return nil, fmt.Errorf("the type of an empty list is not known")
	case 'v':
		v, err := n.items[0].value(n.items[0].kind)
		return Variant{v}, err
	case 'a':
		return n.array(k.inner[0])
	case '(', '{':
		var fields []Value
		for i, item := range n.items {
			v, err := item.value(k.inner[i])
			if err != nil {
				return nil, err
			}
			fields = append(fields, v)
		}
		if k.letter == '{' {
			return Entry{fields[0], fields[1]}, nil
		}
		return Struct(fields), nil
	}
	return n.basic(k.letter)
}

func (n *node) array(elem *kind) (Value, error) {
	if elem.letter == 'y' && n.items == nil {
		return Bytes(n.text), nil
	}
	sig := elem.String()
	if elem.letter == '?' || strings.Contains(sig, "?") || !CheckSignature("a"+sig) {
		return nil, fmt.Errorf("a%s is not a type", sig)
	}
	a := Array{Elem: sig}
	for _, item := range n.items {
		v, err := item.value(elem)
		if err != nil {
			return nil, err
		}
		a.Items = append(a.Items, v)
	}
	return a, nil
}

func (n *node) basic(letter byte) (Value, error) {
	switch letter {
	case 'b':
		return Bool(n.text == "true"), nil
	case 'S', 's':
		return String(n.text), nil
	case 'o':
		if !isObjectPath(n.text) {
			return nil, fmt.Errorf("%q is not an object path", n.text)
		}
		return ObjectPath(n.text), nil
	case 'g':
		for rest := n.text; rest != ""; {
			var err error
			if _, rest, err = next(rest, 0); err != nil || len(n.text) > 255 {
				return nil, fmt.Errorf("%q is not a signature", n.text)
			}
		}
		return TypeSignature(n.text), nil
	case 'd':
		f, err := strconv.ParseFloat(n.text, 64)
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			return nil, fmt.Errorf("%q is not a number", n.text)
		}
		return Double(f), nil
	}
	return integer(n.text, letter)
}

// isObjectPath: D-Bus specification, "Valid Object Paths".
func isObjectPath(s string) bool {
	if s == "/" {
		return true
	}
	if !strings.HasPrefix(s, "/") {
		return false
	}
	for part := range strings.SplitSeq(s[1:], "/") {
		if part == "" || strings.Trim(part, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			return false
		}
	}
	return true
}

// integer reads a decimal, hexadecimal (0x) or octal (0) number.
func integer(text string, letter byte) (Value, error) {
	digits, negative := strings.CutPrefix(text, "-")
	if !negative {
		digits = strings.TrimPrefix(digits, "+")
	}
	number := 10
	switch {
	case strings.HasPrefix(digits, "0x") || strings.HasPrefix(digits, "0X"):
		digits, number = digits[2:], 16
	case len(digits) > 1 && digits[0] == '0':
		digits, number = digits[1:], 8
	}
	n, err := strconv.ParseUint(digits, number, 64)
	if err != nil || digits[0] == '+' {
		return nil, fmt.Errorf("%q is not a number", text)
	}
	var bits int
	signed := strings.IndexByte("nixN", letter) >= 0
	switch letter {
	case 'y':
		bits = 8
	case 'n', 'q':
		bits = 16
	case 'i', 'u', 'N':
		bits = 32
	default:
		bits = 64
	}
	top := uint64(math.MaxUint64) >> (64 - bits)
	switch {
	case signed && negative:
		top = top>>1 + 1
	case signed:
		top >>= 1
	case negative:
		top = 0
	}
	if n > top {
		return nil, fmt.Errorf("%q is out of range", text)
	}
	if negative {
		n = -n
	}
	switch letter {
	case 'y':
		return Byte(n), nil
	case 'n':
		return Int16(n), nil
	case 'q':
		return Uint16(n), nil
	case 'u':
		return Uint32(n), nil
	case 'x':
		return Int64(n), nil
	case 't':
		return Uint64(n), nil
	}
	return Int32(n), nil
}
