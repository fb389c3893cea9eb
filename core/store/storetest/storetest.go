// Package storetest is the suite that every store driver must pass, and the load that measures it.
package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"dragoman/core"
	"dragoman/core/store"
)

// Run checks a driver. open returns an empty store, which the suite does not close; it is called
// for every part of the suite.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	t.Helper()
	for _, part := range []struct {
		name string
		run  func(*fix)
	}{
		{"Apps", testApps},
		{"Users", testUsers},
		{"Channels", testChannels},
		{"Members", testMembers},
		{"Messages", testMessages},
		{"Ranges", testRanges},
		{"Threads", testThreads},
		{"Append", testAppend},
		{"Duplicates", testDuplicates},
		{"Removal", testRemoval},
		{"Reactions", testReactions},
		{"Unread", testUnread},
		{"Events", testEvents},
		{"Outbox", testOutbox},
		{"Feed", testFeed},
		{"FeedBounds", testFeedBounds},
		{"Records", testRecords},
		{"AppsAreApart", testAppsAreApart},
		{"FilterUsers", testFilterUsers},
		{"FilterChannels", testFilterChannels},
		{"FilterMembers", testFilterMembers},
		{"FilterMessages", testFilterMessages},
		{"BadFilters", testBadFilters},
		{"Cursors", testCursors},
		{"Search", testSearch},
		{"Rollback", testRollback},
		{"OwnWrites", testOwnWrites},
		{"Deadlines", testDeadlines},
		{"CallbackOrder", testCallbackOrder},
		{"DenseNumbers", testDenseNumbers},
		{"BadNeighbours", testBadNeighbours},
		{"Model", testModel},
		{"Closed", testClosed},
	} {
		t.Run(part.name, func(t *testing.T) {
			f := &fix{T: t, s: open(t), now: time.Date(2026, 3, 4, 5, 6, 7, 89e6, time.UTC)}
			f.app = f.newApp("one")
			part.run(f)
		})
	}
}

// fix is a store with one app to test on.
type fix struct {
	*testing.T
	s   store.Store
	app core.AppID
	now time.Time
}

// ok fails the test on an error.
func (f *fix) ok(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// at is a time some seconds after the fixture's.
func (f *fix) at(seconds int) time.Time { return f.now.Add(time.Duration(seconds) * time.Second) }

// update runs fn in a transaction.
func (f *fix) update(fn func(store.Tx) error) {
	f.Helper()
	f.ok(f.s.Update(f.Context(), f.app, 0, fn, nil))
}

// newApp makes an app.
func (f *fix) newApp(name string) core.AppID {
	f.Helper()
	a := core.App{Name: name, CreatedAt: f.now, UpdatedAt: f.now}
	f.update(func(tx store.Tx) error { a.ID = 0; return tx.PutApp(&a) })
	return a.ID
}

// channel makes a channel with members.
func (f *fix) channel(key core.ChannelKey, members ...core.UserID) core.Channel {
	f.Helper()
	typ, _ := key.Split()
	var c core.Channel
	f.update(func(tx store.Tx) error {
		c = core.Channel{Key: key, Type: typ, CreatedAt: f.now, UpdatedAt: f.now}
		if err := tx.PutChannel(f.app, &c); err != nil {
			return err
		}
		for _, u := range members {
			if err := tx.PutMember(f.app, &core.Member{Channel: c.ID, User: u, Role: "member", CreatedAt: f.now, UpdatedAt: f.now}); err != nil {
				return err
			}
		}
		return nil
	})
	return c
}

// message is one to send, at the second sec.
func (f *fix) message(ch core.ChannelID, user core.UserID, text string, sec int) core.Message {
	return core.Message{Channel: ch, User: user, Kind: core.MessageRegular, Text: text, CreatedAt: f.at(sec), UpdatedAt: f.at(sec)}
}

// send appends a message as it is.
func (f *fix) send(m core.Message) core.Message {
	f.Helper()
	in := store.Append{App: f.app, Message: &m}
	f.ok(f.s.Append(f.Context(), &in, nil))
	if in.Duplicate {
		f.Fatalf("message %q was taken for a repeat", m.Text)
	}
	return *in.Message
}

// say appends a plain message.
func (f *fix) say(ch core.ChannelID, user core.UserID, text string, sec int) core.Message {
	f.Helper()
	return f.send(f.message(ch, user, text, sec))
}

// same compares what was stored with what is read.
func same[T any](f *fix, what string, got, want T) {
	f.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(core.Event{})); d != "" {
		f.Errorf("%s differs (-want +got):\n%s", what, d)
	}
}

// names lists one property of many things.
func names[T any](list []T, name func(T) string) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = name(v)
	}
	return out
}

// sorted is names, sorted.
func sorted[T any](list []T, name func(T) string) []string {
	out := names(list, name)
	slices.Sort(out)
	return out
}

// userID and the functions below name things for comparison.
func userID(u core.User) string { return string(u.ID) }

// channelKey names a channel.
func channelKey(c core.Channel) string { return string(c.Key) }

// memberUser names a member by person.
func memberUser(m core.Member) string { return string(m.User) }

// memberChannel names a member by channel.
func memberChannel(m core.Member) string { return fmt.Sprint(m.Channel) }

// messageText names a message.
func messageText(m core.Message) string { return m.Text }

// reactionName names a reaction.
func reactionName(r core.Reaction) string { return string(r.User) + ":" + r.Type }

// must unwraps a read.
func must[T any](f *fix) func(T, error) T {
	return func(v T, err error) T {
		f.Helper()
		f.ok(err)
		return v
	}
}

// notFound fails unless err says that the thing is not there.
func (f *fix) notFound(what string, err error) {
	f.Helper()
	if !errors.Is(err, store.ErrNotFound) {
		f.Errorf("%s: error is %v, want not found", what, err)
	}
}
