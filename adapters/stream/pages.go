package stream

import (
	"time"

	"dragoman/adapters/wire"
	"dragoman/core"
)

// timeBound is a bound of a page of messages that is a time.
type timeBound struct {
	name string
	set  func(*core.MessagePage, time.Time)
}

// timesAs builds the five bounds of one time field.
func timesAs(field string) []timeBound {
	return []timeBound{
		{field + "_before", func(p *core.MessagePage, t time.Time) { p.BeforeTime = t }},
		{field + "_before_or_equal", func(p *core.MessagePage, t time.Time) { p.BeforeTime, p.Inclusive = t, true }},
		{field + "_after", func(p *core.MessagePage, t time.Time) { p.AfterTime = t }},
		{field + "_after_or_equal", func(p *core.MessagePage, t time.Time) { p.AfterTime, p.Inclusive = t, true }},
		{field + "_around", func(p *core.MessagePage, t time.Time) { p.AroundTime = t }},
	}
}

// timeBounds are the bounds of a page of messages.
var timeBounds = timesAs("created_at")

// writeCursors writes where the neighbouring pages begin.
func writeCursors(w *wire.Writer, next, prev string) {
	w.TextIf("next", next)
	w.TextIf("prev", prev)
}
