package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

type values struct{ e *Engine }

// Limits of the values of messages.
const (
	maxValues     = 300 // entries of one message, and messages read at once
	maxValueName  = 256
	maxValueBytes = 8 << 10
)

// storedValue is one value in the record of its message.
type storedValue struct {
	Value string    `json:"v"`
	At    time.Time `json:"t"`
}

// Set sets and removes values of a message.
func (s values) Set(ctx context.Context, by core.Actor, in core.SetMessageValues) ([]core.MessageValue, error) {
	out, err := s.set(ctx, by, in)
	return out, translate("values.set", err)
}

func (s values) set(ctx context.Context, by core.Actor, in core.SetMessageValues) ([]core.MessageValue, error) {
	e := s.e
	sc, old, err := e.sceneOfMessage(ctx, by, in.Message)
	if err != nil {
		return nil, err
	}
	if old.Deleted() {
		return nil, fault.MessageNotFound.Error(fmt.Sprintf("message with id %q has been deleted", cut(in.Message)))
	}
	if !by.Server() && sc.member == nil && old.User != by.User {
		return nil, fault.MessageAccessDenied.Error("only members of its channel set values of a message")
	}
	for name, v := range in.Set {
		if name == "" || len(name) > maxValueName || len(v) > maxValueBytes {
			return nil, fault.RequestInvalidField.Error(fmt.Sprintf("a name has 1 to %d bytes, a value at most %d", maxValueName, maxValueBytes))
		}
	}
	var all map[string]storedValue
	err = e.update(ctx, "values.set", by.App, sc.channel.ID, func(t *txn) error {
		key := old.ID.String()
		if all, _, err = record[map[string]storedValue](ctx, t, by.App, spaceMessageValues, key); err != nil {
			return err
		}
		if all == nil {
			all = map[string]storedValue{}
		}
		for name, v := range in.Set {
			all[name] = storedValue{v, e.now()}
		}
		for _, name := range in.Remove {
			delete(all, name)
		}
		if most := cmp.Or(in.Max, maxValues); len(all) > most {
			return fault.LimitReached.Error(fmt.Sprintf("a message has at most %d values", most)).With("message_values")
		}
		if err := putJSON(t, spaceMessageValues, key, &all); err != nil {
			return err
		}
		ms := []core.Message{*old}
		if err := e.resolve(ctx, by.App, "", ms); err != nil {
			return err
		}
		what, err := json.Marshal(struct {
			Set     map[string]string `json:"set,omitempty"`
			Removed []string          `json:"removed,omitempty"`
		}{in.Set, in.Remove})
		if err != nil {
			return err
		}
		return t.emit(&core.Event{
			Kind: core.MessageValued, Channel: sc.channel, Config: sc.config, User: e.seen(by.App, cmp.Or(sc.user, ms[0].Author)),
			Message: &ms[0], Extra: what, To: receivers(old),
		})
	})
	if err != nil {
		return nil, err
	}
	return listValues(all), nil
}

// listValues sorts values by name.
func listValues(all map[string]storedValue) []core.MessageValue {
	out := make([]core.MessageValue, 0, len(all))
	for name, v := range all {
		out = append(out, core.MessageValue{Name: name, Value: v.Value, UpdatedAt: v.At})
	}
	slices.SortFunc(out, func(a, b core.MessageValue) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// Get reads the values of messages.
func (s values) Get(ctx context.Context, by core.Actor, in core.GetMessageValues) (map[core.MessageID][]core.MessageValue, error) {
	const op = "values.get"
	if len(in.Messages) > maxValues {
		return nil, translate(op, fault.RequestBatchTooLarge.Error(fmt.Sprintf("at most %d messages at once", maxValues)))
	}
	out := map[core.MessageID][]core.MessageValue{}
	for _, id := range in.Messages {
		all, found, err := record[map[string]storedValue](ctx, s.e.store, by.App, spaceMessageValues, id.String())
		if err != nil {
			return nil, translate(op, err)
		}
		if found && len(all) > 0 {
			out[id] = listValues(all)
		}
	}
	return out, nil
}
