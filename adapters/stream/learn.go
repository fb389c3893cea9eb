package stream

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
)

var _ adapters.Learner = (*Dialect)(nil)

// lessonRow is what an operation or an event says beyond the objects that stand in it under the names
// they always have: see lesson.all.
type lessonRow struct {
	first func(*lesson, *adapters.Request, *wire.Reader) // before the objects, or instead of them
	alone bool                                           // first is all there is to read
}

// lessons are the operations whose answer says more than its objects. Their requests are looked into
// only where the answer does not say what was taken away.
var lessons = map[string]lessonRow{
	"DeleteChannel":        {first: (*lesson).channelGone, alone: true},
	"DeleteMessage":        {first: (*lesson).messageDeleted, alone: true},
	"DeleteReaction":       {first: (*lesson).reactionGone, alone: true},
	"DeleteUser":           {first: (*lesson).userGone, alone: true},
	"MuteUser":             {first: (*lesson).muted},
	"UnmuteUser":           {first: (*lesson).unmuted, alone: true},
	"MuteChannel":          {first: (*lesson).channelMuted},
	"UnmuteChannel":        {first: (*lesson).channelUnmuted, alone: true},
	"UpdateChannel":        {first: (*lesson).membersTaken},
	"RunMessageAction":     {},
	"GetApp":               {alone: true},
	"Search":               {},
	"SendEvent":            {alone: true},
	"UnreadCounts":         {alone: true},
	"UpdateChannelPartial": {},
}

// heard are the events that say more than their objects. Events of other types are read for those;
// the passing ones are not read at all.
var heard = map[string]lessonRow{
	"message.deleted":                   {first: (*lesson).messageDeleted, alone: true},
	"reaction.deleted":                  {first: (*lesson).reactionGone, alone: true},
	"channel.deleted":                   {first: (*lesson).channelGone, alone: true},
	"notification.channel_deleted":      {first: (*lesson).channelGone, alone: true},
	"member.removed":                    {first: (*lesson).memberGone, alone: true},
	"notification.removed_from_channel": {first: (*lesson).memberGone, alone: true},
	"message.read":                      {first: (*lesson).hasRead},
	"notification.mark_read":            {first: (*lesson).hasRead},
	"user.deleted":                      {first: (*lesson).userGone, alone: true},
	"typing.start":                      {alone: true},
	"typing.stop":                       {alone: true},
	"user.watching.start":               {alone: true},
	"user.watching.stop":                {alone: true},
	"user.presence.changed":             {alone: true},
	"message.delivered":                 {alone: true},
}

// Learn implements adapters.Learner.
func (d *Dialect) Learn(route string, rq *adapters.Request, answer []byte) adapters.Lesson {
	return read(lessons[route], rq, answer)
}

// Listen implements adapters.Learner. A link needs no memory: every event says where it belongs.
func (d *Dialect) Listen(*adapters.Request) adapters.Listener { return listener{} }

type listener struct{}

// Hear reads one event of the vendor's. What clients say on the link is of no consequence.
func (listener) Hear(client, text bool, data []byte) adapters.Lesson {
	if client || !text {
		return adapters.Lesson{}
	}
	return read(heard[gjson.GetBytes(data, "type").String()], nil, data)
}

// Webhook implements adapters.Learner: the vendor posts the events that links are told of, signed with the
// app's secret; see https://getstream.io/chat/docs/node/webhooks_overview/.
func (d *Dialect) Webhook(app core.AppID, rq *adapters.Request) (adapters.Lesson, bool) {
	t := d.secrets[app]
	if t == nil {
		return adapters.Lesson{}, false
	}
	mac := hmac.New(sha256.New, t.secret)
	mac.Write(rq.Body)
	if !hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(rq.Headers.Get("X-Signature"))) {
		return adapters.Lesson{}, false
	}
	return listener{}.Hear(false, true, rq.Body), true
}

// read reads a body by its row.
func read(row lessonRow, rq *adapters.Request, body []byte) adapters.Lesson {
	if row.alone && row.first == nil {
		return adapters.Lesson{}
	}
	l := &lesson{}
	r, err := wire.Parse(body)
	if err != nil {
		l.Unread++
		return l.Lesson
	}
	if row.first != nil {
		row.first(l, rq, &r)
	}
	if !row.alone {
		l.all(&r, keyAsked(rq))
	}
	return l.Lesson
}

