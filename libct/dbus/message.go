package dbus

import (
	"encoding/binary"
	"strings"
)

// Kinds of message.
const (
	kindCall   = 1
	kindReply  = 2
	kindError  = 3
	kindSignal = 4
)

// Fields of a message's header.
const (
	fieldPath        = 1
	fieldInterface   = 2
	fieldMember      = 3
	fieldErrorName   = 4
	fieldReplySerial = 5
	fieldDestination = 6
	fieldSignature   = 8
)

// headerSize is the part of fixed size: flags, lengths, serial, and the length
// of the array of fields.
const headerSize = 16

// maxMessage bounds what is read: the specification allows 128 MiB, systemd
// sends some KiB.
const maxMessage = 16 << 20

// Message is a reply or a signal.
type Message struct {
	kind        byte
	replySerial uint32
	// Member is a signal's name; ErrorName is set in an error.
	Member, ErrorName string

	signature string
	order     binary.ByteOrder
	body      []byte
}

// Body decodes the values of the message.
func (m *Message) Body() ([]Value, error) { return decode(m.signature, m.body, m.order) }

// Call is a method to call.
type Call struct {
	// Destination is a name on a bus, empty for a connection of two.
	Destination       string
	Path              ObjectPath
	Interface, Member string
	Args              []Value
}

// marshal makes the message of a call.
func (c *Call) marshal(serial uint32) []byte {
	var body []byte
	for _, v := range c.Args {
		body = v.append(body)
	}
	field := func(code byte, v Value) Value { return Struct{Byte(code), Variant{v}} }
	fields := []Value{
		field(fieldPath, c.Path), field(fieldInterface, String(c.Interface)), field(fieldMember, String(c.Member)),
	}
	if c.Destination != "" {
		fields = append(fields, field(fieldDestination, String(c.Destination)))
	}
	if len(c.Args) > 0 {
		fields = append(fields, field(fieldSignature, TypeSignature(signatures(c.Args))))
	}
	b := []byte{'l', kindCall, 0, 1}
	b = Uint32(len(body)).append(b)
	b = Uint32(serial).append(b)
	b = Array{Elem: "(yv)", Items: fields}.append(b)
	return append(pad(b, 8), body...)
}

// sizes reads the fixed part of a header.
func sizes(b []byte) (order binary.ByteOrder, fields, body int, err error) {
	switch b[0] {
	case 'l':
		order = binary.LittleEndian
	case 'B':
		order = binary.BigEndian
	default:
		return nil, 0, 0, errValue
	}
	f, n := order.Uint32(b[12:]), order.Uint32(b[4:])
	if b[3] != 1 || f > maxMessage || n > maxMessage {
		return nil, 0, 0, errValue
	}
	return order, (int(f) + 7) &^ 7, int(n), nil
}

// parse reads a whole message.
func parse(b []byte) (*Message, error) {
	if len(b) < headerSize {
		return nil, errShort
	}
	order, fields, body, err := sizes(b)
	if err != nil {
		return nil, err
	}
	if len(b) != headerSize+fields+body {
		return nil, errShort
	}
	m := &Message{kind: b[1], order: order, body: b[headerSize+fields:]}
	// The array begins with its length, at 12.
	d := &decoder{order: order, data: b[:headerSize+fields], at: 12}
	v, err := d.array("(yv)")
	if err != nil {
		return nil, err
	}
	for _, item := range v.(Array).Items {
		f := item.(Struct)
		m.field(byte(f[0].(Byte)), f[1].(Variant).Value)
	}
	return m, nil
}

// field keeps a field of the header; unknown ones must be ignored.
func (m *Message) field(code byte, v Value) {
	switch v := v.(type) {
	case String:
		switch code {
		case fieldMember:
			m.Member = string(v)
		case fieldErrorName:
			m.ErrorName = string(v)
		}
	case Uint32:
		if code == fieldReplySerial {
			m.replySerial = uint32(v)
		}
	case TypeSignature:
		if code == fieldSignature {
			m.signature = string(v)
		}
	}
}

// Error is what a method returned instead of a reply.
type Error struct {
	// Name is such as org.freedesktop.systemd1.UnitExists.
	Name string
	// Message is for people, and may be empty.
	Message string
}

func (e *Error) Error() string {
	if e.Message == "" {
		return e.Name
	}
	return strings.TrimSuffix(e.Message, "\n")
}

// fail is the error of an error message.
func (m *Message) fail() error {
	e := &Error{Name: m.ErrorName}
	if body, err := m.Body(); err == nil && len(body) > 0 {
		if s, ok := body[0].(String); ok {
			e.Message = string(s)
		}
	}
	return e
}
