package stream

import (
	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
)

// eventRow tells what becomes of one kind of event: the vendor's types for those who watch the
// channel, for members who do not, and for the person it is about, and what the body holds. An
// empty type means that they are not told.
type eventRow struct {
	watcher variant
	member  variant
	subject variant // for the subject: in place of member, and beside watcher
	about   func(*core.Event) core.UserID
	write   func(*Dialect, *wire.Writer, *core.Event)
}

// variant is one rendering of an event; its keys name it in the event's cache.
type variant struct {
	typ, body, frame string
	channel          bool // the channel object is part of the body
}

// as names a rendering without the channel object, with one with it.
func as(typ string) variant {
	return variant{typ: typ, body: "stream body " + typ, frame: "stream " + typ}
}

func with(typ string) variant {
	v := as(typ)
	v.channel = true
	return v
}

// eventTable is the vendor's event of every kind; see https://getstream.io/chat/docs/node/event_object/.
var eventTable = map[core.EventKind]eventRow{
	core.MessageSent:      {watcher: as("message.new"), member: with("notification.message_new"), write: (*Dialect).newMessageEvent},
	core.MessageEdited:    {watcher: as("message.updated"), write: (*Dialect).messageEvent},
	core.MessageDeleted:   {watcher: as("message.deleted"), write: (*Dialect).messageEvent},
	core.MessageRestored:  {watcher: as("message.undeleted"), write: (*Dialect).messageEvent},
	core.ReactionAdded:    {watcher: as("reaction.new"), write: (*Dialect).messageEvent},
	core.ReactionChanged:  {watcher: as("reaction.updated"), write: (*Dialect).messageEvent},
	core.ReactionRemoved:  {watcher: as("reaction.deleted"), write: (*Dialect).messageEvent},
	core.ChannelCreated:   {watcher: with("channel.created"), write: (*Dialect).actorEvent},
	core.ChannelUpdated:   {watcher: with("channel.updated"), write: (*Dialect).messageEvent},
	core.ChannelTruncated: {watcher: with("channel.truncated"), member: with("notification.channel_truncated"), write: (*Dialect).messageEvent},
	core.ChannelDeleted:   {watcher: with("channel.deleted"), member: with("notification.channel_deleted"), write: (*Dialect).actorEvent},
	core.MemberAdded:      {watcher: with("member.added"), subject: with("notification.added_to_channel"), about: member, write: (*Dialect).memberEvent},
	core.MemberUpdated:    {watcher: with("member.updated"), write: (*Dialect).memberEvent},
	core.MemberRemoved:    {watcher: with("member.removed"), subject: with("notification.removed_from_channel"), about: member, write: (*Dialect).memberEvent},
	core.MemberInvited:    {watcher: with("member.added"), subject: with("notification.invited"), about: member, write: (*Dialect).memberEvent},
	core.InviteAccepted:   {watcher: with("notification.invite_accepted"), member: with("notification.invite_accepted"), write: (*Dialect).memberEvent},
	core.InviteRejected:   {watcher: with("notification.invite_rejected"), member: with("notification.invite_rejected"), write: (*Dialect).memberEvent},
	core.ReadMoved:        {watcher: as("message.read"), subject: as("notification.mark_read"), about: actor, write: (*Dialect).readEvent},
	core.ReadMovedBack:    {subject: as("notification.mark_unread"), about: actor, write: (*Dialect).unreadEvent},
	core.DeliveredMoved:   {watcher: as("message.delivered"), write: (*Dialect).deliveredEvent},
	core.ChannelHidden:    {subject: with("channel.hidden"), about: actor, write: (*Dialect).hiddenEvent},
	core.ChannelShown:     {subject: with("channel.visible"), about: actor, write: (*Dialect).actorEvent},
	core.ChannelMuted:     {subject: with("channel.muted"), about: actor, write: (*Dialect).channelMuteEvent},
	core.ChannelUnmuted:   {subject: with("channel.unmuted"), about: actor, write: (*Dialect).channelMuteEvent},
	core.MutesChanged:     {subject: as("notification.mutes_updated"), about: actor, write: (*Dialect).selfEvent},
	core.ChannelMutes:     {subject: as("notification.channel_mutes_updated"), about: actor, write: (*Dialect).selfEvent},
	core.TypingStarted:    {watcher: as("typing.start"), write: (*Dialect).typingEvent},
	core.TypingStopped:    {watcher: as("typing.stop"), write: (*Dialect).typingEvent},
	core.CustomEvent:      {watcher: as("*"), member: as("*"), write: (*Dialect).customEvent},
	core.WatchingStarted:  {watcher: as("user.watching.start"), write: (*Dialect).watchingEvent},
	core.WatchingStopped:  {watcher: as("user.watching.stop"), write: (*Dialect).watchingEvent},
	core.UserUpdated:      {watcher: as("user.updated"), write: (*Dialect).actorEvent},
	core.UserPresence:     {watcher: as("user.presence.changed"), write: (*Dialect).actorEvent},
	core.UserBanned:       {watcher: as("user.banned"), subject: as("user.banned"), about: target, write: (*Dialect).banEvent},
	core.UserUnbanned:     {watcher: as("user.unbanned"), subject: as("user.unbanned"), about: target, write: (*Dialect).banEvent},
	core.UserDeactivated:  {watcher: as("user.deactivated"), write: (*Dialect).actorEvent},
	core.UserReactivated:  {watcher: as("user.reactivated"), write: (*Dialect).actorEvent},
	core.UserDeleted:      {watcher: as("user.deleted"), write: (*Dialect).userDeletedEvent},
	core.UserMessagesGone: {watcher: as("user.messages.deleted"), write: (*Dialect).targetEvent},
	core.UserFlagged:      {watcher: as("user.flagged"), write: (*Dialect).flagEvent},
	core.MessageFlagged:   {watcher: as("message.flagged"), write: (*Dialect).flagEvent},
	core.UserMuted:        {watcher: as("user.muted"), write: (*Dialect).mutedEvent},
	core.UserUnmuted:      {watcher: as("user.unmuted"), write: (*Dialect).mutedEvent},
	core.PollUpdated:      {watcher: as("poll.updated"), write: (*Dialect).pollEvent},
	core.PollClosed:       {watcher: as("poll.closed"), write: (*Dialect).pollEvent},
	core.PollDeleted:      {watcher: as("poll.deleted"), write: (*Dialect).pollEvent},
	core.VoteCast:         {watcher: as("poll.vote_casted"), write: (*Dialect).pollEvent},
	core.VoteChanged:      {watcher: as("poll.vote_changed"), write: (*Dialect).pollEvent},
	core.VoteRemoved:      {watcher: as("poll.vote_removed"), write: (*Dialect).pollEvent},
	core.ThreadUpdated:    {watcher: as("thread.updated"), write: (*Dialect).threadEvent},
	core.DraftUpdated:     {watcher: as("draft.updated"), write: (*Dialect).draftEvent},
	core.DraftDeleted:     {watcher: as("draft.deleted"), write: (*Dialect).draftEvent},
	core.ReminderCreated:  {watcher: as("reminder.created"), write: (*Dialect).reminderEvent},
	core.ReminderUpdated:  {watcher: as("reminder.updated"), write: (*Dialect).reminderEvent},
	core.ReminderDeleted:  {watcher: as("reminder.deleted"), write: (*Dialect).reminderEvent},
	core.ReminderDue:      {watcher: as("notification.reminder_due"), write: (*Dialect).reminderEvent},
}

