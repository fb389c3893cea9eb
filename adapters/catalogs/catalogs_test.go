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

func TestErrorsBeyondTheTablesAreRecognised(t *testing.T) {
	cases := []struct {
		vendor string
		a      normalize.Answer
		reason *fault.Reason
	}{
		{"stream", normalize.Answer{Status: 429, Code: []byte("71")}, fault.RateLimited},
		{"cometchat", normalize.Answer{Status: 400, Code: []byte(`"ERR_UID_ALREADY_EXISTS"`)}, fault.UserAlreadyExists},
		{"agora-rest", normalize.Answer{Status: 401, Code: []byte(`"unauthorized"`), Message: "Unable to authenticate (OAuth)"}, fault.AuthFailed},
		{"agora-rest", normalize.Answer{Status: 404, Code: []byte(`"resource_not_found"`), Message: "grpID 17 does not exist!"}, fault.GroupNotFound},
	}
	for _, c := range cases {
		v, _ := catalogs.All().Vendor(c.vendor)
		if r, m := v.Catalog.FromVendor(c.a); m == normalize.MatchNone || r.Reason != c.reason {
			t.Errorf("%s %s: %v (%s), want %s", c.vendor, c.a.Code, r.Reason, m, c.reason)
		}
	}
	for _, v := range catalogs.All().Vendors() {
		for _, r := range v.Catalog.Extra() {
			if got, _ := v.Catalog.FromVendor(normalize.Answer{Status: r.Status, Code: r.Code, Message: r.Message}); got.ID != r.ID {
				t.Errorf("%s read as %q", r.ID, got.ID)
			}
			if row, _ := v.Catalog.ToVendor(r.Reason, r.Variant); row.ID == r.ID {
				t.Errorf("%s is raised", r.ID)
			}
		}
	}
}

// TestAgoraTextsForOtherRowsAreReadBack: where an emission borrows a row but speaks a text the SDK
// knows, the text tells a reader the meaning all the same.
func TestAgoraTextsForOtherRowsAreReadBack(t *testing.T) {
	v, _ := catalogs.All().Vendor("agora-rest")
	for _, r := range []*fault.Reason{fault.GroupFull, fault.ServiceNotEnabled, fault.GroupNotFound, fault.ReactionAlreadyExists, fault.ReactionLimitReached} {
		n := v.Encode(normalize.New(r.Error(""), normalize.OriginCore, v.Catalog))
		p, ok := normalize.FromUpstream(v, &normalize.Upstream{Status: n.Status, Body: n.Body}, normalize.Reading{})
		if !ok || p.Reason != r {
			t.Errorf("%s came back as %s: %s", r, p.Code, n.Body)
		}
	}
}
