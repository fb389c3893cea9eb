package cometchat

import (
	"strconv"
	"strings"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// page is one page of a list: what was asked for and what there is.
type page struct {
	number, size int // from 1
	count        int // items of this page
	more         bool
	counted      bool // total is known
	total        int  // items in all
}

// maxOffset is how far into a list the core goes.
const maxOffset = 1000

// pageOf reads page and perPage; the SDKs say per_page.
func pageOf(rq *adapters.Request, normal, most int) (page, error) {
	q := wire.QueryOf(rq)
	p := page{number: q.Int("page", 0, 1<<30), size: q.Int("perPage", 0, 1<<30)}
	for _, name := range []string{"per_page", "limit"} {
		if p.size == 0 {
			p.size = q.Int(name, 0, 1<<30)
		}
	}
	if err := q.Err(); err != nil {
		return p, invalid(err)
	}
	if p.size == 0 {
		p.size = normal
	}
	p.size, p.number = min(p.size, most), max(p.number, 1)
	return p, nil
}

// invalid turns the failure of a parameter or a body into the vendor's one code for it; the vendor
// has variants of the others only for messages and groups.
func invalid(err error) error {
	if err == nil {
		return nil
	}
	f := fault.From(err)
	if f.Variant != "" {
		return err
	}
	switch f.Reason {
	case fault.RequestInvalidField, fault.RequestMissingField, fault.RequestFieldTooLong, fault.RequestBatchTooLarge, fault.RequestMalformedJSON:
		e := fault.RequestInvalid.Error("Failed to validate the data sent with the request.")
		e.Fields = f.Fields
		return e
	}
	return err
}

// core is the page as the core counts; one more is asked for, to know whether others follow. ok is
// false for a page beyond what can be listed: it is empty.
func (p *page) core() (core.Page, bool) {
	off := (p.number - 1) * p.size
	return core.Page{Limit: min(p.size+1, 100), Offset: off}, off <= maxOffset
}

// cut takes the item that was asked for beyond the page off the list.
func cut[T any](p *page, list []T) []T {
	if p.more = len(list) > p.size; p.more {
		list = list[:p.size]
	}
	if len(list) == 100 && p.size == 100 {
		p.more = true // the core lists 100 at most, so the one beyond is not known
	}
	p.count = len(list)
	return list
}

// whole counts the items of a list of which more follow after this page, or which ends before it. read
// tells how many items
// the core has on a page of its own, at most most of them. What lies beyond maxOffset cannot be
// listed and is not counted.
func (p *page) whole(most int, read func(core.Page) (int, error)) error {
	from := p.number * p.size // of an item that is there
	switch beyond := p.count == 0 && p.number > 1; {
	case beyond:
		from = 0
	case !p.more || from > maxOffset:
		return nil
	}
	n, err := read(core.Page{Limit: most, Offset: from})
	if err != nil {
		return err
	}
	if p.counted, p.total = true, from+n; n < most {
		return nil
	}
	low, high := from+n-1, maxOffset+1 // the last item lies between: at low or after, before high
	for low+1 < high {
		at := (low + high) / 2
		if n, err = read(core.Page{Limit: 1, Offset: at}); err != nil {
			return err
		}
		if n > 0 {
			low = at
		} else {
			high = at
		}
	}
	p.total = max(p.total, low+1)
	return nil
}

// writePagination writes meta.pagination.
func (p *page) writePagination(w *wire.Writer) {
	w.Object("pagination")
	total := p.total
	if !p.counted {
		if total = (p.number-1)*p.size + p.count; p.more {
			total++
		}
	}
	pages := max((total+p.size-1)/p.size, 1)
	if !p.counted {
		pages = max(pages, p.number)
	}
	w.Int("total", total)
	w.Int("count", p.count)
	w.Int("per_page", p.size)
	w.Int("current_page", p.number)
	w.Int("total_pages", pages)
	w.Close()
}

// writeMeta writes the meta of a list in pages.
func (p *page) writeMeta(w *wire.Writer) {
	w.Object("meta")
	p.writePagination(w)
	w.Close()
}

// listed is a page of things.
type listed[T any] struct {
	page
	items []T
	view  userView
}

// writeList writes a page.
func writeList[T any](w *wire.Writer, l *listed[T], item func(*T)) {
	w.List("data")
	for i := range l.items {
		item(&l.items[i])
	}
	w.CloseList()
	l.writeMeta(w)
}

// texts reads a list parameter: comma joined, repeated, or with brackets.
func texts(rq *adapters.Request, name string) []string {
	var out []string
	for _, n := range []string{name, name + "[]"} {
		for _, v := range rq.Query.All(n) {
			for s := range strings.SplitSeq(v, ",") {
				if s != "" && len(out) < 100 {
					out = append(out, s)
				}
			}
		}
	}
	return out
}

// flag reads a switch: 1 or true.
func flag(rq *adapters.Request, name string) bool {
	b, err := strconv.ParseBool(strings.ToLower(rq.Query.Get(name)))
	return err == nil && b
}

// hasTags is the condition that one of the tags is there.
func hasTags(field string, tags []string) core.Filter {
	f := core.Filter{Op: core.OpOr}
	for _, t := range tags {
		f.Sub = append(f.Sub, core.Cond(field, core.OpContains, core.Text(t)))
	}
	if len(f.Sub) == 0 {
		return core.Filter{}
	}
	return f
}
