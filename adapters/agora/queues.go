package agora

import (
	"context"
	"time"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
)

// Bounds of queues.
const (
	maxTold   = 4000 // events that wait to be told
	pullBatch = 100  // items of one answer
)

// boxName is the queue of what belongs to the person and to no conversation. No person and no group
// can have the name.
const boxName = "*system"

func boxJID() *jid { return &jid{name: boxName, domain: domainUser} }

// queue is one queue of a connection: a conversation's events in the order of their stamps. Most are
// live: what happens is sent at once, with its stamp as the key that the client acknowledges. One in
// which the client has something to catch up with is behind: the client pulls, and what happens
// meanwhile is found in the feed, so that nothing overtakes and nothing is sent twice.
type queue struct {
	at      jid             // as the client knows it
	key     core.ChannelKey // empty for the box
	behind  bool
	dirty   bool       // something happened since the last look into the feed
	pulling bool       // the client is at it, so that it needs no notice
	after   core.Stamp // how far the feed was read
	sent    core.Stamp // the newest that was sent
	acked   core.Stamp // the newest that the client has acknowledged
	skipped core.Stamp // the newest that there was nothing to send of
}

// catchUp finds the queues that hold something the device has not got. Until it is done nothing is
// told, so that no event falls between the two ways.
func (l *link) catchUp(ctx context.Context) error {
	waiting, err := l.d.core.Feeds.Pending(ctx, l.by, core.PendingFeed{Device: l.device})
	if err != nil {
		return err
	}
	queues := make(map[core.ChannelID]*queue, len(waiting))
	for i := range waiting {
		w := &waiting[i]
		if w.Channel != nil && w.Channel.Kind == core.KindRoom {
			continue // rooms keep nothing for those who are away
		}
		q := &queue{behind: true, after: w.After}
		id := core.ChannelID(0)
		if q.at = *boxJID(); w.Channel != nil {
			v, err := l.d.venueOf(ctx, l.t, w.Channel)
			if err != nil {
				return err
			}
			q.at, q.key, id = v.queue(l.by.User), w.Channel.Key, w.Channel.ID
		}
		queues[id] = q
	}
	l.mu.Lock()
	l.queues = queues
	l.mu.Unlock()
	return nil
}

// unread answers an UNREAD frame, which is also the client's heartbeat: the queues to pull.
func (l *link) unread() {
	out := unreadDL{status: success(), timestamp: uint64(l.d.now().UnixMilli())} //nolint:gosec // after 1970
	l.mu.Lock()
	for _, q := range l.queues {
		if q.behind {
			out.unread = append(out.unread, unreadQueue{queue: oneJID{&q.at}, n: 1})
		}
	}
	b := out.encode(make([]byte, 0, 64))
	l.mu.Unlock()
	l.conn.Send(frameOf(cmdUnread, b))
}

// queueNamed finds the queue that a client names. One that nothing happened in has nothing to pull.
func (l *link) queueNamed(name *jid) *queue {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, q := range l.queues {
		if q.at.name == name.name && (q.at.domain == name.domain || name.domain == "") {
			return q
		}
	}
	return nil
}

// pull acknowledges a queue up to a key and answers what comes after it; an answer without items ends
// the client's pulling.
func (l *link) pull(ctx context.Context, name *jid, key core.Stamp) {
	q := l.queueNamed(name)
	if q == nil {
		l.answerPull(*name, nil, 0)
		return
	}
	if key > 0 {
		l.acknowledged(q, key)
	}
	for ctx.Err() == nil {
		l.mu.Lock()
		if !q.behind {
			l.mu.Unlock()
			l.answerPull(q.at, nil, 0)
			return
		}
		in := core.PullFeed{Channel: q.key, Own: q.key == "", After: q.after, Limit: pullBatch}
		q.dirty, q.pulling = false, true
		l.mu.Unlock()
		page, err := l.d.core.Feeds.Pull(ctx, l.by, in)
		if err != nil && !gone(err) {
			l.conn.Close(closeRetry, "") // the client comes back and asks again
			return
		}
		items := l.items(ctx, page.Events)
		l.mu.Lock()
		q.after = max(q.after, page.Last)
		if len(items) > 0 {
			q.sent = max(q.sent, page.Last)
			l.mu.Unlock()
			l.answerPull(q.at, items, page.Last)
			return
		}
		if page.More || q.dirty {
			l.mu.Unlock()
			continue
		}
		q.behind, q.pulling = false, false
		q.sent = max(q.sent, q.after)
		l.mu.Unlock()
		l.skip(q, page.Last)
		l.answerPull(q.at, nil, 0)
		return
	}
}

// gone reports whether a queue is there no more: the person left, or the group was dissolved. The box
// tells of it.
func gone(err error) bool {
	f := fault.From(err)
	return f.Reason == fault.GroupNotFound || f.Reason == fault.GroupNotMember || f.Reason == fault.PermissionDenied ||
		f.Reason == fault.ConversationAccessDenied
}

// items are the encoded items of events that were missed.
func (l *link) items(ctx context.Context, evs []*core.Event) [][]byte {
	var out [][]byte
	for i, ev := range evs {
		if ev.Kind == core.ReadMoved && i > 0 && follows(ev, evs[i-1]) {
			continue
		}
		out = append(out, l.d.tell(ctx, l, ev, false)...)
	}
	return out
}

// follows reports whether a move of a read position comes from the acknowledgement before it, which
// says the same.
func follows(move, ack *core.Event) bool {
	return ack.Kind == core.MessageAcked && ack.Change != nil && ack.Change.Ack != nil && move.Read != nil &&
		ack.Change.Ack.Message == move.Read.Message && ack.Change.Ack.User == move.Read.User.ID
}

