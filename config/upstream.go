package config

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Upstream is the vendor behind an app's dialect: where calls and live links are passed on to while the
// vendor, and not our core, answers them. It is off without url. Empty values mean the defaults that the
// descriptions name.
type Upstream struct {
	URL       string `toml:"url" example:"https://chat.example.com" doc:"Where the vendor's client SDKs would call: scheme, host and perhaps a path. Empty means: there is no vendor behind this dialect."`
	ServerURL string `toml:"server_url" example:"https://api.example.com" doc:"Where the app's own servers would call, for vendors that have another host for them. Empty means url."`
	LiveURL   string `toml:"live_url" example:"wss://live.example.com" doc:"Where live links are relayed to. Empty means: where the vendor's own answers say, else url."`

	Mode   string   `toml:"mode" example:"vendor" doc:"Who answers, until an operator chooses otherwise: vendor, shadow-vendor, shadow-core or core. Empty means vendor. What an operator chose is kept and comes first."`
	Routes []string `toml:"routes" example:"QueryUsers=core" doc:"Operations in another mode: an operation's name, or a method and a path such as GET /channels/*, then = and the mode. The first that matches counts."`

	Key     string `toml:"key" doc:"The vendor's key of the app, where it differs from ours: API key (Stream), client id (Agora), App-Key (Nexconn). CometChat's app id cannot differ."`
	Secret  Secret `toml:"secret" doc:"The vendor's secret, where it differs from ours: API secret (Stream), client secret (Agora), App Secret (Nexconn), fullAccess key (CometChat). Tokens and calls signed with ours are then signed with it: the text itself, env:NAME or file:PATH."`
	AuthKey Secret `toml:"auth_key" doc:"CometChat alone: the vendor's authOnly key, where it differs from ours."`

	ErrorFormat string `toml:"error_format" example:"native" doc:"Shape of the vendor's errors unless a request asks for another: native (byte for byte, the default), both or unified."`
	TrustedHop  bool   `toml:"trusted_hop" doc:"The upstream is a Dragoman of ours: its error documents are taken over, and it is told the client's address."`

	Timeout        Duration `toml:"timeout" example:"10s" doc:"Longest time of a call up to the answer. Empty means 10s."`
	ConnectTimeout Duration `toml:"connect_timeout" example:"3s" doc:"Longest time to connect. Empty means 3s."`
	KeepAlive      Duration `toml:"keep_alive" example:"30s" doc:"How long an idle connection is kept; less than the vendor keeps it. Empty means 30s."`
	Connections    int      `toml:"connections" max:"100000" doc:"Calls at one time; more wait. 0 means 256."`
	Links          int      `toml:"links" max:"10000000" doc:"Live links that are relayed at one time; more are refused. 0 means 50,000."`
	Rate           int      `toml:"rate" max:"10000000" doc:"Calls per second, in bursts of twice that; more are answered 429. 0 means no bound."`
	Retries        int      `toml:"retries" max:"5" doc:"Further attempts of calls that are safe to repeat, within a budget of a tenth of all calls. 0 means none."`
	ShadowFill     string   `toml:"shadow_fill" example:"all" doc:"What the core reads from the vendor when shadow-vendor begins: all that is there (the default), or only the channels that are seen in the traffic (seen), where the history was imported before."`
	ShadowWrites   bool     `toml:"shadow_writes" doc:"In shadow-core, send what clients write to our core to the vendor too, so that the way back stays open."`

	HedgeAfter Duration `toml:"hedge_after" example:"200ms" doc:"A second attempt of a reading call begins when there is no answer after this time. Empty means never."`
}

// Modes are who may answer; see the mode of an upstream.
var Modes = []string{"vendor", "shadow-vendor", "shadow-core", "core"}

// off reports whether nothing of the table is set.
func (u *Upstream) off() bool {
	return u.URL == "" && u.ServerURL == "" && u.LiveURL == "" && u.Mode == "" && len(u.Routes) == 0 &&
		u.Key == "" && u.Secret == "" && u.AuthKey == "" && u.ErrorFormat == "" && !u.TrustedHop &&
		u.Timeout.Duration == 0 && u.ConnectTimeout.Duration == 0 && u.KeepAlive.Duration == 0 && u.HedgeAfter.Duration == 0 &&
		u.Connections == 0 && u.Links == 0 && u.Rate == 0 && u.Retries == 0 && u.ShadowFill == "" && !u.ShadowWrites
}

// upstream checks the vendor behind a dialect. own is the app's own key where the vendor's cannot
// differ; second reports whether the vendor has a second key.
func (v *checker) upstream(path string, u *Upstream, own string, second bool) {
	if u.URL == "" {
		if !u.off() {
			v.add(path+".url", "must not be empty", "without it the rest of the table has no effect")
		}
		return
	}
	v.base(path+".url", u.URL, "http", "https")
	if u.ServerURL != "" {
		v.base(path+".server_url", u.ServerURL, "http", "https")
	}
	if u.LiveURL != "" {
		v.base(path+".live_url", u.LiveURL, "ws", "wss", "http", "https")
	}
	if u.Mode != "" && !slices.Contains(Modes, u.Mode) {
		v.add(path+".mode", strconv.Quote(u.Mode)+" is not a mode", "one of "+strings.Join(Modes, ", "))
	}
	for _, r := range u.Routes {
		i := strings.LastIndexByte(r, '=')
		if i <= 0 || !slices.Contains(Modes, strings.TrimSpace(r[i+1:])) {
			v.add(path+".routes", strconv.Quote(r)+" is not operation=mode", "the mode is one of "+strings.Join(Modes, ", "))
		}
	}
	if formats := []string{"", "native", "both", "unified"}; !slices.Contains(formats, u.ErrorFormat) {
		v.add(path+".error_format", strconv.Quote(u.ErrorFormat)+" is not allowed", "one of native, both, unified")
	}
	if fills := []string{"", "all", "seen"}; !slices.Contains(fills, u.ShadowFill) {
		v.add(path+".shadow_fill", strconv.Quote(u.ShadowFill)+" is not allowed", "all or seen")
	}
	if own != "" && u.Key != "" && u.Key != own {
		v.add(path+".key", "must be the app's own key or empty", "every frame of the vendor's live link names it")
	}
	if u.AuthKey != "" && !second {
		v.add(path+".auth_key", "this vendor has no second key", "")
	}
}

// base checks an address without query.
func (v *checker) base(path, text string, schemes ...string) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !slices.Contains(schemes, u.Scheme) {
		v.add(path, strconv.Quote(text)+" is not an address", "scheme "+strings.Join(schemes, " or ")+", host and perhaps a path")
	}
}
