package dbus

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// TestMarshal: bytes as the D-Bus specification has them.
func TestMarshal(t *testing.T) {
	for _, c := range []struct {
		v        Value
		sig, hex string
	}{
		{Byte(7), "y", "07"},
		{Bool(true), "b", "01000000"},
		{Int16(-2), "n", "feff"},
		{Uint32(258), "u", "02010000"},
		{Int64(-1), "x", "ffffffffffffffff"},
		{Double(1), "d", "000000000000f03f"},
		{String("foo"), "s", "03000000 666f6f00"},
		{ObjectPath("/"), "o", "01000000 2f00"},
		{TypeSignature("as"), "g", "02 617300"},
		{Bytes{1, 2}, "ay", "02000000 0102"},
		{Array{Elem: "t"}, "at", "00000000 00000000"},
		{Array{Elem: "t", Items: []Value{Uint64(5)}}, "at", "08000000 00000000 0500000000000000"},
		{Struct{Byte(1), Struct{Uint64(2)}}, "(y(t))", "0100000000000000 0200000000000000"},
		{Variant{Variant{Uint32(3)}}, "v", "017600 017500 0000 03000000"},
		{Array{Elem: "{sy}", Items: []Value{Entry{String("k"), Byte(9)}}}, "a{sy}", "07000000 00000000 01000000 6b00 09"},
		{Array{Elem: "(ss)", Items: []Value{Struct{String(""), String("")}}}, "a(ss)", "0d000000 00000000 00000000 00 000000 00000000 00"},
	} {
		got := hex.EncodeToString(c.v.append(nil))
		if want := strings.ReplaceAll(c.hex, " ", ""); got != want || c.v.sig() != c.sig {
			t.Errorf("%#v: %s of %s, want %s of %s", c.v, got, c.v.sig(), want, c.sig)
		}
		back, err := decode(c.sig, c.v.append(nil), binary.LittleEndian)
		if err != nil || len(back) != 1 || !reflect.DeepEqual(back[0], c.v) {
			t.Errorf("%#v comes back as %#v (%v)", c.v, back, err)
		}
	}
}

func TestDecodeBigEndian(t *testing.T) {
	data, _ := hex.DecodeString("00000003" + "666f6f00" + "0102" + "0000" + "00000001")
	got, err := decode("sqb", data, binary.BigEndian)
	if want := []Value{String("foo"), Uint16(258), Bool(true)}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%#v (%v), want %#v", got, err, want)
	}
}

// TestDecodeRefuses: what is cut short, too long or not of its type.
func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct{ sig, hex string }{
		{"u", "000000"}, {"u", "0000000000"}, {"b", "02000000"}, {"s", "03000000666f6f"}, {"s", "03000000666f6f01"},
		{"s", "ffffffff00"}, {"s", "0300000066006f00"}, {"s", "01000000ff00"}, {"g", "ff00"}, {"ay", "05000000 01"}, {"at", "09000000 00000000 0000000000000000 00"},
		{"at", "00000000 00000001"}, {"v", "00 00"}, {"v", "02 7979 00 0101"}, {"v", "01 7a 00 00"}, {"z", "00"}, {"a", "00000000"}, {"()", ""},
		{"(y", "00"}, {"a{ys", "00000000"}, {"a{vs}", "00000000"}, {"a{sss}", "00000000"}, {"{ss}", "00"}, {"y)", "0000"},
		{strings.Repeat("a", 70) + "y", "00000000"}, {strings.Repeat("(", 70) + "y" + strings.Repeat(")", 70), "00"},
		{"v", strings.Repeat("017600", 100) + "01790001"},
	} {
		data, err := hex.DecodeString(strings.ReplaceAll(c.hex, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decode(c.sig, data, binary.LittleEndian); err == nil {
			t.Errorf("%s as %s is %#v", c.hex, c.sig, got)
		}
	}
}

// TestCall is a whole message, byte by byte.
func TestCall(t *testing.T) {
	c := Call{Destination: "d", Path: "/p", Interface: "i.i", Member: "M", Args: []Value{String("x")}}
	want := "6c010001" + "06000000" + "09000000" + "4d000000" + // call, 6 bytes of body, serial 9, 77 bytes of fields
		"01016f00" + "02000000" + "2f7000" + "0000000000" +
		"02017300" + "03000000" + "692e6900" + "00000000" +
		"03017300" + "01000000" + "4d00" + "000000000000" +
		"06017300" + "01000000" + "6400" + "000000000000" +
		"08016700" + "017300" + "00" + "01000000" + "7800"
	b := c.marshal(9)
	m, err := parse(b)
	if err != nil || m.Member != "M" || m.signature != "s" {
		t.Errorf("parsed as %+v (%v)", m, err)
	}
	// The length of the fields is checked by parse; the rest is plain.
	got := hex.EncodeToString(b)
	if got[:24] != want[:24] || got[32:] != want[32:] {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// FuzzMessage: no bytes crash the parser or make it allocate much.
func FuzzMessage(f *testing.F) {
	call := Call{Path: "/p", Interface: "i.i", Member: "M", Args: []Value{
		Array{Elem: "(sv)", Items: []Value{Struct{String("a"), Variant{Bytes{1}}}, Struct{String("b"), Variant{Uint64(1)}}}},
	}}
	f.Add(call.marshal(1))
	f.Add([]byte("l\x04\x00\x01\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parse(data)
		if err != nil {
			return
		}
		values, err := m.Body()
		if err != nil {
			return
		}
		if m.order != binary.LittleEndian {
			return
		}
		var again []byte
		for _, v := range values {
			again = v.append(again)
		}
		if sig := signatures(values); sig != m.signature && !strings.Contains(m.signature, "h") || string(again) != string(m.body) && !strings.Contains(fmt.Sprint(m.signature, values), "NaN") {
			t.Fatalf("%x of %s became %x of %s", m.body, m.signature, again, sig)
		}
	})
}
