package stream

import (
	"context"
	"sync"
	"time"

	"dragoman/core"
)

// bookAge is how long descriptions of custom commands may be out of date.
const bookAge = 10 * time.Second

// bookCache keeps each app's descriptions of custom commands, which every channel configuration
// repeats.
type bookCache struct {
	mu   sync.Mutex
	apps map[core.AppID]bookEntry
}

type bookEntry struct {
	book commandBook
	at   time.Time
}

func newBookCache() *bookCache { return &bookCache{apps: map[core.AppID]bookEntry{}} }

// book returns the descriptions for answers of the app, reading them again when they are old.
func (d *Dialect) book(app core.AppID) commandBook {
	d.books.mu.Lock()
	e, ok := d.books.apps[app]
	d.books.mu.Unlock()
	if ok && d.now().Sub(e.at) < bookAge {
		return e.book
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	list, err := d.core.Commands.List(ctx, core.Actor{App: app, Access: core.AccessServer}, core.ListCommands{})
	if err != nil {
		return e.book
	}
	b := make(commandBook, len(list))
	for _, c := range list {
		b[c.Name] = c
	}
	d.books.mu.Lock()
	d.books.apps[app] = bookEntry{b, d.now()}
	d.books.mu.Unlock()
	return b
}

// bookNow returns the descriptions at hand, without waiting: for events.
func (d *Dialect) bookNow(app core.AppID) commandBook {
	d.books.mu.Lock()
	defer d.books.mu.Unlock()
	return d.books.apps[app].book
}

// forgetBook drops the descriptions of the app after a change of its commands.
func (d *Dialect) forgetBook(app core.AppID) {
	d.books.mu.Lock()
	delete(d.books.apps, app)
	d.books.mu.Unlock()
}
