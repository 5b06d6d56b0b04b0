package store

// maxID is the kernel's NAME_MAX: an id is the name of a directory.
const maxID = 255

// CheckID checks that id may name a container: letters, digits, "_", "+", "-"
// and "." as in runc, and neither "." nor "..".
func CheckID(id string) error {
	if id == "" {
		return ErrEmptyID
	}
	if len(id) > maxID || id == "." || id == ".." {
		return ErrInvalidID
	}
	for i := range len(id) {
		if !isIDByte(id[i]) {
			return ErrInvalidID
		}
	}
	return nil
}

func isIDByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '_' || c == '+' || c == '-' || c == '.'
}
