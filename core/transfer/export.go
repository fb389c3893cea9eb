package transfer

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"slices"
	"strconv"
	"strings"

	"dragoman/core"
	"dragoman/core/engine"
	"dragoman/core/store"
)

// page is how many rows are read at a time.
const page = 1000

// exporter writes one app.
type exporter struct {
	ctx   context.Context //nolint:containedctx // lives as long as one call of Export
	db    store.Reader
	app   core.AppID
	w     *bufio.Writer
	sum   hash.Hash
	buf   bytes.Buffer
	enc   *json.Encoder
	count map[Type]int
	keys  map[core.ChannelID]core.ChannelKey
	tell  func(map[Type]int)
}

// Export writes everything of an app and returns the manifest. tell, if not nil, hears now and then
// how many lines were written. The database must not change meanwhile.
func Export(ctx context.Context, db store.Reader, app *core.App, w io.Writer, tell func(map[Type]int)) (Manifest, error) {
	x := &exporter{
		ctx: ctx, db: db, app: app.ID, w: bufio.NewWriterSize(w, 1<<20), sum: sha256.New(),
		count: map[Type]int{}, keys: map[core.ChannelID]core.ChannelKey{}, tell: tell,
	}
	x.enc = json.NewEncoder(&x.buf)
	x.enc.SetEscapeHTML(false)
	settings := app.Settings
	for _, step := range []func() error{
		func() error {
			return x.put(&Item{Type: TypeHeader, Header: &Header{Format, Version, app.Name}})
		},
		func() error { return x.put(&Item{Type: TypeApp, App: &settings}) },
		x.users, x.channels, x.records,
	} {
		if err := step(); err != nil {
			return Manifest{}, err
		}
	}
	m := Manifest{Lines: x.count, SHA256: hex.EncodeToString(x.sum.Sum(nil))}
	if err := x.line(&Item{Type: TypeManifest, Manifest: &m}); err != nil {
		return m, err
	}
	if err := x.w.Flush(); err != nil {
		return m, fmt.Errorf("write the export: %w", err)
	}
	return m, nil
}

// put writes one line that counts.
func (x *exporter) put(it *Item) error {
	x.count[it.Type]++
	if x.tell != nil && (x.count[it.Type])%page == 0 {
		x.tell(x.count)
	}
	if err := x.line(it); err != nil {
		return err
	}
	x.sum.Write(x.buf.Bytes())
	return x.ctx.Err()
}

func (x *exporter) line(it *Item) error {
	x.buf.Reset()
	if err := x.enc.Encode(it); err != nil {
		return fmt.Errorf("encode a %s: %w", it.Type, err)
	}
	if _, err := x.w.Write(x.buf.Bytes()); err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	return nil
}

