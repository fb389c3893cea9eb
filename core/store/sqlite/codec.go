package sqlite

import (
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"

	"dragoman/core"
)

// appendQuoted appends s as a JSON string.
func appendQuoted(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			q, _ := json.Marshal(s) // a string: cannot fail
			return append(b, q...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// appendTexts appends a JSON array of strings, or nothing when the list is empty.
func appendTexts[S ~string](b []byte, list []S) []byte {
	if len(list) == 0 {
		return b
	}
	for i, s := range list {
		if i == 0 {
			b = append(b, '[')
		} else {
			b = append(b, ',')
		}
		b = appendQuoted(b, string(s))
	}
	return append(b, ']')
}

// body is the rarer part of a message: one JSON document in one column.
type body struct {
	Attachments  []json.RawMessage `json:"attachments"`
	Mentions     []core.UserID     `json:"mentions"`
	ParentAlias  string            `json:"parent_alias"`
	Quoted       core.MessageID    `json:"quoted"`
	QuotedAlias  string            `json:"quoted_alias"`
	Command      string            `json:"command"`
	CommandArgs  string            `json:"command_args"`
	PollID       string            `json:"poll_id"`
	RestrictedTo []core.UserID     `json:"restricted_to"`
	Translations core.Extra        `json:"translations"`
	Tags         []string          `json:"tags"`
	Notice       *core.Notice      `json:"notice"`
	PinnedBy     core.UserID       `json:"pinned_by"`
	PinExpires   int64             `json:"pin_expires"`
	DeletedBy    core.UserID       `json:"deleted_by"`
}

// appendBody appends the rarer fields of m, or nothing when all are empty.
func appendBody(b []byte, m *core.Message) []byte {
	start := len(b)
	name := func(n string) {
		if len(b) == start {
			b = append(b, '{', '"')
		} else {
			b = append(b, ',', '"')
		}
		b = append(b, n...)
		b = append(b, '"', ':')
	}
	text := func(n, v string) {
		if v != "" {
			name(n)
			b = appendQuoted(b, v)
		}
	}
	number := func(n string, v int64) {
		if v != 0 {
			name(n)
			b = strconv.AppendInt(b, v, 10)
		}
	}
	if len(m.Attachments) > 0 {
		name("attachments")
		for i, a := range m.Attachments {
			if i == 0 {
				b = append(b, '[')
			} else {
				b = append(b, ',')
			}
			if len(a) == 0 {
				a = []byte("null")
			}
			b = append(b, a...)
		}
		b = append(b, ']')
	}
	if len(m.Mentions) > 0 {
		name("mentions")
		b = appendTexts(b, m.Mentions)
	}
	text("parent_alias", m.ParentAlias)
	number("quoted", int64(m.Quoted))
	text("quoted_alias", m.QuotedAlias)
	text("command", m.Command)
	text("command_args", m.CommandArgs)
	text("poll_id", m.PollID)
	if len(m.RestrictedTo) > 0 {
		name("restricted_to")
		b = appendTexts(b, m.RestrictedTo)
	}
	if len(m.Translations) > 0 {
		name("translations")
		b = append(b, m.Translations...)
	}
	if len(m.Tags) > 0 {
		name("tags")
		b = appendTexts(b, m.Tags)
	}
	if m.Notice != nil {
		name("notice")
		b = append(b, encode(m.Notice)...)
	}
	text("pinned_by", string(m.PinnedBy))
	number("pin_expires", millis(m.PinExpires))
	text("deleted_by", string(m.DeletedBy))
	if len(b) == start {
		return b
	}
	return append(b, '}')
}

// decodeBody sets the rarer fields of m.
func decodeBody(data []byte, m *core.Message) error {
	if len(data) == 0 {
		return nil
	}
	var d body
	if err := json.Unmarshal(data, &d); err != nil {
		return fmt.Errorf("sqlite: message %d holds a broken body: %w", m.ID, err)
	}
	m.Attachments, m.Mentions, m.ParentAlias = d.Attachments, d.Mentions, d.ParentAlias
	m.Quoted, m.QuotedAlias, m.Command, m.CommandArgs = d.Quoted, d.QuotedAlias, d.Command, d.CommandArgs
	m.PollID, m.RestrictedTo, m.Translations = d.PollID, d.RestrictedTo, d.Translations
	m.Tags, m.Notice = d.Tags, d.Notice
	m.PinnedBy, m.PinExpires, m.DeletedBy = d.PinnedBy, core.FromMillis(d.PinExpires), d.DeletedBy
	return nil
}

// decode reads a JSON column into v; nothing leaves v alone.
func decode[T any](data []byte, v *T) error {
	if len(data) == 0 {
		return nil
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("sqlite: broken JSON column: %w", err)
	}
	return nil
}

// encode makes a JSON column of v, which is made of plain fields and cannot fail.
func encode[T any](v T) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return b
}
