package agora_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"dragoman/adapters"
	"dragoman/adapters/adaptertest"
	"dragoman/adapters/agora"
)

var update = flag.Bool("update", false, "write the generated pages")

// vendor is this dialect for the suite, with the 56 rows of the vendor's error document.
func vendor() *adaptertest.Vendor {
	v := &adaptertest.Vendor{
		Entry: agora.Entry(), Driver: driver{}, Lacks: []adaptertest.Feature{adaptertest.Mutes},
		Creds: map[string]string{
			"org": "org", "app": "app", "app_id": appID, "app_certificate": certificate,
			"client_id": "client", "client_secret": "client-secret", "open_registration": "false",
		},
	}
	for i := range 56 {
		v.Rows = append(v.Rows, fmt.Sprintf("AR%03d", i+1))
	}
	return v
}

func TestDialectTables(t *testing.T) {
	v := vendor()
	adaptertest.Static(t, v.Entry, adaptertest.Unplugged(t, v.Entry, v.Creds), v.Rows)
	adaptertest.Errors(t, v.Entry, adaptertest.Unplugged(t, v.Entry, v.Creds), agora.ReadError)
}

func TestEveryErrorRowIsProvenOrExplained(t *testing.T) {
	adaptertest.Proofs(t, vendor().Entry)
	adaptertest.Proofs(t, adapters.Entry{Name: "agora-sdk", Catalog: agora.SDKCatalog})
}

func TestDialectIsRobust(t *testing.T) { adaptertest.Robust(t, vendor()) }

// lists are several ids in the place of one, as the vendor writes them.
var lists = regexp.MustCompile(`\{[a-z]+1\},\{[a-z]+2\}[^/]*|\{member1\}\(,[^/]*`)

// samples are values in the place of parameters, in requests that were recorded.
var samples = strings.NewReplacer("/presence/3600", "/presence/{expiry}", "{resource}/1", "{resource}/{status}", "/notification/user/", "/notification/{kind}/", "/mute/me", "/mute/{username}")

func TestEveryOperationIsServedOrListed(t *testing.T) {
	table, err := os.ReadFile("../../../shared/dialects/agora/ops.tsv")
	if err != nil {
		t.Skipf("the vendor's list of operations is not here: %v", err)
	}
	var ops []adaptertest.Operation
	for _, row := range strings.Split(strings.TrimRight(string(table), "\n"), "\n")[1:] {
		f := strings.Split(row, "\t") // audience, family, method, path, …
		if f[2] == "WS" {
			continue
		}
		for _, p := range strings.Split(f[3], " ; ") {
			method := f[2]
			if m, rest, ok := strings.Cut(p, " "); ok && strings.ToUpper(m) == m && strings.HasPrefix(rest, "/") {
				method, p = m, rest
			}
			p, _, _ = strings.Cut(p, "?")
			if i := strings.Index(p, "/easemob/server.json"); i >= 0 { // of a host of its own
				ops = append(ops, adaptertest.Operation{Method: method, Path: p[i:], Name: p})
				continue
			}
			p, _, _ = strings.Cut(p, " ")
			p = samples.Replace(p)
			p = lists.ReplaceAllString(p, "{ids}")
			for m := range strings.SplitSeq(method, "/") {
				p := p
				if i := strings.IndexByte(p, '['); i >= 0 { // the name of one, which has no POST
					if rest := strings.Trim(p[i:], "[]"); m == "POST" {
						p = p[:i]
					} else {
						p = p[:i] + rest
					}
				}
				ops = append(ops, adaptertest.Operation{Method: m, Path: "/{org}/{app}" + strings.ReplaceAll(p, "{me}", "{username}"), Name: p})
			}
		}
	}
	v := vendor()
	adaptertest.Coverage(t, adaptertest.Unplugged(t, v.Entry, v.Creds), ops)
}

func TestCompatibilityPageIsCurrent(t *testing.T) {
	v := vendor()
	adaptertest.Report(t, v.Entry, adaptertest.Unplugged(t, v.Entry, v.Creds), "../../docs/compat/agora.md", *update)
}
