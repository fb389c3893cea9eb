// Package codec is how drivers write the rarer parts of a row as JSON.
package codec

import (
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"

	"dragoman/core"
)

// AppendQuoted appends s as a JSON string.
func AppendQuoted(b []byte, s string) []byte {
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

// AppendTexts appends a JSON array of strings, or nothing when the list is empty.
func AppendTexts[S ~string](b []byte, list []S) []byte {
	if len(list) == 0 {
		return b
	}
	for i, s := range list {
		if i == 0 {
			b = append(b, '[')
		} else {
			b = append(b, ',')
		}
		b = AppendQuoted(b, string(s))
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

// AppendBody appends the rarer fields of m, or nothing when all are empty.
func AppendBody(b []byte, m *core.Message) []byte {
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
			b = AppendQuoted(b, v)
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
		b = AppendTexts(b, m.Mentions)
	}
	text("parent_alias", m.ParentAlias)
	number("quoted", int64(m.Quoted))
	text("quoted_alias", m.QuotedAlias)
	text("command", m.Command)
	text("command_args", m.CommandArgs)
	text("poll_id", m.PollID)
	if len(m.RestrictedTo) > 0 {
		name("restricted_to")
		b = AppendTexts(b, m.RestrictedTo)
	}
	if len(m.Translations) > 0 {
		name("translations")
		b = append(b, m.Translations...)
	}
	if len(m.Tags) > 0 {
		name("tags")
		b = AppendTexts(b, m.Tags)
	}
	if m.Notice != nil {
		name("notice")
		b = append(b, Encode(m.Notice)...)
	}
	text("pinned_by", string(m.PinnedBy))
	number("pin_expires", core.Millis(m.PinExpires))
	text("deleted_by", string(m.DeletedBy))
	if len(b) == start {
		return b
	}
	return append(b, '}')
}

// DecodeBody sets the rarer fields of m.
func DecodeBody(data []byte, m *core.Message) error {
	if len(data) == 0 {
		return nil
	}
	var d body
	if err := json.Unmarshal(data, &d); err != nil {
		return fmt.Errorf("store: message %d holds a broken body: %w", m.ID, err)
	}
	m.Attachments, m.Mentions, m.ParentAlias = d.Attachments, d.Mentions, d.ParentAlias
	m.Quoted, m.QuotedAlias, m.Command, m.CommandArgs = d.Quoted, d.QuotedAlias, d.Command, d.CommandArgs
	m.PollID, m.RestrictedTo, m.Translations = d.PollID, d.RestrictedTo, d.Translations
	m.Tags, m.Notice = d.Tags, d.Notice
	m.PinnedBy, m.PinExpires, m.DeletedBy = d.PinnedBy, core.FromMillis(d.PinExpires), d.DeletedBy
	return nil
}

// Decode reads a JSON column into v; nothing leaves v alone.
func Decode[T any](data []byte, v *T) error {
	if len(data) == 0 {
		return nil
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("store: broken JSON column: %w", err)
	}
	return nil
}

// Encode makes a JSON column of v, which is made of plain fields and cannot fail.
func Encode[T any](v T) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return b
}

// The bits of a message's flags.
const (
	FlagShow = 1 << iota
	FlagSilent
	FlagShadowed
	FlagRestricted
	FlagCountable // core.Message.Countable when written, so that unread counts need no more
)

// Flags packs the switches of a message.
func Flags(m *core.Message) int64 {
	var f int64
	for _, b := range []struct {
		on  bool
		bit int64
	}{
		{m.ShowInChannel, FlagShow}, {m.Silent, FlagSilent}, {m.Shadowed, FlagShadowed},
		{len(m.RestrictedTo) > 0, FlagRestricted}, {m.Countable(), FlagCountable},
	} {
		if b.on {
			f |= b.bit
		}
	}
	return f
}

// MaxParticipants bounds the people named on a thread's first message.
const MaxParticipants = 25
