package transfer

import (
	"errors"
	"fmt"
	"slices"

	"dragoman/core"
	"dragoman/core/engine"
	"dragoman/core/store"
)

// refusal is why one item cannot be taken. It undoes nothing: whoever returns it has written nothing.
type refusal struct{ why string }

func (r refusal) Error() string { return r.why }

func refuse(format string, a ...any) error { return refusal{fmt.Sprintf(format, a...)} }

// applying is one transaction of an import.
type applying struct {
	im     *importer
	tx     store.Tx
	r      *Report
	keys   map[core.ChannelKey]core.ChannelID // found or made here
	people map[core.UserID]bool
	known  map[core.MessageID]bool // messages of this batch that are there already
}

// all applies the items in order. An item that is refused is noted; every other failure ends the
// transaction.
func (t *applying) all(items []Item) error {
	if err := t.prefetch(items); err != nil {
		return err
	}
	for i := range items {
		it := &items[i]
		fresh, err := t.one(it)
		var no refusal
		switch {
		case errors.As(err, &no):
			t.r.reject(it.Line, err)
		case err != nil:
			return err
		case fresh:
			t.r.Written[it.Type]++
		default:
			t.r.Duplicates++
		}
	}
	return nil
}

// prefetch finds out in one query each which messages are there and, for files of others, which
// people.
func (t *applying) prefetch(items []Item) error {
	var ids []core.MessageID
	var people []core.UserID
	for i := range items {
		if m := items[i].Message; m != nil && m.ID != 0 {
			ids = append(ids, m.ID)
		}
		if t.im.o.Decode != nil {
			for _, u := range names(&items[i]) {
				if u != "" && !t.im.people[u] && !slices.Contains(people, u) {
					people = append(people, u)
				}
			}
		}
	}
	t.known = make(map[core.MessageID]bool, len(ids))
	ms, err := t.tx.Messages(t.im.ctx, t.im.o.App, ids)
	if err != nil {
		return err
	}
	for i := range ms {
		t.known[ms[i].ID] = true
	}
	us, err := t.tx.Users(t.im.ctx, t.im.o.App, people)
	if err != nil {
		return err
	}
	for i := range us {
		t.people[us[i].ID] = true
	}
	return nil
}

// names are the people an item needs.
func names(it *Item) []core.UserID {
	switch {
	case it.Message != nil:
		return []core.UserID{it.Message.User}
	case it.Reaction != nil:
		return []core.UserID{it.Reaction.User}
	case it.Member != nil:
		return []core.UserID{it.Member.User}
	case it.Mute != nil:
		return []core.UserID{it.Mute.User}
	case it.Channel != nil:
		return []core.UserID{it.Channel.CreatedBy}
	}
	return nil
}

// one applies one item and reports whether it was new.
func (t *applying) one(it *Item) (bool, error) {
	if t.im.o.Decode != nil {
		for _, u := range names(it) {
			if u != "" && !t.im.people[u] && !t.people[u] {
				return false, refuse("the user %q does not exist: people come before what they did", u)
			}
		}
	}
	app := t.im.o.App
	switch {
	case it.Header != nil:
		if it.Header.Format != Format || it.Header.Version != Version {
			return false, refuse("the file is %s version %d, not %s version %d", it.Header.Format, it.Header.Version, Format, Version)
		}
		return true, nil
	case it.Manifest != nil:
		return true, nil
	case it.App != nil:
		return true, t.settings(it.App)
	case it.User != nil:
		if it.User.ID == "" {
			return false, refuse("the user has no id")
		}
		t.people[it.User.ID] = true
		return true, t.tx.PutUser(app, it.User)
	case it.Channel != nil:
		return true, t.channel(it.Channel)
	case it.Message != nil:
		return t.message(it)
	case it.Thread != nil:
		return true, t.thread(it.Thread)
	case it.Reaction != nil:
		return t.reaction(it)
	case it.Member != nil:
		return true, t.member(it.Member)
	case it.Record != nil:
		return true, t.record(it.Record)
	case it.Mute != nil:
		return true, t.mute(it.Mute)
	}
	return false, refuse("the item says nothing")
}

