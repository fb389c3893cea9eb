package stream

import (
	"strconv"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// The vendor's limits; see https://getstream.io/chat/docs/node/limits/ for most of them.
const (
	maxUserID       = 255
	maxChannelID    = 64
	maxMessageID    = 255
	maxUsers        = 100
	maxMembers      = 100
	maxQueryPage    = 30
	maxMessagePage  = 300
	maxAttachments  = 30
	maxMentions     = 25
	maxCustom       = 5 << 10
	maxReactionData = 1 << 10
	maxTeams        = 250
	maxTeamName     = 100
	maxName         = 1 << 10
	maxChannelsCall = 1000
)

// userID checks an id that names a new person: letters, digits and @ _ - . are allowed.
func userID(r *wire.Reader, name, id string) core.UserID {
	switch {
	case id == "":
		r.Fail(name, "is a required field", fault.RequestMissingField)
	case len(id) > maxUserID:
		r.Fail(name, "must be at most "+strconv.Itoa(maxUserID)+" characters", fault.RequestFieldTooLong)
	case !idBytes(id, "@_-."):
		r.Fail(name, "must only contain letters, digits and @_-", fault.UserInvalidID)
	}
	return core.UserID(id)
}

// idBytes reports whether id has only letters, digits and the other bytes given.
func idBytes(id, others string) bool {
	for i := range len(id) {
		c := id[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			continue
		}
		ok := false
		for j := range len(others) {
			ok = ok || others[j] == c
		}
		if !ok {
			return false
		}
	}
	return true
}

// channelKey checks the type and id of a path and builds the key.
func channelKey(typ, id string) (core.ChannelKey, error) {
	switch {
	case typ == "" || !idBytes(typ, "_-!"):
		return "", fault.RequestInvalidField.Error("channel type must only contain letters, digits, _ and -")
	case id == "" || len(id) > maxChannelID:
		return "", fault.GroupInvalidID.Error("channel id must have 1 to " + strconv.Itoa(maxChannelID) + " characters")
	case !idBytes(id, "_-!."):
		return "", fault.GroupInvalidID.Error("channel id must only contain letters, digits and !_-")
	}
	return core.KeyOf(typ, id), nil
}

// custom takes the fields the vendor does not know, at most max bytes of them.
func custom(r *wire.Reader, known wire.Names, limit int) core.Extra {
	x := r.Rest(known)
	if len(x) > limit {
		r.Fail("", "custom data must be at most "+strconv.Itoa(limit)+" bytes", fault.RequestFieldTooLong)
		return nil
	}
	return x
}

// cids reads a list of channel names as keys.
func cids(r *wire.Reader, name string, limit int) []core.ChannelKey {
	list := r.Texts(name, limit)
	out := make([]core.ChannelKey, 0, len(list))
	for _, c := range list {
		k, ok := keyOfCID(c)
		if !ok {
			r.Fail(name, "must be an array of cids (type:id)", fault.RequestInvalidField)
			return nil
		}
		out = append(out, k)
	}
	return out
}

// ids makes user ids of texts.
func ids(list []string) []core.UserID {
	if list == nil {
		return nil
	}
	out := make([]core.UserID, len(list))
	for i, s := range list {
		out[i] = core.UserID(s)
	}
	return out
}

// defaultQuota is how often an operation may be called in a minute, of one app and platform, where
// quotas names no other number.
const defaultQuota = 1000
