package transfer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"

	"dragoman/core"
	"dragoman/core/store"
)

// batchSize is how many items share a transaction.
const batchSize = 4000

// maxRejects is how many refused items a report names; the others are counted.
const maxRejects = 100

// space is where imports keep how far they have come, under the id of the file.
const space = "imports"

// Decode makes items of one object of a file: several where the other side keeps in one what is
// several here, none to leave it out.
type Decode func(raw []byte) ([]Item, error)

// Options are how an import is done.
type Options struct {
	App  core.AppID
	ID   string // names the file: an import of the same goes on where the last one ended
	Size int64  // bytes of the file, for Tell; 0 when not known
	// Decode reads the objects of another's file; nil means that it is an export of ours.
	Decode Decode
	DryRun bool // check everything, write nothing
	// Tell, if not nil, hears after every batch how far the import has come, in bytes.
	Tell func(r *Report, done, size int64)
}

// Report is what became of a file.
type Report struct {
	Read       map[Type]int `json:"read"`
	Written    map[Type]int `json:"written"`
	Duplicates int          `json:"duplicates"` // messages and reactions that were there already
	Rejected   int          `json:"rejected"`
	Rejects    []Reject     `json:"rejects,omitempty"` // the first 100
	Resumed    bool         `json:"-"`                 // went on where an earlier import ended
	Complete   bool         `json:"complete"`          // the file was read to its end
	Lines      int          `json:"lines"`
}

// Reject is one item that was refused.
type Reject struct {
	Line   int    `json:"line"`
	Reason string `json:"reason"`
}

// reject notes a refused item.
func (r *Report) reject(line int, err error) {
	r.Rejected++
	if len(r.Rejects) < maxRejects {
		r.Rejects = append(r.Rejects, Reject{line, err.Error()})
	}
}

// clone copies a report, so that a transaction that is run again starts afresh.
func (r *Report) clone() Report {
	c := *r
	c.Read, c.Written = maps.Clone(r.Read), maps.Clone(r.Written)
	c.Rejects = append([]Reject(nil), r.Rejects...)
	return c
}

// checkpoint is where an import stands, written in the transaction of what it stands for: so nothing
// is done twice and nothing is left out, whenever the process ends.
type checkpoint struct {
	Offset int64  `json:"offset"`
	Line   int    `json:"line"`
	Report Report `json:"report"`
}

// batch is a run of items and the place after it.
type batch struct {
	items []Item
	bad   []Reject
	at    checkpoint
	end   bool
	err   error
}

// Import reads a file into an app and returns what became of it. It goes on where an earlier import
// of the same file ended; a file that is done already is left alone. A broken file ends it with an
// error, and what came before stays.
func Import(ctx context.Context, db store.Store, file io.ReadSeeker, o Options) (Report, error) {
	im := &importer{ctx: ctx, db: db, o: o, keys: map[core.ChannelKey]core.ChannelID{}, people: map[core.UserID]bool{}, dry: newDry()}
	if im.decode = o.Decode; im.decode == nil {
		im.decode = ours
	}
	im.at = checkpoint{Line: 1, Report: Report{Read: map[Type]int{}, Written: map[Type]int{}}}
	if !o.DryRun {
		b, err := db.Record(ctx, o.App, space, o.ID)
		switch {
		case err == nil:
			if err := json.Unmarshal(b, &im.at); err != nil {
				return im.at.Report, fmt.Errorf("read the checkpoint: %w", err)
			}
			im.at.Report.Resumed = true
		case !errors.Is(err, store.ErrNotFound):
			return im.at.Report, fmt.Errorf("read the checkpoint: %w", err)
		}
	}
	if im.at.Report.Complete {
		return im.at.Report, nil
	}
	if _, err := file.Seek(im.at.Offset, io.SeekStart); err != nil {
		return im.at.Report, fmt.Errorf("go to where the last import ended: %w", err)
	}
	err := im.run(file)
	return im.at.Report, err
}

// ours reads a line of an export.
func ours(raw []byte) ([]Item, error) {
	var it Item
	if err := json.Unmarshal(raw, &it); err != nil {
		return nil, err
	}
	if it.Type == "" {
		return nil, errors.New("the line has no type")
	}
	return []Item{it}, nil
}

