package nexconn

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// Limits of what people keep about their conversations.
const (
	maxTagsOf    = 20  // tags of one person
	maxTagID     = 32  // characters
	maxTagName   = 64  // characters
	maxTagged    = 100 // conversations of one call
	lowestLevel  = -1  // everything disturbs
	highestLevel = 5   // nothing does
)

// tagsMember is the member of a person's own settings that keeps the tags they have made.
const tagsMember = "conversation_tags"

// settingsOps are how people keep their conversations.
func (d *Dialect) settingsOps() []operation {
	return []operation{
		{path: "/channel/pin/set", rate: 100, serve: d.pin},
		{path: "/channel/push/set", family: familySettings, rate: 100, serve: d.setLevel(true)},
		{path: "/channel/push/get", family: familySettings, rate: 100, serve: d.getLevel(true), alias: "/channel/notification/get"},
		{path: "/channel-type/push/set", family: familySettings, rate: 100, serve: d.setLevel(false)},
		{path: "/channel-type/push/get", family: familySettings, rate: 100, serve: d.getLevel(false)},
		{path: "/user/channel/tag/add", rate: 100, serve: d.addTags},
		{path: "/user/channel/tag/remove", rate: 100, serve: d.removeTags},
		{path: "/user/channel/tag/list", rate: 100, serve: d.listTags},
		{path: "/channel/tag/add", rate: 100, serve: d.tagChannels(false)},
		{path: "/channel/tag/delete", rate: 100, serve: d.tagChannels(true)},
		{path: "/channel/tag/list", rate: 100, serve: d.listTagged},
		{path: "/channel/attribute/get", rate: 100, serve: d.attributes},
	}
}

// conversation finds a conversation of a person, and begins one with another person where there is none
// yet: it can be pinned and silenced before anything was said.
func (d *Dialect) conversation(ctx context.Context, by core.Actor, kind int, user core.UserID, id, sub string) (core.ChannelKey, error) {
	switch kind {
	case wireDirect:
		if _, err := d.people(ctx, by, []core.UserID{user, core.UserID(id)}); err != nil {
			return "", err
		}
		return d.openDirect(ctx, by, user, core.UserID(id))
	case wireGroup, wireCommunity:
		return d.readable(ctx, by, kind, user, id, sub)
	}
	if _, err := d.person(ctx, by, user); err != nil {
		return "", err
	}
	return channelKey(kind, user, id, sub)
}

