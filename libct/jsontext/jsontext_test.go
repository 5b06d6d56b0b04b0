package jsontext

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
)

// texts are well-formed and broken JSON texts; encoding/json says which is
// which.
var texts = []string{
	``, ` `, `null`, `nul`, `nullx`, `true`, `false`, `falsey`, `tru`, `{}`, `[]`, `{`, `[`, `}`, `]`,
	`{"a":1}`, `{"a":1,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a":1 "b":2}`, `{,}`, `[1,]`, `[,1]`, `[1 2]`,
	` { "a" : [ 1 , 2 , { "b" : null } ] } `, `{"a":1}}`, `[1]]`, `1 2`,
	`0`, `-0`, `-`, `01`, `1.`, `.5`, `1.5`, `1e`, `1e5`, `1E+5`, `1e-5`, `1e+`, `-1.5e-3`, `+1`, `0x10`,
	`18446744073709551615`, `18446744073709551616`, `-9223372036854775808`, `-9223372036854775809`,
	`2147483648`, `4294967295`, `4294967296`, `1e400`, `1.0`, `NaN`, `Infinity`,
	`""`, `"`, `"a`, `"\"`, `"\\"`, `"\x"`, `"\u12"`, `"\u12g4"`, `"\u0041"`, `"\ud83d\ude00"`, `"\ud83d"`,
	`"\ude00\ud83d"`, `"\ud83dx"`, `"\ud83d\u0041"`, `"\ud83d\ud83d\ude00"`, `"\/\b\f\n\r\t"`, `"\v"`,
	"\"\x01\"", "\"a\tb\"", "\"\x7f\"", "\"\xff\"", "\"a\xc3\"", "\"\xc3\xa9\"", "\"\xed\xa0\x80\"", "\"\u2028\"",
	"\"a\nb\"", "\xef\xbb\xbf{}", "\x00", "{}\x00", "[1]\v", "\u00a0[]", `"a" //`, `/**/1`, `'a'`,
	`{"a":{"a":{"a":[[[]]]}}}`, `[[[[[[`, `{"\u0061":1}`, "{\"a\xff\":1}", `{"":0}`, `[tru]`, `[nul,1]`, `{"a":tru}`,
}

func FuzzSkip(f *testing.F) {
	for _, text := range texts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r := NewReader(text)
		err := r.Skip()
		if err == nil {
			err = r.End()
		}
		if err != nil && strings.Contains(err.Error(), "nested too deep") {
			return
		}
		if (err == nil) != json.Valid(text) {
			t.Fatalf("%q: have error %v, json.Valid says %v", text, err, json.Valid(text))
		}
		if err != nil && strings.ContainsAny(err.Error(), "\n\r\x00") {
			t.Fatalf("%q: error is more than one line: %q", text, err)
		}
	})
}

// same reads text into a variable in both ways and compares.
func same[T any](t *testing.T, text []byte, set func(*Reader, *T) error) {
	t.Helper()
	var want, have T
	wantErr := json.Unmarshal(text, &want)
	r := NewReader(text)
	err := set(r, &have)
	if err == nil {
		err = r.End()
	}
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%q into %T: have error %v, want %v", text, have, err, wantErr)
	}
	if err == nil && !reflect.DeepEqual(have, want) {
		t.Fatalf("%q: have %#v, want %#v", text, have, want)
	}
}

func FuzzSet(f *testing.F) {
	for _, text := range texts {
		f.Add([]byte(text))
	}
	f.Add([]byte(`["a",null,"b"]`))
	f.Add([]byte(`{"a":"b","a":null,"c":"\ud800"}`))
	f.Add([]byte(`{"N":1,"n":2,"LIST":["x","y"],"list":[null,null,null],"ptr":{"n":4},"ptr":{"list":[]}}`))
	f.Add([]byte(`{"li\u017ft":["x"],"list":null,"ptr":null,"n":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) >= MaxDepth {
			return
		}
		same(t, text, SetString[string])
		same(t, text, SetBool)
		same(t, text, SetInt[int64])
		same(t, text, SetInt[int8])
		same(t, text, SetUint[uint64])
		same(t, text, SetUint[uint16])
		same(t, text, func(r *Reader, v *float64) (err error) {
			if r.Null() {
				return nil
			}
			*v, err = r.Float64()
			return err
		})
		same(t, text, func(r *Reader, v *[]string) error { return SetSlice(r, v, SetString) })
		same(t, text, func(r *Reader, v *map[string]string) error { return SetMap(r, v, SetString) })
		same(t, text, setNode)
	})
}

type node struct {
	N    int32    `json:"n"`
	List []string `json:"list"`
	Ptr  *node    `json:"ptr"`
}

var nodeNames = []string{"n", "list", "ptr"}

func setNode(r *Reader, v *node) error {
	return r.Fields(nodeNames, func(name string) error {
		switch name {
		case "n":
			return SetInt(r, &v.N)
		case "list":
			return SetSlice(r, &v.List, SetString)
		default:
			return SetPtr(r, &v.Ptr, setNode)
		}
	})
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{"ptr":{"list":["a",1]}}`, `ptr.list[1]: want string, have number`},
		{`{"PTR":{"n":"1"}}`, `ptr.n: want number, have string`},
		{`{"n":1.0}`, `n: want signed 32-bit integer, have 1.0`},
		{`{"n":4294967296}`, `n: want signed 32-bit integer, have 4294967296`},
		{`{"n":{}}`, `n: want number, have object`},
		{`{"list":{}}`, `list: want array, have object`},
		{`[]`, `want object, have array`},
		{`{"a b":{"c":[tru]}}`, `["a b"].c[0]: line 1: unexpected 't', want a value`},
		{"{\n\"n\": 1\n\"x\": 2}", `n: line 3: unexpected '"', want ',' or '}'`},
		{"{\"n\":1}\n\nx", `line 3: unexpected 'x' after the value`},
		{``, `line 1: unexpected end of text, want object`},
		{`{"n":`, `n: line 1: unexpected end of text, want number`},
		{`{"n":tru}`, `n: line 1: unexpected 't', want a value`},
		{`{1:2}`, `line 1: unexpected '1', want a name`},
		{`{"ptr":{"n":1,}}`, `ptr: line 1: unexpected '}', want a name`},
		{`{"` + strings.Repeat("k", 100) + `":x}`, `["` + strings.Repeat("k", 64) + `..."]: line 1: unexpected 'x', want a value`},
		{`{"\n":x}`, `["\n"]: line 1: unexpected 'x', want a value`},
		{"{\"list\":[\"\x01\"]}", `list[0]: line 1: unexpected '\x01' in a string`},
		{`{"list":["\q"]}`, `list[0]: line 1: unknown escape in a string`},
		{`{"list":["`, `list[0]: line 1: unexpected end of text in a string`},
		{`{"n":-}`, `n: line 1: unexpected '}' in a number`},
		{`{"n" 1}`, `line 1: unexpected '1', want ':'`},
	} {
		r := NewReader([]byte(c.text))
		err := setNode(r, new(node))
		if err == nil {
			err = r.End()
		}
		if err == nil || err.Error() != c.want {
			t.Errorf("%q:\n have %v\n want %v", c.text, err, c.want)
		}
	}
}