// importer is one import under way.
type importer struct {
	ctx    context.Context //nolint:containedctx // lives as long as one call of Import
	db     store.Store
	o      Options
	decode Decode
	at     checkpoint
	keys   map[core.ChannelKey]core.ChannelID // committed
	people map[core.UserID]bool               // committed
	dry    *dry
}

// run reads and decodes in one goroutine and writes in this one.
func (im *importer) run(file io.Reader) error {
	ctx, cancel := context.WithCancel(im.ctx)
	defer cancel()
	batches := make(chan *batch, 2)
	go im.produce(ctx, newScanner(file, im.at.Offset, im.at.Line), batches)
	defer func() {
		cancel()
		for range batches { // until the producer has ended
		}
	}()
	for b := range batches {
		if b.err != nil {
			return b.err
		}
		if err := im.take(b); err != nil {
			return err
		}
		if b.end {
			if err := im.finish(); err != nil {
				return err
			}
		}
		if im.o.Tell != nil {
			im.o.Tell(&im.at.Report, b.at.Offset, im.o.Size)
		}
	}
	return im.ctx.Err()
}

// produce makes batches until the file or the context ends.
func (im *importer) produce(ctx context.Context, s *scanner, out chan<- *batch) {
	defer close(out)
	b := &batch{}
	for {
		raw, line, err := s.next()
		switch {
		case errors.Is(err, io.EOF):
			b.end = true
		case err != nil:
			b.err = err
		default:
			items, err := im.decode(raw)
			if err != nil {
				b.bad = append(b.bad, Reject{line, err.Error()})
			}
			for i := range items {
				items[i].Line = line
			}
			b.items = append(b.items, items...)
			if len(b.items)+len(b.bad) < batchSize {
				continue
			}
		}
		b.at.Offset, b.at.Line = s.offset, s.line
		select {
		case out <- b:
		case <-ctx.Done():
			return
		}
		if b.end || b.err != nil {
			return
		}
		b = &batch{items: make([]Item, 0, batchSize)}
	}
}

// take writes one batch and the checkpoint after it. When the transaction breaks, the items are
// tried one by one, so that a bad one is refused alone.
func (im *importer) take(b *batch) error {
	next := checkpoint{Offset: b.at.Offset, Line: b.at.Line, Report: im.at.Report.clone()}
	r := &next.Report
	for _, bad := range b.bad {
		r.reject(bad.Line, errors.New(bad.Reason))
	}
	for i := range b.items {
		r.Read[b.items[i].Type]++
	}
	r.Lines = b.at.Line
	if im.o.DryRun {
		for i := range b.items {
			if err := im.try(&b.items[i]); err != nil {
				r.reject(b.items[i].Line, err)
			} else {
				r.Written[b.items[i].Type]++
			}
		}
		im.at = next
		return nil
	}
	err := im.commit(b.items, &next, true)
	if err == nil || im.fatal(err) {
		return err
	}
	for i := range b.items {
		one := next
		one.Report = next.Report.clone()
		if err := im.commit(b.items[i:i+1], &one, false); err != nil {
			if im.fatal(err) {
				return err
			}
			next.Report.reject(b.items[i].Line, err)
			continue
		}
		next.Report = one.Report
	}
	return im.commit(nil, &next, true)
}

// fatal tells failures that speak against the database from those of one item.
func (im *importer) fatal(err error) bool {
	return errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrUnknownOutcome) || im.ctx.Err() != nil
}

// commit applies items in one transaction, with the checkpoint when it is due.
func (im *importer) commit(items []Item, next *checkpoint, mark bool) error {
	before := next.Report.clone()
	var t *applying
	err := im.db.Update(im.ctx, im.o.App, 0, func(tx store.Tx) error {
		next.Report = before.clone()
		t = &applying{im: im, tx: tx, r: &next.Report, keys: map[core.ChannelKey]core.ChannelID{}, people: map[core.UserID]bool{}}
		if err := t.all(items); err != nil {
			return err
		}
		if !mark {
			return nil
		}
		b, err := json.Marshal(next)
		if err != nil {
			return err
		}
		return tx.PutRecord(im.o.App, space, im.o.ID, b)
	}, nil)
	if err != nil {
		next.Report = before
		return err
	}
	maps.Copy(im.keys, t.keys)
	maps.Copy(im.people, t.people)
	if mark {
		im.at = *next
	}
	return nil
}
