package integration_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/tidwall/gjson"
)

// call is one request to the Stream dialect without any SDK.
type call struct {
	Method, Path string
	Query        url.Values
	Body         string
	Key          string // api_key; "-" sends none
	Token        string // "" is a server token of the app; "-" sends none
	Header       map[string]string
}

// answer is what came back.
type answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Get reads a value of the body.
func (a answer) Get(path string) gjson.Result { return gjson.GetBytes(a.Body, path) }

var client = &http.Client{
	Timeout:   30 * time.Second,
	Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
}

// api is a dialect to call: where it listens and what it trusts.
type api struct{ Base, Key, Secret string }

// demo is the API of the demo app.
func (s *server) demo() api { return api{s.URL(), demoKey, demoSecret} }

// token signs claims with the app's secret.
func (a api) token(claims jwt.MapClaims) string {
	t, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(a.Secret))
	if err != nil {
		panic(err) // an HMAC key of any length works
	}
	return t
}

// user is a token of one person.
func (a api) user(id string) string { return a.token(jwt.MapClaims{"user_id": id}) }

// server is a token of the app's own back end.
func (a api) server() string { return a.token(jwt.MapClaims{"server": true}) }

// request builds the request of a call.
func (a api) request(c call) (*http.Request, error) {
	q := url.Values{}
	for k, v := range c.Query {
		q[k] = v
	}
	switch c.Key {
	case "":
		q.Set("api_key", a.Key)
	case "-":
	default:
		q.Set("api_key", c.Key)
	}
	var body io.Reader
	if c.Body != "" {
		body = bytes.NewReader([]byte(c.Body))
	}
	rq, err := http.NewRequest(c.Method, a.Base+c.Path+"?"+q.Encode(), body)
	if err != nil {
		return nil, err
	}
	switch c.Token {
	case "":
		rq.Header.Set("Authorization", a.server())
	case "-":
	default:
		rq.Header.Set("Authorization", c.Token)
	}
	rq.Header.Set("Stream-Auth-Type", "jwt")
	if c.Body != "" {
		rq.Header.Set("Content-Type", "application/json")
	}
	for k, v := range c.Header {
		rq.Header.Set(k, v)
	}
	return rq, nil
}

// try sends a call and returns the answer, or the failure to get one.
func (a api) try(c call) (answer, error) {
	rq, err := a.request(c)
	if err != nil {
		return answer{}, err
	}
	rs, err := client.Do(rq)
	if err != nil {
		return answer{}, err
	}
	defer rs.Body.Close()
	b, err := io.ReadAll(rs.Body)
	if err != nil {
		return answer{}, err
	}
	return answer{rs.StatusCode, rs.Header, b}, nil
}

// do sends a call and requires an answer.
func (a api) do(t testing.TB, c call) answer {
	t.Helper()
	r, err := a.try(c)
	if err != nil {
		t.Fatalf("%s %s: %v", c.Method, c.Path, err)
	}
	return r
}

// must sends a call and requires success.
func (a api) must(t testing.TB, c call) answer {
	t.Helper()
	r := a.do(t, c)
	if r.Status >= 300 {
		t.Fatalf("%s %s: %d %s", c.Method, c.Path, r.Status, r.Body)
	}
	return r
}

// people creates users.
func (a api) people(t testing.TB, ids ...string) {
	t.Helper()
	users := map[string]map[string]string{}
	for _, id := range ids {
		users[id] = map[string]string{"id": id, "name": id}
	}
	a.must(t, call{Method: "POST", Path: "/users", Body: object("users", users)})
}

// channel creates a messaging channel of these members, the first of whom owns it.
func (a api) channel(t testing.TB, id string, members ...string) {
	t.Helper()
	a.must(t, call{Method: "POST", Path: "/channels/messaging/" + id + "/query",
		Body: object("state", false, "data", json.RawMessage(object("created_by_id", members[0], "members", members)))})
}

// message sends a message as a member and returns its id.
func (a api) message(t testing.TB, channel, user, text string) string {
	t.Helper()
	r := a.must(t, call{Method: "POST", Path: "/channels/messaging/" + channel + "/message", Token: a.user(user),
		Query: url.Values{"user_id": {user}}, Body: object("message", json.RawMessage(object("text", text)))})
	return r.Get("message.id").String()
}

// object encodes a JSON object from names and values.
func object(pairs ...any) string {
	b := []byte{'{'}
	for i := 0; i+1 < len(pairs); i += 2 {
		if i > 0 {
			b = append(b, ',')
		}
		v, err := json.Marshal(pairs[i+1])
		if err != nil {
			panic(fmt.Sprintf("object: %v", err))
		}
		b = append(append(fmt.Appendf(b, "%q", pairs[i]), ':'), v...)
	}
	return string(append(b, '}'))
}

// unique returns a name no other test uses.
func unique(prefix string) string {
	b := make([]byte, 5)
	_, _ = rand.Read(b)
	return prefix + "-" + hex.EncodeToString(b)
}
