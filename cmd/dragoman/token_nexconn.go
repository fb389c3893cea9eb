package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/adapters/nexconn"
	"dragoman/config"
)

// nexconnToken has the running server issue an access token: tokens of this vendor are known to the
// server alone. Somebody who exists keeps their name.
func nexconnToken(a *config.App, o tokenOptions) (string, error) {
	switch {
	case o.server:
		return "", usagef("Nexconn has no server tokens: servers sign each call with the App Secret.")
	case o.expire > 0:
		return "", usagef("Tokens of Nexconn have no lifetime: a server ends them by /v4/auth/access-token/expire.")
	case a.Nexconn.Listen == "":
		return "", usagef("The app %s has no listener for Nexconn, so there is no server to ask.", a.Name)
	}
	name := o.user
	known, err := nexconnCall(a, o, "/v4/user/get", nexconnPerson{UserID: o.user})
	if err != nil {
		return "", err
	}
	if s := known.Get("result.name").String(); s != "" {
		name = s
	}
	out, err := nexconnCall(a, o, "/v4/auth/access-token/issue", nexconnPerson{UserID: o.user, Name: name})
	if err != nil {
		return "", err
	}
	token := out.Get("result.accessToken").String()
	if token == "" {
		return "", fmt.Errorf("the server refused: %s (%s)", out.Get("errorMessage").String(), out.Get("code").Raw)
	}
	return token, nil
}

// nexconnPerson is the body of both calls.
type nexconnPerson struct {
	UserID string `json:"userId"`
	Name   string `json:"name,omitempty"`
}

// nexconnCall sends one signed call to the app's listener.
func nexconnCall(a *config.App, o tokenOptions, path string, in nexconnPerson) (gjson.Result, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	b, err := json.Marshal(in)
	if err != nil {
		return gjson.Result{}, err
	}
	base := "http://" + a.Nexconn.Listen
	rq, err := http.NewRequestWithContext(ctx, http.MethodPost, base+path, bytes.NewReader(b))
	if err != nil {
		return gjson.Result{}, err
	}
	stamp, nonce := strconv.FormatInt(o.now.UnixMilli(), 10), strconv.FormatInt(time.Now().UnixNano(), 36)
	for k, v := range map[string]string{
		"Content-Type": "application/json", "App-Key": a.Nexconn.AppKey, "Nonce": nonce, "Timestamp": stamp,
		"Signature": nexconn.Sign(a.Nexconn.AppSecret.Reveal(), nonce, stamp),
	} {
		rq.Header.Set(k, v)
	}
	rs, err := http.DefaultClient.Do(rq)
	if err != nil {
		return gjson.Result{}, fmt.Errorf("no server answers at %s: start it, or name its first port by --port: %w", base, err)
	}
	defer rs.Body.Close()
	body, err := io.ReadAll(io.LimitReader(rs.Body, 1<<20))
	if err != nil {
		return gjson.Result{}, fmt.Errorf("read the answer of %s: %w", base, err)
	}
	return gjson.ParseBytes(body), nil
}
