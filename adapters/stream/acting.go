package stream

import (
	"crypto/rand"
	"encoding/hex"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// acting reads the body of a call that a server may make on behalf of somebody.
func acting(rq *adapters.Request) (wire.Reader, error) {
	r, err := body(rq)
	if err != nil {
		return r, err
	}
	return r, behalf(rq, &r)
}

// actingPerson is acting for calls that make sense for a person only.
func actingPerson(rq *adapters.Request) (wire.Reader, error) {
	r, err := acting(rq)
	if err != nil {
		return r, err
	}
	return r, needPerson(rq)
}

// queryPerson is actingPerson for calls without a body.
func queryPerson(rq *adapters.Request) error {
	if err := behalf(rq, nil); err != nil {
		return err
	}
	return needPerson(rq)
}

// needPerson refuses a server that acts for nobody where the result belongs to a person.
func needPerson(rq *adapters.Request) error {
	if rq.Actor(rq.Caller()).User != "" {
		return nil
	}
	e := fault.RequestMissingField.Error("either user or user_id must be provided when using server side auth.")
	e.Fields = []fault.Field{{Pointer: "/user_id", Detail: "is a required field"}}
	return e
}

// decodeOwn decodes a read of the caller's own things.
func decodeOwn[In any](rq *adapters.Request) (In, error) {
	var in In
	return in, queryPerson(rq)
}

// mergeExtra changes custom fields: those in unset are removed, those in set written over what was.
// Names are top-level ones; an object without members becomes nil.
func mergeExtra(x, set core.Extra, unset []string) core.Extra {
	if len(set) == 0 && len(unset) == 0 {
		return x
	}
	drop := wire.NamesOf(unset...)
	if r, err := wire.Parse(set); err == nil {
		for _, f := range r.Fields() {
			drop[f.Name] = struct{}{}
		}
	}
	w := wire.NewWriter(len(x) + len(set))
	w.Open()
	w.Extra(x, drop)
	w.Extra(set, nil)
	w.Close()
	if w.Len() == len("{}") {
		return nil
	}
	return core.Extra(w.Bytes())
}

// cidOrEmpty is the cid of a key, empty for no channel.
func cidOrEmpty(k core.ChannelKey) string {
	if k == "" {
		return ""
	}
	return cidOf(k)
}

// newID makes an unguessable id in the form of a UUID.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: see package crypto/rand
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