func (t *applying) settings(s *core.AppSettings) error {
	apps, err := t.tx.Apps(t.im.ctx)
	if err != nil {
		return err
	}
	for i := range apps {
		if apps[i].ID == t.im.o.App {
			apps[i].Settings = *s
			return t.tx.PutApp(&apps[i])
		}
	}
	return refuse("the app does not exist")
}

// place finds the number of a channel.
func (t *applying) place(key core.ChannelKey) (core.ChannelID, error) {
	if id := t.keys[key]; id != 0 {
		return id, nil
	}
	if id := t.im.keys[key]; id != 0 {
		return id, nil
	}
	c, err := t.tx.Channel(t.im.ctx, t.im.o.App, key)
	if errors.Is(err, store.ErrNotFound) {
		return 0, refuse("the channel %q does not exist", key)
	}
	if err != nil {
		return 0, err
	}
	t.keys[key] = c.ID
	return c.ID, nil
}

func (t *applying) channel(in *core.Channel) error {
	if in.Key == "" {
		return refuse("the channel has no key")
	}
	c := *in
	old, err := t.tx.Channel(t.im.ctx, t.im.o.App, c.Key)
	switch {
	case err == nil:
		c.ID = old.ID
	case errors.Is(err, store.ErrNotFound):
		c.ID = 0
	default:
		return err
	}
	if err := t.tx.PutChannel(t.im.o.App, &c); err != nil {
		return err
	}
	t.keys[c.Key] = c.ID
	return nil
}

// message inserts a message unless it is there: by its number, or by the alias its author gave it.
func (t *applying) message(it *Item) (bool, error) {
	m := *it.Message
	if m.ID != 0 && t.known[m.ID] {
		return false, nil
	}
	var err error
	if m.Channel, err = t.place(m.ChannelKey); err != nil {
		return false, err
	}
	if it.Parent != "" {
		p, err := t.tx.MessagesNamed(t.im.ctx, t.im.o.App, []string{it.Parent})
		if err != nil {
			return false, err
		}
		if len(p) == 0 || p[0].Channel != m.Channel || p[0].Parent != 0 {
			return false, refuse("the parent message %q is not in this channel, or is a reply itself", it.Parent)
		}
		m.Parent, m.ParentAlias = p[0].ID, p[0].Alias
	}
	if it.Quoted != "" {
		q, err := t.tx.MessagesNamed(t.im.ctx, t.im.o.App, []string{it.Quoted})
		if err != nil {
			return false, err
		}
		if len(q) > 0 && q[0].Channel == m.Channel {
			m.Quoted, m.QuotedAlias = q[0].ID, q[0].Alias
		}
	}
	existing, err := t.tx.InsertMessage(t.im.o.App, &m)
	return existing == nil, err
}

// thread sets what replies left on a first message, which counting them again may not give: some are
// gone, and the people of a thread stay in it.
func (t *applying) thread(in *Thread) error {
	ms, err := t.tx.Messages(t.im.ctx, t.im.o.App, []core.MessageID{in.Message})
	if err != nil {
		return err
	}
	if len(ms) == 0 {
		return refuse("the message %d of the thread does not exist", in.Message)
	}
	m := &ms[0]
	if m.ReplyCount == in.ReplyCount && m.LastReplyAt.Equal(in.LastReplyAt) && slices.Equal(m.Participants, in.Participants) {
		return nil
	}
	m.ReplyCount, m.LastReplyAt, m.Participants = in.ReplyCount, in.LastReplyAt, in.Participants
	return t.tx.PutMessage(t.im.o.App, m)
}

