package catalogs_test

import (
	"testing"

	"dragoman/adapters/catalogs"
	"dragoman/core/fault"
	"dragoman/normalize"
)

func TestCatalogsHoldEveryRow(t *testing.T) {
	want := map[string]int{"stream": 25, "cometchat": 116, "agora-rest": 56, "agora-sdk": 77, "nexconn": 131}
	total := 0
	for _, v := range catalogs.All().Vendors() {
		c := v.Catalog
		if c.Len() != want[c.Name()] {
			t.Errorf("%s: %d rows, want %d", c.Name(), c.Len(), want[c.Name()])
		}
		total += c.Len()
	}
	if total != 405 {
		t.Errorf("%d rows in all, want 405", total)
	}
}

func TestEveryReasonCanBeSaidByEveryVendor(t *testing.T) {
	for _, v := range catalogs.All().Vendors() {
		for _, r := range fault.All() {
			row, fit, _ := v.Catalog.Emission(r)
			if row.ID == "" && r != fault.Success || fit == "" {
				t.Errorf("%s: no emission for %s", v.Catalog.Name(), r)
			}
		}
	}
}

// answer is a row as it comes off the wire.
func answer(c *normalize.Catalog, r normalize.Row) normalize.Answer {
	a := normalize.Answer{Status: r.Status, Code: r.Code, Message: r.Message, SDK: "android"}
	if r.ID == "AR040" {
		a.Exception = "UserNotFoundException"
	}
	if r.Surface == normalize.SurfaceHTTP && c.Name() == "nexconn" {
		a.Code = nil
	}
	return a
}

func TestRoundTripOfEveryRow(t *testing.T) {
	for _, v := range catalogs.All().Vendors() {
		c := v.Catalog
		for r := range c.Rows() {
			got, m := c.FromVendor(answer(c, r))
			if got.ID != r.ID {
				t.Errorf("%s read as %q (%s)", r.ID, got.ID, m)
			}
			back, fit := c.ToVendor(got.Reason, got.Variant)
			if back.ID != r.ID || fit != normalize.FitExact {
				t.Errorf("%s: said again as %s (%s)", r.ID, back.ID, fit)
			}
		}
	}
}
