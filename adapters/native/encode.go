package native

import (
	"slices"
	"time"

	"dragoman/core"
)

// list applies one encoder to every item; the answer is never null.
func list[In, Out any](in []In, f func(*In) Out) []Out {
	out := make([]Out, len(in))
	for i := range in {
		out[i] = f(&in[i])
	}
	return out
}

// same is the encoder of what is written as it is.
func same[T any](v *T) T { return *v }

// maybe applies an encoder to something that may be absent.
func maybe[In, Out any](in *In, f func(*In) Out) *Out {
	if in == nil {
		return nil
	}
	out := f(in)
	return &out
}

// some is list for members that may be left out when empty.
func some[In, Out any](in []In, f func(*In) Out) []Out {
	if len(in) == 0 {
		return nil
	}
	return list(in, f)
}

func userOf(u *core.User) User {
	return User{
		ID: u.ID, Name: u.Name, Image: u.Image, Role: orElse(u.Role, core.RoleUser), Teams: u.Teams, Tags: u.Tags, Language: u.Language,
		Invisible: u.Invisible, Extra: u.Extra, Online: u.Online, Banned: u.Ban != nil && !u.Ban.Shadow && u.Ban.Active(time.Now()),
		CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt, LastActive: u.LastActive, DeactivatedAt: u.DeactivatedAt, DeletedAt: u.DeletedAt,
	}
}

// someone is the profile of a person, or the bare id where there is none.
func someone(u *core.User, id core.UserID) User {
	if u == nil {
		return User{ID: id, Role: core.RoleUser}
	}
	return userOf(u)
}

var kindNames = map[core.ChannelKind]string{
	core.KindGroup: "group", core.KindDirect: "direct", core.KindRoom: "room", core.KindCommunity: "community",
	core.KindSystem: "system",
}

func channelOf(c *core.Channel) Channel {
	return Channel{
		ID: c.Key, Kind: kindNames[c.Kind], Type: c.Type, Name: c.Name, Image: c.Image, Team: c.Team, CreatedBy: c.CreatedBy,
		Admission: string(c.Admits()), Frozen: c.Frozen, Disabled: c.Disabled, Cooldown: c.Cooldown, Tags: c.Tags, Extra: c.Extra,
		Rules:       maybe(c.Overrides.Rules, rulesOf),
		MemberCount: c.MemberCount, LastSeq: c.LastSeq, LastMessageAt: c.LastMessageAt, TruncatedAt: c.TruncatedAt,
		CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, DeletedAt: c.DeletedAt,
	}
}

func stateOf(s *core.ChannelState) ChannelState {
	return ChannelState{
		Channel: channelOf(&s.Channel), Membership: maybe(s.Membership, memberOf), Members: some(s.Members, memberOf),
		Messages: some(s.Messages, messageOf), Pinned: some(s.Pinned, messageOf), Reads: some(s.Reads, readOf), Watchers: s.WatcherCount,
		Capabilities: s.Capabilities, Hidden: s.Hidden, Draft: maybe(s.Draft, draftOf),
	}
}

func memberOf(m *core.Member) Member {
	return Member{
		User: someone(m.Profile, m.User), Role: orElse(m.Role, core.MemberMember), Extra: m.Extra,
		Banned: m.Ban != nil && m.Ban.Active(time.Now()), JoinedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt, InvitedAt: m.InvitedAt,
		AcceptedAt: m.AcceptedAt, RejectedAt: m.RejectedAt, HiddenAt: m.HiddenAt, PinnedAt: m.PinnedAt, ArchivedAt: m.ArchivedAt,
		MutedUntil: m.MutedUntil, ReadSeq: m.ReadSeq, ReadAt: m.ReadAt,
	}
}