// reaction writes a reaction. In an export the sums stand with the message; of another's file they
// are made here.
func (t *applying) reaction(it *Item) (bool, error) {
	r := *it.Reaction
	var m *core.Message
	var ms []core.Message
	var err error
	if it.On != "" {
		ms, err = t.tx.MessagesNamed(t.im.ctx, t.im.o.App, []string{it.On})
	} else {
		ms, err = t.tx.Messages(t.im.ctx, t.im.o.App, []core.MessageID{r.Message})
	}
	if err != nil {
		return false, err
	}
	if len(ms) == 0 {
		return false, refuse("the message of the reaction does not exist")
	}
	m = &ms[0]
	r.Message = m.ID
	mine, err := t.tx.UserReactions(t.im.ctx, t.im.o.App, []core.MessageID{m.ID}, r.User)
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(mine, func(x core.Reaction) bool { return x.Type == r.Type }) {
		return false, nil
	}
	if it.On != "" {
		sum(m, &r)
		if err := t.tx.PutMessage(t.im.o.App, m); err != nil {
			return false, err
		}
	}
	return true, t.tx.PutReaction(t.im.o.App, m.Channel, &r)
}

// sum adds a reaction to the sums of its message.
func sum(m *core.Message, r *core.Reaction) {
	i := slices.IndexFunc(m.Reactions, func(g core.ReactionGroup) bool { return g.Type == r.Type })
	if i < 0 {
		m.Reactions = append(m.Reactions, core.ReactionGroup{Type: r.Type, FirstAt: r.CreatedAt})
		i = len(m.Reactions) - 1
	}
	g := &m.Reactions[i]
	g.Count++
	g.Score += r.Score
	if r.CreatedAt.Before(g.FirstAt) {
		g.FirstAt = r.CreatedAt
	}
	if r.CreatedAt.After(g.LastAt) {
		g.LastAt = r.CreatedAt
	}
}

// member writes a membership. In another's file a position is a time.
func (t *applying) member(in *Member) error {
	m := in.Member
	var err error
	if m.Channel, err = t.place(in.Channel); err != nil {
		return err
	}
	if t.im.o.Decode != nil && !m.ReadAt.IsZero() {
		if m.ReadSeq, err = t.tx.SeqAt(t.im.ctx, t.im.o.App, m.Channel, m.ReadAt); err != nil {
			return err
		}
	}
	return t.tx.PutMember(t.im.o.App, &m)
}

func (t *applying) record(in *Record) error {
	key, value, app := in.Key, in.Value, t.im.o.App
	i := slices.IndexFunc(engine.Spaces(), func(s engine.Space) bool { return s.Name == in.Space })
	if i < 0 || !engine.Spaces()[i].Kept {
		return refuse("there is no space %q", in.Space)
	}
	if in.Channel != "" {
		ch, err := t.place(in.Channel)
		if err != nil {
			return err
		}
		if _, key, value, err = swap(engine.Spaces()[i].Ref, key, value, ch); err != nil {
			return refuse("the record cannot be read: %v", err)
		}
	}
	if err := t.tx.PutRecord(app, in.Space, key, value); err != nil {
		return err
	}
	if in.Space == engine.RemindersSpace {
		if under, space, key, ok := engine.DueRecord(app, value); ok {
			return t.tx.PutRecord(under, space, key, []byte("{}"))
		}
	}
	return nil
}

func (t *applying) mute(in *core.ImportedMute) error {
	if in.Channel == "" {
		space, key, value, err := engine.MuteRecord(in.User, in.Target, core.FromMillis(core.Millis(t.im.o.now())))
		if err != nil {
			return err
		}
		return t.tx.PutRecord(t.im.o.App, space, key, value)
	}
	ch, err := t.place(in.Channel)
	if err != nil {
		return err
	}
	ms, err := t.tx.Members(t.im.ctx, t.im.o.App, ch, []core.UserID{in.User}, 1, 0)
	if err != nil {
		return err
	}
	if len(ms) == 0 {
		return refuse("%q is not a member of the channel %q they mute", in.User, in.Channel)
	}
	ms[0].MutedUntil, ms[0].MutedAt = core.Forever, t.im.o.now()
	return t.tx.PutMember(t.im.o.App, &ms[0])
}
