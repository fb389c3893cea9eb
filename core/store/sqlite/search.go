package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"dragoman/core"
	"dragoman/core/store"
)

// indexBatch is how many messages the index takes in one transaction.
const indexBatch = 8000

// indexDelay is how long the index lets messages gather; search is behind by that and a batch.
const indexDelay = 200 * time.Millisecond

// indexer follows the messages into a full text index, a file of its own beside the database: it
// can be deleted and is then built again. New messages are found by rising id, changed ones are
// named by the table reindex.
type indexer struct {
	s    *Store
	path string
	c    *conn // of the index file, with the database attached
	wake chan struct{}
	ask  chan chan error // Indexed waits here for an answer
	quit context.CancelFunc
	ctx  context.Context //nolint:containedctx // the life of the goroutine
	done chan struct{}
}

// searchSchema: contentless, so that texts are stored once; scope holds the app and the channel.
var searchSchema = []string{
	`CREATE VIRTUAL TABLE IF NOT EXISTS search USING fts5(text, scope, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2')`,
	`CREATE TABLE IF NOT EXISTS position (one INTEGER PRIMARY KEY CHECK (one = 1), msg_id INTEGER NOT NULL)`,
	`INSERT INTO position (one, msg_id) VALUES (1, 0) ON CONFLICT DO NOTHING`,
}

// newIndexer opens or creates the index; start begins the work.
func newIndexer(s *Store) (*indexer, error) {
	x := &indexer{s: s, path: s.opt.Path + ".search", wake: make(chan struct{}, 1), ask: make(chan chan error), done: make(chan struct{})}
	x.ctx, x.quit = context.WithCancel(context.Background())
	c, err := openConn(x.path, "PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL", "PRAGMA cache_size=-16384")
	if err != nil {
		return nil, err
	}
	x.c = c
	for _, sql := range append(searchSchema, "ATTACH "+quote(s.opt.Path)+" AS db") {
		if err := c.exec(sql); err != nil {
			c.close()
			return nil, err
		}
	}
	return x, nil
}

// quote makes an SQL literal.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// attach makes the index readable on a connection.
func (x *indexer) attach(c *conn) error { return c.exec("ATTACH " + quote(x.path) + " AS fts") }

