package cometchat

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
)

var _ adapters.Learner = (*Dialect)(nil)

// lessons are the operations whose answer does not say by itself what came of them: what they are about
// stands in the request. Every other answer is read for the objects in it: see lesson.any.
var lessons = map[string]func(*lesson, *asked, gjson.Result){
	"addReaction":                (*lesson).reacted,
	"addReactionInBody":          (*lesson).reacted,
	"removeReaction":             (*lesson).unreacted,
	"listMembers":                (*lesson).members,
	"joinOrAddMembers":           (*lesson).joined,
	"addMembers":                 (*lesson).added,
	"changeScope":                (*lesson).rescoped,
	"kickMember":                 (*lesson).memberGone,
	"leaveGroup":                 (*lesson).memberGone,
	"banMember":                  (*lesson).memberGone,
	"deleteGroup":                (*lesson).groupGone,
	"deleteUser":                 (*lesson).userGone,
	"deleteAuthToken":            (*lesson).tokenGone,
	"markUserConversationRead":   (*lesson).hasRead,
	"markGroupConversationRead":  (*lesson).hasRead,
	"listReactions":              (*lesson).reactions,
	"listReactionsOf":            (*lesson).reactions,
	"updateMessage":              (*lesson).acted,
	"deleteMessage":              (*lesson).acted,
	"getSettings":                nil,
	"getJWT":                     nil,
	"listExtensions":             nil,
	"createUserSession":          nil,
	"markUserConversationUnread": nil,
}

// asked is a request as a lesson needs it.
type asked struct {
	rq     *adapters.Request
	caller core.UserID
	path   []string // segments, decoded
}

// after is the path segment that follows a name.
func (a *asked) after(name string) string {
	for i := range len(a.path) - 1 {
		if a.path[i] == name {
			return a.path[i+1]
		}
	}
	return ""
}

// Learn implements adapters.Learner.
func (d *Dialect) Learn(route string, rq *adapters.Request, answer []byte) adapters.Lesson {
	l := &lesson{}
	if !gjson.ValidBytes(answer) {
		l.Unread++
		return l.Lesson
	}
	data := gjson.GetBytes(answer, "data")
	if f, special := lessons[route]; !special {
		l.any(data)
	} else if f != nil {
		a := &asked{rq: rq, caller: d.callerOf(rq)}
		for seg := range strings.SplitSeq(strings.Trim(rq.Path, "/"), "/") {
			a.path = append(a.path, unescaped(seg))
		}
		f(l, a, data)
	}
	return l.Lesson
}

// callerOf finds out who asks: whom a server acts for, or the owner of the token. A token of the vendor's
// begins with the uid and the time, which is what is read where the core does not know it yet.
func (d *Dialect) callerOf(rq *adapters.Request) core.UserID {
	token := rq.Headers.Get("authToken")
	if token == "" {
		return core.UserID(rq.Headers.Get("onBehalfOf"))
	}
	if t, err := d.tenantOf(rq); err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), tellWithin)
		defer cancel()
		if c, err := d.core.Credentials.Get(ctx, server(t.id), core.GetCredential{Kind: core.CredentialToken, Secret: token}); err == nil {
			return c.User
		}
		if by, _, err := d.bearer(ctx, t, core.Actor{App: t.id}, token); err == nil {
			return by.User
		}
	}
	if i := strings.LastIndexByte(token, '_'); i > 0 && !strings.HasPrefix(token, signedPrefix) {
		return core.UserID(token[:i])
	}
	return ""
}

// Listen implements adapters.Learner.
func (d *Dialect) Listen(*adapters.Request) adapters.Listener { return listener{} }

type listener struct{}

// Hear reads a frame of the vendor's. What clients say is told back as an answer to all.
func (listener) Hear(client, text bool, data []byte) adapters.Lesson {
	l := &lesson{}
	if client || !text {
		return l.Lesson
	}
	if !gjson.ValidBytes(data) {
		l.Unread++
		return l.Lesson
	}
	f := gjson.ParseBytes(data)
	body := f.Get("body")
	switch f.Get("type").String() {
	case frameMessage, framePin:
		if m := body.Get("message"); m.IsObject() {
			body = m
		}
		l.any(body)
	case frameReaction:
		l.reaction(body, body.Get("action").String() == "message_reaction_removed")
	case frameReceipts:
		if u := body.Get("user.uid").String(); body.Get("action").String() == receiptRead && u != "" {
			l.position(core.UserID(u), l.venue(f.Get("receiverType").String(), f.Get("receiver").String(), core.UserID(f.Get("sender").String())), body.Get("messageId").String(), seconds(body.Get("timestamp")))
		}
	}
	return l.Lesson
}

// Webhook implements adapters.Learner: the vendor does not sign its calls.
func (d *Dialect) Webhook(core.AppID, *adapters.Request) (adapters.Lesson, bool) {
	return adapters.Lesson{}, false
}

// lesson gathers what a body says.
type lesson struct{ adapters.Lesson }

// add takes an item.
func (l *lesson) add(x core.Imported) { l.Items = append(l.Items, x) }

