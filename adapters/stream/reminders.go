package stream

import (
	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
)

// decodePutReminder reads a reminder of the message in the path. Without "remind_at" it is a
// bookmark.
func decodePutReminder(create bool) func(*adapters.Request) (core.PutReminder, error) {
	return func(rq *adapters.Request) (core.PutReminder, error) {
		r, err := actingPerson(rq)
		if err != nil {
			return core.PutReminder{}, err
		}
		in := core.PutReminder{Message: rq.Param("message_id"), RemindAt: r.Time("remind_at"), Create: create}
		return in, r.Err()
	}
}

// encodeReminder answers with one reminder.
func encodeReminder(w *wire.Writer, _ *adapters.Request, r core.Reminder) {
	w.Key("reminder")
	writeReminder(w, &r)
}

// decodeDeleteReminder reads which reminder to drop.
func decodeDeleteReminder(rq *adapters.Request) (core.DeleteReminder, error) {
	return core.DeleteReminder{Message: rq.Param("message_id")}, queryPerson(rq)
}

// decodeQueryReminders reads a search for reminders.
func decodeQueryReminders(rq *adapters.Request) (core.QueryReminders, error) {
	r, err := actingPerson(rq)
	if err != nil {
		return core.QueryReminders{}, err
	}
	f, s, p, err := reminderFilter.query(&r, "filter", 100)
	if err != nil {
		return core.QueryReminders{}, err
	}
	return core.QueryReminders{Filter: f, Sort: s, Page: p}, r.Err()
}

// encodeReminders answers a page of reminders.
func encodeReminders(w *wire.Writer, _ *adapters.Request, out core.ReminderPage) {
	w.List("reminders")
	for i := range out.Reminders {
		writeReminder(w, &out.Reminders[i])
	}
	w.CloseList()
	writeCursors(w, out.Next, out.Prev)
}
