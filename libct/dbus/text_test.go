package dbus

import (
	"encoding/binary"
	"reflect"
	"testing"
)

func TestParseText(t *testing.T) {
	for text, want := range map[string]Value{
		"1":                          Int32(1),
		" -7 ":                       Int32(-7),
		"+7":                         Int32(7),
		"0x1F":                       Int32(31),
		"010":                        Int32(8),
		"0":                          Int32(0),
		"-0x80000000":                Int32(-1 << 31),
		"2147483647":                 Int32(1<<31 - 1),
		"1.5":                        Double(1.5),
		"1e3":                        Double(1000),
		"double 1":                   Double(1),
		"byte 0xff":                  Byte(255),
		"int16 -32768":               Int16(-32768),
		"uint16 65535":               Uint16(65535),
		"uint32 4294967295":          Uint32(1<<32 - 1),
		"int64 -1":                   Int64(-1),
		"uint64 123456789":           Uint64(123456789),
		"@t 5":                       Uint64(5),
		"true":                       Bool(true),
		"boolean false":              Bool(false),
		"'text'":                     String("text"),
		`"a\"b\n\u00e4\U0001f603\\"`: String("a\"b\nä😃\\"),
		"objectpath '/a/b_1'":        ObjectPath("/a/b_1"),
		"signature 'a(ss)'":          TypeSignature("a(ss)"),
		"@s 'x'":                     String("x"),
		"[1, 2]":                     Array{"i", []Value{Int32(1), Int32(2)}},
		"[1, 2.5]":                   Array{"d", []Value{Double(1), Double(2.5)}},
		"[1, uint64 2]":              Array{"t", []Value{Uint64(1), Uint64(2)}},
		"[[], [1]]":                  Array{"ai", []Value{Array{Elem: "i"}, Array{"i", []Value{Int32(1)}}}},
		"@as []":                     Array{Elem: "s"},
		"@au [1, 2]":                 Array{"u", []Value{Uint32(1), Uint32(2)}},
		"['a', 'b']":                 Array{"s", []Value{String("a"), String("b")}},
		"('/dev/null', 'rw')":        Struct{String("/dev/null"), String("rw")},
		"(1,)":                       Struct{Int32(1)},
		"[('a', 1), ('b', 2)]":       Array{"(si)", []Value{Struct{String("a"), Int32(1)}, Struct{String("b"), Int32(2)}}},
		"@a(ss) [('a', 'b')]":        Array{"(ss)", []Value{Struct{String("a"), String("b")}}},
		"<1>":                        Variant{Int32(1)},
		"<@ay []>":                   Variant{Bytes{}},
		"{'k': <1>, 'l': <'x'>}": Array{"{sv}", []Value{
			Entry{String("k"), Variant{Int32(1)}}, Entry{String("l"), Variant{String("x")}}}},
		"@a{ss} {}":   Array{Elem: "{ss}"},
		"b'ab\\001'":  Bytes("ab\x01\x00"),
		"[byte 1, 2]": Array{"y", []Value{Byte(1), Byte(2)}},
	} {
		got, err := ParseText(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %#v (%v), want %#v", text, got, err, want)
		}
	}
}

func TestParseTextRefuses(t *testing.T) {
	for _, text := range []string{
		"", " ", "foo", "1 2", "'x", "'x\\", "[", "[1", "[1,", "[1 2]", "[1,]", "]", "(", "()", "(1", "(1)x", "{", "{1}", "{1:}", "{1:2", "<", "<1", "<>",
		"[]", "{}", "<[]>", "@", "@zz 1", "@as", "@s 1", "@h 1", "@ss 'x'", "uint64", "uint64 'x'", "uint64 -1", "uint64 uint32 1",
		"byte 256", "int16 32768", "2147483648", "-2147483649", "uint64 18446744073709551616", "int64 9223372036854775808", "1.5.2", "0x", "08", "--1", "+-1", "1_000",
		"double 1e999", "int32 1.5", "[1, 'x']", "[1, [1]]", "objectpath 'x'", "objectpath '/a/'", "signature 'z'", "'\\ud800'", "'\\u12'", "'\\u0000'", "b'\\400'", "b'x",
		"b'\\u0041'", "\xff", "'\x00'", "truefalse", "nothing", "just 1", "{<1>: 2}", "{[1]: 2}", "1\x00",
		repeat(70, "[") + "1" + repeat(70, "]"), repeat(70, "<") + "1" + repeat(70, ">"),
	} {
		if got, err := ParseText(text); err == nil {
			t.Errorf("%q is %#v", text, got)
		}
	}
}

func repeat(n int, s string) string {
	text := ""
	for range n {
		text += s
	}
	return text
}

// FuzzText: what is accepted is a value that can be sent.
func FuzzText(f *testing.F) {
	for _, s := range []string{"uint64 1", "[1, 2.5]", "{'k': <('a', @as [])>}", "b'\\001x'", `"\u00e4"`, "@a{s(ai)} {'a': ([1],)}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := ParseText(text)
		if err != nil {
			return
		}
		sig := v.sig()
		got, err := decode(sig, v.append(nil), binary.LittleEndian)
		if err != nil || len(got) != 1 || got[0].sig() != sig {
			t.Fatalf("%q is %#v, which comes back as %#v (%v)", text, v, got, err)
		}
	})
}
