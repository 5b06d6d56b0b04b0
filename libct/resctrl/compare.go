package resctrl

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// explain adds what the kernel says of the last failure.
func (fs FS) explain(err error) error {
	status, rerr := os.ReadFile(fs.Root + "/info/last_cmd_status")
	if text := strings.TrimSpace(string(status)); rerr == nil && text != "" {
		return fmt.Errorf("%w, last_cmd_status: %s", err, text)
	}
	return err
}

// compare finds out whether a group that others may share is already as it is
// wanted (config-linux.md#intelrdt): another's schemata are not changed.
func (fs FS) compare(dir string, r *specs.LinuxIntelRdt) error {
	if r.L3CacheSchema == "" && r.MemBwSchema == "" {
		return nil
	}
	text, err := os.ReadFile(dir + "/schemata")
	if err != nil {
		return err
	}
	step := fs.number("MB/bandwidth_gran")
	for _, want := range []struct {
		field, schema string
		same          func(a, b string) bool
	}{
		{"l3CacheSchema", r.L3CacheSchema, sameMask},
		{"memBwSchema", r.MemBwSchema, func(a, b string) bool { return sameBandwidth(a, b, step) }},
	} {
		if want.schema != "" && !matches(want.schema, string(text), want.same) {
			return fmt.Errorf("its schemata are not intelRdt.%s %q", want.field, want.schema)
		}
	}
	return nil
}

// number reads a number below info, 0 if there is none.
func (fs FS) number(name string) int {
	text, err := os.ReadFile(fs.Root + "/info/" + name)
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return n
}

// matches reports whether each domain of a line such as "L3:0=ff;1=c0" has that
// value in the text of a schemata file.
func matches(want, text string, same func(a, b string) bool) bool {
	resource, domains, ok := strings.Cut(want, ":")
	if !ok {
		return false
	}
	have := map[string]string{}
	for line := range strings.Lines(text) {
		name, list, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || name != strings.TrimSpace(resource) {
			continue
		}
		for d := range strings.SplitSeq(list, ";") {
			id, value, _ := strings.Cut(d, "=")
			have[trimmed(id)] = strings.TrimSpace(value)
		}
	}
	for d := range strings.SplitSeq(domains, ";") {
		id, value, ok := strings.Cut(d, "=")
		v, there := have[trimmed(id)]
		if !ok || !there || !same(strings.TrimSpace(value), v) {
			return false
		}
	}
	return true
}

// trimmed is a domain's number without leading zeros.
func trimmed(id string) string {
	n, err := strconv.ParseUint(strings.TrimSpace(id), 10, 32)
	if err != nil {
		return id
	}
	return strconv.FormatUint(n, 10)
}

// sameMask compares capacity bit masks, in hexadecimal.
func sameMask(a, b string) bool {
	m, err1 := strconv.ParseUint(strings.TrimPrefix(a, "0x"), 16, 64)
	n, err2 := strconv.ParseUint(strings.TrimPrefix(b, "0x"), 16, 64)
	return err1 == nil && err2 == nil && m == n
}

// sameBandwidth compares percentages, which the kernel rounds up to a step.
func sameBandwidth(want, have string, step int) bool {
	m, err1 := strconv.Atoi(want)
	n, err2 := strconv.Atoi(have)
	if err1 != nil || err2 != nil {
		return false
	}
	return m == n || step > 0 && (m+step-1)/step*step == n
}