// keyAsked is the channel that a request is about, for answers that do not name it.
func keyAsked(rq *adapters.Request) core.ChannelKey {
	if rq == nil {
		return ""
	}
	if rest, ok := strings.CutPrefix(rq.Path, "/channels/"); ok {
		typ, rest, _ := strings.Cut(rest, "/")
		id, _, more := strings.Cut(rest, "/")
		if typ, err := url.PathUnescape(typ); err == nil && id != "" && more {
			if id, err := url.PathUnescape(id); err == nil {
				return core.KeyOf(typ, id)
			}
		}
	}
	if p := gjson.Parse(rq.Query.Get("payload")); rq.Path == "/members" && p.Get("type").String() != "" && p.Get("id").String() != "" {
		return core.KeyOf(p.Get("type").String(), p.Get("id").String())
	}
	return ""
}

// lesson gathers what a body says.
type lesson struct{ adapters.Lesson }

// add takes what was read, or counts it as unreadable.
func (l *lesson) add(in []core.Imported, err error) {
	if err != nil {
		l.Unread++
		return
	}
	l.Items = append(l.Items, in...)
}

// part reads an object on its own, so that a mistake in it spoils nothing else.
func (l *lesson) part(v gjson.Result, f func(*wire.Reader)) {
	if !v.IsObject() {
		return
	}
	r, err := wire.ParseText(v.Raw)
	if err != nil {
		l.Unread++
		return
	}
	f(&r)
}

// each reads the objects of a list, or the values of an object.
func (l *lesson) each(v gjson.Result, f func(*wire.Reader)) {
	if v.IsArray() || v.IsObject() {
		v.ForEach(func(_, x gjson.Result) bool {
			l.part(x, f)
			return true
		})
	}
}

// all reads the objects that stand in an answer, an event or the state of a channel under their usual
// names. key is the channel they belong to, if it is known from outside.
func (l *lesson) all(r *wire.Reader, key core.ChannelKey) {
	look := func(name string) gjson.Result {
		v, _ := r.Look(name)
		return v
	}
	if key == "" {
		key, _ = keyOfCID(look("cid").String())
	}
	for _, name := range []string{"user", "me", "target_user"} {
		l.part(look(name), l.user)
	}
	l.each(look("users"), l.user)
	l.part(look("channel"), func(o *wire.Reader) {
		if k := l.channel(o); k != "" {
			key = k
		}
	})
	l.each(look("channels"), func(o *wire.Reader) {
		if o.Has("channel") {
			l.all(o, "")
		} else {
			l.channel(o)
		}
	})
	for _, name := range []string{"member", "membership", "channel_member"} {
		l.part(look(name), func(o *wire.Reader) { l.member(o, key, false) })
	}
	l.each(look("members"), func(o *wire.Reader) { l.member(o, key, false) })
	for _, name := range []string{"pinned_messages", "messages"} {
		l.each(look(name), func(o *wire.Reader) { l.message(o, key) })
	}
	l.part(look("message"), func(o *wire.Reader) { l.message(o, key) })
	l.each(look("results"), func(o *wire.Reader) { l.all(o, "") })
	l.part(look("reaction"), func(o *wire.Reader) { l.reaction(o, "") })
	l.each(look("reactions"), func(o *wire.Reader) { l.reaction(o, "") })
	l.each(look("read"), func(o *wire.Reader) { l.position(o, key) })
	l.part(look("event"), func(o *wire.Reader) {
		if row, ok := heard[o.Text("type")]; ok && row.first != nil {
			row.first(l, nil, o)
		}
	})
}

// user reads a profile.
func (l *lesson) user(r *wire.Reader) {
	if r.Text("id") == "" {
		return
	}
	in, err := importUser(r)
	if len(in) > 1 {
		in = in[:1] // mutes of an import file
	}
	if err == nil {
		if err = r.Err(); err == nil {
			if in[0].User.LastActive = r.Time("last_active"); string(in[0].User.Privacy) == "{}" {
				in[0].User.Privacy = nil
			}
			in[0].User.RevokedBefore = r.Time("revoke_tokens_issued_before")
			in[0].Sparse = in[0].User.CreatedAt.IsZero() // just the id, where the profile was not at hand
		}
	}
	l.add(in, err)
}