// threadReply is what people in a thread are told of a reply, watching or not.
var threadReply = with("notification.thread_message_new")

// The persons an event may be about.

func actor(e *core.Event) core.UserID {
	if e.User == nil {
		return ""
	}
	return e.User.ID
}

func member(e *core.Event) core.UserID {
	if e.Member == nil {
		return target(e)
	}
	return e.Member.User
}

func target(e *core.Event) core.UserID {
	if e.Target == nil {
		return ""
	}
	return e.Target.ID
}

// tell renders a delivery for a connection of the person and hands each frame to send.
func (d *Dialect) tell(dl core.Delivery, self core.UserID, send func(adapters.Frame)) {
	d.render(dl, self, func(v variant, counts *core.Counts) { send(d.frame(dl.Event, v, counts)) })
}

// render decides which renderings of a delivery a connection of the person is sent.
func (d *Dialect) render(dl core.Delivery, self core.UserID, send func(variant, *core.Counts)) {
	row, ok := eventTable[dl.Event.Kind]
	if !ok {
		return
	}
	watching := dl.As&core.AsWatcher != 0
	subject := row.subject.typ != "" && self != "" && row.about(dl.Event) == self
	switch {
	case watching && row.watcher.typ != "":
		send(row.watcher, dl.Counts)
		if subject && row.subject.typ != row.watcher.typ && dl.Event.Kind != core.MemberAdded {
			send(row.subject, dl.Counts)
		}
	case subject:
		send(row.subject, dl.Counts)
	case dl.As&core.AsMember != 0:
		if row.member.typ != "" && !aside(dl.Event) {
			send(row.member, dl.Counts)
		}
	case row.watcher.typ != "" && dl.As&(core.AsTarget|core.AsPresence) != 0:
		send(row.watcher, dl.Counts)
	}
	if dl.Event.Kind == core.MessageSent && inThread(dl.Event.Message, self) {
		send(threadReply, dl.Counts)
	}
}

