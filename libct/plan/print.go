package plan

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"unicode/utf8"
)

// String prints the plan, one op a line, close to what strace prints:
//
//	27 $mnt = fsmount($fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID)   # mount proc → /proc
//
// "?$a" before a call means: only if the call that filled $a succeeded, "!$a"
// only if it failed; "~EEXIST" after it is a tolerated errno, "== 1" a result
// that must be.
func (p *Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "clone3({%s|CLONE_PIDFD|CLONE_CLEAR_SIGHAND})\n", namespaceFlags.Text(p.Clone))
	step := ""
	for i := range p.Ops {
		if s := p.Ops[i].Step; s != step {
			step = s
			fmt.Fprintf(&b, "# %s\n", quoteControl(step))
		}
		fmt.Fprintf(&b, "%4d  %s\n", i, p.Line(i))
	}
	return b.String()
}

// Line prints op i without its index and step.
func (p *Plan) Line(i int) string {
	o := &p.Ops[i]
	var b strings.Builder
	if o.Guard != None {
		b.WriteString(map[bool]string{false: "?", true: "!"}[o.Unless])
		b.WriteString(p.slot(o.Guard) + " ")
	}
	if o.Into != None {
		b.WriteString(p.slot(o.Into) + " = ")
	}
	b.WriteString(o.Call.Name + "(")
	for j := range o.Args {
		if j > 0 {
			b.WriteString(", ")
		}
		b.WriteString(p.arg(&o.Args[j]))
	}
	b.WriteString(")")
	switch o.Want.Kind {
	case WantResult:
		fmt.Fprintf(&b, " == %d", o.Want.Value)
	case WantByte:
		fmt.Fprintf(&b, " → %q…", string(rune(o.Want.Value)))
	case WantError:
		b.WriteString(" == -" + ErrnoName(syscall.Errno(o.Want.Value)))
	}
	for _, e := range o.Tolerate {
		b.WriteString(" ~" + ErrnoName(e))
	}
	return b.String()
}

func (p *Plan) slot(s Slot) string {
	if s < 0 || int(s) >= len(p.Slots) {
		return "$?" + strconv.Itoa(int(s))
	}
	return "$" + p.Slots[s].Name
}

// shown is how much of a string is printed: a plan is read by people.
const shown = 200

func (p *Plan) arg(a *Arg) string {
	switch a.Kind {
	case Oct:
		return fmt.Sprintf("%#o", a.N)
	case Bits:
		return quoteControl(a.Set.Text(a.N)) // some names come from config.json
	case FromSlot:
		return p.slot(Slot(a.N))
	case Str:
		return quote(a.Text)
	case Strs:
		if len(a.List) > 12 {
			return fmt.Sprintf("[… %d strings]", len(a.List))
		}
		parts := make([]string, len(a.List))
		for i, s := range a.List {
			parts[i] = quote(s)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case Buf, Fprog:
		if a.Text == "" {
			return quote(string(a.Data))
		}
		if a.Patch != nil {
			return strings.Replace(a.Text, "slot "+strconv.Itoa(int(a.Patch.Slot)), p.slot(a.Patch.Slot), 1)
		}
		return quoteControl(a.Text)
	case Out:
		return fmt.Sprintf("[%d]", a.N)
	}
	return strconv.FormatInt(int64(a.N), 10)
}

func quote(s string) string {
	if len(s) > shown {
		return strconv.Quote(s[:shown]) + "…"
	}
	return strconv.Quote(s)
}

// quoteControl keeps hostile names of a config.json from writing lines or
// terminal sequences of their own.
func quoteControl(s string) string {
	for i, r := range s {
		if !strconv.IsGraphic(r) || r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
			return strconv.QuoteToGraphic(s)
		}
	}
	return s
}

// JSON prints the plan for programs: an object with clone, slots and ops.
func (p *Plan) JSON() []byte {
	b := []byte("{\n  \"clone\": " + quoteJSON(namespaceFlags.Text(p.Clone)) + ",\n  \"ops\": [")
	for i := range p.Ops {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, "\n    "...)
		b = p.appendOp(b, i)
	}
	return append(b, "\n  ]\n}\n"...)
}

func (p *Plan) appendOp(b []byte, i int) []byte {
	o := &p.Ops[i]
	b = append(b, `{"op": `+strconv.Itoa(i)+`, "step": `+quoteJSON(o.Step)+`, "call": `+quoteJSON(o.Call.Name)+`, "args": [`...)
	for j := range o.Args {
		if j > 0 {
			b = append(b, ", "...)
		}
		b = append(b, quoteJSON(p.arg(&o.Args[j]))...)
	}
	b = append(b, ']')
	if o.Into != None {
		b = append(b, `, "into": `+quoteJSON(p.slot(o.Into))...)
	}
	if o.Guard != None {
		key := "if"
		if o.Unless {
			key = "unless"
		}
		b = append(b, `, "`+key+`": `+quoteJSON(p.slot(o.Guard))...)
	}
	if len(o.Tolerate) > 0 {
		b = append(b, `, "tolerate": [`...)
		for j, e := range o.Tolerate {
			if j > 0 {
				b = append(b, ", "...)
			}
			b = append(b, quoteJSON(ErrnoName(e))...)
		}
		b = append(b, ']')
	}
	if o.Want.Kind != WantAny {
		b = append(b, `, "want": `+strconv.Itoa(o.Want.Value)...)
	}
	b = append(b, `, "line": `+quoteJSON(p.Line(i))...)
	return append(b, '}')
}

// quoteJSON is a JSON string; invalid UTF-8 becomes U+FFFD.
func quoteJSON(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
