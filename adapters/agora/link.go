package agora

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"dragoman/core/fault"
	"dragoman/normalize"
)

//go:embed link.tsv
var linkTSV string

// Status is the error member of a frame on the live link: an enumeration and a text. The web SDK
// goes by the text; see Status in msync.proto.
type Status struct {
	Code   int32
	Reason string
}

// Codes of the enumeration that stand for what has no row of its own.
const (
	statusFail         = 1
	statusUnauthorized = 2
)

// linkKey is what a status is looked up by.
type linkKey struct {
	kind    string
	reason  *fault.Reason
	variant string
}

// links is the table of statuses.
var links = sync.OnceValue(func() map[linkKey]Status {
	m, err := parseLinks(linkTSV)
	if err != nil {
		panic("agora: " + err.Error())
	}
	return m
})

// parseLinks reads link.tsv: kind, canonical, variant, code, reason.
func parseLinks(tsv string) (map[linkKey]Status, error) {
	out := map[linkKey]Status{}
	number := 0
	for line := range strings.Lines(tsv) {
		if number++; number == 1 {
			continue
		}
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) != 5 {
			return nil, fmt.Errorf("link.tsv:%d: %d cells", number, len(f))
		}
		reason, ok := fault.Lookup(f[1])
		code, err := strconv.ParseInt(f[3], 10, 32)
		k := linkKey{f[0], reason, f[2]}
		if _, twice := out[k]; !ok || err != nil || twice || f[4] == "" {
			return nil, fmt.Errorf("link.tsv:%d: unknown reason, bad code, no text, or said before", number)
		}
		out[k] = Status{int32(code), f[4]}
	}
	return out, nil
}

// SendStatus is the status of an acknowledgement that refuses a message or a room operation.
// Code 7 is used with known texts only: with any other the web SDK never settles its promise.
func SendStatus(p *normalize.Problem) Status {
	if s, ok := lookup("send", p); ok {
		return s
	}
	return Status{statusFail, "operation failed"}
}

// LoginStatus is the status of a refused login (Provision).
func LoginStatus(p *normalize.Problem) Status {
	if s, ok := lookup("login", p); ok {
		return s
	}
	reason, _ := p.Key()
	if normalize.Counts(reason) {
		return Status{statusFail, "Sorry, the service is not available"}
	}
	return Status{statusUnauthorized, "Sorry, not authorized"}
}

// lookup finds a status by reason and variant, or by the reason alone, and fills its text.
func lookup(kind string, p *normalize.Problem) (Status, bool) {
	reason, variant := p.Key()
	s, ok := links()[linkKey{kind, reason, variant}]
	if !ok {
		s, ok = links()[linkKey{kind, reason, ""}]
	}
	s.Reason = fill(s.Reason, p.Params)
	return s, ok
}

// Operations of a StatisticsBody that ends a session.
const (
	kickRemoved  = 1 // the account was removed
	kickLogin    = 2 // another login took its place
	kickPassword = 3 // the password was changed
	kickDevice   = 4 // another device, or a server, ended it
)

// kicks are the operations by the variant of session.kicked: those of the core, and those of the
// vendor's rows.
var kicks = map[string]int32{
	"removed": kickRemoved, "user_removed": kickRemoved, "password": kickPassword, "password_changed": kickPassword,
	"server": kickDevice, "device": kickDevice, "other_device": kickDevice,
}

// KickOperation is the operation of the StatisticsBody that ends a session. Zero means that the error
// ends no session.
func KickOperation(p *normalize.Problem) int32 {
	reason, variant := p.Key()
	if reason != fault.SessionKicked {
		return 0
	}
	if op, ok := kicks[variant]; ok {
		return op
	}
	return kickLogin
}
