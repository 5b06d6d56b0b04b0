package jsontext

import "strings"

// Reader pulls values out of one JSON text. Every method reads the next value;
// after an error the Reader is at no useful place. Strings it returns share one
// copy of the text, so keeping one keeps them all.
type Reader struct {
	text string
	pos  int
	path []step
}

// NewReader reads data, which the caller may change afterwards. Its size is the
// caller's to limit.
func NewReader(data []byte) *Reader {
	return &Reader{text: string(data), path: make([]step, 0, 16)}
}

// Null reads null if it is next, and says whether it was.
func (r *Reader) Null() bool { return r.literal("null") }

// Bool reads true or false.
func (r *Reader) Bool() (bool, error) {
	if r.literal("true") {
		return true, nil
	}
	if r.literal("false") {
		return false, nil
	}
	return false, r.want("boolean")
}

// literal reads word if it is next. Whatever follows it is judged by the next
// read, which wants a comma, a bracket or the end.
func (r *Reader) literal(word string) bool {
	r.space()
	if !strings.HasPrefix(r.text[r.pos:], word) {
		return false
	}
	r.pos += len(word)
	return true
}

// Object reads an object and calls member for each name, in order, with the
// Reader at the name's value. member must read exactly one value.
func (r *Reader) Object(member func(key string) error) error {
	if r.peek() != '{' {
		return r.want("object")
	}
	if err := r.enter(step{index: -1}); err != nil {
		return err
	}
	r.pos++
	if r.peek() == '}' {
		r.leave()
		return nil
	}
	for {
		if err := r.member(member); err != nil {
			return err
		}
		done, err := r.next('}')
		if err != nil {
			return err
		}
		if done {
			r.leave()
			return nil
		}
	}
}

// member reads one name, its colon and its value.
func (r *Reader) member(member func(key string) error) error {
	top := len(r.path) - 1
	here := r.path[top]
	r.path = r.path[:top] // until the name is read, the fault is the object's
	if r.peek() != '"' {
		return r.syntax("unexpected " + r.here() + ", want a name")
	}
	key, err := r.quoted()
	if err != nil {
		return err
	}
	if r.peek() != ':' {
		return r.syntax("unexpected " + r.here() + ", want ':'")
	}
	r.pos++
	here.key = key
	r.path = append(r.path, here)
	return r.value(func() error { return member(key) })
}

// Array reads an array and calls element for each index with the Reader at the
// element. element must read exactly one value.
func (r *Reader) Array(element func(i int) error) error {
	if r.peek() != '[' {
		return r.want("array")
	}
	if err := r.enter(step{}); err != nil {
		return err
	}
	r.pos++
	if r.peek() == ']' {
		r.leave()
		return nil
	}
	for i := 0; ; i++ {
		r.path[len(r.path)-1].index = i
		if err := r.value(func() error { return element(i) }); err != nil {
			return err
		}
		done, err := r.next(']')
		if err != nil {
			return err
		}
		if done {
			r.leave()
			return nil
		}
	}
}

// value runs one callback and refuses one that read nothing: a name without a
// case in the caller's switch would otherwise end as a puzzling syntax error.
func (r *Reader) value(read func() error) error {
	r.space()
	start := r.pos
	if err := read(); err != nil {
		return err
	}
	if r.pos == start {
		return r.syntax("the value was not read")
	}
	return nil
}

// enter goes one level down, to a path step the caller fills in.
func (r *Reader) enter(s step) error {
	if len(r.path) >= MaxDepth {
		return r.syntax("nested too deep")
	}
	r.path = append(r.path, s)
	return nil
}

// leave goes one level up, over the closing bracket.
func (r *Reader) leave() {
	r.pos++
	r.path = r.path[:len(r.path)-1]
}

// next reads the comma before another value, or says that end is next.
func (r *Reader) next(end byte) (done bool, err error) {
	switch c := r.peek(); {
	case c == end:
		return true, nil
	case c == ',':
		r.pos++
		return false, nil
	}
	return false, r.syntax("unexpected " + r.here() + ", want ',' or '" + string(rune(end)) + "'")
}

// Skip reads one value of any kind, checking its syntax only.
func (r *Reader) Skip() error {
	switch r.peek() {
	case '{':
		return r.Object(func(string) error { return r.Skip() })
	case '[':
		return r.Array(func(int) error { return r.Skip() })
	case '"':
		_, err := r.quoted()
		return err
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		_, err := r.number()
		return err
	}
	for _, word := range [...]string{"null", "true", "false"} {
		if r.literal(word) {
			return nil
		}
	}
	return r.syntax("unexpected " + r.here() + ", want a value")
}

// Raw reads one value of any kind and returns a copy of its text, its syntax
// checked.
func (r *Reader) Raw() ([]byte, error) {
	r.space()
	start := r.pos
	if err := r.Skip(); err != nil {
		return nil, err
	}
	return []byte(r.text[start:r.pos]), nil
}

// End returns an error if anything but white space is left.
func (r *Reader) End() error {
	if r.space(); r.pos < len(r.text) {
		return r.syntax("unexpected " + r.here() + " after the value")
	}
	return nil
}

// peek returns the next byte that is not white space, or 0 at the end. A NUL
// in the text is also 0, and begins no value.
func (r *Reader) peek() byte {
	if r.space(); r.pos < len(r.text) {
		return r.text[r.pos]
	}
	return 0
}

func (r *Reader) space() {
	for r.pos < len(r.text) {
		switch r.text[r.pos] {
		case ' ', '\t', '\r', '\n':
			r.pos++
		default:
			return
		}
	}
}