// aside reports whether the event is a thread reply that is not shown in the channel: members who
// do not watch are told of it only when they are in the thread.
func aside(e *core.Event) bool {
	m := e.Message
	return e.Kind == core.MessageSent && m != nil && m.Parent != 0 && !m.ShowInChannel
}

// inThread reports whether the message is a reply of another person in a thread that the person
// takes part in.
func inThread(m *core.Message, self core.UserID) bool {
	if m == nil || m.Parent == 0 || self == "" || m.User == self {
		return false
	}
	for i := range m.ThreadUsers {
		if m.ThreadUsers[i].ID == self {
			return true
		}
	}
	for _, id := range m.Participants {
		if id == self {
			return true
		}
	}
	return false
}

// frame compiles a rendering. It is encoded once and shared; a receiver's own counts are spliced
// in at the end of the shared bytes.
func (d *Dialect) frame(e *core.Event, v variant, c *core.Counts) adapters.Frame {
	if c == nil || !counted[e.Kind] {
		return core.Encoded(e, v.frame, func(e *core.Event) adapters.Frame {
			w := d.open1(e, v)
			w.Close()
			return adapters.TextFrame(w.Bytes())
		})
	}
	return adapters.TextFrame(d.counted(e, v, c))
}

// event renders an event as JSON, with the receiver's counts if there are any.
func (d *Dialect) event(e *core.Event, v variant, c *core.Counts) []byte {
	if c != nil && counted[e.Kind] {
		return d.counted(e, v, c)
	}
	w := d.open1(e, v)
	w.Close()
	return w.Bytes()
}

// counted splices counts into the shared bytes of a rendering.
func (d *Dialect) counted(e *core.Event, v variant, c *core.Counts) []byte {
	body := core.Encoded(e, v.body, func(e *core.Event) []byte { return d.open1(e, v).Bytes() })
	w := wire.NewWriter(len(body) + 128)
	w.Append(body)
	writeCounts(w, c)
	if v.typ == threadReply.typ || e.Kind == core.ReadMoved || e.Kind == core.ReadMovedBack {
		w.Int("unread_threads", c.Threads)
	}
	w.Close()
	return w.Bytes()
}

// counted are the kinds whose events carry the receiver's unread totals.
var counted = map[core.EventKind]bool{
	core.MessageSent: true, core.ReadMoved: true, core.ReadMovedBack: true, core.ChannelTruncated: true, core.ChannelDeleted: true,
}

// open1 writes everything of an event but its closing brace.
func (d *Dialect) open1(e *core.Event, v variant) *wire.Writer {
	w := wire.NewWriter(1024)
	w.Open()
	typ := v.typ
	if typ == "*" {
		typ = e.Name
	}
	w.Text("type", typ)
	w.Time("created_at", e.At)
	if c := e.Channel; c != nil {
		t, id := c.Key.Split()
		w.Text("cid", t+":"+id)
		w.Text("channel_type", t)
		w.Text("channel_id", id)
		w.TextIf("team", c.Team)
		w.Int("channel_member_count", c.MemberCount)
		w.TimeIf("channel_last_message_at", c.LastMessageAt)
		if v.channel {
			w.Key("channel")
			writeChannel(w, c, channelView{config: e.Config, book: d.bookNow(e.App), hidden: e.Kind == core.ChannelHidden})
		}
	}
	eventTable[e.Kind].write(d, w, e)
	return w
}

// webhookEvent renders an event as its webhook body has it, or nil for a kind the vendor has no event
// for: the shape is that of those who watch.
func (d *Dialect) webhookEvent(e *core.Event) (typ string, body []byte) {
	row, ok := eventTable[e.Kind]
	if !ok {
		return "", nil
	}
	v := row.watcher
	if v.typ == "" {
		v = row.subject
	}
	if typ = v.typ; typ == "*" {
		typ = e.Name
	}
	return typ, d.event(e, v, nil)
}