// answerPull answers a pull. The status and the queue are mandatory.
func (l *link) answerPull(at jid, items [][]byte, next core.Stamp) {
	l.conn.Send(frameOf(cmdSync, l.batch(at, items, next, len(items) == 0)))
}

// batch writes the payload that carries items of a queue.
func (l *link) batch(at jid, items [][]byte, next core.Stamp, last bool) []byte {
	dl := syncDL{status: success(), nextKey: uint64(next), isLast: last, timestamp: uint64(l.d.now().UnixMilli())} //nolint:gosec // stamps and times are positive
	dl.queue.v = &at
	n := 64 + len(at.name) + len(at.appKey)
	for _, x := range items {
		n += len(x) + 6
	}
	b := dl.encode(make([]byte, 0, n))
	for _, x := range items {
		b = appendItem(b, x)
	}
	return b
}

// sink takes what the core tells. It must not block; another goroutine writes it.
func (l *link) sink(dl core.Delivery) {
	if c := dl.Event.Channel; c != nil && c.Kind == core.KindRoom && dl.As&core.AsEntered == 0 && !dl.Event.InBox(l.by.User) {
		return // the person is in the room with another device
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.told) >= maxTold {
		l.conn.Close(closeRetry, "too slow")
		return
	}
	l.told = append(l.told, dl.Event)
	if !l.telling {
		l.telling = true
		l.tellers.Go(l.tellAll)
	}
}

// tellAll tells what waits, and ends when nothing does.
func (l *link) tellAll() {
	for {
		l.mu.Lock()
		batch := l.told
		l.told = nil
		if len(batch) == 0 {
			l.telling = false
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		for i := range batch {
			l.tell(batch[i])
		}
	}
}

// tellWithin bounds the look at the store that an item may need.
const tellWithin = 5 * time.Second

// tell sends one event, or leaves it to the client's pulling.
func (l *link) tell(ev *core.Event) {
	ctx, cancel := context.WithTimeout(context.Background(), tellWithin)
	defer cancel()
	q, ok := l.queueOf(ctx, ev)
	if !ok {
		return
	}
	items := l.d.tell(ctx, l, ev, true)
	if ev.Stamp == 0 || q.key != "" && ev.Channel != nil && ev.Channel.Kind == core.KindRoom {
		if len(items) > 0 {
			l.conn.Send(frameOf(cmdSync, l.batch(q.at, items, 0, false)))
		}
		return
	}
	if len(items) == 0 {
		l.skip(q, ev.Stamp)
		return
	}
	l.mu.Lock()
	q.sent = max(q.sent, ev.Stamp)
	l.mu.Unlock()
	l.conn.Send(l.pushed(ev, q, items))
}

// pushed is the frame of a live event. Everybody in a group gets the same one, but for what is said in
// a thread, of which some get the message and others the news.
func (l *link) pushed(ev *core.Event, q *queue, items [][]byte) adapters.Frame {
	write := func(*core.Event) adapters.Frame { return frameOf(cmdSync, l.batch(q.at, items, ev.Stamp, false)) }
	if ev.Kind == core.MessageSent && ev.Message.Parent == 0 && q.at.domain == domainGroup {
		return core.Encoded(ev, "agora.frame", write)
	}
	return write(ev)
}

// queueOf finds the queue of a live event. It reports false for what the client will pull, and for what
// it was sent before.
func (l *link) queueOf(ctx context.Context, ev *core.Event) (*queue, bool) {
	id, key := core.ChannelID(0), core.ChannelKey("")
	if ev.Channel != nil && !ev.InBox(l.by.User) {
		id, key = ev.Channel.ID, ev.Channel.Key
	}
	l.mu.Lock()
	q := l.queues[id]
	l.mu.Unlock()
	if q == nil {
		at := *boxJID()
		if id != 0 {
			v, err := l.d.venueOf(ctx, l.t, ev.Channel)
			if err != nil {
				l.conn.Close(closeRetry, "") // the client comes back and pulls
				return nil, false
			}
			at = v.queue(l.by.User)
		}
		q = &queue{at: at, key: key}
		l.mu.Lock()
		if l.queues == nil {
			l.queues = map[core.ChannelID]*queue{}
		}
		l.queues[id] = q
		l.mu.Unlock()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case ev.Stamp == 0:
	case q.behind:
		if q.dirty = true; !q.pulling {
			n := notice{queue: oneJID{&q.at}}
			l.send(cmdNotice, &n)
		}
		return q, false
	case ev.Stamp <= q.sent:
		return q, false
	}
	return q, true
}

// acknowledged notes what the client has, and with it what there was nothing to send of since.
func (l *link) acknowledged(q *queue, key core.Stamp) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key = min(key, max(q.sent, q.after)) // a client cannot have what it was not sent
	if key <= q.acked {
		return
	}
	q.acked = key
	if q.acked >= q.sent {
		key = max(key, q.skipped)
	}
	l.note(q.key, key)
}

// skip passes over an event that there was nothing to send of, when the client has all before it.
func (l *link) skip(q *queue, at core.Stamp) {
	l.mu.Lock()
	defer l.mu.Unlock()
	q.skipped = max(q.skipped, at)
	if at > 0 && q.acked >= q.sent {
		l.note(q.key, q.skipped)
	}
}

// note tells the core how far the device has come.
func (l *link) note(key core.ChannelKey, at core.Stamp) {
	// What cannot be noted is sent again another time, and the client knows it by its id.
	_ = l.d.core.Feeds.Ack(context.Background(), l.by, core.AckFeed{Device: l.device, Key: key, Stamp: at})
}
