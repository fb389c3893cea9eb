package stream

import (
	"time"

	"dragoman/adapters/wire"
	"dragoman/core"
)

// stateMembers writes a channel with what a client shows first: the members of
// ChannelStateResponse except duration.
func stateMembers(w *wire.Writer, s *core.ChannelState, book commandBook) {
	w.Key("channel")
	writeChannel(w, &s.Channel, channelView{
		config: typeOrNil(&s.Config), book: book, capabilities: s.Capabilities, membership: s.Membership, hidden: s.Hidden,
	})
	writeMessages(w, "messages", s.Messages)
	writeMessages(w, "pinned_messages", s.Pinned)
	writeMembers(w, "members", s.Members)
	writeReads(w, "read", s.Reads)
	w.List("threads")
	w.CloseList()
	if s.Membership != nil {
		w.Key("membership")
		writeMember(w, s.Membership)
	}
	w.Int("watcher_count", s.WatcherCount)
	if s.Watchers != nil {
		writeUsers(w, "watchers", s.Watchers)
	}
	w.BoolIf("hidden", s.Hidden)
	if s.Membership != nil {
		w.TimeIf("hide_messages_before", hiddenSince(s.Membership))
	}
	if s.Draft != nil {
		w.Key("draft")
		writeDraft(w, s.Draft)
	}
}

// writeDuration writes how long the request took, the member every success body ends with.
func writeDuration(w *wire.Writer, d time.Duration) {
	ms := float64(d.Microseconds()) / 1000
	w.Duration("duration", ms)
}