// channel reads a channel and returns its key.
func (l *lesson) channel(r *wire.Reader) core.ChannelKey {
	if r.Text("id") == "" || r.Text("type") == "" {
		return ""
	}
	if v, ok := r.Look("created_by"); ok {
		l.part(v, l.user)
	}
	in, err := importChannel(r)
	if err == nil {
		err = r.Err()
	}
	if err != nil {
		l.Unread++
		return ""
	}
	c := in[0].Channel
	if _, id := c.Key.Split(); strings.HasPrefix(id, "!members-") {
		c.Kind = core.KindDirect
	}
	c.Cooldown, c.Tags = r.Int("cooldown", 0, 1<<20), r.Texts("filter_tags", 100)
	in[0].Sparse = c.CreatedAt.IsZero()
	l.add(in, r.Err())
	return c.Key
}

// member reads a membership of a channel, or that there is none any more.
func (l *lesson) member(r *wire.Reader, key core.ChannelKey, gone bool) {
	if v, ok := r.Look("user"); ok {
		l.part(v, l.user)
	}
	m := readImportMember(r)
	m.User = cmp.Or(core.UserID(r.Text("user_id")), importPerson(r, "user"))
	switch role := r.Text("role"); role {
	case core.MemberOwner, core.MemberAdmin, core.MemberModerator:
		m.Role = role
	}
	if r.Bool("notifications_muted") {
		m.MutedUntil, m.MutedAt = core.Forever, m.UpdatedAt
	}
	m.Extra = custom(r, memberNames, maxCustom)
	if key == "" || m.User == "" {
		return // the member of a message says no more than a role
	}
	l.add([]core.Imported{{Member: &m, Key: key, Gone: gone, Sparse: m.CreatedAt.IsZero()}}, r.Err())
}

// unsaid are the types of messages that are told to one person and kept nowhere.
var unsaid = map[string]bool{"ephemeral": true, "error": true}

// message reads a message, what it quotes, and the reactions it shows.
func (l *lesson) message(r *wire.Reader, key core.ChannelKey) {
	if unsaid[r.Text("type")] || r.Bool("shadowed") || r.Bool("deleted_for_me") {
		return
	}
	if k, ok := keyOfCID(r.Text("cid")); ok {
		key = k
	}
	if key == "" {
		return
	}
	for _, name := range []string{"user", "pinned_by"} {
		v, _ := r.Look(name)
		l.part(v, l.user)
	}
	if v, ok := r.Look("quoted_message"); ok {
		l.part(v, func(o *wire.Reader) { l.message(o, key) })
	}
	in := readImportMessage(r)
	m := in.Message
	m.ChannelKey, m.EditedAt = key, r.Time("message_text_updated_at")
	if v, ok := r.Look("pinned_by"); ok && m.Pinned {
		m.PinnedBy = cmp.Or(core.UserID(v.Get("id").String()), m.PinnedBy)
	}
	if v, ok := r.Look("mentioned_users"); ok {
		l.each(v, func(o *wire.Reader) {
			l.user(o)
			m.Mentions = append(m.Mentions, core.UserID(o.Text("id")))
		})
	}
	m.Command, m.CommandArgs, m.Translations = r.Text("command"), r.Text("args"), r.RawObject("i18n")
	l.add([]core.Imported{in}, r.Err())
	if v, ok := r.Look("latest_reactions"); ok {
		l.each(v, func(o *wire.Reader) { l.reaction(o, m.Alias) })
	}
}

// reaction reads a reaction to a message.
func (l *lesson) reaction(r *wire.Reader, on string) {
	if v, ok := r.Look("user"); ok {
		l.part(v, l.user)
	}
	in, err := importReaction(r)
	if err == nil {
		err = r.Err()
	}
	if err == nil {
		in[0].On = cmp.Or(on, in[0].On)
	}
	l.add(in, err)
}

// position reads an entry of the read state of a channel.
func (l *lesson) position(r *wire.Reader, key core.ChannelKey) {
	u, at := importPerson(r, "user"), r.Time("last_read")
	if key == "" || u == "" || !at.After(epoch) {
		return
	}
	l.add([]core.Imported{{Read: &core.ImportedRead{User: u, At: at, Message: r.Text("last_read_message_id")}, Key: key}}, r.Err())
}
