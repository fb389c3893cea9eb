package cometchat

import (
	"sync"

	"dragoman/core/fault"
	"dragoman/normalize"
)

// Variants of reasons that the vendor answers by codes its published table lacks; apps handle them
// widely, so they are said wherever they are meant.
const (
	variantUID  = "uid"
	variantGUID = "guid"
)

// besides finds the row beside the table that a problem is said by; ok is false for all others.
func besides(p *normalize.Problem) (normalize.Row, bool) {
	id := besideRows[besideKey{p.Reason, p.Variant}]
	if id == "" {
		return normalize.Row{}, false
	}
	r, ok := besideByID()[id]
	return r, ok
}

type besideKey struct {
	reason  *fault.Reason
	variant string
}

// besideRows are the rows of extra.tsv that are said as well as recognised.
var besideRows = map[besideKey]string{
	{fault.UserAlreadyExists, variantUID}:        "CX001",
	{fault.GroupAlreadyExists, variantGUID}:      "CX002",
	{fault.RequestInvalid, "role_exists"}:        "CX003",
	{fault.LimitReached, "pinned_messages"}:      "CX005",
	{fault.LimitReached, "saved_messages"}:       "CX006",
	{fault.LimitReached, "pinned_conversations"}: "CX007",
	{fault.PermissionDenied, "role"}:             "CX010",
}

var besideByID = sync.OnceValue(func() map[string]normalize.Row {
	out := map[string]normalize.Row{}
	for _, r := range Catalog().Extra() {
		out[r.ID] = r
	}
	return out
})

// EncodeError implements adapters.Dialect.
func (d *Dialect) EncodeError(p *normalize.Problem) normalize.Native {
	row, ok := besides(p)
	if !ok {
		return EncodeError(p)
	}
	if o := p.Original; o != nil && p.Origin != normalize.OriginUpstream {
		o.Row, o.Status, o.Code, o.Name = row.ID, row.Status, row.Body, row.Name
	}
	n := normalize.Native{Status: row.Status, ContentType: "application/json", Message: p.Text()}
	n.Body = append(appendError([]byte(`{"error":`), p, row), '}')
	return n
}
