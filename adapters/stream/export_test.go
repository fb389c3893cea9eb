package stream

import (
	"time"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
)

// decoder adapts a typed decoder for tests that only want to know whether it holds.
func decoder[In any](f func(*adapters.Request) (In, error)) func(*adapters.Request) error {
	return func(rq *adapters.Request) error {
		_, err := f(rq)
		return err
	}
}

// Decoders are the readers of requests by operation.
var Decoders = map[string]func(*adapters.Request) error{
	"QueryUsers": decoder(decodeQueryUsers), "UpdateUsers": decoder(decodeUpsertUsers), "DeactivateUser": decoder(decodeDeactivate(false)),
	"DeactivateUsers": decoder(decodeDeactivateMany(true)), "RestoreUsers": decoder(decodeRestoreUsers), "DeleteUser": decoder(decodeDeleteUser),
	"DeleteUsers": decoder(decodeDeleteUsers), "QueryChannels": decoder(decodeQueryChannels), "GetOrCreateChannel": decoder(decodeOpen),
	"UpdateChannel": decoder(decodeUpdateChannel), "DeleteChannel": decoder(decodeDeleteChannel), "DeleteChannels": decoder(decodeDeleteChannels),
	"TruncateChannel": decoder(decodeTruncate), "HideChannel": decoder(decodeHide(false)), "StopWatchingChannel": decoder(decodeStopWatching),
	"QueryMembers": decoder(decodeQueryMembers), "SendMessage": decoder(decodeSend), "GetManyMessages": decoder(decodeGetMany),
	"GetPinnedMessages": decoder(decodePinned), "UpdateMessage": decoder(decodeUpdateMessage), "DeleteMessage": decoder(decodeDeleteMessage),
	"UndeleteMessage": decoder(decodeUndelete), "RunMessageAction": decoder(decodeAction), "GetReplies": decoder(decodeReplies),
	"SendReaction": decoder(decodeReaction), "GetReactions": decoder(decodeReactions), "QueryReactions": decoder(decodeQueryReactions),
	"MarkRead": decoder(decodeMarkRead), "MarkUnread": decoder(decodeMarkUnread), "MarkChannelsRead": decoder(decodeMarkAll),
	"MarkDelivered": decoder(decodeDelivered), "UnreadCounts": decoder(decodeUnread), "UnreadCountsBatch": decoder(decodeUnreadBatch),
	"SendEvent": decoder(decodeSendEvent), "SendUserCustomEvent": decoder(decodeUserEvent), "Sync": decoder(decodeSync), "LongPoll": decoder(decodePoll),
	"Connect": func(rq *adapters.Request) error { _, err := readHello(rq.Query.Get("json")); return err },

	// Partial updates only show their faults when they are applied.
	"UpdateUsersPartial": func(rq *adapters.Request) error {
		in, err := decodePatchUsers(rq)
		for i := range in.Patches {
			if err == nil {
				err = in.Patches[i].Change(&core.User{Extra: core.Extra(`{"a":{"b":1}}`)})
			}
		}
		return err
	},
	"UpdateChannelPartial": func(rq *adapters.Request) error {
		in, err := decodePatchChannel(rq)
		if err == nil {
			err = in.Change(&core.Channel{Extra: core.Extra(`{"a":{"b":1}}`)})
		}
		return err
	},
	"UpdateMemberPartial": func(rq *adapters.Request) error {
		in, err := decodePatchMember(rq)
		if err == nil {
			err = in.Change(&core.Member{Extra: core.Extra(`{"a":{"b":1}}`)})
		}
		return err
	},
	"UpdateMessagePartial": func(rq *adapters.Request) error {
		in, err := decodePatchMessage(rq)
		if err == nil {
			err = in.Change(&core.Message{Extra: core.Extra(`{"a":{"b":1}}`)})
		}
		return err
	},
}

// The encoders, as functions from nouns to JSON.

func written(f func(*wire.Writer)) []byte {
	w := wire.NewWriter(0)
	f(w)
	return w.Bytes()
}

