package main

import "testing"

// TestParseBytes: the rows were checked against runc, whose words they have.
func TestParseBytes(t *testing.T) {
	tests := []struct {
		text string
		want int64
		err  string
	}{
		{"-1", -1, ""}, {"0", 0, ""}, {"33554432", 33554432, ""}, {"50M", 50 << 20, ""}, {"50m", 50 << 20, ""},
		{"1.5k", 1536, ""}, {"1kb", 1024, ""}, {"1 KiB", 1024, ""}, {"2g", 2 << 30, ""}, {"1T", 1 << 40, ""},
		{"1p", 1 << 50, ""}, {"7b", 7, ""}, {".5k", 512, ""},
		{"", 0, "invalid size: ''"}, {"x", 0, "invalid size: 'x'"}, {"-5", 0, "invalid size: '-5'"},
		{"1x", 0, "invalid suffix: 'x'"}, {"1kx", 0, "invalid suffix: 'kx'"}, {"1bb", 0, "invalid suffix: 'bb'"},
		{"1kibi", 0, "invalid suffix: 'kibi'"}, {"9223372036854775808", 0, "invalid size: '9223372036854775808'"},
		{"99999999p", 0, "invalid size: '99999999p'"}, {"1.2.3", 0, `strconv.ParseFloat: parsing "1.2.3": invalid syntax`},
	}
	for _, tt := range tests {
		got, err := parseBytes(tt.text)
		if err == nil && tt.err != "" || err != nil && err.Error() != tt.err || err == nil && got != tt.want {
			t.Errorf("%q: %d, %v, want %d %s", tt.text, got, err, tt.want, tt.err)
		}
	}
}
