package engine_test

import (
	"slices"
	"testing"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

// inSub reports whether a person is in a subchannel, as the channel itself has it.
func inSub(w *rig, id, sub string, user core.UserID) bool {
	w.t.Helper()
	v, err := w.core().Groups.Get(w.t.Context(), w.server().As(user), core.GetGroup{Key: core.CommunityKey(id, sub)})
	w.wants(err, nil)
	return v.Member != nil
}

// variant fails unless err is of the reason and the variant.
func variant(t *testing.T, err error, reason *fault.Reason, want string) {
	t.Helper()
	if !fault.IsReason(err, reason) || fault.From(err).Variant != want {
		t.Errorf("got %v, want %v/%s", err, reason, want)
	}
}

func TestCommunityMembersFollowTheSubchannels(t *testing.T) {
	w := newEngine(t, nil, "ann", "ben", "cat")
	ctx, by, c := t.Context(), w.server(), w.core().Communities
	_, err := c.Create(ctx, by, core.CreateCommunity{ID: "c", Name: "C", Owner: "ann"})
	w.wants(err, nil)
	_, err = c.Create(ctx, by, core.CreateCommunity{ID: "c", Name: "C", Owner: "ann"})
	variant(t, err, fault.GroupAlreadyExists, "community")
	_, err = c.CreateSub(ctx, by, core.CreateSubchannel{Community: "c", ID: "open"})
	w.wants(err, nil)
	_, err = c.CreateSub(ctx, by, core.CreateSubchannel{Community: "c", ID: "shut", Private: true})
	w.wants(err, nil)
	w.wants(c.Join(ctx, by, core.JoinCommunity{ID: "c", User: "ben"}), nil)
	w.wants(c.Join(ctx, by, core.JoinCommunity{ID: "c", User: "ben"}), nil)
	if !inSub(w, "c", "", "ben") || !inSub(w, "c", "open", "ben") || inSub(w, "c", "shut", "ben") {
		t.Error("who joins is in the community and its public subchannels alone")
	}
	if got, _ := c.Get(ctx, by, core.GetCommunity{ID: "c"}); got.MemberCount != 2 || got.Owner != "ann" {
		t.Errorf("%+v", got)
	}

	// A subchannel made later has everybody in it.
	_, err = c.CreateSub(ctx, by, core.CreateSubchannel{Community: "c", ID: "late"})
	w.wants(err, nil)
	if !inSub(w, "c", "late", "ben") || !inSub(w, "c", "late", "ann") {
		t.Error("a public subchannel made later has not everybody in it")
	}

	// Into a private one people are put, or let by a member group.
	w.wants(c.PutMembers(ctx, by, core.PutSubchannelMembers{Community: "c", ID: "shut", Users: []core.UserID{"ben"}}), nil)
	w.wants(c.PutGroups(ctx, by, core.PutMemberGroups{Community: "c", IDs: []string{"g"}}), nil)
	w.wants(c.PutUsers(ctx, by, core.PutGroupUsers{Community: "c", Group: "g", Users: []core.UserID{"ben", "ann"}}), nil)
	w.wants(c.Bind(ctx, by, core.BindGroups{Community: "c", Subchannel: "shut", Groups: []string{"g"}}), nil)
	if !inSub(w, "c", "shut", "ben") || !inSub(w, "c", "shut", "ann") {
		t.Error("a bound member group lets nobody in")
	}
	w.wants(c.Bind(ctx, by, core.BindGroups{Community: "c", Subchannel: "shut", Groups: []string{"g"}, Remove: true}), nil)
	if !inSub(w, "c", "shut", "ben") || inSub(w, "c", "shut", "ann") {
		t.Error("without the binding only those who were put there stay")
	}
	w.wants(c.PutMembers(ctx, by, core.PutSubchannelMembers{Community: "c", ID: "shut", Users: []core.UserID{"ben"}, Remove: true}), nil)
	if inSub(w, "c", "shut", "ben") {
		t.Error("who was taken out is still in")
	}

	// Public and private turn into each other.
	_, err = c.UpdateSub(ctx, by, core.UpdateSubchannel{Community: "c", ID: "shut"})
	w.wants(err, nil)
	if !inSub(w, "c", "shut", "ben") {
		t.Error("a subchannel that turns public lets not everybody in")
	}
	subs, err := c.Subs(ctx, by, core.ListSubchannels{Community: "c", User: "ben"})
	w.wants(err, nil)
	if len(subs) != 3 || subs[0].ID != "open" {
		t.Errorf("%+v", subs)
	}

	// Leaving ends all of it.
	w.wants(c.Leave(ctx, by, core.LeaveCommunity{ID: "c", User: "ben"}), nil)
	if inSub(w, "c", "", "ben") || inSub(w, "c", "open", "ben") || inSub(w, "c", "late", "ben") {
		t.Error("who left is still somewhere")
	}
	gs, err := c.Groups(ctx, by, core.ListMemberGroups{Community: "c", User: "ben"})
	w.wants(err, nil)
	if len(gs) != 0 {
		t.Errorf("who left is in member groups %+v", gs)
	}
	variant(t, c.Leave(ctx, by, core.LeaveCommunity{ID: "c", User: "ben"}), fault.GroupNotMember, "community")
	w.wants(c.Delete(ctx, by, core.DeleteCommunity{ID: "c"}), nil)
	_, err = c.Get(ctx, by, core.GetCommunity{ID: "c"})
	variant(t, err, fault.GroupNotFound, "community")
}

func TestCommunityRefusals(t *testing.T) {
	w := newEngine(t, nil, "ann", "ben")
	ctx, by, c := t.Context(), w.server(), w.core().Communities
	_, err := c.Create(ctx, core.Actor{App: by.App, User: "ann", Access: core.AccessUser}, core.CreateCommunity{ID: "c", Owner: "ann"})
	w.wants(err, fault.PermissionDenied)
	_, err = c.Create(ctx, by, core.CreateCommunity{ID: "a!b", Owner: "ann"})
	w.wants(err, fault.RequestInvalidField)
	_, err = c.Create(ctx, by, core.CreateCommunity{ID: "c", Owner: "ann"})
	w.wants(err, nil)
	variant(t, c.Join(ctx, by, core.JoinCommunity{ID: "none", User: "ben"}), fault.GroupNotFound, "community")
	w.wants(c.Join(ctx, by, core.JoinCommunity{ID: "c", User: "nobody"}), fault.UserNotFound)
	variant(t, c.DeleteSub(ctx, by, core.DeleteSubchannel{Community: "c", ID: "none"}), fault.GroupNotFound, "subchannel")
	variant(t, c.PutGroups(ctx, by, core.PutMemberGroups{Community: "c", IDs: []string{"none"}, Remove: true}), fault.GroupNotFound, "member_group")
	w.wants(c.PutGroups(ctx, by, core.PutMemberGroups{Community: "c", IDs: []string{"g"}}), nil)
	variant(t, c.PutUsers(ctx, by, core.PutGroupUsers{Community: "c", Group: "g", Users: []core.UserID{"ben"}}), fault.GroupNotMember, "community")
}

// Restarting keeps communities: nothing of them lives in memory alone.
func TestCommunitySurvivesARestart(t *testing.T) {
	w := newEngine(t, nil, "ann", "ben")
	ctx, by := t.Context(), w.server()
	_, err := w.core().Communities.Create(ctx, by, core.CreateCommunity{ID: "c", Name: "C", Owner: "ann"})
	w.wants(err, nil)
	_, err = w.core().Communities.CreateSub(ctx, by, core.CreateSubchannel{Community: "c", ID: "s"})
	w.wants(err, nil)
	w.restart()
	subs, err := w.core().Communities.Subs(ctx, by, core.ListSubchannels{Community: "c"})
	w.wants(err, nil)
	if len(subs) != 1 || subs[0].ID != "s" {
		t.Errorf("%+v", subs)
	}
}

func TestCommunityKeysComeApart(t *testing.T) {
	for _, k := range [][2]string{{"c", ""}, {"c", "s"}, {"a-b_c=+", "x"}} {
		id, sub, ok := core.SplitCommunity(core.CommunityKey(k[0], k[1]))
		if !ok || id != k[0] || sub != k[1] {
			t.Errorf("%v came back as %q %q %v", k, id, sub, ok)
		}
	}
	if _, _, ok := core.SplitCommunity("lobby"); ok {
		t.Error("a group was taken for a community")
	}
}

func TestMessageValues(t *testing.T) {
	w := newEngine(t, nil, "ann", "ben", "cat")
	ctx, by := t.Context(), w.server()
	st, err := w.core().Channels.Open(ctx, by.As("ann"), core.OpenChannel{Type: core.DefaultType, ID: "g", Input: core.ChannelInput{Members: []core.MemberInput{{User: "ann"}, {User: "ben"}}}})
	w.wants(err, nil)
	sent, err := w.core().Messages.Send(ctx, by.As("ann"), core.SendMessage{Key: st.Channel.Key, Message: core.MessageInput{Text: "x"}})
	w.wants(err, nil)
	id := sent.Message.ID
	ben := core.Actor{App: by.App, User: "ben", Access: core.AccessUser}
	list, err := w.core().Values.Set(ctx, ben, core.SetMessageValues{Message: id.String(), Set: map[string]string{"b": "2", "a": "1"}})
	w.wants(err, nil)
	if len(list) != 2 || list[0].Name != "a" || list[1].Value != "2" {
		t.Errorf("%+v", list)
	}
	_, err = w.core().Values.Set(ctx, by.As("ann"), core.SetMessageValues{Message: id.String(), Remove: []string{"b", "none"}})
	w.wants(err, nil)
	all, err := w.core().Values.Get(ctx, by, core.GetMessageValues{Messages: []core.MessageID{id, id + 1}})
	w.wants(err, nil)
	if len(all) != 1 || len(all[id]) != 1 || all[id][0].Name != "a" {
		t.Errorf("%+v", all)
	}
	_, err = w.core().Values.Set(ctx, core.Actor{App: by.App, User: "cat", Access: core.AccessUser}, core.SetMessageValues{Message: id.String(), Set: map[string]string{"c": "3"}})
	w.wants(err, fault.MessageAccessDenied)
	_, err = w.core().Values.Set(ctx, ben, core.SetMessageValues{Message: "999", Set: map[string]string{"c": "3"}})
	w.wants(err, fault.MessageNotFound)
	_, err = w.core().Values.Set(ctx, ben, core.SetMessageValues{Message: id.String(), Set: map[string]string{"c": "3"}, Max: 1})
	w.wants(err, fault.LimitReached)

	// Who was away finds the change in the log.
	page, err := w.core().Feeds.Pull(ctx, ben, core.PullFeed{Channel: st.Channel.Key})
	w.wants(err, nil)
	i := slices.IndexFunc(page.Events, func(e *core.Event) bool { return e.Kind == core.MessageValued })
	if i < 0 || page.Events[i].Message == nil || string(page.Events[i].Extra) != `{"set":{"a":"1","b":"2"}}` {
		t.Errorf("the feed has no change of values: %+v", page.Events)
	}
}

func TestStreamedMessage(t *testing.T) {
	w := newEngine(t, nil, "ann", "ben")
	ctx, ann := t.Context(), w.server().As("ann")
	st, err := w.core().Channels.Open(ctx, ann, core.OpenChannel{Type: core.DefaultType, Input: core.ChannelInput{Members: []core.MemberInput{{User: "ann"}, {User: "ben"}}}})
	w.wants(err, nil)
	s := w.core().Streams
	finish := func(m *core.Message, text string) error {
		m.Text = text
		return nil
	}
	first, err := s.Write(ctx, ann, core.WriteStream{Key: st.Channel.Key, Input: core.MessageInput{Text: "He"}, Chunk: core.StreamChunk{Seq: 1, Text: "He"}})
	w.wants(err, nil)
	id := first.Message.String()
	write := func(seq int, text string, done bool) error {
		_, err := s.Write(ctx, ann, core.WriteStream{Message: id, Chunk: core.StreamChunk{Seq: seq, Text: text}, Done: done, Reason: "end", Finish: finish})
		return err
	}
	w.wants(write(2, "llo", false), nil)
	w.wants(write(2, "again", false), fault.RequestConflict)
	ben := core.Actor{App: w.app, User: "ben", Access: core.AccessUser}
	got, err := s.Read(ctx, ben, core.ReadStream{Message: id, After: 1})
	w.wants(err, nil)
	if len(got.Chunks) != 1 || got.Chunks[0].Text != "llo" || got.Done {
		t.Errorf("%+v", got)
	}
	w.wants(write(5, "!", true), nil)
	w.wants(write(6, "?", false), fault.RequestConflict)
	if got, _ = s.Read(ctx, ben, core.ReadStream{Message: id}); !got.Done || got.Reason != "end" || len(got.Chunks) != 3 {
		t.Errorf("%+v", got)
	}
	hits, err := w.core().Messages.Get(ctx, ben, core.GetMessages{IDs: []string{id}})
	w.wants(err, nil)
	if len(hits) != 1 || hits[0].Message.Text != "Hello!" {
		t.Errorf("the message says %+v", hits)
	}
	_, err = s.Read(ctx, ben, core.ReadStream{Message: "1"})
	w.wants(err, fault.StreamNotFound)

	// A stream is cut off by size and by age, and keeps what it had.
	big, err := s.Write(ctx, ann, core.WriteStream{Key: st.Channel.Key, Input: core.MessageInput{Text: "x"}, Chunk: core.StreamChunk{Seq: 1, Text: string(make([]byte, 100<<10))}})
	w.wants(err, nil)
	id = big.Message.String()
	variant(t, write(2, string(make([]byte, 40<<10)), false), fault.StreamCutOff, "size")
	if got, _ = s.Read(ctx, ben, core.ReadStream{Message: id}); !got.Done || got.Reason != "size" {
		t.Errorf("%+v", got)
	}
	old, err := s.Write(ctx, ann, core.WriteStream{Key: st.Channel.Key, Input: core.MessageInput{Text: "x"}, Chunk: core.StreamChunk{Seq: 1, Text: "x"}})
	w.wants(err, nil)
	id = old.Message.String()
	w.clock.Add(core.StreamAge + time.Second)
	variant(t, write(2, "y", false), fault.StreamCutOff, "duration")
}

func TestWordsAreMaskedOrRefusedInAllChannels(t *testing.T) {
	w := newEngine(t, nil, "ann", "ben")
	ctx, by, ann := t.Context(), w.server(), w.server().As("ann")
	for _, l := range []core.Blocklist{
		{Name: "no", Kind: "part", Words: []string{"heck"}},
		{Name: "mask", Kind: "part", Words: []string{"darn"}, Masks: map[string]string{"darn": "***"}},
	} {
		_, err := w.core().Blocklists.Put(ctx, by, core.PutBlocklist{Create: true, List: l})
		w.wants(err, nil)
	}
	w.settings(func(s *core.AppSettings) {
		s.Blocklists = []core.BlocklistUse{{Name: "no", Behavior: "block"}, {Name: "mask", Behavior: "mask"}}
	})
	st, err := w.core().Channels.Open(ctx, ann, core.OpenChannel{Type: "team", ID: "g", Input: core.ChannelInput{Members: []core.MemberInput{{User: "ann"}}}})
	w.wants(err, nil)
	sent, err := w.core().Messages.Send(ctx, ann, core.SendMessage{Key: st.Channel.Key, Message: core.MessageInput{Text: "Darnit, DARN"}})
	w.wants(err, nil)
	if sent.Message.Text != "***it, ***" {
		t.Errorf("the text is %q", sent.Message.Text)
	}
	_, err = w.core().Messages.Send(ctx, ann, core.SendMessage{Key: st.Channel.Key, Message: core.MessageInput{Text: "what the HECKler"}})
	w.wants(err, fault.ModerationRejected)
	m, err := w.core().Messages.Edit(ctx, ann, core.EditMessage{ID: sent.Message.ID.String(), Change: func(m *core.Message) error {
		m.Text = "oh darn"
		return nil
	}})
	w.wants(err, nil)
	if m.Text != "oh ***" {
		t.Errorf("the edited text is %q", m.Text)
	}
}
