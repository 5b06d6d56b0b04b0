// Package spec reads, checks and writes config.json, runtime-spec 1.3's
// container configuration. It decodes without reflection, in encoding/json's
// meaning, and refuses with one line that begins with the field's path. It may
// import jsontext, specs-go and os (to open the file, nothing else); it must
// never look at the kernel: what this host can do is compile's question.
package spec
