package nexconn

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
)

// Members of what a person keeps for a conversation, or for all of them.
const (
	translateMember = "translate" // of a conversation: its strategy
	topTagsMember   = "top_tags"  // of a conversation: the tags it is on top of
	languageMember  = "language"  // of all: into which messages are translated
	autoMember      = "auto"      // of all: whether they are by themselves
	quietMember     = "quiet"     // of all: the hours without push
)

// kindScope are the kinds of conversations that can be silenced as a whole.
var kindScope = map[int]core.ChannelKind{wireDirect: core.KindDirect, wireGroup: core.KindGroup, wireCommunity: core.KindCommunity, wireSystem: core.KindSystem}

// pullStates answers the attributes of conversations that were changed after a time.
func pullStates(ctx context.Context, c *call) (outcome, error) {
	after, err := oneNumber(c.data, 1)
	if err != nil {
		return outcome{}, err
	}
	var out []sessionState
	version := after
	add := func(s *core.ConversationSettings, p place) {
		at := s.UpdatedAt.UnixMilli()
		if s.UpdatedAt.IsZero() {
			at = 0
		}
		if !s.Pinned.IsZero() {
			at = max(at, s.Pinned.UnixMilli())
		}
		if at > after {
			out, version = append(out, stateOf(s, p, at)), max(version, at)
		}
	}
	var scopes []core.SettingsScope
	kindsAsked := []int{wireDirect, wireGroup, wireSystem, wireCommunity}
	for _, k := range kindsAsked {
		scopes = append(scopes, core.SettingsScope{Kind: kindScope[k]})
	}
	whole, err := c.d.core.Conversations.Settings(ctx, c.by, core.GetSettings{Scopes: scopes})
	if err != nil {
		return outcome{}, err
	}
	for i := range whole {
		add(&whole[i], place{kind: kindsAsked[i]})
	}
	in := core.ListConversations{Empty: true, Page: core.Page{Limit: 100}}
	for in.Page.Offset < maxConversations {
		list, err := c.d.core.Conversations.List(ctx, c.by, in)
		if err != nil {
			return outcome{}, err
		}
		for i := range list {
			if p, ok := c.d.placeOf(ctx, c.by.App, c.by.User, &list[i].Channel); ok {
				add(&list[i].Settings, p)
			}
		}
		if len(list) < in.Page.Limit {
			break
		}
		in.Page.Offset += len(list)
	}
	return answered(func(p *pb) {
		p.int(1, version)
		for i := range out {
			p.msg(2, out[i].write)
		}
	})
}

// stateOf is what a person keeps for a conversation as the wire writes it.
func stateOf(s *core.ConversationSettings, p place, at int64) sessionState {
	out := sessionState{Kind: p.kind, Target: p.id, Sub: p.sub, At: at}
	level := s.Quiet
	if _, err := strconv.Atoi(level); err != nil {
		level = "0"
		if s.Quiet != "" {
			level = "1" // another dialect's word for not being disturbed
		}
	}
	out.Items = append(out.Items, stateItem{Kind: stateSilent, Value: level})
	if p.id == "" {
		return out
	}
	top := "0"
	if !s.Pinned.IsZero() {
		top = "1"
	}
	out.Items = append(out.Items, stateItem{Kind: stateTop, Value: top})
	tags := stateItem{Kind: stateTags}
	tops := gjson.GetBytes(s.Extra, topTagsMember).Array()
	for _, m := range s.Marks {
		tags.Tags = append(tags.Tags, stateTag{ID: m, Top: slices.ContainsFunc(tops, func(v gjson.Result) bool { return v.Str == m })})
	}
	out.Items = append(out.Items, tags)
	if v := gjson.GetBytes(s.Extra, translateMember); v.Exists() {
		out.Items = append(out.Items, stateItem{Kind: stateTranslate, Value: v.String()})
	}
	return out
}

// changeStates serves the topics that change attributes of conversations: set them, or add and remove
// tags.
func changeStates(tag func(old, named []stateTag) []stateTag) topic {
	return func(ctx context.Context, c *call) (outcome, error) {
		var in stateChange
		if err := in.read(c.data); err != nil {
			return outcome{}, err
		}
		version := c.d.now().UnixMilli()
		for i := range in.states {
			s := &in.states[i]
			stale := int64(-1)
			if !in.force {
				stale = in.version
			}
			at, err := c.changeState(ctx, s, tag, stale)
			if err != nil {
				c.kind = s.Kind
				return outcome{}, err
			}
			version = max(version, at)
		}
		return answered(func(p *pb) {
			p.int(1, version)
			p.bool(2, true)
		})
	}
}

