package cometchat

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
)

// message reads a message, and the people and the group that stand in it.
func (l *lesson) message(v gjson.Result) {
	for _, name := range []string{"sender", "receiver", "by", "on", "for"} {
		l.any(v.Get("data.entities." + name + ".entity"))
	}
	switch v.Get("category").String() {
	case categoryCall:
		return // calls are the vendor's until they end
	case categoryAction:
		if v.Get("type").String() == "message" {
			return // about the message in it, which was read
		}
	}
	sender := core.UserID(v.Get("sender").String())
	key := l.venue(v.Get("receiverType").String(), v.Get("receiver").String(), sender)
	m := &core.Message{
		ID: id(v.Get("id")), Alias: muid(v.Get("muid").String()), ChannelKey: key, User: sender, Kind: core.MessageRegular,
		CreatedAt: seconds(v.Get("sentAt")), UpdatedAt: seconds(v.Get("updatedAt")), EditedAt: seconds(v.Get("editedAt")),
		DeletedAt: seconds(v.Get("deletedAt")), DeletedBy: core.UserID(v.Get("deletedBy").String()), PinnedAt: seconds(v.Get("pinnedAt")),
	}
	if own, ok := strings.CutPrefix(m.Alias, echoed); ok { // the core's own, come back
		if n, err := strconv.ParseInt(own, 10, 64); err == nil {
			m.ID, m.Alias = core.MessageID(n), ""
		}
	}
	if m.ID == 0 || key == "" {
		l.Unread++
		return
	}
	m.Pinned, m.ShowInChannel = !m.PinnedAt.IsZero(), v.Get("parentId").Exists()
	m.PinnedBy = core.UserID(v.Get("pinnedBy").String())
	for _, t := range v.Get("tags").Array() {
		m.Tags = append(m.Tags, t.String())
	}
	switch {
	case v.Get("category").String() == categoryAction:
		if !l.notice(v, m) {
			return
		}
	case !m.Deleted():
		if !l.content(v, m) {
			return
		}
	}
	if by := v.Get("editedBy").String(); by != "" && !m.EditedAt.IsZero() {
		extra := extraEdit{x: m.Extra}
		extra.text("edited_by", &by)
		m.Extra = extra.x
	}
	l.add(core.Imported{Message: m, Parent: v.Get("parentId").String(), Quoted: v.Get("quotedMessageId").String()})
}

// content reads what a person wrote.
func (l *lesson) content(v gjson.Result, m *core.Message) bool {
	var in core.MessageInput
	c := content{category: v.Get("category").String(), kind: v.Get("type").String()}
	data := v.Get("data")
	if err := fillMessage(&in, &c, data, data.Get("resource").String(), nil); err != nil {
		l.Unread++
		return false
	}
	m.Kind, m.Text, m.Attachments, m.Mentions, m.Extra = in.Kind, in.Text, in.Attachments, in.Mentions, in.Extra
	return true
}

// notices are what the vendor's actions on members are to the core.
var notices = func() map[string]core.NoticeKind {
	out := map[string]core.NoticeKind{}
	for k, name := range actions {
		out[name] = k
	}
	return out
}()

// notice reads what happened to a member; the membership follows it.
func (l *lesson) notice(v gjson.Result, m *core.Message) bool {
	data := v.Get("data")
	kind, known := notices[data.Get("action").String()]
	on := core.UserID(data.Get("entities.on.entity.uid").String())
	if !known || on == "" || v.Get("receiverType").String() != "group" {
		l.Unread++
		return false
	}
	m.Kind = core.MessageSystem
	m.Notice = &core.Notice{Kind: kind, Of: on, At: m.CreatedAt}
	scope := data.Get("extras.scope")
	if kind == core.NoticeRanked {
		m.Notice.Old, m.Notice.New = rankOf(scope.Get("old").String()), rankOf(scope.Get("new").String())
	}
	switch kind {
	case core.NoticeLeft, core.NoticeKicked, core.NoticeBanned:
		l.add(core.Imported{Member: &core.Member{User: on}, Key: m.ChannelKey, Gone: true})
	case core.NoticeJoined, core.NoticeAdded:
		l.add(core.Imported{Member: &core.Member{User: on, CreatedAt: m.CreatedAt}, Key: m.ChannelKey, Sparse: true})
	case core.NoticeRanked:
		l.add(core.Imported{Member: &core.Member{User: on, Role: m.Notice.New, UpdatedAt: m.CreatedAt}, Key: m.ChannelKey})
	}
	return true
}

// acted reads the answer to an edit or a deletion: an action with the message in it.
func (l *lesson) acted(_ *asked, data gjson.Result) { l.message(data) }

// reaction reads a reaction that a frame tells of.
func (l *lesson) reaction(v gjson.Result, gone bool) {
	l.any(v.Get("reactedBy"))
	x := &core.Reaction{Type: v.Get("reaction").String(), User: core.UserID(v.Get("uid").String()), CreatedAt: seconds(v.Get("reactedAt"))}
	if on := v.Get("messageId").String(); on != "" {
		l.add(core.Imported{Reaction: x, On: on, Gone: gone})
	}
}

// reactions reads a list of people's reactions.
func (l *lesson) reactions(_ *asked, data gjson.Result) {
	data.ForEach(func(_, v gjson.Result) bool {
		l.reaction(v, false)
		return true
	})
}

