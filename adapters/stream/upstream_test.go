package stream_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"dragoman/adapters"
	"dragoman/core/fault"
)

// parcel is a request on its way.
type parcel struct {
	headers map[string]string
	query   string
}

func (p *parcel) Header(name string) string    { return p.headers[name] }
func (p *parcel) SetHeader(name, value string) { p.headers[name] = value }
func (p *parcel) Path() string                 { return "/app" }
func (p *parcel) SetPath(string)               {}
func (p *parcel) Query() string                { return p.query }
func (p *parcel) SetQuery(raw string)          { p.query = raw }
func (p *parcel) Body() []byte                 { return nil }
func (p *parcel) SetBody([]byte)               {}

// TestFrontSignsAnew: our key and signature become the vendor's, in headers and query alike; what is not
// signed with our secret passes as it is, and what has expired is refused here.
func TestFrontSignsAnew(t *testing.T) {
	const theirs = "vendor-secret-0123456789abcdef-012345"
	d := newDialect(t, &fake{})
	signed := func(secret string, claims jwt.MapClaims) string {
		s, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	verified := func(token string) bool {
		_, err := jwt.Parse(token, func(*jwt.Token) (any, error) { return []byte(theirs), nil }, jwt.WithoutClaimsValidation())
		return err == nil
	}
	front, err := d.Front(1, adapters.VendorApp{Key: "their key", Secret: theirs})
	if err != nil {
		t.Fatal(err)
	}
	alice, server := signed(apiSecret, jwt.MapClaims{"user_id": "alice"}), signed(apiSecret, jwt.MapClaims{"server": true})
	foreign := signed("somebody-else", jwt.MapClaims{"user_id": "alice"})
	for _, tt := range []struct {
		name, token string
		own         adapters.Owned
		anew        bool
	}{
		{"a person", alice, adapters.OwnKey, true},
		{"a server", server, adapters.OwnCall, true},
		{"somebody else's token", foreign, adapters.OwnKey, false},
		{"no token", "", adapters.OwnKey, false},
	} {
		p := &parcel{headers: map[string]string{}, query: "x=%20&api_key=" + apiKey + "&authorization=" + tt.token}
		if tt.token != "" {
			p.headers["Authorization"] = tt.token
		}
		own, err := front.Resign(&adapters.Request{}, p)
		if err != nil || own != tt.own {
			t.Errorf("%s: %v, owned %d", tt.name, err, own)
		}
		q, _ := url.ParseQuery(p.query)
		if q.Get("api_key") != "their key" || !strings.HasPrefix(p.query, "x=%20&") {
			t.Errorf("%s: query %s", tt.name, p.query)
		}
		if verified(p.headers["Authorization"]) != tt.anew || verified(q.Get("authorization")) != tt.anew {
			t.Errorf("%s: %v %s", tt.name, p.headers, p.query)
		}
	}
	late := &parcel{headers: map[string]string{"Authorization": signed(apiSecret, jwt.MapClaims{"user_id": "alice", "exp": now.Add(-time.Hour).Unix()})}}
	if _, err := front.Resign(&adapters.Request{}, late); !fault.IsReason(err, fault.AuthTokenExpired) {
		t.Errorf("an expired token: %v", err)
	}
	same, err := d.Front(1, adapters.VendorApp{})
	if err != nil {
		t.Fatal(err)
	}
	p := &parcel{headers: map[string]string{"Authorization": alice}, query: "api_key=" + apiKey}
	if own, err := same.Resign(&adapters.Request{}, p); err != nil || own != adapters.OwnNothing || p.headers["Authorization"] != alice || p.query != "api_key="+apiKey {
		t.Errorf("without credentials of the vendor: %v %d %+v", err, own, p)
	}
	if id, ok := d.AppOf(request("api_key", apiKey)); !ok || id != 1 {
		t.Errorf("the app of a request: %d %v", id, ok)
	}
	if _, ok := d.AppOf(request("api_key", "nobody's")); ok {
		t.Error("an unknown key has an app")
	}
}
