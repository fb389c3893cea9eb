package native

import (
	"context"
	"slices"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/core"
)

// Ack is one person's receipt of one message, given on purpose.
type Ack struct {
	Message   string      `json:"message"`
	User      core.UserID `json:"user"`
	Text      string      `json:"text,omitempty"`
	Count     int         `json:"count" doc:"How many people have given one."`
	CreatedAt time.Time   `json:"created_at"`
}

// AckCount tells how many people acknowledged a message.
type AckCount struct {
	Message string `json:"message"`
	Count   int    `json:"count"`
}

// Value is one named text that hangs on a message.
type Value struct {
	Name      string    `json:"name"`
	Value     string    `json:"value"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Interacted is what a person has done with an interactive message.
type Interacted struct {
	Message string        `json:"message"`
	User    core.UserID   `json:"user"`
	Done    []Interaction `json:"done" doc:"Each element once, in order of first use."`
	Reached time.Time     `json:"reached,omitzero" doc:"When the goal of the message was reached."`
}

// Interaction is one use of an element.
type Interaction struct {
	Element string    `json:"element"`
	At      time.Time `json:"at"`
}

// ackOf names the message by its number: events know no other name of it.
func ackOf(a *core.MessageAck) Ack {
	return Ack{a.Message.String(), a.User, a.Text, a.Count, a.CreatedAt}
}

func valueOf(v *core.MessageValue) Value { return Value{v.Name, v.Value, v.UpdatedAt} }

func interactedOf(i *core.Interacted) Interacted {
	return Interacted{i.Message.String(), i.User, list(i.Done, func(x *core.Interaction) Interaction { return Interaction{x.Element, x.At} }), i.Reached}
}

func (d *Dialect) ackRows() []row {
	x := d.core.Acks
	named := func(name string, a core.MessageAck) Ack {
		out := ackOf(&a)
		out.Message = name
		return out
	}
	return []row{
		op("PUT", "/v1/messages/:message/ack", "ackMessage", "Acknowledges a message; members who did not write it. The first time counts.", func(ctx context.Context, c *call, in *struct {
			which
			Text string `json:"text" max:"1024"`
		}) (Ack, error) {
			a, err := x.Ack(ctx, c.by, core.AckMessage{Message: in.Message, Text: in.Text})
			return named(in.Message, a), err
		}),
		op("GET", "/v1/messages/:message/acks", "listAcks", "Who has acknowledged a message, by id; for members.", func(ctx context.Context, c *call, in *struct {
			which
			paging
		}) (Page[Ack], error) {
			return listed(&in.paging, 100, 300, func(p core.Page) ([]core.MessageAck, error) {
				return x.List(ctx, c.by, core.ListAcks{Message: in.Message, Page: p})
			}, func(a *core.MessageAck) Ack { return named(in.Message, *a) })
		}),
		op("GET", "/v1/acks", "countAcks", "How many people acknowledged messages; those the caller may not see are left out.", func(ctx context.Context, c *call, in *struct {
			Messages []string `json:"messages" in:"query" need:"true" max:"100"`
		}) (Page[AckCount], error) {
			out := Page[AckCount]{Items: []AckCount{}}
			n, err := x.Count(ctx, c.by, core.CountAcks{Messages: in.Messages})
			if err != nil || len(n) == 0 {
				return out, err
			}
			hits, err := d.core.Messages.Get(ctx, c.by, core.GetMessages{IDs: in.Messages})
			for i := range hits {
				if m := &hits[i].Message; slices.Contains(in.Messages, m.Name()) || slices.Contains(in.Messages, m.ID.String()) {
					if count, seen := n[m.ID]; seen {
						out.Items = append(out.Items, AckCount{m.Name(), count})
					}
				}
			}
			return out, err
		}),
	}
}

func (d *Dialect) valueRows() []row {
	x := d.core.Values
	return []row{
		op("GET", "/v1/messages/:message/values", "getValues", "The named texts that hang on a message.", func(ctx context.Context, c *call, in *which) (Page[Value], error) {
			h, err := d.hit(ctx, c.by, in.Message)
			if err != nil {
				return Page[Value]{}, err
			}
			v, err := x.Get(ctx, c.by, core.GetMessageValues{Messages: []core.MessageID{h.Message.ID}})
			return Page[Value]{Items: list(v[h.Message.ID], valueOf)}, err
		}),
		op("PATCH", "/v1/messages/:message/values", "changeValues", "Sets and removes named texts of a message: its author, members, servers.", func(ctx context.Context, c *call, in *struct {
			which
			Values core.Extra `json:"values" need:"true" doc:"Texts by name, at most 300; null removes one."`
		}) (Page[Value], error) {
			values, gone, err := patchOf(in.Values)
			if err != nil {
				return Page[Value]{}, err
			}
			v, err := x.Set(ctx, c.by, core.SetMessageValues{Message: in.Message, Set: values, Remove: gone})
			return Page[Value]{Items: list(v, valueOf)}, err
		}),
		op("GET", "/v1/messages/:message/interactions", "getInteractions", "What the caller has done with an interactive message.", func(ctx context.Context, c *call, in *which) (Interacted, error) {
			if c.by.User == "" {
				return Interacted{}, errNeedUser
			}
			h, err := d.hit(ctx, c.by, in.Message)
			if err != nil {
				return Interacted{}, err
			}
			out := Interacted{Message: in.Message, User: c.by.User, Done: []Interaction{}}
			v, err := d.core.Interactions.Get(ctx, c.by, core.GetInteractions{Messages: []core.MessageID{h.Message.ID}})
			if len(v) > 0 {
				out = interactedOf(&v[0])
				out.Message = in.Message
			}
			return out, err
		}),
		op("PUT", "/v1/messages/:message/interactions", "interact", "Notes that the caller has used elements of a message. When all of the message's extra.goal are done, everybody is told.", d.interact),
	}
}

func (d *Dialect) interact(ctx context.Context, c *call, in *struct {
	which
	Elements []string `json:"elements" need:"true" max:"100" doc:"At most 255 bytes each."`
}) (Interacted, error) {
	h, err := d.hit(ctx, c.by, in.Message)
	if err != nil {
		return Interacted{}, err
	}
	v, err := d.core.Interactions.Mark(ctx, c.by, core.MarkInteraction{Message: in.Message, Elements: in.Elements, Goal: goalOf(h.Message.Extra)})
	out := interactedOf(&v)
	out.Message = in.Message
	return out, err
}

// goalOf is the goal of a message, nil for none: all the elements that its free field goal lists.
func goalOf(extra core.Extra) func([]core.Interaction) (bool, error) {
	want := gjson.GetBytes(extra, "goal").Array()
	if len(want) == 0 {
		return nil
	}
	return func(done []core.Interaction) (bool, error) {
		for _, w := range want {
			if !slices.ContainsFunc(done, func(i core.Interaction) bool { return i.Element == w.String() }) {
				return false, nil
			}
		}
		return true, nil
	}
}
