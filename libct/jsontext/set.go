package jsontext

import "strings"

// The functions below read into a variable as encoding/json does into a
// struct's field: null leaves a scalar alone and clears a pointer, slice or
// map; a second value for the same variable is merged into the first.

// Signed and Unsigned are the integer types of a config.json's fields.
type (
	Signed interface {
		~int | ~int8 | ~int16 | ~int32 | ~int64
	}
	Unsigned interface {
		~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64
	}
)

// Fields reads an object whose member names are known: field is called with
// the name as it stands in names, an exact match first, else one without
// regard to case. Other members are skipped, their syntax checked. null is an
// object without members.
func (r *Reader) Fields(names []string, field func(name string) error) error {
	if r.Null() {
		return nil
	}
	return r.Object(func(key string) error {
		if name, ok := lookup(names, key); ok {
			r.path[len(r.path)-1].key = name
			return field(name)
		}
		return r.Skip()
	})
}

// lookup matches as encoding/json: exactly, else by Unicode simple folding.
func lookup(names []string, key string) (string, bool) {
	for _, name := range names {
		if name == key {
			return name, true
		}
	}
	for _, name := range names {
		if strings.EqualFold(name, key) {
			return name, true
		}
	}
	return "", false
}

// SetString reads a string.
func SetString[T ~string](r *Reader, v *T) error {
	if r.Null() {
		return nil
	}
	s, err := r.String()
	if err == nil {
		*v = T(s)
	}
	return err
}

// SetBool reads true or false.
func SetBool(r *Reader, v *bool) error {
	if r.Null() {
		return nil
	}
	b, err := r.Bool()
	if err == nil {
		*v = b
	}
	return err
}

// SetInt reads an integer that fits T.
func SetInt[T Signed](r *Reader, v *T) error {
	if r.Null() {
		return nil
	}
	n, err := r.signed(sizeOf[T]())
	if err == nil {
		*v = T(n)
	}
	return err
}

// SetUint reads an integer that is not negative and fits T.
func SetUint[T Unsigned](r *Reader, v *T) error {
	if r.Null() {
		return nil
	}
	n, err := r.unsigned(sizeOf[T]())
	if err == nil {
		*v = T(n)
	}
	return err
}

// sizeOf is T's size in bits.
func sizeOf[T Signed | Unsigned]() int {
	bits := 0
	for one := T(1); one != 0; one <<= 1 {
		bits++
	}
	return bits
}

// SetPtr reads null as nil, else sets what *v points to, made if it is nil.
func SetPtr[T any](r *Reader, v **T, set func(*Reader, *T) error) error {
	if r.Null() {
		*v = nil
		return nil
	}
	if *v == nil {
		*v = new(T)
	}
	return set(r, *v)
}

// SetSlice reads null as nil, else an array. As in encoding/json, elements are
// read into the memory the slice already has, so an element that is null, or
// an object that lacks a member, shows the value of an earlier array of the
// same name.
func SetSlice[T any](r *Reader, v *[]T, set func(*Reader, *T) error) error {
	if r.Null() {
		*v = nil
		return nil
	}
	s := (*v)[:0]
	err := r.Array(func(i int) error {
		if i < cap(s) {
			s = s[:i+1]
		} else {
			var zero T
			s = append(s, zero)
		}
		return set(r, &s[i])
	})
	if len(s) == 0 {
		s = []T{}
	}
	*v = s
	return err
}

// SetMap reads null as nil, else an object into the map, made if it is nil.
// Unlike a struct's, a map's values are replaced and not merged.
func SetMap[T any](r *Reader, v *map[string]T, set func(*Reader, *T) error) error {
	if r.Null() {
		*v = nil
		return nil
	}
	if *v == nil {
		*v = make(map[string]T)
	}
	return r.Object(func(key string) error {
		var value T
		if err := set(r, &value); err != nil {
			return err
		}
		(*v)[key] = value
		return nil
	})
}