// changeState changes the attributes of one conversation. A version that is not -1 is the newest the
// client knows: what was changed since is not overwritten.
func (c *call) changeState(ctx context.Context, s *sessionState, tag func(old, named []stateTag) []stateTag, version int64) (int64, error) {
	p := place{kind: s.Kind, id: s.Target, sub: s.Sub}
	key := p.key(c.by.User)
	put := core.PutSettings{Scope: core.SettingsScope{Key: key}, Change: func(cs *core.ConversationSettings) error {
		if version >= 0 && !cs.UpdatedAt.IsZero() && cs.UpdatedAt.UnixMilli() > version {
			return fault.ClientUpgradeRequired.Error("The settings have changed since; sync them first.")
		}
		for _, it := range s.Items {
			switch it.Kind {
			case stateSilent:
				cs.Quiet = it.Value
			case stateTranslate:
				cs.Extra = putMembers(cs.Extra, map[string][]byte{translateMember: quoted(it.Value)})
			case stateTags:
				if tag == nil {
					continue
				}
				tags := tag(stateOf(cs, p, 0).tags(), it.Tags)
				cs.Marks = nil
				var tops []string
				for _, t := range tags {
					cs.Marks = append(cs.Marks, t.ID)
					if t.Top {
						tops = append(tops, t.ID)
					}
				}
				b, _ := json.Marshal(tops) // texts cannot fail
				cs.Extra = putMembers(cs.Extra, map[string][]byte{topTagsMember: b})
			}
		}
		return nil
	}}
	out, err := c.d.core.Conversations.Put(ctx, c.by, put)
	if p.kind == wireDirect && (fault.IsReason(err, fault.GroupNotFound) || fault.IsReason(err, fault.GroupNotMember)) {
		if err = c.begin(ctx, p); err == nil {
			out, err = c.d.core.Conversations.Put(ctx, c.by, put)
		}
	}
	if err != nil {
		return 0, err
	}
	for _, it := range s.Items {
		if it.Kind == stateTop {
			if _, err := c.d.core.Conversations.Pin(ctx, c.by, core.PinConversation{Key: key, Unpin: it.Value != "1"}); err != nil {
				return 0, err
			}
		}
	}
	return out.UpdatedAt.UnixMilli(), nil
}

// tags are the tags of a conversation.
func (m sessionState) tags() []stateTag {
	for i := range m.Items {
		if m.Items[i].Kind == stateTags {
			return m.Items[i].Tags
		}
	}
	return nil
}

// withTags are a conversation's tags with the named ones added, or their place changed.
func withTags(old, named []stateTag) []stateTag { return append(withoutTags(old, named), named...) }

// withoutTags are a conversation's tags with the named ones removed.
func withoutTags(old, named []stateTag) []stateTag {
	return slices.DeleteFunc(slices.Clone(old), func(t stateTag) bool {
		return slices.ContainsFunc(named, func(n stateTag) bool { return n.ID == t.ID })
	})
}

// silenceKind sets the level of all conversations of a kind.
func silenceKind(ctx context.Context, c *call) (outcome, error) {
	kind, level := 0, 0
	err := scan(c.data, func(f *field) error {
		switch f.num {
		case 1:
			kind = f.int()
		case 3:
			level = f.int()
		}
		return nil
	})
	scope, ok := kindScope[kind]
	if err != nil || !ok {
		return outcome{}, errNeeds
	}
	out, err := c.d.core.Conversations.Put(ctx, c.by, core.PutSettings{Scope: core.SettingsScope{Kind: scope}, Change: func(cs *core.ConversationSettings) error {
		cs.Quiet = strconv.Itoa(level)
		return nil
	}})
	if err != nil {
		return outcome{}, err
	}
	return answered(func(p *pb) {
		p.int(1, out.UpdatedAt.UnixMilli())
		p.bool(2, true)
	})
}

// everywhere are the settings of all conversations of a person.
var everywhere = core.SettingsScope{Everywhere: true}

// personal reads the person's settings that are of no conversation.
func (c *call) personal(ctx context.Context) (core.ConversationSettings, error) {
	list, err := c.d.core.Conversations.Settings(ctx, c.by, core.GetSettings{Scopes: []core.SettingsScope{everywhere}})
	if err != nil || len(list) == 0 {
		return core.ConversationSettings{}, err
	}
	return list[0], nil
}

// setPersonal changes a member of them and tells the person's other devices.
func (c *call) setPersonal(ctx context.Context, change func(core.Extra) core.Extra) (int64, error) {
	out, err := c.d.core.Conversations.Put(ctx, c.by, core.PutSettings{Scope: everywhere, Change: func(cs *core.ConversationSettings) error {
		cs.Extra = change(cs.Extra)
		return nil
	}})
	return out.UpdatedAt.UnixMilli(), err
}

// settingsOutput is SetUserSettingOutput.
func settingsOutput(version int64) (outcome, error) {
	return answered(func(p *pb) {
		p.int(1, version)
		p.bool(2, false)
		p.bool(3, true)
	})
}

// setPersonalText serves the topics that set one text of the person's settings.
func setPersonalText(name string) topic {
	return func(ctx context.Context, c *call) (outcome, error) {
		value := ""
		err := scan(c.data, func(f *field) error {
			if f.num == 2 {
				value = f.str()
			}
			return nil
		})
		if err != nil {
			return outcome{}, err
		}
		at, err := c.setPersonal(ctx, func(x core.Extra) core.Extra { return putMembers(x, map[string][]byte{name: quoted(value)}) })
		if err != nil {
			return outcome{}, err
		}
		return settingsOutput(at)
	}
}

