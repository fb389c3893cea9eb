package agora

import (
	"net"
	"slices"
	"strconv"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
)

// page is a page by number, from 1.
type page struct{ number, size int }

// pageOf reads pagenum and pagesize.
func pageOf(rq *adapters.Request, normal, most int) (page, error) {
	q := wire.QueryOf(rq)
	p := page{q.Int("pagenum", 0, 1<<30), q.Int("pagesize", 0, 1<<30)}
	if p.number == 0 {
		p.number = q.Int("pageNum", 0, 1<<30)
	}
	if p.size == 0 {
		p.size = q.Int("pageSize", 0, 1<<30)
	}
	if p.size == 0 {
		p.size = normal
	}
	p.number, p.size = max(p.number, 1), min(p.size, most)
	return p, q.Err()
}

// cut is the page of a whole list.
func cut[T any](p page, list []T) []T {
	if p.number-1 > len(list)/p.size {
		return nil
	}
	list = list[min((p.number-1)*p.size, len(list)):]
	return list[:min(p.size, len(list))]
}

// namePage is a page of names by cursor.
type namePage struct {
	names  []core.UserID
	cursor string
}

// pageOfNames cuts a page out of a whole list, in the order of names; without a size it is all of it.
func pageOfNames(rq *adapters.Request, size string, all []core.UserID) (namePage, error) {
	q := wire.QueryOf(rq)
	n := q.Int(size, 0, 1<<30)
	if err := q.Err(); err != nil {
		return namePage{}, err
	}
	slices.Sort(all)
	if after := core.UserID(cursorIn(rq)); after != "" {
		i, found := slices.BinarySearch(all, after)
		if found {
			i++
		}
		all = all[i:]
	}
	if n == 0 || len(all) <= n {
		return namePage{names: all}, nil
	}
	return namePage{all[:n], cursorOf(string(all[n-1]))}, nil
}

// hostPort splits the address a request came to; without a port it is that of the scheme.
func hostPort(addr, scheme string) (host string, port int) {
	host, p, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	if port, err = strconv.Atoi(p); err == nil {
		return host, port
	}
	if scheme == "https" {
		return host, 443
	}
	return host, 80
}
