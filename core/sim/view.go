package sim

import (
	"context"
	"time"

	"dragoman/core"
)

// deadline is how long a client waits for an answer.
const deadline = 3 * time.Second

// shown is a message as a client shows it.
type shown struct {
	id   core.MessageID
	text string
	gone bool
}

// view is a channel as a client shows it, by number.
type view struct{ by map[int64]shown }

// view finds or makes the view of a channel. The lock is held.
func (c *client) view(ch core.ChannelID) *view {
	v := c.views[ch]
	if v == nil {
		v = &view{by: map[int64]shown{}}
		c.views[ch] = v
	}
	return v
}

// put shows a message.
func (v *view) put(m *core.Message, kind core.EventKind) {
	switch kind {
	case core.MessageSent, core.MessageEdited, core.MessageDeleted:
		v.by[m.Seq] = shown{m.ID, m.Text, m.Deleted()}
	}
}

// newest is the last number shown.
func (v *view) newest() (seq int64) {
	for s := range v.by {
		seq = max(seq, s)
	}
	return seq
}

// catchUp is what a client does after it has connected.
func (c *client) catchUp(ctx context.Context, k *conn) error {
	switch c.model {
	case pushQuery:
		for _, name := range c.channels {
			st, err := k.n.core.Channels.Open(ctx, k.by, core.OpenChannel{Type: core.DefaultType, ID: name, MustExist: true, State: core.StateWanted{
				State: true, Watch: true, Messages: core.MessagePage{Limit: 300},
			}})
			if err != nil {
				return err
			}
			c.merge(k, st.Channel.ID, st.Messages)
		}
	case pushFetch:
		for _, name := range c.channels {
			if err := c.fetch(ctx, k, keyOf(name)); err != nil {
				return err
			}
		}
	default:
		c.mu.Lock()
		c.dirty = true
		c.mu.Unlock()
		kick(c.kick)
	}
	return nil
}

// merge takes over messages that were read, but for those of which the connection has told meanwhile:
// what was read may be older, and whatever changes later will be told as well.
func (c *client) merge(k *conn, ch core.ChannelID, ms []core.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.view(ch)
	for i := range ms {
		if !k.told[ms[i].ID] {
			v.put(&ms[i], core.MessageSent)
		}
	}
}

// reached notes, before a connection is opened, from where the client will have to fetch: what it
// shows is without gaps if it had caught up on the connection before.
func (c *client) reached() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.caught {
		return
	}
	c.caught = false
	for ch, v := range c.views {
		if s, ok := v.by[v.newest()]; ok {
			c.after[ch] = s.id
		}
	}
}

// fetchPage is how many messages are read at once.
const fetchPage = 5

// fetch reads the messages after the last one that was shown before the connection came.
func (c *client) fetch(ctx context.Context, k *conn, key core.ChannelKey) error {
	ch := c.w.chans[key].ID
	c.mu.Lock()
	id := c.after[ch]
	c.mu.Unlock()
	page := core.MessagePage{Limit: 300}
	if id != 0 {
		page = core.MessagePage{After: id.String(), Limit: fetchPage}
	}
	for {
		ms, err := k.n.core.Messages.List(ctx, k.by, core.ListMessages{Key: key, Page: page})
		if err != nil {
			return err
		}
		c.merge(k, ch, ms)
		if len(ms) < page.Limit {
			return nil
		}
		page.After = ms[len(ms)-1].ID.String()
	}
}

// pull reads the feed until nothing is left.
func (c *client) pull(k *conn) error {
	c.mu.Lock()
	c.dirty = false
	c.mu.Unlock()
	err := c.pullOnce(k)
	if err != nil {
		c.mu.Lock()
		c.dirty = true
		c.mu.Unlock()
	}
	return err
}

// pullOnce is pull by the client's model.
func (c *client) pullOnce(k *conn) error {
	ctx, cancel := context.WithTimeout(k.ctx, deadline)
	defer cancel()
	if c.model == pullAll {
		return c.drain(ctx, k, core.PullFeed{After: c.cursor, Limit: fetchPage}, func(last core.Stamp) error { c.cursor = last; return nil })
	}
	queues, err := k.n.core.Feeds.Pending(ctx, k.by, core.PendingFeed{Device: c.device})
	if err != nil {
		return err
	}
	for _, q := range queues {
		if q.Channel == nil {
			continue // the box: nobody is told anything there in these stories
		}
		key := q.Channel.Key
		after := max(q.After, c.queue[key])
		err := c.drain(ctx, k, core.PullFeed{Channel: key, After: after, Limit: fetchPage}, func(last core.Stamp) error {
			c.queue[key] = last
			return k.n.core.Feeds.Ack(ctx, k.by, core.AckFeed{Device: c.device, Key: key, Stamp: last})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// drain reads pages of a feed to its end.
func (c *client) drain(ctx context.Context, k *conn, in core.PullFeed, moved func(core.Stamp) error) error {
	for {
		page, err := k.n.core.Feeds.Pull(ctx, k.by, in)
		if err != nil {
			return err
		}
		c.mu.Lock()
		last := in.After
		for _, ev := range page.Events {
			if ev.Stamp <= last {
				c.w.wrong("feed", "%s pulls stamp %d after %d", c.name, ev.Stamp, last)
			}
			last = ev.Stamp
			if ev.Channel == nil || ev.Ev == 0 {
				continue
			}
			c.w.say("%s pulls %s %s %d", c.name, ev.Channel.Key, ev.Kind, ev.Ev)
			c.w.count1(func(n *Counts) { n.Pulled++ })
			c.pulled[ev.Channel.ID] = append(c.pulled[ev.Channel.ID], ev.Ev)
			if ev.Message != nil {
				c.view(ev.Channel.ID).put(ev.Message, ev.Kind)
			}
		}
		c.mu.Unlock()
		in.After = page.Last
		if err := moved(page.Last); err != nil || !page.More {
			return err
		}
	}
}
