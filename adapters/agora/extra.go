package agora

import (
	"encoding/base64"
	"encoding/json"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
)

// extraName is the member of Extra that keeps what only this vendor has of a user or a group.
const extraName = "agora"

// member is one member of an object, its value as JSON.
type member struct{ name, raw string }

// members are an object that can be changed.
type members []member

// membersOf takes an object apart; what is none has no members.
func membersOf(v gjson.Result) members {
	var m members
	if v.IsObject() {
		v.ForEach(func(k, v gjson.Result) bool {
			m = append(m, member{k.Str, v.Raw})
			return true
		})
	}
	return m
}

// set changes a member, or removes it with "".
func (m *members) set(name, raw string) {
	for i := range *m {
		if (*m)[i].name != name {
			continue
		}
		if raw == "" {
			*m = append((*m)[:i], (*m)[i+1:]...)
			return
		}
		(*m)[i].raw = raw
		return
	}
	if raw != "" {
		*m = append(*m, member{name, raw})
	}
}

// object is the members as one compact object; "" for none.
func (m members) object() string {
	if len(m) == 0 {
		return ""
	}
	w := wire.NewWriter(256)
	w.Open()
	for _, x := range m {
		w.KeyOf(x.name)
		w.Append(wire.Compact(x.raw))
	}
	w.Close()
	return string(w.Bytes())
}

// with returns the fields with one member of them changed, or removed with "".
func with(x core.Extra, name, raw string) core.Extra {
	m := membersOf(gjson.ParseBytes(x))
	m.set(name, raw)
	return core.Extra(m.object())
}

// nested returns the fields with one object below extraName replaced.
func nested(x core.Extra, name string, value members) core.Extra {
	own := membersOf(gjson.GetBytes(x, extraName))
	own.set(name, value.object())
	return with(x, extraName, own.object())
}

// quoted is a text as JSON.
func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(b)
}

// cursorOf makes a cursor of the last thing on a page.
func cursorOf(last string) string { return base64.RawURLEncoding.EncodeToString([]byte(last)) }

// cursorIn reads the cursor of a request; what is none begins at the start.
func cursorIn(rq *adapters.Request) string {
	b, err := base64.RawURLEncoding.DecodeString(rq.Query.Get("cursor"))
	if err != nil || !utf8.Valid(b) {
		return ""
	}
	return string(b)
}