// any reads what an object is by the members that only its kind has, and lists of such objects.
func (l *lesson) any(v gjson.Result) {
	switch {
	case v.IsArray():
		v.ForEach(func(_, x gjson.Result) bool {
			l.any(x)
			return true
		})
	case !v.IsObject():
	case v.Get("category").Exists() && v.Get("data").Exists():
		l.message(v)
	case v.Get("conversationType").Exists():
		l.conversation(v)
	case v.Get("authToken").Exists():
		if l.token(v); v.Get("name").Exists() { // of a login, not of a token alone
			l.user(v)
		}
	case v.Get("guid").Exists():
		l.group(v)
	case v.Get("uid").Exists() && v.Get("name").Exists():
		l.user(v)
	case v.Get("message").IsObject():
		l.any(v.Get("message"))
	}
}

// seconds reads a time.
func seconds(v gjson.Result) time.Time {
	if n := v.Int(); n > 0 && n < 1<<33 {
		return time.Unix(n, 0).UTC()
	}
	return time.Time{}
}

// object reads an object with the reader of requests; what it does not like is counted.
func (l *lesson) object(v gjson.Result) (wire.Reader, bool) {
	r, err := wire.ParseText(v.Raw)
	if err != nil {
		l.Unread++
	}
	return r, err == nil
}

// user reads a profile.
func (l *lesson) user(v gjson.Result) {
	u := core.User{ID: core.UserID(v.Get("uid").String()), CreatedAt: seconds(v.Get("createdAt")), UpdatedAt: seconds(v.Get("updatedAt"))}
	if u.ID == "" {
		return
	}
	r, ok := l.object(v)
	if !ok {
		return
	}
	p, _ := readUser(&r)
	if err := p.apply(&u); err != nil || r.Err() != nil {
		l.Unread++
		return
	}
	u.LastActive, u.DeactivatedAt = seconds(v.Get("lastActiveAt")), seconds(v.Get("deactivatedAt"))
	if u.UpdatedAt.IsZero() {
		u.UpdatedAt = u.CreatedAt
	}
	l.add(core.Imported{User: &u, Sparse: u.CreatedAt.IsZero()})
}

// group reads a group. Its password is told to nobody.
func (l *lesson) group(v gjson.Result) {
	c := core.Channel{Key: core.ChannelKey(v.Get("guid").String()), CreatedBy: core.UserID(v.Get("owner").String()), CreatedAt: seconds(v.Get("createdAt")), UpdatedAt: seconds(v.Get("updatedAt"))}
	r, ok := l.object(v)
	if !ok || c.Key == "" {
		return
	}
	in := readGroup(&r)
	if err := in.apply(&c); err != nil || r.Err() != nil {
		l.Unread++
		return
	}
	c.Type, c.Admission = typeOf(c.Key), in.admission
	if c.UpdatedAt.IsZero() {
		c.UpdatedAt = c.CreatedAt
	}
	l.add(core.Imported{Channel: &c, Sparse: c.CreatedAt.IsZero()})
	if c.CreatedBy != "" && c.CreatedBy != core.SystemUser { // an owner cannot leave
		l.add(core.Imported{Member: &core.Member{User: c.CreatedBy, Role: core.MemberOwner, CreatedAt: c.CreatedAt}, Key: c.Key, Sparse: true})
	}
}

// token reads an auth token that the vendor's server gave out.
func (l *lesson) token(v gjson.Result) {
	c := core.Credential{Kind: core.CredentialToken, Secret: v.Get("authToken").String(), User: core.UserID(v.Get("uid").String()), CreatedAt: seconds(v.Get("createdAt"))}
	if c.Secret != "" && c.User != "" && !strings.HasPrefix(c.Secret, signedPrefix) {
		l.add(core.Imported{User: &core.User{ID: c.User}, Sparse: true})
		l.add(core.Imported{Credential: &c})
	}
}

// direct names the conversation of two people, which is there as soon as they are.
func (l *lesson) direct(a, b core.UserID) core.ChannelKey {
	key := directKey(a, b)
	l.add(core.Imported{Channel: &core.Channel{Key: key, Type: core.DefaultType, Kind: core.KindDirect, CreatedBy: a}, Sparse: true})
	for _, u := range []core.UserID{a, b} {
		l.add(core.Imported{Member: &core.Member{User: u}, Key: key, Sparse: true})
	}
	return key
}

// venue is the conversation that something is said in.
func (l *lesson) venue(receiverType, receiver string, sender core.UserID) core.ChannelKey {
	switch {
	case receiver == "" || sender == "":
		return ""
	case receiverType == "group":
		return core.ChannelKey(receiver)
	}
	return l.direct(sender, core.UserID(receiver))
}

// conversation reads an entry of somebody's list: whom it is with, and what was said last.
func (l *lesson) conversation(v gjson.Result) {
	l.any(v.Get("conversationWith"))
	l.any(v.Get("lastMessage"))
}

// id reads a number that stands as a text.
func id(v gjson.Result) core.MessageID {
	n, err := strconv.ParseInt(v.String(), 10, 64)
	if err != nil {
		return 0
	}
	return core.MessageID(n)
}
