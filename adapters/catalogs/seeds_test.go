package catalogs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"dragoman/adapters/catalogs"
	"dragoman/core/fault"
)

// seed reads one of the vendors' own documents, which are not part of the repository.
func seed(t *testing.T, prefix string) []string {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join("..", "..", "..", "shared", "seeds", prefix+"_*.txt"))
	if len(files) != 1 {
		t.Skipf("../shared/seeds/%s_*.txt is not there", prefix)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(b), "\n")
}

// TestCatalogsAgreeWithTheSeeds counts the rows anew in the vendors' documents, with other code
// than the tables were made with, and compares every code, status and name.
func TestCatalogsAgreeWithTheSeeds(t *testing.T) {
	cases := []struct {
		catalog, prefix string
		find            func(lines []string) []string
	}{
		{"stream", "000", streamSeed},
		{"cometchat", "001", cometchatSeed},
		{"agora-rest", "002", agoraRESTSeed},
		{"nexconn", "003", nexconnSeed},
		{"agora-sdk", "004", agoraSDKSeed},
	}
	for _, c := range cases {
		t.Run(c.catalog, func(t *testing.T) {
			want := c.find(seed(t, c.prefix))
			v, _ := catalogs.All().Vendor(c.catalog)
			var got []string
			for r := range v.Catalog.Rows() {
				switch c.catalog {
				case "stream":
					got = append(got, r.Name+"|"+itoa(r.Status)+"|"+r.CodeText())
				case "agora-rest":
					if r.Surface == "http" {
						got = append(got, itoa(r.Status))
						break
					}
					got = append(got, itoa(r.Status)+"|"+r.CodeText()+"|"+r.Message)
				case "agora-sdk":
					got = append(got, r.CodeText()+"|"+r.Name)
				case "nexconn":
					got = append(got, string(r.Surface)+"|"+r.CodeText())
				default:
					got = append(got, r.CodeText())
				}
			}
			slices.Sort(want)
			slices.Sort(got)
			if len(want) != v.Catalog.Len() {
				t.Errorf("the seed has %d rows, the catalogue %d", len(want), v.Catalog.Len())
			}
			for _, w := range want {
				if !slices.Contains(got, w) {
					t.Errorf("in the seed only: %s", w)
				}
			}
			for _, g := range got {
				if !slices.Contains(want, g) {
					t.Errorf("in the catalogue only: %s", g)
				}
			}
		})
	}
}

// collect applies an expression to every line and joins its groups.
func collect(lines []string, re string) (out []string) {
	x := regexp.MustCompile(re)
	for _, l := range lines {
		if m := x.FindStringSubmatch(l); m != nil {
			out = append(out, strings.Join(m[1:], "|"))
		}
	}
	return out
}

func streamSeed(lines []string) []string {
	return collect(lines, `^([A-Z][A-Za-z ]+ (?:Error|Expired|At|Yet|Invalid|Channels|Failed))(\d{3})(?:[A-Z][A-Za-z ]+?)(-?\d+)[A-Z]`)
}

func cometchatSeed(lines []string) []string {
	return collect(lines, `^((?:AUTH_)?ERR_[A-Z_]+)Indicates`)
}

func agoraSDKSeed(lines []string) []string {
	return collect(lines, `^(\d+)([A-Z_]+)(?:[A-Z][a-z ])`)
}

func nexconnSeed(lines []string) (out []string) {
	for i, l := range lines {
		switch {
		case regexp.MustCompile(`^\d{3} \| `).MatchString(l):
			out = append(out, "http|"+l[:3])
		case regexp.MustCompile(`^\d+$`).MatchString(l) && i+1 < len(lines):
			out = append(out, "rest|"+l)
		}
	}
	return out
}

// agoraRESTSeed reads the rows, and the headings of statuses that have no table of their own.
func agoraRESTSeed(lines []string) (out []string) {
	row := regexp.MustCompile(`^(\d{3})(N/A|file exceeding maximum limit|[a-z_]+)["“](.*)["”](?:The|You|This|An?y?) `)
	bare := regexp.MustCompile(`^(\d{3})(file_expired)(file xxxxx is expired)`)
	heading := regexp.MustCompile(`^(\d{3}) (?:- )?[A-Z][A-Za-z ]+$`)
	var status string
	tabled := map[string]bool{}
	var headings []string
	for _, l := range lines {
		if m := heading.FindStringSubmatch(l); m != nil {
			status = m[1]
			headings = append(headings, status)
		}
		for _, x := range []*regexp.Regexp{row, bare} {
			if m := x.FindStringSubmatch(l); m != nil {
				out = append(out, strings.Join(m[1:], "|"))
				tabled[status] = true
			}
		}
	}
	for _, h := range headings {
		if !tabled[h] {
			out = append(out, h)
		}
	}
	return out
}

// itoa writes a status.
func itoa(n int) string {
	return string([]byte{byte('0' + n/100), byte('0' + n/10%10), byte('0' + n%10)})
}

// shared reads a table of the research library, by column name; it is not part of the repository.
func shared(t *testing.T, name string) []map[string]string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "errors", name))
	if err != nil {
		t.Skipf("../shared/errors/%s is not there", name)
	}
	var head []string
	var out []map[string]string
	for i, l := range strings.Split(strings.TrimRight(string(b), "\n"), "\n") {
		cells := strings.Split(strings.TrimRight(l, "\r"), "\t")
		if i == 0 {
			head = cells
			continue
		}
		m := map[string]string{}
		for j, c := range cells {
			m[head[j]] = c
		}
		out = append(out, m)
	}
	return out
}

// TestEmissionsAgreeWithTheDesign: all 136 × 5 pairs exist and name the row that was designed.
func TestEmissionsAgreeWithTheDesign(t *testing.T) {
	pairs := shared(t, "emit.tsv")
	if len(pairs) != 136*5 {
		t.Fatalf("%d pairs in the design", len(pairs))
	}
	for _, p := range pairs {
		v, _ := catalogs.All().Vendor(p["dialect"])
		reason, ok := fault.Lookup(p["canonical"])
		if !ok {
			t.Fatalf("no reason %s", p["canonical"])
		}
		row, fit, _ := v.Catalog.Emission(reason)
		if row.ID != p["row_id"] || string(fit) != p["fit"] {
			t.Errorf("%s in %s: %s %s, designed %s %s", p["canonical"], p["dialect"], row.ID, fit, p["row_id"], p["fit"])
		}
	}
}

// TestMeaningsAgreeWithTheDesign: every row has the canonical meaning and variant it was given.
func TestMeaningsAgreeWithTheDesign(t *testing.T) {
	rows := shared(t, "mapping.tsv")
	if len(rows) != 405 {
		t.Fatalf("%d rows in the design", len(rows))
	}
	for _, m := range rows {
		v, _ := catalogs.All().Vendor(m["catalogue"])
		r, ok := v.Catalog.Row(m["row_id"])
		if !ok || r.Reason.Name() != m["canonical"] || r.Variant != m["detail"] || r.Recognise != (m["direction"] == "recognise") {
			t.Errorf("%s: %v %q, designed %s %q", m["row_id"], r.Reason, r.Variant, m["canonical"], m["detail"])
		}
	}
}