// nudge is told of every commit.
func (x *indexer) nudge() {
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

// start begins with what was missed.
func (x *indexer) start() {
	x.nudge()
	go x.loop()
}

// stop indexes what is left, bounded by one batch, and ends the goroutine.
func (x *indexer) stop() {
	x.quit()
	<-x.done
}

// close closes the connection.
func (x *indexer) close() {
	x.quit()
	x.c.close()
}

// loop catches up after commits and when asked.
func (x *indexer) loop() {
	defer close(x.done)
	gather := time.NewTimer(0)
	defer gather.Stop()
	for {
		var waiting chan error
		select {
		case <-x.ctx.Done():
			return
		case waiting = <-x.ask:
		case <-x.wake: // let more gather: one transaction for many
			gather.Reset(indexDelay)
			select {
			case <-x.ctx.Done():
				return
			case waiting = <-x.ask:
			case <-gather.C:
			}
		}
		err := x.catchUp()
		if err != nil && x.ctx.Err() == nil {
			x.s.opt.Log("The search index could not follow the messages", err)
		}
		if waiting != nil {
			waiting <- err
		}
	}
}

// Indexed waits until the search index holds everything committed before the call.
func (s *Store) Indexed(ctx context.Context) error {
	answer := make(chan error, 1)
	select {
	case s.index.ask <- answer:
	case <-ctx.Done():
		return ended(ctx)
	case <-s.index.done:
		return errClosed
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ended(ctx)
	}
}

// catchUp runs batches until nothing is left.
func (x *indexer) catchUp() error {
	for x.ctx.Err() == nil {
		n, err := x.batch()
		if err != nil || n == 0 {
			return err
		}
	}
	return errClosed
}

// found is a message as the index sees it.
type found struct {
	row, id, app int64 // id is the message's, or the stamp of the change
	text         string
	gone         bool
}

// batch indexes up to indexBatch new or changed messages and answers how many it met.
func (x *indexer) batch() (int, error) {
	st, err := x.c.prepare("SELECT msg_id FROM position")
	if err != nil {
		return 0, err
	}
	if _, err := st.step(); err != nil {
		return 0, err
	}
	position := st.colInt(0)
	st.reset()
	fresh, err := x.rows("SELECT id, msg_id, app, text, deleted_at IS NOT NULL FROM db.messages WHERE msg_id > ? ORDER BY msg_id LIMIT ?", position, indexBatch)
	if err != nil {
		return 0, err
	}
	changed, err := x.rows(`SELECT r.row, r.stamp, m.app, m.text, m.id IS NULL OR m.deleted_at IS NOT NULL
		FROM (SELECT stamp, row FROM db.reindex WHERE stamp > ? ORDER BY stamp LIMIT ?) r LEFT JOIN db.messages m ON m.id = r.row ORDER BY r.stamp`, 0, indexBatch)
	if err != nil || len(fresh)+len(changed) == 0 {
		return 0, err
	}
	// Not IMMEDIATE: that would lock the attached database as well, and its writer would wait.
	if err := x.c.exec("BEGIN"); err != nil {
		return 0, err
	}
	for _, f := range inOrder(changed, fresh) {
		if err = x.put(f); err != nil {
			_ = x.c.exec("ROLLBACK") // err tells why
			return 0, err
		}
	}
	if len(fresh) > 0 {
		position = fresh[len(fresh)-1].id
	}
	if st, err = x.c.prepare("UPDATE position SET msg_id = ?"); err == nil {
		err = st.int(position).run()
	}
	if err == nil {
		err = x.c.exec("COMMIT")
	}
	if err != nil {
		_ = x.c.exec("ROLLBACK") // err tells why
		return 0, err
	}
	return len(fresh) + len(changed), x.forget(changed)
}

// inOrder joins two lists by rising row, each row once. FTS5 keeps what a transaction adds in memory
// as long as rows rise, and writes a segment of its own, to be merged later, each time one falls.
func inOrder(changed, fresh []found) []found {
	all := slices.Concat(changed, fresh)
	slices.SortFunc(all, func(a, b found) int { return cmp.Compare(a.row, b.row) })
	return slices.CompactFunc(all, func(a, b found) bool { return a.row == b.row })
}

// rows reads what is to be indexed.
func (x *indexer) rows(sql string, from int64, limit int64) ([]found, error) {
	st, err := x.c.prepare(sql)
	if err != nil {
		return nil, err
	}
	return collect(st.int(from).int(limit), func(st *stmt, f *found) error {
		f.row, f.id, f.app, f.text, f.gone = st.colInt(0), st.colInt(1), st.colInt(2), st.colText(3), st.colInt(4) != 0
		return nil
	})
}

// put replaces one message in the index.
func (x *indexer) put(f found) error {
	st, err := x.c.prepare("DELETE FROM search WHERE rowid = ?")
	if err != nil {
		return err
	}
	if err := st.int(f.row).run(); err != nil || f.gone || f.text == "" {
		return err
	}
	if st, err = x.c.prepare("INSERT INTO search (rowid, text, scope) VALUES (?, ?, ?)"); err != nil {
		return err
	}
	return st.int(f.row).text(f.text).text("a" + strconv.FormatInt(f.app, 10) + " c" + strconv.FormatInt(f.row>>31, 10)).run()
}

// forget takes rows off the list of changes, up to the last one seen.
func (x *indexer) forget(changed []found) error {
	if len(changed) == 0 {
		return nil
	}
	stamp := changed[len(changed)-1].id
	err := x.s.w.submit(x.ctx, &job{fn: func(store.Tx) error {
		return x.s.w.tx.exec("DELETE FROM reindex WHERE stamp <= ?", func(st *stmt) { st.int(stamp) })
	}})
	if errors.Is(err, store.ErrUnavailable) && x.ctx.Err() != nil {
		return nil // closing: they are looked at again after the next start
	}
	if err != nil {
		return fmt.Errorf("forgetting changes: %w", err)
	}
	return nil
}

// matchQuery turns what a person typed into a query of the index: every word must occur, the last
// one as a prefix, within the app and, if named, the channels. It is empty when there is no word.
func matchQuery(text string, app core.AppID, chs []core.ChannelID) string {
	words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) })
	if len(words) == 0 {
		return ""
	}
	var q strings.Builder
	q.WriteString("text : (")
	for i, w := range words {
		if i > 0 {
			q.WriteString(" AND ")
		}
		q.WriteString(`"` + w + `"`)
	}
	q.WriteString(" *) AND scope : a" + strconv.FormatInt(int64(app), 10))
	for i, ch := range chs {
		if i == 0 {
			q.WriteString(" AND scope : (")
		} else {
			q.WriteString(" OR ")
		}
		q.WriteString("c" + strconv.FormatInt(int64(ch), 10))
	}
	if len(chs) > 0 {
		q.WriteString(")")
	}
	return q.String()
}
