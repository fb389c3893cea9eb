package normalize_test

import (
	"strings"
	"testing"

	"dragoman/adapters/stream"
	"dragoman/core/fault"
	"dragoman/normalize"
)

const (
	head     = "id\tsurface\tstatus\tcode\tname\tmessage\tcanonical\tvariant\tdirection\treach\tmeaning\n"
	rowA     = "A1\trest\t400\t7\tN\t\trequest.invalid\t\tboth\trequest\tm\n"
	emitHead = "canonical\trow\tstatus\tcode\tfit\ttext\tnote\n"
)

// emitAll maps every reason to A1.
func emitAll(skip string) string {
	var b strings.Builder
	b.WriteString(emitHead)
	for _, r := range fault.All() {
		switch r.Name() {
		case skip:
		case "ok":
			b.WriteString("ok\t\t200\t\texact\t\t\n")
		case "request.invalid":
			b.WriteString("request.invalid\tA1\t\t\texact\t\t\n")
		default:
			b.WriteString(r.Name() + "\tA1\t\t\tfallback\t\t\n")
		}
	}
	return b.String()
}

func TestParseRefusesBrokenTables(t *testing.T) {
	cases := []struct{ name, errors, emit, want string }{
		{"empty", "", emitAll(""), "x/errors.tsv: empty"},
		{"missing column", "id\tname\n", emitAll(""), `x/errors.tsv:1: no column "surface"`},
		{"short line", head + "A1\trest\n", emitAll(""), "x/errors.tsv:2: 2 cells, the header has 11"},
		{"unknown reason", head + strings.Replace(rowA, "request.invalid", "request.odd", 1), emitAll(""), `x/errors.tsv:2: unknown reason "request.odd"`},
		{"duplicate id", head + rowA + strings.Replace(rowA, "request.invalid", "user.not_found", 1), emitAll(""), "x/errors.tsv:3: row A1 occurs twice"},
		{"duplicate pair", head + rowA + strings.Replace(rowA, "A1", "A2", 1), emitAll(""), "x/errors.tsv:3: A2 says the same as A1"},
		{"bad status", head + strings.Replace(rowA, "400", "99", 1), emitAll(""), `x/errors.tsv:2: status "99" is not an HTTP status`},
		{"bad code", head + strings.Replace(rowA, "\t7\t", "\toops\t", 1), emitAll(""), "x/errors.tsv:2: A1: code oops is not a JSON literal"},
		{"bad reach", head + strings.Replace(rowA, "\trequest\tm", "\tmagic\tm", 1), emitAll(""), `x/errors.tsv:2: A1: unknown reach "magic"`},
		{"missing emission", head + rowA, emitAll("group.full"), "x/emit.tsv: no emission for group.full"},
		{"two emissions", head + rowA, emitAll("") + "group.full\tA1\t\t\tfallback\t\t\n", "x/emit.tsv:138: group.full has two emissions"},
		{"unknown row", head + rowA, strings.Replace(emitAll(""), "group.full\tA1", "group.full\tA9", 1), `no row "A9"`},
		{"false grade", head + rowA, strings.Replace(emitAll(""), "group.full\tA1\t\t\tfallback", "group.full\tA1\t\t\texact", 1), `group.full: fit is "exact", the row bears out "fallback"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := normalize.Parse("x", []byte(c.errors), []byte(c.emit))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	if _, err := normalize.Parse("x", []byte(head+rowA), []byte(emitAll(""))); err != nil {
		t.Errorf("a sound table is refused: %v", err)
	}
}

func TestToVendorGradesTheFit(t *testing.T) {
	c := stream.Catalog()
	cases := []struct {
		reason  *fault.Reason
		variant string
		row     string
		fit     normalize.Fit
	}{
		{fault.AuthTokenExpired, "", "ST010", normalize.FitExact},
		{fault.ServiceNotEnabled, "channel_feature", "ST005", normalize.FitExact},
		{fault.ServiceNotEnabled, "", "ST005", normalize.FitVariant},
		{fault.RateLimited, "query", "ST021", normalize.FitVariant},
		{fault.GroupFull, "", "ST001", normalize.FitFallback},
		{nil, "", "ST023", normalize.FitFallback},
	}
	for _, k := range cases {
		if row, fit := c.ToVendor(k.reason, k.variant); row.ID != k.row || fit != k.fit && k.reason != nil {
			t.Errorf("%v/%s: got %s %s, want %s %s", k.reason, k.variant, row.ID, fit, k.row, k.fit)
		}
	}
}
