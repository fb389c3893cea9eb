package cometchat

import (
	"context"
	"slices"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// interactionRoutes are the operations on what people do with interactive messages.
func (d *Dialect) interactionRoutes() []adapters.Route {
	return []adapters.Route{
		op("PATCH", "/messages/:id/interacted", "markInteracted", d.markInteracted, done("The message has been marked as interacted.")),
	}
}

// maxInteractions bounds the elements one request marks.
const maxInteractions = 100

// markInteracted notes which elements of an interactive message the person has used; see
// https://www.cometchat.com/docs/sdk/javascript/interactive-messages. The sender of the message may
// use it only if it says so.
func (d *Dialect) markInteracted(ctx context.Context, by core.Actor, rq *adapters.Request) (none struct{}, err error) {
	if err := needUser(by); err != nil {
		return none, err
	}
	by = reader(by)
	r, err := body(rq)
	if err != nil {
		return none, invalid(err)
	}
	in := core.MarkInteraction{}
	r.Each("interactions", maxInteractions, func(_ int, v gjson.Result) {
		if v.IsObject() {
			v = v.Get("elementId")
		}
		in.Elements = append(in.Elements, v.String())
	})
	if len(in.Elements) == 0 {
		r.Fail("interactions", "The interactions field is required.", fault.RequestMissingField)
	}
	if err := r.Err(); err != nil {
		return none, invalid(err)
	}
	h, err := d.find(ctx, by, rq.Param("id"))
	if err != nil {
		return none, err
	}
	m := &h.Message
	c := contentOf(m)
	switch {
	case c.category != categoryInteractive:
		return none, fault.MessageActionNotAllowed.Error("Only interactive messages can be interacted with.")
	case m.User == by.User && !gjson.GetBytes(c.data, "allowSenderInteraction").Bool():
		return none, fault.MessageActionNotAllowed.Error("The sender of this message cannot interact with it.")
	}
	in.Message, in.Goal = m.ID.String(), goalOf(&c)
	_, err = d.core.Interactions.Mark(ctx, by, in)
	return none, invalid(noMessage(in.Message, err))
}

// Types of goals.
const (
	goalAny   = "anyAction"
	goalAnyOf = "anyOf"
	goalAllOf = "allOf"
)

// goalOf reads the goal of an interactive message; nil for none.
func goalOf(c *content) func([]core.Interaction) (bool, error) {
	goal := gjson.GetBytes(c.data, "interactionGoal")
	used := func(done []core.Interaction, id string) bool {
		return slices.ContainsFunc(done, func(x core.Interaction) bool { return x.Element == id })
	}
	want := words(goal.Get("elementIds"))
	switch goal.Get("type").String() {
	case goalAny:
		return func(done []core.Interaction) (bool, error) { return len(done) > 0, nil }
	case goalAnyOf:
		return func(done []core.Interaction) (bool, error) {
			return slices.ContainsFunc(want, func(id string) bool { return used(done, id) }), nil
		}
	case goalAllOf:
		return func(done []core.Interaction) (bool, error) {
			return len(want) > 0 && !slices.ContainsFunc(want, func(id string) bool { return !used(done, id) }), nil
		}
	}
	return nil
}

// interacted fills in what the viewer has done with the interactive ones of messages.
func (d *Dialect) interacted(ctx context.Context, by core.Actor, v *venue, ms []core.Message) error {
	if v == nil || v.viewer == "" {
		return nil
	}
	var ids []core.MessageID
	for i := range ms {
		if contentOf(&ms[i]).category == categoryInteractive {
			ids = append(ids, ms[i].ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	list, err := d.core.Interactions.Get(ctx, behalf(by).As(v.viewer), core.GetInteractions{Messages: ids})
	if err != nil {
		return err
	}
	if v.interacted == nil {
		v.interacted = make(map[core.MessageID]core.Interacted, len(list))
	}
	for _, x := range list {
		v.interacted[x.Message] = x
	}
	return nil
}

// writeInteractions writes what somebody has done with a message, as a member.
func writeInteractions(w *wire.Writer, done []core.Interaction) {
	w.List("interactions")
	for _, x := range done {
		w.Open()
		w.Text("elementId", x.Element)
		unix(w, "interactedAt", x.At)
		w.Close()
	}
	w.CloseList()
}

// tellInteraction tells that somebody has reached the goal of a message.
func (d *Dialect) tellInteraction(x *telling) {
	in := x.ev.Interacted
	if in == nil || x.ev.Message == nil {
		return
	}
	x.frame(frameInteraction, in.User, func(w *wire.Writer) {
		w.Open()
		w.Text("messageId", in.Message.String())
		w.Text("conversationId", x.v.id())
		w.Key("user")
		writeUserOr(w, x.ev.User, in.User, userView{})
		writeInteractions(w, in.Done)
		unix(w, "timestamp", in.Reached)
		w.Close()
	})
}
