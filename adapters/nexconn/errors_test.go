package nexconn_test

import (
	"testing"

	"github.com/tidwall/gjson"

	"dragoman/adapters/nexconn"
	"dragoman/core/fault"
	"dragoman/normalize"
)

// born makes a document in this dialect.
func born(r *fault.Reason, variant string) *normalize.Problem {
	return normalize.New(r.Error("").With(variant), normalize.OriginCore, nexconn.Catalog())
}

func TestCatalogHasEveryRow(t *testing.T) {
	if n := nexconn.Catalog().Len(); n != 131 {
		t.Errorf("%d rows, want 131", n)
	}
}

func TestEncodeErrorShapes(t *testing.T) {
	p := born(fault.GroupAlreadyMember, "")
	if n := nexconn.EncodeError(p); string(n.Body) != `{"code":25412,"errorMessage":"The user is a member already."}` || n.Status != 400 {
		t.Errorf("%d %s", n.Status, n.Body)
	}
	if n := nexconn.EncodeErrorV2(p); string(n.Body) != `{"code":25412,"msg":"The user is a member already."}` {
		t.Errorf("%s", n.Body)
	}
	if n := nexconn.EncodeError(born(fault.ServiceNotEnabled, "")); n.Status != 430 {
		t.Errorf("a feature that is off answers %d", n.Status)
	}
	if n := nexconn.EncodeError(born(fault.AuthFailed, "")); n.Status != 401 || gjson.GetBytes(n.Body, "code").Raw != "1004" {
		t.Errorf("a bare status carries the body code of its kind: %d %s", n.Status, n.Body)
	}
}

func TestEncodeErrorOfEveryReasonSuitsTheSDK(t *testing.T) {
	for _, r := range fault.All() {
		n := nexconn.EncodeError(born(r, ""))
		code := gjson.GetBytes(n.Body, "code")
		if code.Type != gjson.Number || gjson.GetBytes(n.Body, "errorMessage").Type != gjson.String {
			t.Errorf("%s: %s", r, n.Body)
		}
		if n.Status >= 500 && r.Blame() == fault.BlameClient {
			t.Errorf("%s: %d drives the app to another domain", r, n.Status)
		}
	}
	for r := range nexconn.Catalog().Rows() {
		quiet := map[string]bool{"1015": true, "25424": true, "25427": true, "25461": true}[r.CodeText()]
		if r.Surface == normalize.SurfaceREST && (r.Status < 300) != quiet {
			t.Errorf("%s: code %s on HTTP %d", r.ID, r.CodeText(), r.Status)
		}
	}
}

func TestAckStatus(t *testing.T) {
	cases := []struct {
		r       *fault.Reason
		variant string
		want    uint16
	}{
		{fault.GroupNotMember, "community", 24406}, {fault.GroupMuted, "", 24408}, {fault.ServerInternal, "", 1000},
		{fault.AuthFailed, "", 1004}, {fault.Success, "", 0},
	}
	for _, c := range cases {
		if got := nexconn.AckStatus(born(c.r, c.variant)); got != c.want {
			t.Errorf("%s: %d, want %d", c.r, got, c.want)
		}
	}
	for _, r := range fault.All() {
		if r != fault.Success && nexconn.AckStatus(born(r, "")) == 0 {
			t.Errorf("%s looks like success", r)
		}
	}
}
