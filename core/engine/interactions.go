package engine

import (
	"context"
	"slices"

	"dragoman/core"
	"dragoman/core/fault"
)

type interactions struct{ e *Engine }

// Bounds of what one person does with one message.
const (
	maxElements    = 100
	maxElementName = 255
	maxInteracted  = 300
)

func interactionKey(user core.UserID, m core.MessageID) string {
	return keyOf(string(user), m.String())
}

// Mark notes that the actor has used elements of a message.
func (s interactions) Mark(ctx context.Context, by core.Actor, in core.MarkInteraction) (core.Interacted, error) {
	e := s.e
	const op = "interactions.mark"
	var out core.Interacted
	if err := needUser(by); err != nil {
		return out, translate(op, err)
	}
	if len(in.Elements) == 0 || len(in.Elements) > maxElements {
		return out, translate(op, fault.RequestInvalidField.Error("between 1 and 100 elements can be marked at a time"))
	}
	for _, name := range in.Elements {
		if name == "" || len(name) > maxElementName {
			return out, translate(op, fault.RequestInvalidField.Error("an element has a name of at most 255 bytes"))
		}
	}
	m, sc, err := e.readMessage(ctx, by, in.Message)
	if err != nil {
		return out, translate(op, err)
	}
	if m.Deleted() {
		return out, translate(op, fault.MessageNotFound.Error("the message has been deleted"))
	}
	if sc.member == nil || !canSee(m, by) {
		return out, translate(op, fault.MessageAccessDenied.Error("the message is not visible to this user"))
	}
	err = e.update(ctx, op, by.App, sc.channel.ID, func(t *txn) error {
		key := interactionKey(by.User, m.ID)
		was, _, err := record[core.Interacted](ctx, t, by.App, spaceInteractions, key)
		if err != nil {
			return err
		}
		out = core.Interacted{Message: m.ID, User: by.User, Done: slices.Clone(was.Done), Reached: was.Reached}
		for _, name := range in.Elements {
			if !slices.ContainsFunc(out.Done, func(x core.Interaction) bool { return x.Element == name }) {
				out.Done = append(out.Done, core.Interaction{Element: name, At: e.now()})
			}
		}
		if len(out.Done) > maxElements {
			return fault.RequestInvalidField.Error("a message has at most 100 elements that are used")
		}
		reached := false
		if out.Reached.IsZero() && in.Goal != nil {
			if reached, err = in.Goal(out.Done); err != nil {
				return err
			}
		}
		if reached {
			out.Reached = e.now()
		}
		if err := putJSON(t, spaceInteractions, key, &out); err != nil || !reached {
			return err
		}
		one := []core.Message{*m}
		if err := e.resolve(ctx, by.App, "", one); err != nil {
			return err
		}
		told := out
		return t.emit(&core.Event{
			Kind: core.GoalReached, Channel: sc.channel, Config: sc.config, User: e.seen(by.App, sc.user),
			Message: &one[0], Interacted: &told, To: receivers(m),
		})
	})
	return out, err
}

// Get reads what the actor has done with messages.
func (s interactions) Get(ctx context.Context, by core.Actor, in core.GetInteractions) ([]core.Interacted, error) {
	const op = "interactions.get"
	if err := needUser(by); err != nil {
		return nil, translate(op, err)
	}
	if len(in.Messages) > maxInteracted {
		return nil, translate(op, fault.RequestBatchTooLarge.Error("at most 300 messages can be asked for at a time"))
	}
	var out []core.Interacted
	for _, id := range in.Messages {
		x, found, err := record[core.Interacted](ctx, s.e.store, by.App, spaceInteractions, interactionKey(by.User, id))
		if err != nil {
			return nil, translate(op, err)
		}
		if found {
			out = append(out, x)
		}
	}
	return out, nil
}