// messageOf writes a message. A tombstone keeps who, when and where, and loses what.
func messageOf(m *core.Message) Message {
	author := someone(m.Author, m.User)
	out := Message{
		ID: m.Name(), Stamp: m.ID, Channel: m.ChannelKey, Seq: m.Seq, User: &author, Kind: string(orElse(m.Kind, core.MessageRegular)),
		Parent: nameOf(m.ParentAlias, m.Parent), ShowInChannel: m.ShowInChannel, Silent: m.Silent, RestrictedTo: m.RestrictedTo,
		ReplyCount: m.ReplyCount, LastReplyAt: m.LastReplyAt, Participants: m.Participants, Notice: maybe(m.Notice, noticeOf),
		CreatedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt, EditedAt: m.EditedAt, DeletedAt: m.DeletedAt, DeletedForMe: m.DeletedFor,
		Reactions: some(m.Reactions, sumOf), OwnReactions: some(m.OwnReactions, reactionOf),
	}
	if m.Deleted() {
		return out
	}
	out.Text, out.Attachments, out.Tags, out.Extra = m.Text, m.Attachments, m.Tags, m.Extra
	out.Mentions, out.Quoted = some(m.Mentioned, userOf), nameOf(m.QuotedAlias, m.Quoted)
	out.QuotedMessage, out.Poll = maybe(m.QuotedMessage, messageOf), maybe(m.Poll, pollOf)
	out.Pinned, out.PinnedAt, out.PinnedBy, out.PinExpires = m.Pinned, m.PinnedAt, m.PinnedBy, m.PinExpires
	return out
}

// nameOf is what clients call a message.
func nameOf(alias string, id core.MessageID) string {
	if alias != "" || id == 0 {
		return alias
	}
	return id.String()
}

func noticeOf(n *core.Notice) Notice {
	return Notice{Kind: n.Kind, Of: n.Of, Old: n.Old, New: n.New, Call: maybe(n.Call, callOf)}
}

func sumOf(g *core.ReactionGroup) ReactionSum { return ReactionSum{g.Type, g.Count, g.Score} }

