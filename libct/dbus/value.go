// Package dbus is a client of D-Bus, as much as calling systemd takes: the
// marshalling of the D-Bus specification's types, SASL EXTERNAL, method calls,
// and signals.
//
// It imports only the standard library and golang.org/x/sys/unix, and has no
// init work: a command that does not need systemd does not pay for it. It must
// never log, block without a deadline, or believe a length it was sent.
package dbus

import (
	"encoding/binary"
	"math"
)

// Value is a value of a D-Bus type.
type Value interface {
	// sig is the type's signature, such as "a(sv)".
	sig() string
	append(b []byte) []byte
}

// The basic types (D-Bus specification, "Summary of types").
type (
	Byte       byte
	Bool       bool
	Int16      int16
	Uint16     uint16
	Int32      int32
	Uint32     uint32
	Int64      int64
	Uint64     uint64
	Double     float64
	String     string
	ObjectPath string
	// TypeSignature is a value of type g.
	TypeSignature string
)

// Bytes is an array of bytes.
type Bytes []byte

// Array is an array of values of one type.
type Array struct {
	// Elem is the signature of the items.
	Elem  string
	Items []Value
}

// Struct is a sequence of values, at least one.
type Struct []Value

// Entry is an item of an array that is a dictionary.
type Entry struct{ Key, Value Value }

// Variant is a value together with its type.
type Variant struct{ Value }

func (Byte) sig() string          { return "y" }
func (Bool) sig() string          { return "b" }
func (Int16) sig() string         { return "n" }
func (Uint16) sig() string        { return "q" }
func (Int32) sig() string         { return "i" }
func (Uint32) sig() string        { return "u" }
func (Int64) sig() string         { return "x" }
func (Uint64) sig() string        { return "t" }
func (Double) sig() string        { return "d" }
func (String) sig() string        { return "s" }
func (ObjectPath) sig() string    { return "o" }
func (TypeSignature) sig() string { return "g" }
func (Bytes) sig() string         { return "ay" }
func (a Array) sig() string       { return "a" + a.Elem }
func (Variant) sig() string       { return "v" }

func (s Struct) sig() string { return "(" + signatures(s) + ")" }

func (e Entry) sig() string { return "{" + e.Key.sig() + e.Value.sig() + "}" }

func signatures(values []Value) string {
	text := ""
	for _, v := range values {
		text += v.sig()
	}
	return text
}

// alignment of a type by the first byte of its signature.
func alignment(kind byte) int {
	switch kind {
	case 'n', 'q':
		return 2
	case 'b', 'i', 'u', 's', 'o', 'a', 'h':
		return 4
	case 'x', 't', 'd', '(', '{':
		return 8
	}
	return 1
}

// pad fills up to a multiple of n. What is marshalled starts at a multiple of
// 8 of the message, so that its own length is enough to know.
func pad(b []byte, n int) []byte {
	for len(b)%n != 0 {
		b = append(b, 0)
	}
	return b
}

// order is the byte order of what is sent; what comes may have either.
var order = binary.LittleEndian

func (v Byte) append(b []byte) []byte { return append(b, byte(v)) }

func (v Bool) append(b []byte) []byte {
	if v {
		return Uint32(1).append(b)
	}
	return Uint32(0).append(b)
}

func (v Int16) append(b []byte) []byte  { return Uint16(v).append(b) }
func (v Uint16) append(b []byte) []byte { return order.AppendUint16(pad(b, 2), uint16(v)) }
func (v Int32) append(b []byte) []byte  { return Uint32(v).append(b) }
func (v Uint32) append(b []byte) []byte { return order.AppendUint32(pad(b, 4), uint32(v)) }
func (v Int64) append(b []byte) []byte  { return Uint64(v).append(b) }
func (v Uint64) append(b []byte) []byte { return order.AppendUint64(pad(b, 8), uint64(v)) }
func (v Double) append(b []byte) []byte { return Uint64(math.Float64bits(float64(v))).append(b) }

func (v String) append(b []byte) []byte {
	return append(append(Uint32(len(v)).append(b), v...), 0)
}

func (v ObjectPath) append(b []byte) []byte { return String(v).append(b) }

func (v TypeSignature) append(b []byte) []byte {
	return append(append(append(b, byte(len(v))), v...), 0)
}

func (v Bytes) append(b []byte) []byte { return append(Uint32(len(v)).append(b), v...) }

func (a Array) append(b []byte) []byte {
	b = Uint32(0).append(b)
	at := len(b)
	b = pad(b, alignment(a.Elem[0]))
	begin := len(b)
	for _, v := range a.Items {
		b = v.append(b)
	}
	order.PutUint32(b[at-4:], uint32(len(b)-begin))
	return b
}

func (s Struct) append(b []byte) []byte {
	b = pad(b, 8)
	for _, v := range s {
		b = v.append(b)
	}
	return b
}

func (e Entry) append(b []byte) []byte { return Struct{e.Key, e.Value}.append(b) }

func (v Variant) append(b []byte) []byte {
	return v.Value.append(TypeSignature(v.Value.sig()).append(b))
}