// personalTags reads the tags there are.
func personalTags(x core.Extra) []stateTag {
	var out []stateTag
	_ = json.Unmarshal([]byte(gjson.GetBytes(x, tagsMember).Raw), &out) // ours, or nothing
	return out
}

// maxConversationTags bounds the tags of a person for their conversations.
const maxConversationTags = 20

// changeTags serves the topics that make and remove tags.
func changeTags(change func(old, named []stateTag) []stateTag) topic {
	return func(ctx context.Context, c *call) (outcome, error) {
		var in tagChange
		if err := in.read(c.data); err != nil {
			return outcome{}, err
		}
		now := c.d.now().UnixMilli()
		for i := range in.tags {
			if in.tags[i].At == 0 {
				in.tags[i].At = now
			}
		}
		full := false
		at, err := c.setPersonal(ctx, func(x core.Extra) core.Extra {
			tags := change(personalTags(x), in.tags)
			full = len(tags) > maxConversationTags
			b, _ := json.Marshal(tags[:min(len(tags), maxConversationTags)]) // texts and numbers cannot fail
			return putMembers(x, map[string][]byte{tagsMember: b})
		})
		if err != nil {
			return outcome{}, err
		}
		if full {
			return outcome{}, fault.LimitReached.Error("A person has at most 20 tags.")
		}
		return settingsOutput(at)
	}
}

// pullPersonal answers the person's settings when they were changed after a version.
func pullPersonal(ctx context.Context, c *call) (outcome, error) {
	asked, err := oneNumber(c.data, 1)
	if err != nil {
		return outcome{}, err
	}
	s, err := c.personal(ctx)
	if err != nil {
		return outcome{}, err
	}
	at := int64(0)
	if !s.UpdatedAt.IsZero() {
		at = s.UpdatedAt.UnixMilli()
	}
	if at <= asked {
		return answered(func(p *pb) { p.int(2, max(asked, 1)) })
	}
	item := func(p *pb, key string, value []byte, tags []stateTag) {
		p.msg(1, func(p *pb) {
			p.text(1, string(c.by.User))
			p.int(2, wireDirect)
			p.text(4, key)
			p.raw(5, value)
			p.int(6, at)
			p.int(7, 1)
			for i := range tags {
				p.msg(8, tags[i].write)
			}
		})
	}
	return answered(func(p *pb) {
		item(p, "Tag", nil, personalTags(s.Extra))
		for name, key := range map[string]string{languageMember: "transLan", autoMember: "autoTrans"} {
			if v := gjson.GetBytes(s.Extra, name); v.Exists() {
				item(p, key, []byte(v.String()), nil)
			}
		}
		p.int(2, at)
	})
}

// quietHours are the hours without push, AddUnpushPeriodInput.
type quietHours struct {
	Start string `json:"start"`
	Span  int    `json:"span"`
	Level int    `json:"level"`
	Zone  string `json:"zone,omitempty"`
}

func setQuiet(ctx context.Context, c *call) (outcome, error) {
	var q quietHours
	err := scan(c.data, func(f *field) error {
		switch f.num {
		case 1:
			q.Start = f.str()
		case 2:
			q.Span = f.int()
		case 3:
			q.Level = f.int()
		case 4:
			q.Zone = f.str()
		}
		return nil
	})
	if err != nil {
		return outcome{}, err
	}
	b, _ := json.Marshal(q) // texts and numbers cannot fail
	_, err = c.setPersonal(ctx, func(x core.Extra) core.Extra { return putMembers(x, map[string][]byte{quietMember: b}) })
	return outcome{}, err
}

func removeQuiet(ctx context.Context, c *call) (outcome, error) {
	_, err := c.setPersonal(ctx, func(x core.Extra) core.Extra { return putMembers(x, map[string][]byte{quietMember: nil}) })
	return outcome{}, err
}

func getQuiet(ctx context.Context, c *call) (outcome, error) {
	s, err := c.personal(ctx)
	if err != nil {
		return outcome{}, err
	}
	v := gjson.GetBytes(s.Extra, quietMember)
	return answered(func(p *pb) {
		p.int(1, boolInt(v.Exists()))
		if v.Exists() {
			p.text(2, v.Get("start").Str)
			p.int(3, v.Get("span").Int())
			p.int(4, v.Get("level").Int())
			p.textIf(5, v.Get("zone").Str)
		}
	})
}

// tellSettings tells the person's devices that what they keep for conversations has changed.
func (l *link) tellSettings(_ context.Context, ev *core.Event, p place) {
	l.notify(topicCommand, commandSession, core.Stamp(ev.At.UnixMilli()), "")
	if p.kind != 0 {
		return
	}
	data := build(func(p *pb) {
		p.int(1, ev.At.UnixMilli())
		p.bool(2, false)
	})
	l.conn.Send(adapters.BinaryFrame(publish(0, topicSettings, string(l.by.User), 1, ev.At, data)))
}