func (d *Dialect) pin(ctx context.Context, by core.Actor, in *input) (answer, error) {
	user, kind, id, on := in.userID("userId"), int(in.needNumber("channelType", 1, 6)), in.channelID("channelId"), in.needFlag("isPin")
	if kind != wireDirect && kind != wireGroup && kind != wireSystem && in.Err() == nil {
		in.Fail("channelType", "must be 1, 3 or 6", fault.RequestInvalidField)
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	key, err := d.conversation(ctx, by, kind, user, id, "")
	if err != nil {
		return nil, err
	}
	_, err = d.core.Conversations.Pin(ctx, by.As(user), core.PinConversation{Key: key, Unpin: !on})
	return nil, err
}

// kindOf is the core's kind of a channel type of the wire.
var kindOf = map[int]core.ChannelKind{
	wireDirect: core.KindDirect, wireGroup: core.KindGroup, wireOpen: core.KindRoom, wireSystem: core.KindSystem, wireCommunity: core.KindCommunity,
}

// settingsScope reads what settings a call is about. The type is a text here, and the person is called
// requestId.
func (d *Dialect) settingsScope(ctx context.Context, by core.Actor, in *input, single bool) (core.UserID, core.SettingsScope, error) {
	user, kind := in.userID("requestId"), int(in.needNumber("channelType", 1, 10))
	var s core.SettingsScope
	var ok bool
	if s.Kind, ok = kindOf[kind]; !ok && in.Err() == nil {
		in.Fail("channelType", `must be "1", "3", "4", "6" or "10"`, fault.RequestInvalidField)
	}
	id, sub := "", in.Text("subchannelId")
	if single {
		id = in.channelID("channelId")
	}
	if err := in.Err(); err != nil {
		return user, s, err
	}
	if !single {
		_, err := d.person(ctx, by, user)
		return user, s, err
	}
	var err error
	s.Key, err = d.conversation(ctx, by, kind, user, id, sub)
	s.Kind = 0
	return user, s, err
}

func (d *Dialect) setLevel(single bool) handler {
	return func(ctx context.Context, by core.Actor, in *input) (answer, error) {
		level := in.needNumber("noDisturbLevel", lowestLevel, highestLevel)
		user, scope, err := d.settingsScope(ctx, by, in, single)
		if err != nil {
			return nil, err
		}
		_, err = d.core.Conversations.Put(ctx, by.As(user), core.PutSettings{Scope: scope, Change: func(s *core.ConversationSettings) error {
			s.Quiet = strconv.FormatInt(level, 10)
			return nil
		}})
		return nil, err
	}
}

func (d *Dialect) getLevel(single bool) handler {
	return func(ctx context.Context, by core.Actor, in *input) (answer, error) {
		user, scope, err := d.settingsScope(ctx, by, in, single)
		if err != nil {
			return nil, err
		}
		list, err := d.core.Conversations.Settings(ctx, by.As(user), core.GetSettings{Scopes: []core.SettingsScope{scope}})
		if err != nil || len(list) == 0 {
			return nil, err
		}
		return func(w *wire.Writer) { w.Int("noDisturbLevel", level(&list[0])) }, nil
	}
}

// level is the do-not-disturb level of settings; 0 where none was set, or by another dialect's word.
func level(s *core.ConversationSettings) int {
	n, err := strconv.Atoi(s.Quiet)
	if err != nil || n < lowestLevel || n > highestLevel {
		return 0
	}
	return n
}

// tag is a name a person has for conversations.
type tag struct {
	id, name string
	at       int64 // milliseconds
}

// tagsOf reads the tags a person has made, oldest first.
func (d *Dialect) tagsOf(ctx context.Context, by core.Actor, user core.UserID) ([]tag, error) {
	list, err := d.core.Conversations.Settings(ctx, by.As(user), core.GetSettings{Scopes: []core.SettingsScope{{Everywhere: true}}})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	var out []tag
	for _, v := range gjson.GetBytes(list[0].Extra, tagsMember).Array() {
		out = append(out, tag{v.Get("id").Str, v.Get("name").Str, v.Get("at").Int()})
	}
	return out, nil
}

// putTagsOf keeps the tags of a person.
func (d *Dialect) putTagsOf(ctx context.Context, by core.Actor, user core.UserID, tags []tag) error {
	w := wire.NewWriter(64 * len(tags))
	w.OpenList()
	for _, t := range tags {
		w.Open()
		w.Text("id", t.id)
		w.Text("name", t.name)
		w.Int64("at", t.at)
		w.Close()
	}
	w.CloseList()
	_, err := d.core.Conversations.Put(ctx, by.As(user), core.PutSettings{Scope: core.SettingsScope{Everywhere: true}, Change: func(s *core.ConversationSettings) error {
		s.Extra = putMembers(s.Extra, map[string][]byte{tagsMember: w.Bytes()})
		return nil
	}})
	return err
}

func (d *Dialect) addTags(ctx context.Context, by core.Actor, in *input) (answer, error) {
	var fresh []tag
	in.EachObject("tags", maxTagsOf, func(_ int, o *wire.Reader) {
		t := tag{o.Need("tagId"), o.Need("tagName"), sentAt(d.now())}
		if len(t.id) > maxTagID || len([]rune(t.name)) > maxTagName {
			in.Fail("tags", "must have ids of at most 32 and names of at most 64 characters", fault.RequestFieldTooLong)
		}
		fresh = append(fresh, t)
	})
	if len(fresh) == 0 && in.Err() == nil {
		in.Fail("tags", "is a required field", fault.RequestMissingField)
	}
	u, err := d.oneUser(ctx, by, in)
	if err != nil {
		return nil, err
	}
	tags, err := d.tagsOf(ctx, by, u.ID)
	if err != nil {
		return nil, err
	}
	for _, t := range fresh {
		if i := slices.IndexFunc(tags, func(x tag) bool { return x.id == t.id }); i >= 0 {
			tags[i].name = t.name
		} else {
			tags = append(tags, t)
		}
	}
	if len(tags) > maxTagsOf {
		return nil, fault.RequestInvalid.Error("tags: a user has at most 20")
	}
	return nil, d.putTagsOf(ctx, by, u.ID, tags)
}

// removeTags removes tags from a person and from their conversations.
func (d *Dialect) removeTags(ctx context.Context, by core.Actor, in *input) (answer, error) {
	ids := in.channelIDs("tagIds", maxTagsOf)
	u, err := d.oneUser(ctx, by, in)
	if err != nil {
		return nil, err
	}
	tags, err := d.tagsOf(ctx, by, u.ID)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		i := slices.IndexFunc(tags, func(x tag) bool { return x.id == id })
		if i < 0 {
			return nil, noTag(id)
		}
		tags = slices.Delete(tags, i, i+1)
		marked, err := d.marked(ctx, by, u.ID, id)
		if err != nil {
			return nil, err
		}
		for j := range marked {
			if err := d.mark(ctx, by, u.ID, marked[j].Channel.Key, id, true); err != nil {
				return nil, err
			}
		}
	}
	return nil, d.putTagsOf(ctx, by, u.ID, tags)
}

func noTag(id string) error {
	return fault.ResourceNotFound.Error("The user has no tag " + clip(id) + ".")
}

func (d *Dialect) listTags(ctx context.Context, by core.Actor, in *input) (answer, error) {
	u, err := d.oneUser(ctx, by, in)
	if err != nil {
		return nil, err
	}
	tags, err := d.tagsOf(ctx, by, u.ID)
	if err != nil {
		return nil, err
	}
	return func(w *wire.Writer) {
		w.Text("userId", string(u.ID))
		w.List("tags")
		for _, t := range tags {
			w.Open()
			w.Text("tagId", t.id)
			w.Text("tagName", t.name)
			w.Int64("createdAt", t.at)
			w.Close()
		}
		w.CloseList()
	}, nil
}