func EncodeUser(u *core.User) []byte     { return written(func(w *wire.Writer) { writeUser(w, u) }) }
func EncodeSelf(s *core.Self) []byte     { return written(func(w *wire.Writer) { writeSelf(w, s) }) }
func EncodeMember(m *core.Member) []byte { return written(func(w *wire.Writer) { writeMember(w, m) }) }
func EncodeMessage(m *core.Message) []byte {
	return written(func(w *wire.Writer) { writeMessage(w, m) })
}

func EncodeState(s *core.ChannelState) []byte {
	return written(func(w *wire.Writer) {
		w.Open()
		stateMembers(w, s, nil)
		w.Close()
	})
}

// DecodeSend and DecodeOpen give tests what the hot decoders read.
func DecodeSend(rq *adapters.Request) (core.SendMessage, error) { return decodeSend(rq) }

func DecodeOpen(rq *adapters.Request) (core.OpenChannel, error) {
	in, err := decodeOpen(rq)
	return in.OpenChannel, err
}

// DecodeUsers gives tests the profiles of an upsert.
func DecodeUsers(rq *adapters.Request) (core.UpsertUsers, error) { return decodeUpsertUsers(rq) }

// Filter reads a filter and sort of the noun by name.
func Filter(noun, filter, sort string) (core.Filter, []core.Sort, error) {
	n := map[string]*filterNoun{"channels": &channelFilter, "members": &memberFilter, "users": &userFilter, "messages": &messageFilter, "reactions": &reactionFilter}[noun]
	r, err := wire.ParseText(`{"f":` + filter + `,"sort":` + sort + `}`)
	if err != nil {
		return core.Filter{}, nil, err
	}
	f, s, _, err := n.query(&r, "f", 100)
	return f, s, err
}

// PatchExtra changes custom fields at a path; value "" takes it away.
func PatchExtra(x core.Extra, path, value string) (core.Extra, error) {
	r, err := wire.ParseText(`{"v":` + orElse(value, "null") + `}`)
	if err != nil {
		return nil, err
	}
	v, _ := r.Look("v")
	if value == "" {
		v.Type, v.Raw = 0, ""
	}
	return x, patchExtra(&x, path, v, maxCustom)
}

// Rendered is one rendering of a delivery.
type Rendered struct {
	Type string
	JSON []byte
}

// Renderings are what a connection of the person is sent for the delivery, by socket and by poll.
func Renderings(d *Dialect, dl core.Delivery, self core.UserID) (out []Rendered, frames int) {
	d.render(dl, self, func(v variant, c *core.Counts) { out = append(out, Rendered{v.typ, d.event(dl.Event, v, c)}) })
	d.tell(dl, self, func(adapters.Frame) { frames++ })
	return out, frames
}

// EventKinds are the kinds the dialect has events for.
func EventKinds() []core.EventKind {
	out := make([]core.EventKind, 0, len(eventTable))
	for k := range eventTable {
		out = append(out, k)
	}
	return out
}

// Finished makes and reads the id of a task that is done.
func Finished(at time.Time, things ...string) core.Task { return finished(at, things) }
func FinishedTask(id string) (t core.Task, ok bool)     { return finishedTask(id) }
func SetPollTimes(d *Dialect, wait, idle time.Duration) { d.polls.wait, d.polls.idle = wait, idle }
func Sign(secret, payload string) string                { return sign([]byte(secret), []byte(payload)) }

// Tell renders a delivery for a socket of the person.
func Tell(d *Dialect, dl core.Delivery, self core.UserID, send func(adapters.Frame)) {
	d.tell(dl, self, send)
}

// Quotas are the calls per minute by operation.
func Quotas() map[string]int { return quotas }

// UserToken makes a token for the person of the app with the API secret, without expiry.
func UserToken(secret string, user core.UserID) string {
	return signToken(&tenant{secret: []byte(secret)}, user, time.Time{})
}

// ServerToken makes a token that is trusted with everything in the app.
func ServerToken(secret string) string {
	return sign([]byte(secret), []byte(`{"server":true}`))
}
