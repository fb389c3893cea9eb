package wire

import (
	"strings"

	"dragoman/core/fault"
)

// maxFaults caps the field errors of one request: a hostile body cannot make the answer grow.
const maxFaults = 20

// Faults collects what is wrong with one request.
type Faults struct{ list []fault.Field }

// Add records that the field at the JSON pointer (or "?name") is wrong. Detail is a sentence part
// that follows the field's name: "must be a string".
func (f *Faults) Add(pointer, detail string, reason *fault.Reason) {
	if len(f.list) < maxFaults {
		f.list = append(f.list, fault.Field{Pointer: pointer, Detail: detail, Reason: reason})
	}
}

// Err returns one error that names all fields, or nil. Its reason is that of the fields if they
// agree, else request.invalid_field.
func (f *Faults) Err() error {
	if len(f.list) == 0 {
		return nil
	}
	reason := f.list[0].Reason
	var b strings.Builder
	for i, x := range f.list {
		if x.Reason != reason {
			reason = fault.RequestInvalidField
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(dotted(x.Pointer))
		b.WriteByte(' ')
		b.WriteString(x.Detail)
	}
	e := reason.Error(b.String())
	e.Fields = f.list
	return e
}

// dotted turns a pointer into the name people write: "/message/text" is message.text.
func dotted(pointer string) string {
	p := strings.TrimLeft(pointer, "/?")
	if p == "" {
		return "the body"
	}
	return strings.NewReplacer("/", ".", "~1", "/", "~0", "~").Replace(p)
}
