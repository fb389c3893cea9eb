package core

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"sort"
	"strconv"
	"strings"
	"time"
)

// AppID is the internal number of an app. It is part of every key: apps never see each other.
type AppID int64

// UserID is the text id of a person, unique within an app, compared as written. At most 255 bytes.
type UserID string

// ChannelID is the internal number of a channel. It fits 32 bits.
type ChannelID int64

// MessageID is allocated by the core: ordered by time, unique within an app, below 2^53 so that
// it survives a JSON number in JavaScript.
type MessageID int64

// String renders the id in decimal.
func (id MessageID) String() string { return strconv.FormatInt(int64(id), 10) }

// ChannelKey is the text key of a channel, unique within an app. A channel of the default type
// has its bare id as key; any other has "type:id". Dialects without types use the key as it is.
type ChannelKey string

// DefaultType is the channel type whose name is not part of the key.
const DefaultType = "messaging"

// KeyOf builds the key of the channel id of the given type.
func KeyOf(typ, id string) ChannelKey {
	if typ == DefaultType {
		return ChannelKey(id)
	}
	return ChannelKey(typ + ":" + id)
}

// Split returns the type and the id that make up the key.
func (k ChannelKey) Split() (typ, id string) {
	if t, i, ok := strings.Cut(string(k), ":"); ok {
		return t, i
	}
	return DefaultType, string(k)
}

// Number returns the number a key spells, for dialects in which conversations have numbers: decimal,
// 1 to 2^53-1, without leading zeros.
func (k ChannelKey) Number() (int64, bool) {
	n, err := strconv.ParseInt(string(k), 10, 64)
	return n, err == nil && n > 0 && n < 1<<53 && k[0] != '0' && k[0] != '+'
}

// DirectID is the channel id of the conversation that is its set of members: the same people,
// in any order, give the same id.
func DirectID(members []UserID) string {
	ids := make([]string, len(members))
	for i, m := range members {
		ids[i] = string(m)
	}
	sort.Strings(ids)
	h := sha256.New()
	for _, id := range ids {
		h.Write([]byte(strconv.Itoa(len(id))))
		h.Write([]byte{':'})
		h.Write([]byte(id))
	}
	return "!members-" + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// Extra is one JSON object of fields the core does not model, stored and returned as it came.
// Empty means no such fields; otherwise it is a valid, compact object.
type Extra json.RawMessage

// MarshalJSON writes the object, or {} when empty.
func (x Extra) MarshalJSON() ([]byte, error) {
	if len(x) == 0 {
		return []byte("{}"), nil
	}
	return x, nil
}

// UnmarshalJSON keeps the object as it is.
func (x *Extra) UnmarshalJSON(b []byte) error {
	if string(b) == "{}" || string(b) == "null" {
		*x = nil
		return nil
	}
	*x = append((*x)[:0], b...)
	return nil
}

// Time is a wall clock instant with millisecond resolution as the store keeps it.
// The zero time.Time means "never" or "not set".

// Millis converts to the stored form; the zero time is 0.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// FromMillis converts from the stored form, in UTC.
func FromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
