// Package jsontext reads and writes JSON without reflection. A Reader pulls
// values out of a text in encoding/json's meaning (names match without regard
// to case, null leaves a variable alone, the last of two equal names wins or
// merges), because a config.json must not mean one thing to runc and another
// here. A Writer appends values in the order the caller chooses, byte for byte
// as encoding/json would with HTML escaping off. It imports std only, and must
// never import encoding/json or reflect: their set-up costs more than a whole
// decode.
package jsontext
