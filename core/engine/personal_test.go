package engine_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

func TestRemindersComeWhenDue(t *testing.T) {
	w := newEngine(t, nil, "alice", "bob")
	ctx := t.Context()
	key := w.group("g", "alice", "bob")
	m := w.say("alice", key, "remember")
	_, err := w.core().Reminders.Put(ctx, w.as("bob"), core.PutReminder{Message: m.ID.String(), Create: true})
	w.wants(err, fault.ServiceNotEnabled)
	w.typ("messaging", func(t *core.ChannelType) { t.Features[core.FeatureReminders] = true })
	bob := w.listen(0, "bob")
	at := w.clock.Now().Add(time.Hour)
	r, err := w.core().Reminders.Put(ctx, w.as("bob"), core.PutReminder{Message: m.ID.String(), RemindAt: at, Create: true})
	if err != nil || r.MessageNow == nil || !r.RemindAt.Equal(at) {
		t.Fatalf("%+v %v", r, err)
	}
	bob.next(core.ReminderCreated)
	_, err = w.core().Reminders.Put(ctx, w.as("bob"), core.PutReminder{Message: m.ID.String(), Create: true})
	w.wants(err, fault.RequestInvalid)
	if _, err := w.core().Reminders.Put(ctx, w.as("bob"), core.PutReminder{Message: m.ID.String(), RemindAt: at.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	bob.next(core.ReminderUpdated)
	w.clock.Add(90 * time.Minute) // past the first time, before the second
	p, err := w.core().Reminders.Query(ctx, w.as("bob"), core.QueryReminders{})
	if err != nil || len(p.Reminders) != 1 || !p.Reminders[0].FiredAt.IsZero() {
		t.Fatalf("%+v %v", p, err)
	}
	w.clock.Add(time.Hour)
	d := bob.next(core.ReminderDue)
	if d.Event.Reminder.Message != m.ID || d.Event.Message.Text != "remember" || d.Event.Channel.Key != key {
		t.Errorf("told %+v", d.Event)
	}
	p, err = w.core().Reminders.Query(ctx, w.as("bob"), core.QueryReminders{})
	if err != nil || p.Reminders[0].FiredAt.IsZero() {
		t.Errorf("%+v %v", p, err)
	}
	if _, err := w.core().Reminders.Delete(ctx, w.as("bob"), core.DeleteReminder{Message: m.ID.String()}); err != nil {
		t.Fatal(err)
	}
	bob.next(core.ReminderDeleted)
	_, err = w.core().Reminders.Delete(ctx, w.as("bob"), core.DeleteReminder{Message: m.ID.String()})
	w.wants(err, fault.ResourceNotFound)
}

func TestRemindersSurviveARestart(t *testing.T) {
	w := newEngine(t, nil, "alice")
	key := w.group("g", "alice")
	w.typ("messaging", func(t *core.ChannelType) { t.Features[core.FeatureReminders] = true })
	m := w.say("alice", key, "remember")
	_, err := w.core().Reminders.Put(t.Context(), w.as("alice"), core.PutReminder{Message: m.ID.String(), RemindAt: w.clock.Now().Add(time.Minute), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	w.restart()
	alice := w.listen(0, "alice")
	w.clock.Add(2 * time.Minute)
	alice.next(core.ReminderDue)
}

func TestDraftsAreOnePerPlace(t *testing.T) {
	w := newEngine(t, nil, "alice", "bob")
	ctx := t.Context()
	key := w.group("g", "alice", "bob")
	m := w.say("alice", key, "parent")
	alice := w.listen(0, "alice")
	put := func(text, parent string) {
		d, err := w.core().Drafts.Put(ctx, w.as("alice"), core.PutDraft{Draft: core.Draft{Key: key, Parent: parent, Message: json.RawMessage(fmt.Sprintf(`{"text":%q}`, text))}})
		if err != nil || d.ChannelNow == nil || (parent != "") != (d.ParentNow != nil) {
			t.Fatalf("%+v %v", d, err)
		}
	}
	put("one", "")
	if d := alice.next(core.DraftUpdated); string(d.Event.Draft.Message) != `{"text":"one"}` {
		t.Errorf("told %s", d.Event.Draft.Message)
	}
	put("two", "")
	w.clock.Add(time.Second)
	put("reply", m.ID.String())
	p, err := w.core().Drafts.Query(ctx, w.as("alice"), core.QueryDrafts{})
	if err != nil || len(p.Drafts) != 2 || string(p.Drafts[0].Message) != `{"text":"reply"}` || string(p.Drafts[1].Message) != `{"text":"two"}` {
		t.Errorf("%+v %v", p, err)
	}
	if _, err := w.core().Drafts.Delete(ctx, w.as("alice"), core.DeleteDraft{Key: key}); err != nil {
		t.Fatal(err)
	}
	alice.next(core.DraftDeleted)
	_, err = w.core().Drafts.Get(ctx, w.as("alice"), core.GetDraft{Key: key})
	w.wants(err, fault.ResourceNotFound)
	_, err = w.core().Drafts.Put(ctx, w.as("alice"), core.PutDraft{Draft: core.Draft{Key: key, Message: json.RawMessage(`{`)}})
	w.wants(err, fault.RequestInvalidField)
	_, err = w.core().Drafts.Get(ctx, w.server(), core.GetDraft{Key: key})
	w.wants(err, fault.RequestInvalid)
}

func TestDevicesChangeHandsAndAreLimited(t *testing.T) {
	w := newEngine(t, nil, "alice", "bob")
	ctx := t.Context()
	add := func(u core.UserID, id string) error {
		_, err := w.core().Devices.Add(ctx, w.as(u), core.AddDevice{Device: core.Device{ID: id, Provider: "firebase"}})
		return err
	}
	count := func(u core.UserID) int {
		ds, err := w.core().Devices.List(ctx, w.as(u), core.ListDevices{})
		if err != nil {
			t.Fatal(err)
		}
		return len(ds)
	}
	w.wants(add("alice", "phone"), nil)
	w.wants(add("alice", "phone"), nil)
	w.wants(add("bob", "phone"), nil)
	if count("alice") != 0 || count("bob") != 1 {
		t.Errorf("alice has %d, bob %d", count("alice"), count("bob"))
	}
	for i := range 24 {
		w.wants(add("bob", fmt.Sprint(i)), nil)
	}
	w.wants(add("bob", "one more"), fault.LimitReached)
	w.wants(add("bob", "phone"), nil)
	_, err := w.core().Devices.Remove(ctx, w.as("bob"), core.RemoveDevice{ID: "phone"})
	w.wants(err, nil)
	_, err = w.core().Devices.Remove(ctx, w.as("bob"), core.RemoveDevice{ID: "phone"})
	w.wants(err, fault.ResourceNotFound)
	w.wants(add("bob", ""), fault.RequestMissingField)
}
