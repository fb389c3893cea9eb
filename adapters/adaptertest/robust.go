package adaptertest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
)

// junk are bodies and parameter values no client would send.
var junk = []string{
	"", "{", "null", "[]", `"text"`, "0", "{}", "\x00\xff", `{"user_id":{},"id":[],"message":5,"name":{},"words":[1],"options":"x"}`,
	`{"message":{"text":{},"attachments":{},"mentioned_users":"x"},"user":[],"users":{"a":1},"set":[],"unset":{},"data":[]}`,
	`{"filter_conditions":{"$or":[{}]},"sort":{"a":"b"},"limit":-1,"offset":1e99,"next":"x"}`,
	`{"filter":{"id":{"$in":"x"}},"sort":[1],"target_ids":["",null],"channel_cids":[":",""],"timeout":1.5}`,
	`{"target_user_id":"\ud800","channel_cid":"a","type":"b","id":"` + strings.Repeat("x", 5000) + `"}`,
	strings.Repeat(`{"a":`, 500) + "1" + strings.Repeat("}", 500),
	`{"grants":{"user":[1,2]},"commands":{},"max_message_length":"5","event_hooks":[{}],"webhook_events":5}`,
	`{"vote":[],"poll":1,"entity_type":1,"entity_id":{},"remind_at":"yesterday","latest_delivered_messages":[{}]}`,
}

// Robust serves junk to every route of a dialect on a real core, as a person and as a server: no
// handler may panic or blame the server, and each answers in bounded time.
func Robust(t *testing.T, v *Vendor) {
	t.Helper()
	w := NewWorld(t, v, Setup{Users: []string{"alice"}})
	callers := []core.Actor{
		{App: w.App, User: "alice", Access: core.AccessUser, Platform: "web"},
		{App: w.App, Access: core.AccessServer, Platform: "server"},
	}
	for _, r := range w.Dialect.Routes() {
		if r.Slow {
			continue
		}
		for _, by := range callers {
			for i, j := range junk {
				if err := serveJunk(t.Context(), &r, by, j); err != nil {
					t.Errorf("%s as %v with junk %d: %v", r.Name, by.Access, i, err)
				}
			}
		}
	}
}

// serveJunk serves one junk request and tells what is wrong with the outcome, if anything.
func serveJunk(ctx context.Context, r *adapters.Route, by core.Actor, junk string) (wrong error) {
	rq := &adapters.Request{
		ID: "r", Method: r.Method, Host: "localhost", Path: r.Path, Scheme: "http", Remote: "127.0.0.1",
		Headers: adapters.Values{{Name: "Content-Type", Value: "multipart/form-data; boundary=x"}},
		Query:   adapters.Values{{Name: "payload", Value: junk}, {Name: "url", Value: junk}, {Name: "limit", Value: junk}, {Name: "id", Value: junk}},
		Length:  -1,
	}
	for seg := range strings.SplitSeq(r.Path, "/") {
		if name := strings.TrimLeft(seg, ":*"); name != seg {
			rq.Params = append(rq.Params, adapters.Param{Name: name, Value: "no such, thing%"})
		}
	}
	if r.Upload {
		rq.Stream = strings.NewReader(junk)
	} else {
		rq.Body = []byte(junk)
	}
	rq.SetCaller(by)
	defer func() {
		if p := recover(); p != nil {
			wrong = fmt.Errorf("panic: %v", p)
		}
	}()
	rs := &adapters.Response{}
	if err := r.Serve(ctx, by, rq, rs); err != nil {
		if f := fault.From(err); f.Reason.Blame() == fault.BlameServer {
			return fmt.Errorf("blames the server: %w", err)
		}
		return nil
	}
	if rs.Stream != nil {
		_, err := io.Copy(io.Discard, rs.Stream)
		return err
	}
	if len(bytes.TrimSpace(rs.Body)) == 0 && rs.Status != 204 {
		return fmt.Errorf("an empty answer with status %d", rs.Status)
	}
	return nil
}