// reacted reads that the caller has reacted: the answer is the message with its sums.
func (l *lesson) reacted(a *asked, data gjson.Result) {
	l.any(data)
	typ := a.after("reactions")
	if typ == "" {
		typ = gjson.GetBytes(a.rq.Body, "reaction").String()
	}
	if a.caller != "" && typ != "" {
		l.add(core.Imported{Reaction: &core.Reaction{Type: typ, User: a.caller}, On: a.after("messages")})
	}
}

func (l *lesson) unreacted(a *asked, data gjson.Result) {
	l.any(data)
	if typ := a.after("reactions"); a.caller != "" && typ != "" {
		l.add(core.Imported{Reaction: &core.Reaction{Type: typ, User: a.caller}, On: a.after("messages"), Gone: true})
	}
}

// members reads the members of a group: people with rank.
func (l *lesson) members(a *asked, data gjson.Result) {
	key := core.ChannelKey(a.after("groups"))
	data.ForEach(func(_, v gjson.Result) bool {
		l.user(v)
		m := &core.Member{User: core.UserID(v.Get("uid").String()), Role: rankOf(v.Get("scope").String()), CreatedAt: seconds(v.Get("joinedAt"))}
		m.UpdatedAt = m.CreatedAt
		if key != "" && m.User != "" {
			l.add(core.Imported{Member: m, Key: key})
		}
		return true
	})
}

// joined reads that the caller has joined, or whom a server has added.
func (l *lesson) joined(a *asked, data gjson.Result) {
	if data.Get("category").Exists() {
		l.message(data)
		return
	}
	l.added(a, data)
}

// told asks for the end of a group's history: the answer does not show the message that tells the
// members, which has a number like any other.
func (l *lesson) told(key core.ChannelKey) {
	if key != "" {
		l.Gaps = append(l.Gaps, adapters.Gap{Kind: adapters.GapChannel, Channel: key, User: historyOf})
	}
}

// added reads the outcome of each person who was to be added, by list.
func (l *lesson) added(a *asked, data gjson.Result) {
	key := core.ChannelKey(a.after("groups"))
	defer l.told(key)
	for list, rank := range map[string]string{"admins": core.MemberAdmin, "moderators": core.MemberModerator, "participants": core.MemberMember} {
		data.Get(list).ForEach(func(uid, o gjson.Result) bool {
			if o.Get("success").Bool() && key != "" {
				l.add(core.Imported{Member: &core.Member{User: core.UserID(uid.String()), Role: rank}, Key: key})
			}
			return true
		})
	}
}

func (l *lesson) rescoped(a *asked, data gjson.Result) {
	defer l.told(core.ChannelKey(a.after("groups")))
	if uid, rank := data.Get("uid").String(), rankOf(data.Get("scope").String()); uid != "" && rank != "" {
		l.add(core.Imported{Member: &core.Member{User: core.UserID(uid), Role: rank, CreatedAt: seconds(data.Get("joinedAt"))}, Key: core.ChannelKey(a.after("groups"))})
	}
}

// memberGone reads that the caller left, or that the person in the path is out.
func (l *lesson) memberGone(a *asked, _ gjson.Result) {
	who := core.UserID(a.after("members"))
	if who == "" {
		who = core.UserID(a.after("bannedusers"))
	}
	if who == "" {
		who = a.caller
	}
	defer l.told(core.ChannelKey(a.after("groups")))
	if who != "" {
		l.add(core.Imported{Member: &core.Member{User: who}, Key: core.ChannelKey(a.after("groups")), Gone: true})
	}
}

func (l *lesson) groupGone(a *asked, _ gjson.Result) {
	l.add(core.Imported{Channel: &core.Channel{Key: core.ChannelKey(a.after("groups"))}, Gone: true})
}

func (l *lesson) userGone(a *asked, _ gjson.Result) {
	l.add(core.Imported{User: &core.User{ID: core.UserID(a.after("users"))}, Gone: true})
}

func (l *lesson) tokenGone(a *asked, _ gjson.Result) {
	l.add(core.Imported{Credential: &core.Credential{Kind: core.CredentialToken, Secret: a.after("auth_tokens"), User: core.UserID(a.after("users"))}, Gone: true})
}

// hasRead reads that the caller has read a conversation, to its end unless a message is named.
func (l *lesson) hasRead(a *asked, _ gjson.Result) {
	key := core.ChannelKey(a.after("groups"))
	if u := core.UserID(a.after("users")); key == "" && u != "" && a.caller != "" {
		key = l.direct(a.caller, u)
	}
	r, err := wire.Parse(a.rq.Body)
	if err != nil || key == "" || a.caller == "" {
		return
	}
	if m := scalar(&r, "messageId"); m != "" {
		l.add(core.Imported{Read: &core.ImportedRead{User: a.caller, Message: m}, Key: key})
	}
}

// position reads how far somebody has come.
func (l *lesson) position(u core.UserID, key core.ChannelKey, message string, at time.Time) {
	if key != "" && message != "" {
		l.add(core.Imported{Read: &core.ImportedRead{User: u, At: at, Message: message}, Key: key})
	}
}

// unescaped decodes a segment of a path; a broken one stays as it is.
func unescaped(s string) string {
	if d, err := url.PathUnescape(s); err == nil {
		return strings.Clone(d)
	}
	return s
}