// mark puts a tag on a conversation, or takes it off.
func (d *Dialect) mark(ctx context.Context, by core.Actor, user core.UserID, key core.ChannelKey, id string, remove bool) error {
	_, err := d.core.Conversations.Put(ctx, by.As(user), core.PutSettings{Scope: core.SettingsScope{Key: key}, Change: func(s *core.ConversationSettings) error {
		s.Marks = changed(s.Marks, []string{id}, remove)
		return nil
	}})
	return err
}

// marked are the conversations with a tag.
func (d *Dialect) marked(ctx context.Context, by core.Actor, user core.UserID, id string) ([]core.Conversation, error) {
	var out []core.Conversation
	for {
		part, err := d.core.Conversations.List(ctx, by.As(user), core.ListConversations{
			Kinds: []core.ChannelKind{core.KindDirect, core.KindGroup, core.KindRoom, core.KindCommunity, core.KindSystem},
			Mark:  id, Empty: true, Page: core.Page{Limit: 100, Offset: len(out)},
		})
		if err != nil {
			return nil, err
		}
		if out = append(out, part...); len(part) < 100 {
			return out, nil
		}
	}
}

// tagChannels puts a tag on conversations, or takes it off.
func (d *Dialect) tagChannels(remove bool) handler {
	return func(ctx context.Context, by core.Actor, in *input) (answer, error) {
		type target struct {
			id   string
			kind int
		}
		id := in.Need("tagId")
		var targets []target
		in.EachObject("channels", maxTagged, func(_ int, o *wire.Reader) {
			x := &input{Reader: *o}
			targets = append(targets, target{x.Need("channelId"), int(x.needNumber("channelType", 1, 10))})
		})
		if len(targets) == 0 && in.Err() == nil {
			in.Fail("channels", "is a required field", fault.RequestMissingField)
		}
		u, err := d.oneUser(ctx, by, in)
		if err != nil {
			return nil, err
		}
		tags, err := d.tagsOf(ctx, by, u.ID)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(tags, func(t tag) bool { return t.id == id }) {
			return nil, noTag(id)
		}
		for _, t := range targets {
			key, err := d.conversation(ctx, by, t.kind, u.ID, t.id, "")
			if err == nil {
				err = d.mark(ctx, by, u.ID, key, id, remove)
			}
			if err != nil {
				return nil, err
			}
		}
		return nil, nil
	}
}

// wireID is the id of a conversation as one of its people sees it.
func wireID(c *core.Conversation) string {
	switch c.Channel.Kind {
	case core.KindDirect:
		if c.Peer != nil {
			return string(c.Peer.ID)
		}
	case core.KindRoom:
		return roomID(c.Channel.Key)
	case core.KindCommunity:
		id, _, _ := core.SplitCommunity(c.Channel.Key)
		return id
	case core.KindSystem:
		return string(c.Channel.CreatedBy)
	}
	return string(c.Channel.Key)
}

func (d *Dialect) listTagged(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id := in.Need("tagId")
	u, err := d.oneUser(ctx, by, in)
	if err != nil {
		return nil, err
	}
	list, err := d.marked(ctx, by, u.ID, id)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b core.Conversation) int {
		return cmp.Or(cmp.Compare(wireType(&a.Channel), wireType(&b.Channel)), strings.Compare(wireID(&a), wireID(&b)))
	})
	return func(w *wire.Writer) {
		w.Text("tagId", id)
		w.List("channels")
		for i := range list {
			w.Open()
			w.Text("channelId", wireID(&list[i]))
			w.Int("channelType", wireType(&list[i].Channel))
			w.Close()
		}
		w.CloseList()
	}, nil
}

// attributes reads what a person keeps about one conversation.
func (d *Dialect) attributes(ctx context.Context, by core.Actor, in *input) (answer, error) {
	id, kind := in.channelID("channelId"), int(in.needNumber("channelType", 1, 10))
	u, err := d.oneUser(ctx, by, in)
	if err != nil {
		return nil, err
	}
	key, err := d.conversation(ctx, by, kind, u.ID, id, "")
	if err != nil {
		return nil, err
	}
	list, err := d.core.Conversations.Settings(ctx, by.As(u.ID), core.GetSettings{Scopes: []core.SettingsScope{{Key: key}}})
	if err != nil {
		return nil, err
	}
	tags, err := d.tagsOf(ctx, by, u.ID)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	s := &list[0]
	return func(w *wire.Writer) {
		w.Text("channelId", id)
		w.Int("channelType", kind)
		w.Object("pin")
		w.Bool("isPinned", !s.Pinned.IsZero())
		w.Int64("pinnedAt", sentAt(s.Pinned))
		w.Close()
		w.Object("notification")
		w.Int("level", level(s))
		w.Close()
		w.List("tags")
		for _, t := range tags {
			if slices.Contains(s.Marks, t.id) {
				w.Open()
				w.Text("tagId", t.id)
				w.Text("tagName", t.name)
				w.Close()
			}
		}
		w.CloseList()
	}, nil
}
