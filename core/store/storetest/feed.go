package storetest

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"dragoman/core"
	"dragoman/core/store"
)

// testFeed builds a history of some channels and a person's box, and reads it back from every stamp
// in pages of every size: what comes is what was committed, in that order, from joining on.
func testFeed(f *fix) {
	rapid.Check(f.T, func(rt *rapid.T) {
		user := core.UserID(fmt.Sprintf("ann-%d", f.now.UnixNano()))
		f.now = f.now.Add(time.Minute)
		chs := make([]core.ChannelID, rapid.IntRange(1, 4).Draw(rt, "channels"))
		for i := range chs {
			chs[i] = f.channel(core.ChannelKey(fmt.Sprintf("c%d-%d", i, f.now.UnixNano())), user).ID
		}
		other := f.channel(core.ChannelKey(fmt.Sprintf("other-%d", f.now.UnixNano())), "bob").ID
		var want []store.EventRow
		for i := range rapid.IntRange(0, 30).Draw(rt, "events") {
			ch := chs[rapid.IntRange(0, len(chs)-1).Draw(rt, "channel")]
			switch rapid.IntRange(0, 4).Draw(rt, "what") {
			case 0:
				e := store.EventRow{Channel: ch, Kind: core.ReadMoved, At: f.at(i), Actor: "bob", Payload: []byte(`{"n":1}`)}
				f.update(func(tx store.Tx) error { return tx.AppendEvent(f.app, &e, false) })
				want = append(want, e)
			case 1:
				var e store.EventRow
				f.update(func(tx store.Tx) error {
					e = store.EventRow{Stamp: tx.NextStamp(), Payload: []byte(fmt.Sprintf(`{"n":%d}`, i))}
					return tx.AppendBox(f.app, []core.UserID{user, "bob"}, e.Stamp, e.Payload)
				})
				want = append(want, e)
			case 2:
				f.say(other, "bob", "elsewhere", i)
			default:
				m := f.message(ch, "bob", "m", i)
				in := store.Append{App: f.app, Message: &m}
				f.ok(f.s.Append(f.Context(), &in, nil))
				if in.Event.Stamp != core.Stamp(m.ID) {
					rt.Fatalf("the stamp of message %d is %d", m.ID, in.Event.Stamp)
				}
				want = append(want, in.Event)
			}
		}
		if !slices.IsSortedFunc(want, func(a, b store.EventRow) int { return int(a.Stamp - b.Stamp) }) {
			rt.Fatal("stamps do not rise")
		}
		size := rapid.IntRange(1, 40).Draw(rt, "page")
		var got []store.EventRow
		for after := core.Stamp(0); ; {
			page := must[[]store.EventRow](f)(f.s.Feed(f.Context(), f.app, store.FeedQuery{User: user, After: after, Limit: size}))
			if got = append(got, page...); len(page) < size {
				break
			}
			after = page[len(page)-1].Stamp
		}
		same(f, "the feed", got, want)
		from := rapid.IntRange(0, len(want)).Draw(rt, "from")
		var after core.Stamp
		if from > 0 {
			after = want[from-1].Stamp
		}
		read := func(q store.FeedQuery, want []store.EventRow) {
			q.User, q.After, q.Limit = user, after, 100
			same(f, fmt.Sprintf("the feed of %+v", q), must[[]store.EventRow](f)(f.s.Feed(f.Context(), f.app, q)), want)
		}
		of := func(ch core.ChannelID) (out []store.EventRow) {
			for _, e := range want[from:] {
				if e.Channel == ch {
					out = append(out, e)
				}
			}
			return out
		}
		read(store.FeedQuery{}, want[from:])
		read(store.FeedQuery{Own: true}, of(0))
		heads := map[core.ChannelID]core.Stamp{}
		for _, ch := range append([]core.ChannelID{0}, chs...) {
			if ch != 0 {
				read(store.FeedQuery{Channel: ch}, of(ch))
			}
			if rows := of(ch); len(rows) > 0 {
				heads[ch] = rows[len(rows)-1].Stamp
			}
		}
		told := map[core.ChannelID]core.Stamp{}
		for _, h := range must[[]store.FeedHead](f)(f.s.FeedHeads(f.Context(), f.app, user, after)) {
			told[h.Channel] = h.Last
		}
		same(f, "the heads", told, heads)
	})
}

// testFeedBounds: nothing from before joining, from channels left, or from another app; a box can be trimmed.
func testFeedBounds(f *fix) {
	c := f.channel("a", "ann")
	first := f.say(c.ID, "ann", "early", 0)
	f.update(func(tx store.Tx) error {
		at := core.Stamp(first.ID).Time().Add(time.Hour)
		return tx.PutMember(f.app, &core.Member{Channel: c.ID, User: "late", CreatedAt: at})
	})
	count := func(app core.AppID, user core.UserID) int {
		f.Helper()
		return len(must[[]store.EventRow](f)(f.s.Feed(f.Context(), app, store.FeedQuery{User: user, Limit: 10})))
	}
	if n := count(f.app, "late"); n != 0 {
		f.Errorf("a late member reads %d rows from before", n)
	}
	if n := count(f.newApp("two"), "ann"); n != 0 {
		f.Errorf("another app reads %d rows", n)
	}
	var stamps []core.Stamp
	f.update(func(tx store.Tx) error {
		stamps = nil
		for range 3 {
			s := tx.NextStamp()
			stamps = append(stamps, s)
			if err := tx.AppendBox(f.app, []core.UserID{"ann"}, s, []byte("{}")); err != nil {
				return err
			}
		}
		return tx.DeleteMember(f.app, c.ID, "ann")
	})
	if n := count(f.app, "ann"); n != 3 {
		f.Errorf("who left reads %d rows, want those of the box", n)
	}
	f.update(func(tx store.Tx) error { return tx.TrimBox(f.app, "ann", stamps[1]) })
	if n := count(f.app, "ann"); n != 1 {
		f.Errorf("a trimmed box has %d rows", n)
	}
}
