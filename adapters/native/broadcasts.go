package native

import (
	"context"
	"strconv"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

// Broadcast is one message to many people.
type Broadcast struct {
	ID        core.MessageID `json:"id" doc:"Copies carry it in extra as broadcast_id."`
	From      core.UserID    `json:"from"`
	Audience  string         `json:"audience" doc:"everyone, online or rooms."`
	Task      string         `json:"task,omitempty" doc:"The work in the background, where there is any."`
	CreatedAt time.Time      `json:"created_at"`
}

// SystemOutcome is what became of one copy of a system message.
type SystemOutcome struct {
	User    core.UserID     `json:"user"`
	Channel core.ChannelKey `json:"channel,omitempty"`
	Message *Message        `json:"message,omitempty"`
	Error   []itemError     `json:"errors,omitempty" doc:"Empty when it worked."`
}

func broadcastOf(b *core.Broadcast) Broadcast {
	return Broadcast{b.ID, b.From, string(b.Audience), b.Task, b.CreatedAt}
}

func systemOutcomeOf(o *core.SystemOutcome) SystemOutcome {
	return SystemOutcome{o.User, o.Key, maybe(o.Message, messageOf), failure(o.Err)}
}

func (d *Dialect) broadcastRows() []row {
	x := d.core.Broadcasts
	rows := []row{
		op("POST", "/v1/broadcasts", "broadcast", "Writes to everybody, to whoever is connected, or to every room.", func(ctx context.Context, c *call, in *struct {
			From     core.UserID  `json:"from" need:"true" max:"255" doc:"Who speaks; made if new."`
			Audience string       `json:"audience" need:"true" enum:"everyone,online,rooms" doc:"online tells it once and stores nothing."`
			Direct   bool         `json:"direct" doc:"To everyone as a message of the direct conversation with from, instead of a system conversation."`
			Message  draftMessage `json:"message" need:"true"`
		}) (Broadcast, error) {
			v, err := x.Send(ctx, c.by, core.SendBroadcast{From: in.From, Audience: core.Audience(in.Audience), Direct: in.Direct, Message: in.Message.input()})
			c.created(true)
			return broadcastOf(&v), err
		}).fresh(),
		op("DELETE", "/v1/broadcasts/:broadcast", "deleteBroadcast", "Takes the copies of a broadcast back; the answer is a task to follow.", func(ctx context.Context, c *call, in *struct {
			Broadcast string `json:"broadcast" in:"path"`
		}) (Task, error) {
			id, err := strconv.ParseInt(in.Broadcast, 10, 64)
			if err != nil {
				return Task{}, fault.MessageNotFound.Error("There is no broadcast " + clip(in.Broadcast) + ".")
			}
			v, err := x.Delete(ctx, c.by, core.DeleteBroadcast{ID: core.MessageID(id)})
			return taskOf(&v), err
		}),
		op("POST", "/v1/system", "sendSystem", "Writes to up to 100 people, each in a conversation of their own in which only from speaks.", func(ctx context.Context, c *call, in *struct {
			From    core.UserID   `json:"from" need:"true" max:"255"`
			To      []core.UserID `json:"to" need:"true" max:"100"`
			Message draftMessage  `json:"message" need:"true"`
		}) (Page[SystemOutcome], error) {
			v, err := x.System(ctx, c.by, core.SendSystem{From: in.From, To: in.To, Message: in.Message.input()})
			return Page[SystemOutcome]{Items: list(v, systemOutcomeOf)}, err
		}),
	}
	for i := range rows {
		rows[i] = rows[i].server()
	}
	return rows
}
