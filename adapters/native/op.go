package native

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strings"

	"dragoman/adapters"
	"dragoman/core"
	"dragoman/core/fault"
)

// call is one request under way.
type call struct {
	by     core.Actor
	rq     *adapters.Request
	status int // of the answer; 0 means 200, or 204 for one without a body
}

// created marks the answer as that of something new.
func (c *call) created(fresh bool) {
	if fresh {
		c.status = 201
	}
}

// none is the body of operations that have none; as an answer it is a 204.
type none struct{}

// row is one operation: its route, and what the document says of it.
type row struct {
	adapters.Route
	tag     string
	in, out *shape
	creates bool // may answer 201
	raw     string
}

// op builds an operation. The tags of In say what is read and from where, those of Out what is
// answered; a mistake in them is told when the dialect is built.
func op[In, Out any](method, path, name, doc string, serve func(context.Context, *call, *In) (Out, error)) row {
	in, out := shapeOf(reflect.TypeFor[In]()), shapeOf(reflect.TypeFor[Out]())
	empty := reflect.TypeFor[Out]() == reflect.TypeFor[none]()
	return row{in: in, out: out, Route: adapters.Route{
		Method: method, Path: path, Name: name, Doc: doc,
		Serve: func(ctx context.Context, by core.Actor, rq *adapters.Request, rs *adapters.Response) error {
			var v In
			if err := in.decode(reflect.ValueOf(&v).Elem(), rq); err != nil {
				return err
			}
			c := &call{by: by, rq: rq}
			answer, err := serve(ctx, c, &v)
			if err != nil {
				return err
			}
			if rs.Status = c.status; empty {
				rs.Status = 204
				return nil
			}
			return respond(rq, rs, answer)
		},
	}}
}

// act is op for what answers nothing but that it is done.
func act[In any](method, path, name, doc string, serve func(context.Context, *call, *In) error) row {
	return op(method, path, name, doc, func(ctx context.Context, c *call, in *In) (none, error) { return none{}, serve(ctx, c, in) })
}

// served marks operations for servers alone.
func (r row) server() row { r.Gate = adapters.GateServer; return r }

// fresh marks operations that may create something.
func (r row) fresh() row { r.creates = true; return r }

// respond writes an answer. What GET answers has an entity tag, so that a client which has it
// already is told so without the body (RFC 9110, 13.1.2).
func respond(rq *adapters.Request, rs *adapters.Response, answer any) error {
	b, err := encode(answer)
	if err != nil {
		return err
	}
	if rq.Method == "GET" || rq.Method == "HEAD" {
		sum := sha256.Sum256(b)
		tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
		rs.Set("ETag", tag)
		rs.Set("Cache-Control", "private, no-cache")
		if matches(rq.Headers.Get("If-None-Match"), tag) {
			rs.Status = 304
			return nil
		}
	}
	rs.Body = b
	return nil
}

// matches reports whether a list of entity tags names the tag; weak ones count.
func matches(list, tag string) bool {
	for t := range strings.SplitSeq(list, ",") {
		if t = strings.TrimPrefix(strings.TrimSpace(t), "W/"); t == tag || t == "*" {
			return true
		}
	}
	return false
}

// encode writes JSON without escaping what only HTML minds.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fault.ServerInternal.Wrap(err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
