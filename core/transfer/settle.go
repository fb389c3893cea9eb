package transfer

import (
	"fmt"

	"dragoman/core"
	"dragoman/core/store"
)

// finish marks the file as done. Members of another's file say when they have read, and mostly come
// before the messages: now that these are there, times become positions.
func (im *importer) finish() error {
	if im.o.Decode != nil && !im.o.DryRun {
		if err := im.settle(); err != nil {
			return fmt.Errorf("settle read positions: %w", err)
		}
	}
	next := im.at
	next.Report = im.at.Report.clone()
	next.Report.Complete = true
	if im.o.DryRun {
		im.at = next
		return nil
	}
	return im.commit(nil, &next, true)
}

// settle moves the read positions of all members to their times; doing it twice does no harm.
func (im *importer) settle() error {
	return pages(func(q store.Query) ([]core.Channel, error) { return im.db.FindChannels(im.ctx, im.o.App, q) }, "created_at", func(c *core.Channel) error {
		for offset := 0; ; offset += page {
			ms, err := im.db.Members(im.ctx, im.o.App, c.ID, nil, page, offset)
			if err != nil {
				return err
			}
			if err := im.settleSome(ms); err != nil {
				return err
			}
			if len(ms) < page {
				return nil
			}
		}
	})
}

func (im *importer) settleSome(ms []core.Member) error {
	return im.db.Update(im.ctx, im.o.App, 0, func(tx store.Tx) error {
		for i := range ms {
			m := ms[i]
			if m.ReadAt.IsZero() {
				continue
			}
			seq, err := tx.SeqAt(im.ctx, im.o.App, m.Channel, m.ReadAt)
			if err != nil {
				return err
			}
			if seq <= m.ReadSeq {
				continue
			}
			m.ReadSeq = seq
			if err := tx.PutMember(im.o.App, &m); err != nil {
				return err
			}
		}
		return nil
	}, nil)
}
