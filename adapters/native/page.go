package native

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"

	"dragoman/core"
	"dragoman/core/fault"
)

// paging is how lists are asked for.
type paging struct {
	Limit  int    `json:"limit" in:"query" min:"1" max:"300" doc:"Most items to answer; each list has its own default and maximum."`
	Cursor string `json:"cursor" in:"query" doc:"next of an earlier page of the same list."`
}

// Page is one page of a list. Next is absent at the end; a page may be empty.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"Pass it as cursor to go on."`
}

// maxOffset is how far into a list the core goes.
const maxOffset = 1000

// errCursor is for cursors that are none of ours.
var errCursor = fault.RequestInvalidField.Error("The cursor is not one of this list.")

// seal makes a cursor opaque, so that nobody builds on what is in it.
func seal(kind byte, value string) string {
	return base64.RawURLEncoding.EncodeToString(append([]byte{kind, ':'}, value...))
}

// unseal reads a cursor of a kind.
func unseal(cursor string, kinds string) (kind byte, value string, err error) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) < 2 || b[1] != ':' || !strings.ContainsRune(kinds, rune(b[0])) {
		return 0, "", errCursor
	}
	return b[0], string(b[2:]), nil
}

// page is the page as the core counts it, for lists it knows no cursors of.
func (p *paging) page(normal, most int) (core.Page, error) {
	out := core.Page{Limit: min(orElse(p.Limit, normal), most)}
	if p.Cursor == "" {
		return out, nil
	}
	_, value, err := unseal(p.Cursor, "o")
	if err != nil {
		return out, err
	}
	out.Offset, err = strconv.Atoi(value)
	if err != nil || out.Offset < 0 || out.Offset > maxOffset {
		return out, errCursor
	}
	return out, nil
}

// cursor is the page as the core counts it, for lists with cursors of its own.
func (p *paging) cursor(normal, most int) core.Page {
	return core.Page{Limit: min(orElse(p.Limit, normal), most), Cursor: p.Cursor}
}

// pageOf is an answer of a list without cursors: full pages have a next one, as far as the core goes.
func pageOf[In, Out any](p core.Page, items []In, f func(*In) Out) Page[Out] {
	out := Page[Out]{Items: list(items, f)}
	if next := p.Offset + len(items); len(items) == p.Limit && next <= maxOffset {
		out.Next = seal('o', strconv.Itoa(next))
	}
	return out
}

// listed runs a query that knows offsets only.
func listed[In, Out any](p *paging, normal, most int, query func(core.Page) ([]In, error), f func(*In) Out) (Page[Out], error) {
	page, err := p.page(normal, most)
	if err != nil {
		return Page[Out]{}, err
	}
	items, err := query(page)
	if err != nil {
		return Page[Out]{}, err
	}
	return pageOf(page, items, f), nil
}

// one reads a person who must be there.
func (d *Dialect) one(ctx context.Context, by core.Actor, id core.UserID) (User, error) {
	us, err := d.core.Users.Get(ctx, by, core.GetUsers{IDs: []core.UserID{id}})
	if err != nil {
		return User{}, err
	}
	if len(us) == 0 {
		return User{}, fault.UserNotFound.Error("The user " + clip(string(id)) + " does not exist.")
	}
	return userOf(&us[0]), nil
}
