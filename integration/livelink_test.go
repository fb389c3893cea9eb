package integration_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/golang-jwt/jwt/v5"
	"github.com/tidwall/gjson"
)

// TestStreamErrorsOnTheLiveLink opens sockets that are refused: the upgrade is accepted all the
// same, the error comes as a frame and says what an HTTP answer would, with the unified document
// beside it unless the client asked for the vendor's bytes alone.
func TestStreamErrorsOnTheLiveLink(t *testing.T) {
	s := start(t)
	a := s.demo()
	hour := time.Now().Add(-time.Hour).Unix()
	for _, c := range []struct {
		name, token, row string
		code             int64
		reason           string
	}{
		{"expired", a.token(jwt.MapClaims{"user_id": "ann", "exp": hour}), "ST010", 40, "auth.token_expired"},
		{"not yet", a.token(jwt.MapClaims{"user_id": "ann", "nbf": hour + 7200*2}), "ST012", 41, "auth.token_not_yet_valid"},
		{"forged", api{a.Base, a.Key, "another secret that is long enough"}.user("ann"), "ST013", 43, "auth.token_signature_invalid"},
	} {
		for _, mode := range []string{"", "both", "native", "unified"} {
			t.Run(c.name+" "+mode, func(t *testing.T) {
				frame := refusedSocket(t, a, c.token, mode)
				if frame.Get("type").Str != "connection.error" || frame.Get("error.code").Raw != strconv.FormatInt(c.code, 10) {
					t.Fatalf("frame %s", frame)
				}
				doc := frame.Get("dragoman_error")
				if mode == "native" {
					if doc.Exists() {
						t.Errorf("the vendor's frame has a member of ours: %s", frame)
					}
					return
				}
				if doc.Get("code").Str != c.reason || doc.Get("original.row").Str != c.row || doc.Get("original.code").Int() != c.code ||
					doc.Get("type").Str != "urn:dragoman:error:"+c.reason {
					t.Errorf("document %s", doc)
				}
			})
		}
	}
}

// refusedSocket opens a socket and returns the only frame it brings before it is closed with 1000.
func refusedSocket(t *testing.T, a api, token, mode string) gjson.Result {
	t.Helper()
	q := url.Values{"json": {`{"user_id":"ann","user_details":{"id":"ann"}}`}, "api_key": {a.Key}, "authorization": {token}, "stream-auth-type": {"jwt"}}
	d := ws.Dialer{Timeout: 5 * time.Second}
	if mode != "" {
		d.Header = ws.HandshakeHeaderHTTP(http.Header{"Dragoman-Error-Format": {mode}})
	}
	conn, br, _, err := d.Dial(context.Background(), strings.Replace(a.Base, "http", "ws", 1)+"/connect?"+q.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	rw := struct {
		io.Reader
		io.Writer
	}{conn, conn}
	if br != nil {
		rw.Reader = br // what came with the answer to the handshake
	}
	data, err := wsutil.ReadServerText(rw)
	if err != nil {
		t.Fatal(err)
	}
	_, err = wsutil.ReadServerText(rw)
	var closed wsutil.ClosedError
	if !errors.As(err, &closed) || closed.Code != ws.StatusNormalClosure {
		t.Errorf("after the error frame: %v", err)
	}
	return gjson.ParseBytes(data)
}
