package main

import (
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"dragoman/adapters/agora"
	"dragoman/adapters/cometchat"
	"dragoman/adapters/native"
	"dragoman/config"
	"dragoman/core"
)

// tokenCmd prints a token of an app.
type tokenCmd struct {
	configFlag
	Demo    bool          `help:"For the app \"demo\" of serve --demo; then the arguments are DIALECT USER."`
	Port    int           `default:"8080" placeholder:"P" help:"First port of the running demo; for dialects whose tokens only a server can issue."`
	Server  bool          `help:"A server token: trusted with the whole app. USER is left out."`
	Expires time.Duration `placeholder:"DURATION" help:"Lifetime. Default: no end."`
	Args    []string      `arg:"" name:"argument" help:"APP DIALECT USER, or with --demo DIALECT USER."`
}

// tokenOptions is what a token says.
type tokenOptions struct {
	user   string
	server bool
	now    time.Time
	expire time.Duration // 0 means never
}

// Run prints the token alone on one line, so that it can be used in scripts.
func (c tokenCmd) Run(s streams) error {
	app, rest, err := c.app(s)
	if err != nil {
		return err
	}
	o := tokenOptions{server: c.Server, now: time.Now(), expire: c.Expires}
	switch {
	case c.Server && len(rest) == 1:
	case !c.Server && len(rest) == 2:
		o.user = rest[1]
	case c.Server:
		return usagef("A server token is for nobody in particular: leave USER out.")
	default:
		return usagef("Whose token? Name the dialect and the user.")
	}
	d, err := findDialect(rest[0])
	if err != nil {
		return err
	}
	if !d.configured(app) {
		return usagef("The app %s does not speak %s.", app.Name, d.title)
	}
	t, err := d.token(app, o)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.out, t)
	return err
}

// app finds the app the token is for and returns the arguments after it.
func (c tokenCmd) app(s streams) (*config.App, []string, error) {
	if c.Demo {
		return &config.Demo("127.0.0.1", c.Port, "").Apps[0], c.Args, nil
	}
	cfg, path, err := c.load(s)
	if err != nil {
		return nil, nil, err
	}
	if cfg == nil {
		return nil, nil, usagef("There is no configuration file: name one with --config, or use --demo.")
	}
	if len(c.Args) < 2 {
		return nil, nil, usagef("The arguments are APP DIALECT USER.")
	}
	for i := range cfg.Apps {
		if cfg.Apps[i].Name == c.Args[0] {
			return &cfg.Apps[i], c.Args[1:], nil
		}
	}
	return nil, nil, usagef("%s has no app %q.", path, c.Args[0])
}

// nativeToken signs a token of our own API.
func nativeToken(a *config.App, o tokenOptions) (string, error) {
	var end time.Time
	if o.expire > 0 {
		end = o.now.Add(o.expire)
	}
	key, secret := a.Native.APIKey, a.Native.APISecret.Reveal()
	if o.server {
		return native.ServerToken(key, secret, o.now, end), nil
	}
	return native.UserToken(key, secret, core.UserID(o.user), o.now, end), nil
}

// cometToken signs an auth token with the app's full access key. Servers have no token of this
// vendor: they use the keys as they are.
func cometToken(a *config.App, o tokenOptions) (string, error) {
	if o.server {
		return "", usagef("CometChat has no server tokens: servers send the app's API key in the header apiKey.")
	}
	var end time.Time
	if o.expire > 0 {
		end = o.now.Add(o.expire)
	}
	return cometchat.UserToken(a.CometChat.FullAccessKey.Reveal(), core.UserID(o.user), o.now, end), nil
}

// agoraToken mints an AccessToken2: of the app for servers, of a user otherwise. Without a lifetime
// it is good for the vendor's longest, 24 hours.
func agoraToken(a *config.App, o tokenOptions) (string, error) {
	life := o.expire
	if life <= 0 {
		life = agora.MaxTokenLife
	}
	t, err := agora.MintToken(a.Agora.AppID, a.Agora.AppCertificate.Reveal(), core.UserID(o.user), o.now, life)
	if err != nil {
		return "", fmt.Errorf("make the token: %w", err)
	}
	return t, nil
}

// streamClaims is what a token of Stream Chat holds. A user token names the user, a server token
// says server; see https://getstream.io/chat/docs/node/tokens_and_authentication/.
type streamClaims struct {
	UserID string `json:"user_id,omitempty"`
	Server bool   `json:"server,omitempty"`
	jwt.RegisteredClaims
}

// streamToken signs with the app's secret (HS256). Without an end it carries no times at all, as
// the vendor's own server SDKs make it.
func streamToken(a *config.App, o tokenOptions) (string, error) {
	c := streamClaims{UserID: o.user, Server: o.server}
	if o.expire > 0 {
		c.IssuedAt, c.ExpiresAt = jwt.NewNumericDate(o.now), jwt.NewNumericDate(o.now.Add(o.expire))
	}
	t, err := jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString([]byte(a.Stream.APISecret.Reveal()))
	if err != nil {
		return "", fmt.Errorf("sign the token: %w", err)
	}
	return t, nil
}
