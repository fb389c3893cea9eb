package stream

import (
	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
)

// keyIn is the channel that a body names: by its cid, or the channel that stands in it.
func keyIn(r *wire.Reader) core.ChannelKey {
	if k, ok := keyOfCID(r.Text("cid")); ok {
		return k
	}
	if v, ok := r.Look("channel"); ok {
		k, _ := keyOfCID(v.Get("cid").String())
		return k
	}
	return ""
}

// flagged reports a switch that stands in the query of a request or in an event.
func flagged(rq *adapters.Request, r *wire.Reader, query, member string) bool {
	if rq == nil {
		return r.Bool(member)
	}
	return rq.Query.Get(query) == "true" || rq.Query.Get(query) == "1"
}

// messageDeleted reads a message that became a tombstone, or is gone for good.
func (l *lesson) messageDeleted(rq *adapters.Request, r *wire.Reader) {
	hard, mine := flagged(rq, r, "hard", "hard_delete"), flagged(rq, r, "delete_for_me", "deleted_for_me")
	v, _ := r.Look("message")
	l.part(v, func(o *wire.Reader) {
		switch {
		case mine:
		case hard:
			l.add([]core.Imported{{Message: &core.Message{Alias: o.Text("id"), ChannelKey: keyIn(o)}, Gone: true}}, o.Err())
		default:
			l.message(o, keyIn(r))
		}
	})
}

// reactionGone reads a reaction that was taken back.
func (l *lesson) reactionGone(_ *adapters.Request, r *wire.Reader) {
	v, _ := r.Look("message")
	l.part(v, func(o *wire.Reader) { l.message(o, keyIn(r)) })
	v, _ = r.Look("reaction")
	l.part(v, func(o *wire.Reader) {
		before := len(l.Items)
		l.reaction(o, "")
		for i := range l.Items[before:] {
			if x := &l.Items[before+i]; x.Reaction != nil {
				x.Gone = true
			}
		}
	})
}

// channelGone reads that a channel was deleted. What the vendor does with the messages of one that is
// deleted softly is the same for a client: it is not there any more.
func (l *lesson) channelGone(_ *adapters.Request, r *wire.Reader) {
	if key := keyIn(r); key != "" {
		l.add([]core.Imported{{Channel: &core.Channel{Key: key}, Gone: true}}, nil)
	}
}

// memberGone reads that somebody left or was removed.
func (l *lesson) memberGone(_ *adapters.Request, r *wire.Reader) {
	key := keyIn(r)
	v, ok := r.Look("member")
	if !ok {
		v, ok = r.Look("user")
	}
	id := v.Get("user_id").String()
	if id == "" {
		id = v.Get("user.id").String()
	}
	if id == "" {
		id = v.Get("id").String()
	}
	if ok && key != "" && id != "" {
		l.add([]core.Imported{{Member: &core.Member{User: core.UserID(id)}, Key: key, Gone: true}}, nil)
	}
}

// membersTaken reads whom an update of a channel removed: the answer shows who is left, and of a large
// channel not all.
func (l *lesson) membersTaken(rq *adapters.Request, r *wire.Reader) {
	key := keyIn(r)
	if rq == nil || key == "" {
		return
	}
	gjson.GetBytes(rq.Body, "remove_members").ForEach(func(_, v gjson.Result) bool {
		if v.Type == gjson.String {
			l.add([]core.Imported{{Member: &core.Member{User: core.UserID(v.Str)}, Key: key, Gone: true}}, nil)
		}
		return true
	})
}

// userGone reads that a person was deleted.
func (l *lesson) userGone(_ *adapters.Request, r *wire.Reader) {
	v, _ := r.Look("user")
	if id := v.Get("id").String(); id != "" {
		l.add([]core.Imported{{User: &core.User{ID: core.UserID(id)}, Gone: true}}, nil)
	}
}

// hasRead reads how far somebody has read; of a thread there is nothing to keep.
func (l *lesson) hasRead(_ *adapters.Request, r *wire.Reader) {
	key, u := keyIn(r), importPerson(r, "user")
	if key == "" || u == "" || r.Text("thread_id") != "" {
		return
	}
	at := r.Time("last_read_at")
	if at.IsZero() {
		at = r.Time("created_at")
	}
	l.add([]core.Imported{{Read: &core.ImportedRead{User: u, At: at, Message: r.Text("last_read_message_id")}, Key: key}}, r.Err())
}

// muted reads the mutes of people that an answer shows.
func (l *lesson) muted(_ *adapters.Request, r *wire.Reader) {
	one := func(o *wire.Reader) {
		u, t := importPerson(o, "user"), importPerson(o, "target")
		if u != "" && t != "" {
			l.add([]core.Imported{{Mute: &core.ImportedMute{User: u, Target: t}}}, o.Err())
		}
	}
	v, _ := r.Look("mute")
	l.part(v, one)
	v, _ = r.Look("mutes")
	l.each(v, one)
}

// muter is who asked for a mute: the person of the token, or whom the server acts for.
func muter(rq *adapters.Request) core.UserID {
	if rq == nil {
		return ""
	}
	if id := gjson.GetBytes(rq.Body, "user_id").String(); id != "" {
		return core.UserID(id)
	}
	return core.UserID(rq.Query.Get("user_id"))
}

// unmuted reads whom a person does not silence any more.
func (l *lesson) unmuted(rq *adapters.Request, _ *wire.Reader) {
	u := muter(rq)
	if u == "" {
		return
	}
	ids := gjson.GetBytes(rq.Body, "target_ids").Array()
	for _, v := range append(ids, gjson.GetBytes(rq.Body, "target_id")) {
		if v.Type == gjson.String {
			l.add([]core.Imported{{Mute: &core.ImportedMute{User: u, Target: core.UserID(v.Str)}, Gone: true}}, nil)
		}
	}
}

// channelMuted reads the channels that a person silences.
func (l *lesson) channelMuted(_ *adapters.Request, r *wire.Reader) {
	one := func(o *wire.Reader) {
		v, _ := o.Look("channel")
		key, _ := keyOfCID(v.Get("cid").String())
		if u := importPerson(o, "user"); u != "" && key != "" {
			l.add([]core.Imported{{Mute: &core.ImportedMute{User: u, Channel: key}}}, o.Err())
		}
	}
	v, _ := r.Look("channel_mute")
	l.part(v, one)
	v, _ = r.Look("channel_mutes")
	l.each(v, one)
}

// channelUnmuted reads the channels that a person does not silence any more.
func (l *lesson) channelUnmuted(rq *adapters.Request, _ *wire.Reader) {
	u := muter(rq)
	if u == "" {
		return
	}
	cids := gjson.GetBytes(rq.Body, "channel_cids").Array()
	for _, v := range append(cids, gjson.GetBytes(rq.Body, "channel_cid")) {
		if key, ok := keyOfCID(v.String()); ok {
			l.add([]core.Imported{{Mute: &core.ImportedMute{User: u, Channel: key}, Gone: true}}, nil)
		}
	}
}
