package native

import (
	"context"

	"dragoman/core"
)

// FeedPage is a part of a feed.
type FeedPage struct {
	Events []Event    `json:"events"`
	Last   core.Stamp `json:"last" doc:"Pass it as after to go on."`
	More   bool       `json:"more"`
}

// FeedQueue is a part of a feed in which something waits for a device.
type FeedQueue struct {
	Channel core.ChannelKey `json:"channel,omitempty" doc:"Absent for what concerns the person and no channel of theirs."`
	After   core.Stamp      `json:"after" doc:"How far the device has come."`
	Last    core.Stamp      `json:"last" doc:"Stamp of the newest event."`
}

// Cursor is how far a device has come.
type Cursor struct {
	Device  string          `json:"device"`
	Channel core.ChannelKey `json:"channel,omitempty"`
	Stamp   core.Stamp      `json:"stamp"`
}

type device struct {
	Device  string          `json:"device" in:"path"`
	Channel core.ChannelKey `json:"channel" in:"query" doc:"Of this channel; of the whole feed when absent."`
}

func (d *Dialect) feedRows() []row {
	return []row{
		op("GET", "/v1/feed", "pullFeed", "What happened after a stamp in all of the caller's channels and to themself, oldest first.", d.pullFeed),
		op("GET", "/v1/feed/devices/:device", "getCursor", "How far a device has come.", func(ctx context.Context, c *call, in *device) (Cursor, error) {
			s, err := d.core.Feeds.Cursor(ctx, c.by, core.GetCursor{Device: in.Device, Key: in.Channel})
			return Cursor{in.Device, in.Channel, s}, err
		}),
		op("PUT", "/v1/feed/devices/:device", "ackFeed", "Notes that a device has everything up to a stamp; it never moves back.", func(ctx context.Context, c *call, in *struct {
			device
			Stamp core.Stamp `json:"stamp" need:"true" max:"9007199254740991"`
		}) (none, error) {
			return none{}, d.core.Feeds.Ack(ctx, c.by, core.AckFeed{Device: in.Device, Key: in.Channel, Stamp: in.Stamp})
		}),
		op("GET", "/v1/feed/devices/:device/pending", "getPending", "Where something waits for a device, at most 1,000 queues.", func(ctx context.Context, c *call, in *struct {
			Device string `json:"device" in:"path"`
		}) (Page[FeedQueue], error) {
			qs, err := d.core.Feeds.Pending(ctx, c.by, core.PendingFeed{Device: in.Device})
			return Page[FeedQueue]{Items: list(qs, func(q *core.FeedQueue) FeedQueue {
				out := FeedQueue{After: q.After, Last: q.Last}
				if q.Channel != nil {
					out.Channel = q.Channel.Key
				}
				return out
			})}, err
		}),
	}
}

func (d *Dialect) pullFeed(ctx context.Context, c *call, in *struct {
	After   core.Stamp      `json:"after" in:"query" max:"9007199254740991" doc:"From the beginning when absent."`
	Limit   int             `json:"limit" in:"query" min:"1" max:"500" doc:"100 when absent."`
	Channel core.ChannelKey `json:"channel" in:"query" doc:"This one alone."`
	Own     bool            `json:"own" in:"query" doc:"Only what concerns the caller and no channel of theirs."`
}) (FeedPage, error) {
	p, err := d.core.Feeds.Pull(ctx, c.by, core.PullFeed{Channel: in.Channel, Own: in.Own, After: in.After, Limit: in.Limit})
	out := FeedPage{Events: make([]Event, len(p.Events)), Last: p.Last, More: p.More}
	for i := range p.Events {
		out.Events[i] = eventOf(p.Events[i])
	}
	return out, err
}
