package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/jackc/pgx/v5"
	"golang.org/x/text/unicode/norm"

	"dragoman/core"
)

// indexBatch is how many messages the index takes in one transaction.
const indexBatch = 500

// indexDelay is how long the index lets messages gather; search is behind by that and a batch.
const indexDelay = 200 * time.Millisecond

// indexLook is how often a node looks for messages of others, which nobody tells it of.
const indexLook = 5 * time.Second

// indexer follows the messages into the table of the full text index. Every node has one, and an
// advisory lock lets one of them work at a time. New messages are found by rising id, below the
// stamp under which nothing will appear any more; changed ones are named by the table reindex.
type indexer struct {
	s    *Store
	wake chan struct{}
	quit context.CancelFunc
	ctx  context.Context //nolint:containedctx // the life of the goroutine
	done chan struct{}
}

// indexLock is the number of the advisory lock of whoever indexes.
const indexLock = 4712

// newIndexer starts with what was missed.
func newIndexer(s *Store) *indexer {
	x := &indexer{s: s, wake: make(chan struct{}, 1), done: make(chan struct{})}
	x.ctx, x.quit = context.WithCancel(context.Background())
	go x.loop()
	return x
}

// nudge is told of commits.
func (x *indexer) nudge() {
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

// stop ends the goroutine.
func (x *indexer) stop() {
	x.quit()
	<-x.done
}

// loop catches up after commits, and from time to time.
func (x *indexer) loop() {
	defer close(x.done)
	tick := time.NewTicker(indexLook)
	defer tick.Stop()
	failing := false
	for {
		for x.ctx.Err() == nil {
			n, err := x.batch(x.ctx, "SELECT pg_try_advisory_xact_lock($1)")
			if err != nil && x.ctx.Err() == nil && !failing {
				x.s.opt.Log("The search index could not follow the messages", err)
			}
			failing = err != nil
			if err != nil || n == 0 {
				break
			}
		}
		select {
		case <-x.ctx.Done():
			return
		case <-tick.C:
		case <-x.wake: // let more gather: one transaction for many
			select {
			case <-x.ctx.Done():
				return
			case <-time.After(indexDelay):
			}
		}
	}
}

// Indexed implements store.Store.
func (s *Store) Indexed(ctx context.Context) error {
	done, err := s.begin()
	if err != nil {
		return err
	}
	defer done()
	var last int64
	if err := s.pool.QueryRow(ctx, "SELECT last_value FROM stamps").Scan(&last); err != nil {
		return failure(err)
	}
	for {
		n, err := s.index.batch(ctx, "SELECT true FROM (SELECT pg_advisory_xact_lock($1)) x")
		if err != nil {
			return err
		}
		if n > 0 {
			continue
		}
		below, err := s.floor.fresh(ctx, s)
		if err != nil {
			return err
		}
		if int64(below) > last {
			if n, err = s.index.batch(ctx, "SELECT true FROM (SELECT pg_advisory_xact_lock($1)) x"); n == 0 || err != nil {
				return err
			}
		}
	}
}

// found is a message as the index sees it.
type found struct {
	id, app, ch int64
	text        string
	gone        bool
}

// scanFound reads a message for the index.
func scanFound(rows pgx.Rows, f *found) error {
	return rows.Scan(&f.id, num(&f.app), num(&f.ch), str(&f.text), &f.gone)
}

// batch indexes up to indexBatch new and changed messages each and answers how many it met; none
// when lock says that another node is at it.
func (x *indexer) batch(ctx context.Context, lock string) (n int, err error) {
	below, err := x.s.floor.fresh(ctx, x.s)
	if err != nil {
		return 0, err
	}
	err = pgx.BeginFunc(ctx, x.s.pool, func(t pgx.Tx) error {
		var mine bool
		if err := t.QueryRow(ctx, lock, int64(indexLock)).Scan(&mine); err != nil || !mine {
			return err
		}
		r := &session{q: t, s: x.s}
		fresh, err := collect(ctx, r, `SELECT msg_id, app, ch, body_text, deleted_at <> 0 FROM messages
			WHERE msg_id > (SELECT msg_id FROM search_position) AND msg_id < $1 ORDER BY msg_id LIMIT $2`, args(int64(below), int64(indexBatch)), scanFound)
		if err != nil {
			return err
		}
		changed, err := collect(ctx, r, `WITH c AS (DELETE FROM reindex WHERE id IN (SELECT id FROM reindex ORDER BY id LIMIT $1) RETURNING msg_id)
			SELECT c.msg_id, m.app, m.ch, m.body_text, m.msg_id IS NULL OR m.deleted_at <> 0 FROM (SELECT DISTINCT msg_id FROM c) c
			LEFT JOIN messages m ON m.msg_id = c.msg_id`, args(int64(indexBatch)), scanFound)
		if err != nil {
			return err
		}
		if n = len(fresh) + len(changed); n == 0 {
			return nil
		}
		return x.put(ctx, t, changed, fresh)
	})
	return n, failure(err)
}

// put replaces messages in the index and moves the position.
func (x *indexer) put(ctx context.Context, t pgx.Tx, changed, fresh []found) error {
	b := &pgx.Batch{}
	var old, ids, chs []int64
	var docs []string
	for _, f := range changed {
		old = append(old, f.id)
	}
	have := map[int64]bool{}
	for _, f := range append(changed, fresh...) {
		if d := document(f); d != "" && !have[f.id] {
			have[f.id] = true
			ids, chs, docs = append(ids, f.id), append(chs, f.ch), append(docs, d)
		}
	}
	if len(old) > 0 {
		b.Queue("DELETE FROM search WHERE msg_id = ANY($1)", old)
	}
	if len(ids) > 0 {
		b.Queue(`INSERT INTO search (msg_id, ch, doc) SELECT i, c, d::tsvector FROM unnest($1::bigint[], $2::bigint[], $3::text[]) v(i, c, d)
			ON CONFLICT (msg_id) DO UPDATE SET doc = excluded.doc`, ids, chs, docs)
	}
	if len(fresh) > 0 {
		b.Queue("UPDATE search_position SET msg_id = $1 WHERE msg_id < $1", fresh[len(fresh)-1].id)
	}
	return t.SendBatch(ctx, b).Close()
}

// maxPlace and maxPlaces are what a text search vector holds of the places of a word.
const (
	maxPlace  = 16383
	maxPlaces = 200
	maxWord   = 500 // bytes
)

// document is the text search vector of a message, or "" when there is nothing to find.
func document(f found) string {
	if f.gone || f.text == "" {
		return ""
	}
	var b strings.Builder
	places := map[string][]int{}
	for i, w := range split(f.text) {
		if len(w) <= maxWord && len(places[w]) < maxPlaces {
			places[w] = append(places[w], min(i+1, maxPlace))
		}
	}
	if len(places) == 0 {
		return ""
	}
	for w, at := range places {
		b.WriteString(" '" + w + "':")
		for i, p := range at {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strconv.Itoa(p))
		}
	}
	return fmt.Sprintf("'#a%d' '#c%d'", f.app, f.ch) + b.String()
}

// split makes the words of a text: in small letters, without accents, of letters and digits alone.
func split(text string) []string {
	text = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(text))
	return strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) })
}

// matchQuery turns what a person typed into a query of the index: every word must occur, the last
// one as a prefix, within the app and, if named, the channels. It is empty when there is no word.
func matchQuery(text string, app core.AppID, chs []core.ChannelID) string {
	words := split(text)
	if len(words) == 0 {
		return ""
	}
	var q strings.Builder
	fmt.Fprintf(&q, "'#a%d'", app)
	for i, w := range words {
		for len(w) > maxWord {
			w = w[:maxWord/2] // nothing that long is in the index
		}
		q.WriteString(" & '" + strings.ToValidUTF8(w, "") + "'")
		if i == len(words)-1 {
			q.WriteString(":*")
		}
	}
	for i, ch := range chs {
		if i == 0 {
			q.WriteString(" & (")
		} else {
			q.WriteString(" | ")
		}
		fmt.Fprintf(&q, "'#c%d'", ch)
	}
	if len(chs) > 0 {
		q.WriteByte(')')
	}
	return q.String()
}