func TestUnread(t *testing.T) {
	r := NewReader([]byte(`{"a":1}`))
	err := r.Object(func(string) error { return nil })
	if err == nil || err.Error() != "a: line 1: the value was not read" {
		t.Errorf("have %v", err)
	}
}

func TestDepth(t *testing.T) {
	nested := func(n int) []byte {
		return []byte(strings.Repeat(`[`, n) + strings.Repeat(`]`, n))
	}
	if err := NewReader(nested(MaxDepth)).Skip(); err != nil {
		t.Errorf("%d levels: %.200v", MaxDepth, err)
	}
	err := NewReader(nested(MaxDepth + 1)).Skip()
	if err == nil || !strings.HasSuffix(err.Error(), "nested too deep") {
		t.Errorf("%d levels: %.200v", MaxDepth+1, err)
	}
	if err := NewReader([]byte(strings.Repeat(`{"a":`, 1<<20))).Skip(); err == nil {
		t.Error("a million levels: no error")
	}
}

func TestRaw(t *testing.T) {
	r := NewReader([]byte(` {"a": {"b" : [1, 2]} , "c":"d"} `))
	err := r.Object(func(key string) error {
		raw, err := r.Raw()
		if want := map[string]string{"a": `{"b" : [1, 2]}`, "c": `"d"`}[key]; string(raw) != want {
			t.Errorf("%s: have %s, want %s", key, raw, want)
		}
		return err
	})
	if err != nil || r.End() != nil {
		t.Error(err, r.End())
	}
}

// marshal is what a Writer must equal.
func marshal(t *testing.T, v any, indent string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func TestWriter(t *testing.T) {
	type inner struct {
		S string `json:"s"`
		U uint64 `json:"u"`
	}
	v := struct {
		Empty map[string]int  `json:"empty"`
		None  []int           `json:"none"`
		B     bool            `json:"b"`
		N     any             `json:"n"`
		List  []inner         `json:"list"`
		Ints  []int64         `json:"ints"`
		Raw   json.RawMessage `json:"raw"`
	}{
		Empty: map[string]int{}, None: []int{}, B: true,
		List: []inner{{"<a>&\u2028\x00\xff\"\\", math.MaxUint64}, {"", 0}},
		Ints: []int64{math.MinInt64, 0}, Raw: json.RawMessage(`[ {"a" : [ ], "b":{ }} , null,1.5e3,"x"]`),
	}
	for _, indent := range []string{"", "\t", "  "} {
		w := NewWriter(indent)
		w.Object(func() {
			w.Key("empty")
			w.Object(func() {})
			w.Key("none")
			w.Array(func() {})
			w.Key("b")
			w.Bool(true)
			w.Key("n")
			w.Null()
			w.Key("list")
			w.Array(func() {
				for _, e := range v.List {
					w.Object(func() {
						w.Key("s")
						w.String(e.S)
						w.Key("u")
						w.Uint(e.U)
					})
				}
			})
			w.Key("ints")
			w.Array(func() {
				for _, n := range v.Ints {
					w.Int(n)
				}
			})
			w.Key("raw")
			if err := w.Raw(v.Raw); err != nil {
				t.Fatal(err)
			}
		})
		if want := marshal(t, v, indent); string(w.Bytes()) != want {
			t.Errorf("indent %q: have\n%s\nwant\n%s", indent, w.Bytes(), want)
		}
	}
	w := NewWriter("")
	if err := w.Raw([]byte(`{"a":`)); err == nil || len(w.Bytes()) > 0 {
		t.Errorf("broken raw text: error %v, wrote %q", err, w.Bytes())
	}
	if err := w.Raw([]byte(`1 2`)); err == nil {
		t.Error("two raw texts: no error")
	}
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "a", "\x00\x1f\x7f", "\b\f\n\r\t\v", "<>&", "\u2028\u2029\ufffd", "é😀", "\xff\xc3", `"\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if have, want := string(AppendString(nil, s)), marshal(t, s, ""); have != want {
			t.Errorf("%q: have %s, want %s", s, have, want)
		}
	})
}
