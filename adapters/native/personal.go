package native

import (
	"context"
	"encoding/json"
	"time"

	"dragoman/core"
)

// place of a draft: a channel, or a thread in it.
type draftPlace struct {
	where
	Parent string `json:"parent" in:"query" doc:"Of the thread of this message."`
}

func (d *Dialect) personalRows() []row {
	drafts, reminders := d.core.Drafts, d.core.Reminders
	return []row{
		op("GET", "/v1/channels/:channel/draft", "getDraft", "The caller's unsent message.", func(ctx context.Context, c *call, in *draftPlace) (Draft, error) {
			v, err := drafts.Get(ctx, c.by, core.GetDraft{Key: in.Channel, Parent: in.Parent})
			return draftOf(&v), err
		}),
		op("PUT", "/v1/channels/:channel/draft", "putDraft", "Keeps an unsent message, one of a channel and one of a thread.", func(ctx context.Context, c *call, in *struct {
			draftPlace
			Message json.RawMessage `json:"message" need:"true" doc:"A message object, kept as it is."`
		}) (Draft, error) {
			v, err := drafts.Put(ctx, c.by, core.PutDraft{Draft: core.Draft{Key: in.Channel, Parent: in.Parent, Message: in.Message}})
			return draftOf(&v), err
		}),
		op("DELETE", "/v1/channels/:channel/draft", "deleteDraft", "Forgets an unsent message.", func(ctx context.Context, c *call, in *draftPlace) (none, error) {
			_, err := drafts.Delete(ctx, c.by, core.DeleteDraft{Key: in.Channel, Parent: in.Parent})
			return none{}, err
		}),
		op("GET", "/v1/drafts", "listDrafts", "All of the caller's unsent messages.", func(ctx context.Context, c *call, in *paging) (Page[Draft], error) {
			p, err := drafts.Query(ctx, c.by, core.QueryDrafts{Page: in.cursor(25, 100)})
			return Page[Draft]{list(p.Drafts, draftOf), p.Next}, err
		}),
		op("GET", "/v1/reminders", "listReminders", "The caller's reminders and bookmarks, at most 250.", func(ctx context.Context, c *call, in *paging) (Page[Reminder], error) {
			p, err := reminders.Query(ctx, c.by, core.QueryReminders{Page: in.cursor(25, 100)})
			return Page[Reminder]{list(p.Reminders, reminderOf), p.Next}, err
		}),
		op("PUT", "/v1/messages/:message/reminder", "remind", "Brings a message back to the caller's mind at a time, or bookmarks it.", func(ctx context.Context, c *call, in *struct {
			which
			At time.Time `json:"remind_at" doc:"A bookmark when absent."`
		}) (Reminder, error) {
			r, err := reminders.Put(ctx, c.by, core.PutReminder{Message: in.Message, RemindAt: in.At})
			if err != nil {
				r, err = reminders.Put(ctx, c.by, core.PutReminder{Message: in.Message, RemindAt: in.At, Create: true})
			}
			return reminderOf(&r), err
		}),
		op("DELETE", "/v1/messages/:message/reminder", "forget", "Removes a reminder.", func(ctx context.Context, c *call, in *which) (none, error) {
			_, err := reminders.Delete(ctx, c.by, core.DeleteReminder{Message: in.Message})
			return none{}, err
		}),
	}
}
