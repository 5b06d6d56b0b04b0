package dbus

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds types within types: the specification allows 64 in all.
const maxDepth = 64

var (
	errShort = errors.New("dbus: the message is cut short")
	errType  = errors.New("dbus: the message has an invalid type")
	errValue = errors.New("dbus: the message has an invalid value")
)

// next splits a signature after its first complete type.
func next(sig string, depth int) (first, rest string, err error) {
	if sig == "" || depth > maxDepth {
		return "", "", errType
	}
	switch sig[0] {
	case 'a':
		if strings.HasPrefix(sig, "a{") {
			return nextEntry(sig, depth)
		}
		elem, rest, err := next(sig[1:], depth+1)
		return "a" + elem, rest, err
	case '(':
		rest := sig[1:]
		for rest != "" && rest[0] != ')' {
			if _, rest, err = next(rest, depth+1); err != nil {
				return "", "", err
			}
		}
		if rest == "" || len(sig)-len(rest) == 1 {
			return "", "", errType
		}
		n := len(sig) - len(rest) + 1
		return sig[:n], sig[n:], nil
	}
	if strings.IndexByte("ybnqiuxtdsogvh", sig[0]) < 0 {
		return "", "", errType
	}
	return sig[:1], sig[1:], nil
}

// nextEntry splits after an array of dictionary entries: a basic type and
// another.
func nextEntry(sig string, depth int) (first, rest string, err error) {
	key, rest, err := next(sig[2:], depth+2)
	if err != nil || len(key) != 1 || key == "v" {
		return "", "", errType
	}
	if _, rest, err = next(rest, depth+2); err != nil || rest == "" || rest[0] != '}' {
		return "", "", errType
	}
	n := len(sig) - len(rest) + 1
	return sig[:n], sig[n:], nil
}

// CheckSignature reports whether sig is that of exactly one type.
func CheckSignature(sig string) bool {
	_, rest, err := next(sig, 0)
	return err == nil && rest == "" && len(sig) <= 255
}

// decoder reads values; at counts from a multiple of 8 in the message.
type decoder struct {
	order binary.ByteOrder
	data  []byte
	at    int
	depth int
}

// decode reads the values of a signature. The data must have no more.
func decode(sig string, data []byte, order binary.ByteOrder) ([]Value, error) {
	d := &decoder{order: order, data: data}
	values, err := d.values(sig)
	if err == nil && d.at != len(data) {
		err = errValue
	}
	return values, err
}

func (d *decoder) values(sig string) (list []Value, err error) {
	for sig != "" {
		var first string
		if first, sig, err = next(sig, d.depth); err != nil {
			return nil, err
		}
		v, err := d.value(first)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// take returns the next n bytes after padding to n's alignment.
func (d *decoder) take(align, n int) ([]byte, error) {
	if err := d.align(align); err != nil {
		return nil, err
	}
	if n < 0 || n > len(d.data)-d.at {
		return nil, errShort
	}
	b := d.data[d.at : d.at+n]
	d.at += n
	return b, nil
}

func (d *decoder) align(n int) error {
	for d.at%n != 0 {
		if d.at >= len(d.data) {
			return errShort
		}
		if d.data[d.at] != 0 {
			return errValue
		}
		d.at++
	}
	return nil
}

func (d *decoder) uint(size int) (uint64, error) {
	b, err := d.take(size, size)
	if err != nil {
		return 0, err
	}
	switch size {
	case 1:
		return uint64(b[0]), nil
	case 2:
		return uint64(d.order.Uint16(b)), nil
	case 4:
		return uint64(d.order.Uint32(b)), nil
	}
	return d.order.Uint64(b), nil
}

// text reads a string whose length has the given size.
func (d *decoder) text(size int) (string, error) {
	n, err := d.uint(size)
	if err != nil {
		return "", err
	}
	if n >= uint64(len(d.data)-d.at) {
		return "", errShort
	}
	b, _ := d.take(1, int(n)+1)
	s := string(b[:n])
	if b[n] != 0 || strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s) {
		return "", errValue
	}
	return s, nil
}

func (d *decoder) value(sig string) (Value, error) {
	switch sig[0] {
	case 's', 'o':
		s, err := d.text(4)
		if sig[0] == 'o' {
			return ObjectPath(s), err
		}
		return String(s), err
	case 'g':
		s, err := d.text(1)
		return TypeSignature(s), err
	case 'a', '(', '{', 'v':
		if d.depth++; d.depth > maxDepth {
			return nil, errType
		}
		defer func() { d.depth-- }()
		return d.container(sig)
	}
	return d.number(sig[0])
}

func (d *decoder) number(kind byte) (Value, error) {
	n, err := d.uint(alignment(kind))
	if err != nil {
		return nil, err
	}
	switch kind {
	case 'y':
		return Byte(n), nil
	case 'b':
		if n > 1 {
			return nil, errValue
		}
		return Bool(n == 1), nil
	case 'n':
		return Int16(n), nil
	case 'q':
		return Uint16(n), nil
	case 'i':
		return Int32(n), nil
	case 'u', 'h':
		return Uint32(n), nil
	case 'x':
		return Int64(n), nil
	case 't':
		return Uint64(n), nil
	}
	return Double(math.Float64frombits(n)), nil
}

func (d *decoder) container(sig string) (Value, error) {
	switch sig[0] {
	case 'a':
		return d.array(sig[1:])
	case 'v':
		inner, err := d.text(1)
		if err != nil {
			return nil, err
		}
		if !CheckSignature(inner) {
			return nil, errType
		}
		v, err := d.value(inner)
		return Variant{v}, err
	}
	if err := d.align(8); err != nil {
		return nil, err
	}
	fields, err := d.values(sig[1 : len(sig)-1])
	if err != nil {
		return nil, err
	}
	if sig[0] == '{' {
		return Entry{fields[0], fields[1]}, nil
	}
	return Struct(fields), nil
}

func (d *decoder) array(elem string) (Value, error) {
	n, err := d.uint(4)
	if err != nil {
		return nil, err
	}
	if err := d.align(alignment(elem[0])); err != nil {
		return nil, err
	}
	if n > uint64(len(d.data)-d.at) {
		return nil, errShort
	}
	end := d.at + int(n)
	if elem == "y" {
		b, err := d.take(1, int(n))
		return Bytes(b), err
	}
	a := Array{Elem: elem}
	for d.at < end {
		v, err := d.value(elem)
		if err != nil {
			return nil, err
		}
		a.Items = append(a.Items, v)
	}
	if d.at != end {
		return nil, errValue
	}
	return a, nil
}
