package spec

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func read(t testing.TB, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// otherPlatformsBare keeps of other platforms' sections only that they exist,
// as Decode does.
func otherPlatformsBare(s *specs.Spec) {
	if s.Windows != nil {
		s.Windows = &specs.Windows{}
	}
	if s.Solaris != nil {
		s.Solaris = &specs.Solaris{}
	}
	if s.VM != nil {
		s.VM = &specs.VM{}
	}
	if s.ZOS != nil {
		s.ZOS = &specs.ZOS{}
	}
	if s.FreeBSD != nil {
		s.FreeBSD = &specs.FreeBSD{}
	}
}

// sameAsJSON compares Decode with encoding/json on one text.
func sameAsJSON(t *testing.T, text []byte) {
	t.Helper()
	have, err := Decode(text)
	var want *specs.Spec
	wantErr := json.Unmarshal(text, &want)
	switch {
	case wantErr == nil && want == nil:
		if err == nil {
			t.Fatalf("%q: null was accepted", text)
		}
	case err != nil && wantErr == nil:
		if !strings.Contains(err.Error(), "nested too deep") {
			t.Fatalf("%q: have error %v, encoding/json none", text, err)
		}
	case err == nil && wantErr != nil:
		// A wrong type inside another platform's section is not seen.
		if !inOtherPlatform(wantErr) {
			t.Fatalf("%q: have no error, encoding/json %v", text, wantErr)
		}
	case err == nil:
		otherPlatformsBare(want)
		if !reflect.DeepEqual(have, want) {
			t.Fatalf("%q:\nhave %+v\nwant %+v", text, have, want)
		}
	}
	if err != nil && strings.ContainsAny(err.Error(), "\n\r\x00") {
		t.Fatalf("%q: error is not one line: %q", text, err)
	}
}

func inOtherPlatform(err error) bool {
	wrong, ok := err.(*json.UnmarshalTypeError)
	if !ok {
		return false
	}
	section, _, inside := strings.Cut(wrong.Field, ".")
	switch strings.ToLower(section) {
	case "windows", "solaris", "vm", "zos", "freebsd":
		return inside
	}
	return false
}

// filled sets every field below v to something that is not zero: two elements
// to a slice, one to a map.
func filled(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		filled(v.Elem(), n)
	case reflect.Struct:
		for i := range v.NumField() {
			filled(v.Field(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		filled(v.Index(0), n)
		filled(v.Index(1), n)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		filled(key, n)
		filled(value, n)
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString("text " + string(rune('a'+*n%26)))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(-*n))
	case reflect.Uint, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*n))
	case reflect.Interface:
	default:
		panic("a kind this test does not know: " + v.Kind().String())
	}
}

// TestEveryField decodes a spec that has every field of specs-go set, so a new
// version of specs-go cannot bring a field this package does not read.
func TestEveryField(t *testing.T) {
	var s specs.Spec
	n := 0
	filled(reflect.ValueOf(&s).Elem(), &n)
	text, err := json.Marshal(&s)
	if err != nil {
		t.Fatal(err)
	}
	have, err := Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	otherPlatformsBare(&s)
	if !reflect.DeepEqual(have, &s) {
		again, _ := json.MarshalIndent(have, "", " ")
		want, _ := json.MarshalIndent(&s, "", " ")
		t.Errorf("have\n%s\nwant\n%s", again, want)
	}
	sameAsJSON(t, []byte(strings.ToUpper(string(text)))) // names match without regard to case
}

