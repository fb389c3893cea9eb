package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/store"
)

// reasonOf is the reason of an error, which unlike its text is the same in every run.
func reasonOf(err error) string {
	var f *fault.Error
	switch {
	case errors.As(err, &f):
		return f.Reason.Name()
	case errors.Is(err, store.ErrUnavailable):
		return "unavailable"
	}
	return err.Error()
}

// passing reports whether an error is one of the moment, after which a client tries again.
func passing(err error) bool {
	for _, r := range []*fault.Reason{fault.StorageUnavailable, fault.RequestTimeout, fault.RealtimeFailed, fault.RateLimited} {
		if fault.IsReason(err, r) {
			return true
		}
	}
	return errors.Is(err, store.ErrUnavailable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// act does what the client has to do, one after the other, each until it is acknowledged.
func (c *client) act() {
	for _, o := range c.ops {
		c.w.pause(time.Until(began.Add(o.at)))
		if o.kind == "hop" {
			kick(c.hop)
			continue
		}
		if !c.do(o) {
			return
		}
	}
	c.mu.Lock()
	c.idle = true
	c.mu.Unlock()
}

// do tries one thing until it is answered; false at the end of the story.
func (c *client) do(o op) bool {
	text := fmt.Sprintf("%s-%d", c.name, o.n)
	for try := uint64(0); ; try++ {
		k := c.current()
		if k == nil {
			return false
		}
		ctx, cancel := context.WithTimeout(k.ctx, deadline)
		err := c.once(ctx, k, o, text)
		cancel()
		if err == nil {
			return true
		}
		c.w.say("%s: %s %s failed: %s", c.name, o.kind, text, reasonOf(err))
		if k.ctx.Err() == nil && !passing(err) {
			c.w.wrong("answer", "%s: %s of %s answered %v", c.name, o.kind, text, err)
			return true
		}
		if o.kind == "send" || o.kind == "whisper" {
			c.w.count1(func(n *Counts) { n.Resent++ })
		}
		c.w.pause(c.w.seed.str("again").str(text).num(try).within(50*time.Millisecond, 900*time.Millisecond))
	}
}

// once tries one thing once.
func (c *client) once(ctx context.Context, k *conn, o op, text string) error {
	key := keyOf(o.ch)
	switch o.kind {
	case "send", "whisper":
		in := core.SendMessage{Key: key, Message: core.MessageInput{Alias: text, Text: text}}
		if o.kind == "whisper" {
			in.Directed, in.Message.RestrictedTo = true, []core.UserID{peerOf(c.user, o)}
		}
		out, err := k.n.core.Messages.Send(ctx, k.by, in)
		if err == nil {
			c.sent(o, text, &out)
		}
		return err
	case "edit", "delete":
		c.mu.Lock()
		name := ""
		if len(c.own) > 0 {
			name = c.own[o.n%len(c.own)]
		}
		c.mu.Unlock()
		if name == "" {
			return nil
		}
		var err error
		if o.kind == "edit" {
			_, err = k.n.core.Messages.Edit(ctx, k.by, core.EditMessage{ID: name, Change: func(m *core.Message) error {
				m.Text = fmt.Sprintf("%s v%d", name, o.n)
				return nil
			}})
		} else if _, err = k.n.core.Messages.Delete(ctx, k.by, core.DeleteMessage{ID: name}); fault.IsReason(err, fault.MessageNotFound) {
			err = nil // by a try whose answer was lost
		}
		if err == nil && o.kind == "delete" {
			c.forget(name)
		}
		return err
	}
	out, err := k.n.core.Reads.Mark(ctx, k.by, core.MarkRead{Key: key})
	if err == nil {
		c.w.noteRead(c.user, key, out.Event.Read.Seq)
	}
	return err
}

// forget takes a message off those that may be changed.
func (c *client) forget(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.own {
		if c.own[i] == name {
			c.own = append(c.own[:i:i], c.own[i+1:]...)
			return
		}
	}
}

// peerOf is to whom somebody whispers.
func peerOf(u core.UserID, o op) core.UserID {
	all := membership[o.ch]
	for i := range all {
		if p := all[(i+o.n)%len(all)]; p != u {
			return p
		}
	}
	return u
}

// sent notes an acknowledged message.
func (c *client) sent(o op, text string, out *core.Sent) {
	w := c.w
	w.say("%s is acknowledged %s as %d, repeat %v", c.name, text, out.Message.Seq, out.Duplicate)
	w.mu.Lock()
	w.count.Sent++
	if out.Duplicate {
		w.count.Repeated++
	}
	w.acks[text] = out.Message.ID
	w.mu.Unlock()
	w.noteRead(c.user, out.Message.ChannelKey, out.Message.Seq)
	if o.kind == "send" {
		c.mu.Lock()
		c.own = append(c.own, text)
		c.mu.Unlock()
	}
}

// noteRead notes how far somebody has read, as they were told.
func (w *world) noteRead(u core.UserID, key core.ChannelKey, seq int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := string(u) + " " + string(key)
	w.read[id] = max(w.read[id], seq)
}

// count1 counts something.
func (w *world) count1(f func(*Counts)) {
	w.mu.Lock()
	f(&w.count)
	w.mu.Unlock()
}

// hookBody is what the webhooks of a story say.
type hookBody struct {
	Ch   core.ChannelID `json:"ch"`
	Key  string         `json:"key"`
	Ev   int64          `json:"ev"`
	Kind core.EventKind `json:"kind"`
	User core.UserID    `json:"user,omitempty"`
}

// hooks writes them. It implements core.Hooks.
type hooks struct{}

// Requests implements core.Hooks.
func (hooks) Requests(_ *core.App, ev *core.Event, _ int) []core.HookRequest {
	b := hookBody{Ev: ev.Ev, Kind: ev.Kind}
	if ev.Channel != nil {
		b.Ch, b.Key = ev.Channel.ID, string(ev.Channel.Key)
	}
	if ev.User != nil {
		b.User = ev.User.ID
	}
	body, err := json.Marshal(&b)
	if err != nil {
		return nil
	}
	return []core.HookRequest{{URL: "https://hooks.example", Body: body}}
}

// hookLog is what the receiver was told of a channel.
type hookLog struct {
	first []int64 // numbers in the order in which they came first
	seen  map[int64]int
}

// hooked is the receiver of webhooks.
func (w *world) hooked(n *node, body string) {
	var b hookBody
	if err := json.Unmarshal([]byte(body), &b); err != nil || b.Ev == 0 {
		return
	}
	w.say("webhook from %s: %s %s %d", n.name, b.Key, b.Kind, b.Ev)
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.told[int64(b.Ch)]
	if l == nil {
		l = &hookLog{seen: map[int64]int{}}
		w.told[int64(b.Ch)] = l
	}
	if l.seen[b.Ev]++; l.seen[b.Ev] == 1 {
		l.first = append(l.first, b.Ev)
	}
	w.count.Hooks++
	if l.seen[b.Ev] > 1 {
		w.count.HookRepeat++
	}
}
