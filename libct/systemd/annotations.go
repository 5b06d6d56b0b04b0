package systemd

import (
	"errors"
	"fmt"
	"strings"

	"rt/libct/dbus"
)

// AnnotationPrefix begins the annotations that are unit properties.
const AnnotationPrefix = "org.systemd.property."

// Annotations reads the properties among a container's annotations, in the
// order of their names: org.systemd.property.NAME with a value in GVariant's
// text form. As in runc, a name that ends in Sec is given as systemd's tools
// show it, and converted to the USec that its bus knows.
func Annotations(annotations map[string]string) ([]Property, error) {
	var properties []Property
	for _, key := range sortedKeys(annotations) {
		name, ok := strings.CutPrefix(key, AnnotationPrefix)
		if !ok {
			continue
		}
		if err := checkProperty(name); err != nil {
			return nil, fmt.Errorf("annotation %s name incorrect: %w", key, err)
		}
		v, err := dbus.ParseText(annotations[key])
		if err == nil {
			name, v, err = seconds(name, v)
		}
		if err != nil {
			return nil, fmt.Errorf("annotation %s=%s value parse error: %w", key, annotations[key], err)
		}
		properties = append(properties, Property{name, v})
	}
	return properties, nil
}

// checkProperty: at least three letters, and nothing else.
func checkProperty(name string) error {
	if len(name) < 3 {
		return errors.New("too short")
	}
	for _, c := range []byte(name) {
		if c < 'A' || c > 'Z' && c < 'a' || c > 'z' {
			return errors.New("contains non-alphabetic character")
		}
	}
	return nil
}

// seconds converts a property named in seconds: "Sec" after a small letter, so
// that USec and NSec stay.
func seconds(name string, v dbus.Value) (string, dbus.Value, error) {
	stem, ok := strings.CutSuffix(name, "Sec")
	if !ok || stem == "" || stem[len(stem)-1] < 'a' || stem[len(stem)-1] > 'z' {
		return name, v, nil
	}
	var n uint64
	switch v := v.(type) {
	case dbus.Byte:
		n = uint64(v)
	case dbus.Int16:
		n = uint64(v)
	case dbus.Uint16:
		n = uint64(v)
	case dbus.Int32:
		n = uint64(v)
	case dbus.Uint32:
		n = uint64(v)
	case dbus.Int64:
		n = uint64(v)
	case dbus.Uint64:
		n = uint64(v)
	case dbus.Double:
		return stem + "USec", dbus.Uint64(float64(v) * second), nil
	default:
		return "", nil, errors.New("not a number")
	}
	return stem + "USec", dbus.Uint64(n * second), nil
}