// odd are texts whose meaning in encoding/json surprises.
var odd = []string{
	`{}`, ` {} `, `[]`, `""`, `null`, ` null `, `0`, ``, `{`, `{}x`, `{} {}`,
	`{"process":null}`, `{"process":{}}`, `{"process":{"args":null}}`, `{"process":{"args":[]}}`,
	`{"process":{"args":["a",null,"b"]}}`, `{"process":{"args":[1]}}`, `{"process":{"args":"sh"}}`,
	`{"process":{"args":["a","b"],"args":[null]}}`, `{"process":{"args":["a","b"],"ARGS":["c"],"args":[null,null,null]}}`,
	`{"process":{"args":["a","b"],"args":[],"args":[null]}}`, `{"process":{"args":["a"],"args":null}}`,
	`{"process":{"cwd":"/"},"process":{"terminal":true}}`, `{"process":{"cwd":"/"},"PROCESS":null}`,
	`{"process":{"cwd":"/","cwd":null}}`, `{"process":{"Cwd":"/a","cwd":"/b","CWD":"/c"}}`,
	`{"process":{"user":{"uid":1},"user":{"gid":2}}}`, `{"process":{"user":null}}`, `{"process":{"user":{"umask":18,"umask":null}}}`,
	`{"process":{"user":{"uid":-1}}}`, `{"process":{"user":{"uid":4294967296}}}`, `{"process":{"user":{"uid":1.0}}}`,
	`{"process":{"user":{"uid":1e3}}}`, `{"process":{"user":{"uid":"0"}}}`, `{"process":{"user":{"uid":-0}}}`,
	`{"process":{"oomScoreAdj":-1000}}`, `{"process":{"oomScoreAdj":9223372036854775808}}`, `{"process":{"oomScoreAdj":-0}}`,
	`{"process":{"scheduler":{"nice":2147483648}}}`, `{"proce\u017f\u017f":{"cwd":"/"}}`, `{"\u212Aey":1,"proce\u0073s":{}}`,
	`{"mounts":[{"destination":"/a","options":["x"]},{"destination":"/b"}],"mounts":[{"type":"t"}]}`,
	`{"mounts":[{"destination":"/a"},{"destination":"/b"}],"mounts":[{}],"mounts":[{},{},{}]}`,
	`{"annotations":{"a":"b","a":null,"c":null}}`, `{"annotations":{"a":1}}`, `{"annotations":{},"annotations":null}`,
	`{"annotations":{"a":"\ud800","\ufffd":"\udc00\ud800"}}`, "{\"annotations\":{\"\xff\":\"\xc3(\"}}",
	`{"linux":{"netDevices":{"eth0":{"name":"a"},"eth0":{}}}}`, `{"linux":{"netDevices":{"eth0":null}}}`,
	`{"linux":{"resources":{"rdma":{"x":{"hcaHandles":1},"x":{"hcaObjects":2}}}}}`,
	`{"linux":{"resources":{"blockIO":{"weightDevice":[{"major":8,"minor":0,"weight":10}],"weight":65536}}}}`,
	`{"linux":{"resources":{"blockIO":{"weightDevice":[{"MAJOR":8,"Weight":65535,"leafweight":null}]}}}}`,
	`{"linux":{"devices":[{"fileMode":438,"uid":0}]}}`, `{"linux":{"devices":[{"fileMode":4294967296}]}}`,
	`{"linux":{"timeOffsets":{"monotonic":{"secs":-1,"nanosecs":2}}}}`,
	`{"hooks":{"prestart":[{"path":"/x","timeout":null}],"poststop":[null]}}`, `{"hooks":[]}`, `{"hooks":{"prestart":{}}}`,
	`{"windows":{"layerFolders":["x"]}}`, `{"windows":5}`, `{"windows":null}`, `{"windows":{"layerFolders":5}}`, `{"vm":{"kernel":{"path":"/k"}}}`,
	`{"windows":{"a":tru}}`, `{"unknown":{"a":[1,2,{"b":nul}]}}`, `{"unknown":[1,2,{"b":null}]}`, `{"unknown":01}`, `{"":1}`,
	"\xef\xbb\xbf{}", "{\"ociVersion\":\"a\x00b\"}", "{\"ociVersion\":\"a\x01b\"}", `{"ociVersion":"\u0000\/"}`, `{"ociVersion":tru}`,
}

func TestOddTexts(t *testing.T) {
	for _, text := range odd {
		sameAsJSON(t, []byte(text))
	}
	sameAsJSON(t, read(t, "testdata/docker.json"))
}

func FuzzDecode(f *testing.F) {
	for _, text := range odd {
		f.Add([]byte(text))
	}
	f.Add(read(f, "testdata/docker.json"))
	var s specs.Spec
	n := 0
	filled(reflect.ValueOf(&s).Elem(), &n)
	full, _ := json.Marshal(&s)
	f.Add(full)
	f.Fuzz(sameAsJSON)
}

func TestDecodeParts(t *testing.T) {
	p, err := DecodeProcess([]byte(`{"args":["a"],"cwd":"/"}`))
	if err != nil || p.Cwd != "/" || len(p.Args) != 1 {
		t.Errorf("process: %+v, %v", p, err)
	}
	res, err := DecodeResources([]byte(`{"pids":{"limit":3}}`))
	if err != nil || *res.Pids.Limit != 3 {
		t.Errorf("resources: %+v, %v", res, err)
	}
	sec, err := DecodeSeccomp([]byte(`{"defaultAction":"SCMP_ACT_LOG"}`))
	if err != nil || sec.DefaultAction != specs.ActLog {
		t.Errorf("seccomp: %+v, %v", sec, err)
	}
	if _, err := DecodeProcess([]byte(`{"args":["a",1]}`)); err == nil || err.Error() != "args[1]: want string, have number" {
		t.Errorf("process with a wrong type: %v", err)
	}
	if _, err := DecodeResources([]byte(`{} 1`)); err == nil {
		t.Error("text after the value: no error")
	}
}

func TestDecodeErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{"process":{"args":["sh",5]}}`, `process.args[1]: want string, have number`},
		{`{"linux":{"resources":{"memory":{"limit":"1G"}}}}`, `linux.resources.memory.limit: want number, have string`},
		{`{"linux":{"seccomp":{"syscalls":[{"args":[{"value":-1}]}]}}}`, `linux.seccomp.syscalls[0].args[0].value: want unsigned 64-bit integer, have -1`},
		{`{"annotations":{"a.b/c":true}}`, `annotations["a.b/c"]: want string, have boolean`},
		{"{\n\"root\": {\n\"path\": \"x\",\n}}", `root: line 4: unexpected '}', want a name`},
		{`null`, `config.json must be an object, have null`},
	} {
		if _, err := Decode([]byte(c.text)); err == nil || err.Error() != c.want {
			t.Errorf("%s:\n have %v\n want %s", c.text, err, c.want)
		}
	}
}

func BenchmarkDecodeDocker(b *testing.B) {
	text := read(b, "testdata/docker.json")
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(text); err != nil {
			b.Fatal(err)
		}
	}
}