// pages reads a query page by page.
func pages[T any](read func(store.Query) ([]T, error), sort string, each func(*T) error) error {
	next := ""
	q := store.Query{Sort: []core.Sort{{Field: sort}}, Limit: page, Deleted: true, Next: &next}
	for {
		rows, err := read(q)
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		for i := range rows {
			if err := each(&rows[i]); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		q.After = next
	}
}

func (x *exporter) users() error {
	return pages(func(q store.Query) ([]core.User, error) { return x.db.FindUsers(x.ctx, x.app, q) }, "created_at", func(u *core.User) error {
		u.Online = false
		return x.put(&Item{Type: TypeUser, User: u})
	})
}

// channels writes the channels, each with what is in it. They are gathered first: their number is
// bounded by what a store holds of them in memory anyhow.
func (x *exporter) channels() error {
	var all []core.Channel
	err := pages(func(q store.Query) ([]core.Channel, error) { return x.db.FindChannels(x.ctx, x.app, q) }, "created_at", func(c *core.Channel) error {
		x.keys[c.ID] = c.Key
		all = append(all, *c)
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b core.Channel) int { return strings.Compare(string(a.Key), string(b.Key)) })
	for i := range all {
		if err := x.channel(&all[i]); err != nil {
			return err
		}
	}
	return nil
}

// channel writes one channel. Numbers of messages have gaps where some were removed for good; an
// export has none, and positions are told in its numbers.
func (x *exporter) channel(c *core.Channel) error {
	seqs, err := x.seqs(c.ID)
	if err != nil {
		return err
	}
	id := c.ID
	out := *c
	out.TruncatedUpTo = rank(seqs, c.TruncatedUpTo)
	out.ID, out.MemberCount, out.MessageCount, out.LastSeq, out.LastEv, out.Owner = 0, 0, 0, 0, 0, nil
	out.LastMessageAt = core.FromMillis(0) // follows from the messages
	if err := x.put(&Item{Type: TypeChannel, Channel: &out}); err != nil {
		return err
	}
	threads, err := x.messages(id)
	if err != nil {
		return err
	}
	for i := range threads {
		if err := x.put(&Item{Type: TypeThread, Thread: &threads[i]}); err != nil {
			return err
		}
	}
	return x.members(id, c.Key, seqs)
}

// seqs reads the numbers of a channel's messages where they have gaps; nil when they have none.
func (x *exporter) seqs(ch core.ChannelID) ([]int64, error) {
	var out []int64
	gaps := false
	err := x.each(ch, func(m *core.Message) error {
		gaps = gaps || m.Seq != int64(len(out))+1
		out = append(out, m.Seq)
		return nil
	})
	if !gaps {
		return nil, err
	}
	return out, err
}

// rank is how many messages there are up to a position.
func rank(seqs []int64, seq int64) int64 {
	if seqs == nil {
		return seq
	}
	n, found := slices.BinarySearch(seqs, seq)
	if found {
		n++
	}
	return int64(n)
}

// each walks the messages of a channel, replies and what only some may see included.
func (x *exporter) each(ch core.ChannelID, f func(*core.Message) error) error {
	for above := int64(0); ; {
		ms, err := x.db.RangeMessages(x.ctx, x.app, store.Range{Channel: ch, Above: above, All: true, Hidden: true, Limit: page})
		if err != nil {
			return fmt.Errorf("read messages: %w", err)
		}
		for i := range ms {
			above = ms[i].Seq
			if err := f(&ms[i]); err != nil {
				return err
			}
		}
		if len(ms) < page {
			return nil
		}
	}
}

func (x *exporter) messages(ch core.ChannelID) ([]Thread, error) {
	var threads []Thread
	n := int64(0)
	err := x.each(ch, func(m *core.Message) error {
		n++
		m.Channel, m.Seq = 0, n
		if m.ReplyCount > 0 || len(m.Participants) > 0 {
			threads = append(threads, Thread{m.ID, m.ReplyCount, m.LastReplyAt, m.Participants})
			m.ReplyCount, m.LastReplyAt, m.Participants = 0, core.FromMillis(0), nil
		}
		if err := x.put(&Item{Type: TypeMessage, Message: m}); err != nil {
			return err
		}
		if len(m.Reactions) == 0 {
			return nil
		}
		id := m.ID
		return pages(func(q store.Query) ([]core.Reaction, error) { return x.db.FindReactions(x.ctx, x.app, id, q) }, "created_at", func(r *core.Reaction) error {
			r.Author = nil
			return x.put(&Item{Type: TypeReaction, Reaction: r})
		})
	})
	return threads, err
}

func (x *exporter) members(ch core.ChannelID, key core.ChannelKey, seqs []int64) error {
	for offset := 0; ; offset += page {
		ms, err := x.db.Members(x.ctx, x.app, ch, nil, page, offset)
		if err != nil {
			return fmt.Errorf("read members: %w", err)
		}
		for i := range ms {
			m := Member{key, ms[i]}
			m.Member.Channel, m.Profile = 0, nil
			m.ReadSeq, m.HiddenUpTo, m.DeliveredSeq = rank(seqs, m.ReadSeq), rank(seqs, m.HiddenUpTo), rank(seqs, m.DeliveredSeq)
			if err := x.put(&Item{Type: TypeMember, Member: &m}); err != nil {
				return err
			}
		}
		if len(ms) < page {
			return nil
		}
	}
}

func (x *exporter) records() error {
	for _, s := range engine.Spaces() {
		if !s.Kept {
			continue
		}
		for after := ""; ; {
			rows, err := x.db.Records(x.ctx, x.app, s.Name, "", after, false, page)
			if err != nil {
				return fmt.Errorf("read records: %w", err)
			}
			for i := range rows {
				after = rows[i].Key
				r, err := x.record(s, &rows[i])
				if err != nil {
					return fmt.Errorf("record of %s: %w", s.Name, err)
				}
				if r == nil {
					continue // of a channel that is gone
				}
				if err := x.put(&Item{Type: TypeRecord, Record: r}); err != nil {
					return err
				}
			}
			if len(rows) < page {
				break
			}
		}
	}
	return nil
}

// record replaces the number of a channel by its key.
func (x *exporter) record(s engine.Space, row *store.Record) (*Record, error) {
	r := &Record{Space: s.Name, Key: row.Key, Value: row.Value}
	if s.Ref == engine.RefNone {
		return r, nil
	}
	ch, key, value, err := swap(s.Ref, row.Key, row.Value, 0)
	if err != nil {
		return nil, err
	}
	if ch == 0 {
		return r, nil
	}
	known, ok := x.keys[ch]
	if !ok {
		return nil, nil
	}
	r.Key, r.Value, r.Channel = key, value, known
	return r, nil
}

// swap reads the number of a channel in a record and puts another in its place.
func swap(ref engine.ChannelRef, key string, value []byte, by core.ChannelID) (core.ChannelID, string, json.RawMessage, error) {
	number := []byte(strconv.FormatInt(int64(by), 10))
	switch ref {
	case engine.RefKey:
		head, rest, _ := strings.Cut(key, "\x00")
		old, tail, more := strings.Cut(rest, "\x00")
		n, err := strconv.ParseInt(old, 10, 64)
		if err != nil {
			return 0, "", nil, err
		}
		key = head + "\x00" + string(number)
		if more {
			key += "\x00" + tail
		}
		return core.ChannelID(n), key, value, nil
	case engine.RefValue:
		var n core.ChannelID
		err := json.Unmarshal(value, &n)
		return n, key, number, err
	}
	var m map[string]json.RawMessage
	var n core.ChannelID
	if err := json.Unmarshal(value, &m); err != nil {
		return 0, "", nil, err
	}
	if raw, ok := m["channel"]; ok {
		if err := json.Unmarshal(raw, &n); err != nil {
			return 0, "", nil, err
		}
		m["channel"] = number
	}
	value, err := json.Marshal(m)
	return n, key, value, err
}
