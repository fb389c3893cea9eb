package native

import (
	"context"
	"time"

	"dragoman/core"
)

// Unread is a person's unread state.
type Unread struct {
	Counts   Counts          `json:"counts"`
	Channels []UnreadChannel `json:"channels" doc:"At most 100."`
	Threads  []UnreadThread  `json:"threads" doc:"At most 100."`
}

// UnreadChannel is one channel with unread messages.
type UnreadChannel struct {
	Channel  core.ChannelKey `json:"channel"`
	Count    int             `json:"count"`
	LastRead time.Time       `json:"last_read,omitzero"`
}

// UnreadThread is one thread with unread replies.
type UnreadThread struct {
	Message  string    `json:"message"`
	Count    int       `json:"count"`
	LastRead time.Time `json:"last_read,omitzero"`
}

type readUpTo struct {
	where
	Message string `json:"message" doc:"Up to this one; to the end when absent."`
	Thread  string `json:"thread" doc:"In the thread of this message instead."`
}

func (d *Dialect) readRows() []row {
	return []row{
		op("GET", "/v1/unread", "getUnread", "The caller's unread counts in detail.", func(ctx context.Context, c *call, _ *none) (Unread, error) {
			if c.by.User == "" {
				return Unread{}, errNeedUser
			}
			u, err := d.core.Reads.Unread(ctx, c.by, core.GetUnread{User: c.by.User})
			return Unread{countsOf(u.Counts), list(u.Channels, func(x *core.UnreadChannel) UnreadChannel {
				return UnreadChannel{x.Key, x.Count, x.LastRead}
			}), list(u.Threads, func(x *core.UnreadThread) UnreadThread {
				return UnreadThread{nameOf(x.ParentAlias, x.Parent), x.Count, x.LastRead}
			})}, err
		}),
		op("PUT", "/v1/channels/:channel/read", "markRead", "Moves the caller's read position forward.", func(ctx context.Context, c *call, in *readUpTo) (Counts, error) {
			m, err := d.core.Reads.Mark(ctx, c.by, core.MarkRead{Key: in.Channel, Message: in.Message, Thread: in.Thread})
			return countsOf(m.Counts), err
		}),
		op("PUT", "/v1/channels/:channel/unread", "markUnread", "Moves the caller's read position back to just before a message.", func(ctx context.Context, c *call, in *struct {
			where
			Message string    `json:"message"`
			Thread  string    `json:"thread"`
			At      time.Time `json:"at" doc:"Before the first message at or after this time."`
		}) (Counts, error) {
			m, err := d.core.Reads.Unmark(ctx, c.by, core.MarkUnread{Key: in.Channel, Message: in.Message, Thread: in.Thread, At: in.At})
			return countsOf(m.Counts), err
		}),
		op("PUT", "/v1/channels/:channel/delivered", "markDelivered", "Tells that messages reached a device of the caller.", func(ctx context.Context, c *call, in *struct {
			where
			Message string `json:"message" need:"true"`
		}) (Counts, error) {
			n, err := d.core.Reads.Delivered(ctx, c.by, core.MarkDelivered{Latest: []core.DeliveredUpTo{{Key: in.Channel, Message: in.Message}}})
			return countsOf(n), err
		}),
		op("POST", "/v1/read", "markAllRead", "Moves the read positions of several channels to the end.", func(ctx context.Context, c *call, in *struct {
			Channels []core.ChannelKey `json:"channels" doc:"All of the caller's when absent."`
		}) (Counts, error) {
			keys := map[core.ChannelKey]string{}
			for _, k := range in.Channels {
				keys[k] = ""
			}
			m, err := d.core.Reads.MarkAll(ctx, c.by, core.MarkAllRead{Keys: keys})
			return countsOf(m.Counts), err
		}),
	}
}