func reactionOf(r *core.Reaction) Reaction {
	return Reaction{
		Message: nameOf(r.Alias, r.Message), Type: r.Type, User: someone(r.Author, r.User), Score: r.Score, Extra: r.Extra,
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
}

func readOf(r *core.Read) Read {
	return Read{
		User: userOf(&r.User), Seq: r.Seq, Message: nameOf(r.MessageAlias, r.Message), At: r.At, Unread: r.Unread,
		DeliveredSeq: r.DeliveredSeq, Delivered: nameOf(r.DeliveredName, r.DeliveredID), DeliveredAt: r.DeliveredAt,
	}
}

func receiptOf(r *core.Receipt) Receipt {
	return Receipt{User: userOf(&r.User), DeliveredAt: r.DeliveredAt, ReadAt: r.ReadAt}
}

func threadOf(t *core.Thread) Thread {
	return Thread{
		Message: messageOf(&t.Parent), Channel: channelOf(&t.Channel), Title: t.Title, Extra: t.Extra, ReplyCount: t.ReplyCount,
		Participants: list(t.Participants, func(p *core.ThreadParticipant) User { return userOf(&p.User) }),
		Replies:      list(t.LatestReplies, messageOf), LastMessageAt: t.LastMessageAt, CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt,
		Owner: t.Owner, StartedAt: t.StartedAt, People: t.People,
	}
}

func banOf(b *core.Ban) Ban {
	return Ban{User: b.User, Channel: b.Channel, By: b.By, Reason: b.Reason, Shadow: b.Shadow, CreatedAt: b.CreatedAt, Expires: b.Expires}
}

func muteOf(m *core.UserMute) Mute {
	return Mute{User: userOf(&m.Target), CreatedAt: m.CreatedAt, Expires: m.Expires}
}

func channelMuteOf(m *core.ChannelMute) ChannelMute {
	return ChannelMute{Channel: m.Channel.Key, CreatedAt: m.CreatedAt, Expires: m.Expires}
}

func blockOf(b *core.UserBlock) Block {
	return Block{User: userOf(&b.Target), CreatedAt: b.CreatedAt}
}

func flagOf(f *core.Flag) Flag {
	return Flag{
		ID: f.ID, By: f.By, User: f.Target, Message: nameOf(f.Alias, f.Message), Channel: f.Key, Reason: f.Reason, Automatic: f.Automatic,
		Extra: f.Extra, CreatedAt: f.CreatedAt, ReviewedAt: f.ReviewedAt, Result: f.Result,
	}
}

func wordlistOf(b *core.Blocklist) Wordlist {
	return Wordlist{Name: b.Name, Words: append([]string{}, b.Words...), CreatedAt: b.CreatedAt, UpdatedAt: b.UpdatedAt}
}

func friendOf(f *core.Friendship) Friend {
	return Friend{User: someone(f.Profile, f.Friend), Status: string(f.Status), Text: f.Text, Remark: f.Remark, Extra: f.Extra, CreatedAt: f.CreatedAt, UpdatedAt: f.UpdatedAt}
}

func deviceOf(d *core.Device) Device {
	return Device{ID: d.ID, Provider: d.Provider, ProviderName: d.ProviderName, Voip: d.Voip, CreatedAt: d.CreatedAt}
}

func pollOf(p *core.Poll) Poll {
	return Poll{
		ID: p.ID, Name: p.Name, Description: p.Description, Anonymous: p.Anonymous, UniqueVote: p.UniqueVote, MaxVotes: p.MaxVotes,
		AllowSuggestions: p.AllowSuggestions, AllowAnswers: p.AllowAnswers, Closed: p.Closed, Extra: p.Extra, CreatedBy: p.CreatedBy,
		Options: list(p.Options, func(o *core.PollOption) PollOption {
			return PollOption{ID: o.ID, Text: o.Text, Votes: o.Votes, Extra: o.Extra}
		}),
		VoteCount: p.VoteCount, AnswerCount: p.AnswerCount, OwnVotes: some(p.OwnVotes, voteOf), CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt,
	}
}

func voteOf(v *core.PollVote) Vote {
	return Vote{ID: v.ID, Poll: v.Poll, Option: v.Option, Answer: v.Answer, User: v.User, CreatedAt: v.CreatedAt}
}

func draftOf(d *core.Draft) Draft {
	return Draft{Channel: d.Key, Parent: d.Parent, Message: d.Message, CreatedAt: d.CreatedAt}
}

func reminderOf(r *core.Reminder) Reminder {
	return Reminder{Message: nameOf(r.Alias, r.Message), Channel: r.Key, RemindAt: r.RemindAt, FiredAt: r.FiredAt, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt}
}

func callOf(c *core.Call) Call {
	return Call{
		ID: c.Session, Channel: c.Key, Kind: c.Kind, Status: c.Status, By: c.By, To: c.To, In: c.In, Extra: c.Extra,
		InitiatedAt: c.InitiatedAt, StartedAt: c.StartedAt, EndedAt: c.EndedAt,
	}
}

func countsOf(c core.Counts) Counts { return Counts{c.Messages, c.Channels, c.Threads} }

// eventOf writes an event. What is nobody's business but the core's stays out.
func eventOf(e *core.Event) Event {
	out := Event{
		Kind: e.Kind, Stamp: e.Stamp, At: e.At, User: maybe(e.User, userOf), Target: maybe(e.Target, userOf), Message: maybe(e.Message, messageOf),
		Reaction: maybe(e.Reaction, reactionOf), Member: maybe(e.Member, memberOf), Read: maybe(e.Read, readOf), Ban: maybe(e.Ban, banOf),
		Mute: maybe(e.Mute, channelMuteOf), Poll: maybe(e.Poll, pollOf), Vote: maybe(e.Vote, voteOf), Thread: maybe(e.Thread, threadOf),
		Draft: maybe(e.Draft, draftOf), Reminder: maybe(e.Reminder, reminderOf), Parent: e.Parent, Name: e.Name, Extra: e.Extra,
		Device: e.Origin, Watchers: e.WatcherCount, Hard: e.Hard, Cleared: e.Cleared, Everyone: e.Everyone,
		Change: maybe(e.Change, changeOf), Interacted: maybe(e.Interacted, interactedOf),
	}
	if e.Self != nil {
		out.Mutes = list(e.Self.Mutes, muteOf)
	}
	if e.Channel != nil {
		out.ID = e.Channel.Key
		if tellsChannel[e.Kind] {
			c := channelOf(e.Channel)
			out.Channel = &c
		}
	}
	return out
}

// tellsChannel are the events that carry the whole channel.
var tellsChannel = map[core.EventKind]bool{
	core.ChannelCreated: true, core.ChannelUpdated: true, core.ChannelTruncated: true, core.ChannelDeleted: true,
	core.ChannelHidden: true, core.ChannelShown: true, core.MemberAdded: true, core.MemberInvited: true,
}

func typeOf(t *core.ChannelType) ChannelType {
	out := ChannelType{Name: t.Name, Kind: kindNames[t.Kind], Features: []string{}, MaxLength: t.MaxLength, Commands: append([]string{}, t.Commands...)}
	for f, on := range t.Features {
		if on {
			out.Features = append(out.Features, string(f))
		}
	}
	slices.Sort(out.Features)
	return out
}

// stamp notes since when something is so, or that it is not.
func stamp(at *time.Time, on *bool, now time.Time) {
	switch {
	case on == nil:
	case !*on:
		*at = time.Time{}
	case at.IsZero():
		*at = now
	}
}
