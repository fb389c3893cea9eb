package adapters

import (
	"io"
	"strings"

	"dragoman/core"
	"dragoman/normalize"
)

// Request is one request as plain data, copied at the border: everything in it may be kept.
type Request struct {
	ID      string // request id, also in logs and envelopes
	Method  string
	Host    string
	Path    string    // without the dialect's path prefix, still percent-encoded
	Prefix  string    // the path prefix the request came by, "" or "/stream"
	Scheme  string    // http or https, as the client sees it
	Remote  string    // client address
	Params  []Param   // path parameters, percent-decoded
	Query   Values    // decoded
	Headers Values    // canonical names
	Body    []byte    // nil for uploads
	Stream  io.Reader // uploads: the raw body, bounded
	Length  int64     // uploads: Content-Length or -1

	by    core.Actor
	actor bool
	modes func(core.AppID) normalize.Mode
}

// Param is one path parameter.
type Param struct{ Name, Value string }

// Values are names with values in order of arrival, looked up without regard to case.
type Values []Param

// Get returns the first value of the name, or "".
func (v Values) Get(name string) string {
	s, _ := v.Look(name)
	return s
}

// Look returns the first value of the name and whether there is one.
func (v Values) Look(name string) (string, bool) {
	for i := range v {
		if strings.EqualFold(v[i].Name, name) {
			return v[i].Value, true
		}
	}
	return "", false
}

// All returns all values of the name.
func (v Values) All(name string) []string {
	var out []string
	for i := range v {
		if strings.EqualFold(v[i].Name, name) {
			out = append(out, v[i].Value)
		}
	}
	return out
}

// Param returns the path parameter, or "".
func (r *Request) Param(name string) string {
	for i := range r.Params {
		if r.Params[i].Name == name {
			return r.Params[i].Value
		}
	}
	return ""
}

// Actor returns by, or what SetActor put in its place.
func (r *Request) Actor(by core.Actor) core.Actor {
	if r.actor {
		return r.by
	}
	return by
}

// SetActor lets a decoder name the person a server acts for (user_id in the body).
func (r *Request) SetActor(by core.Actor) { r.by, r.actor = by, true }

// SetCaller records the authenticated caller, for decoders; the proxy calls it once.
func (r *Request) SetCaller(by core.Actor) { r.by = by }

// Caller returns the authenticated caller.
func (r *Request) Caller() core.Actor { return r.by }

// SetErrorModes tells how the errors of each app are to be written; the proxy calls it for sockets.
func (r *Request) SetErrorModes(f func(core.AppID) normalize.Mode) { r.modes = f }

// ErrorMode is how an error of the app is written inside the frames of a live link that was opened
// by this request: what its headers asked for, else the app's setting, else both. Frames are the
// vendor's, so unified counts as both. App 0 means that the app is not known yet.
func (r *Request) ErrorMode(app core.AppID) normalize.Mode {
	if r.modes == nil {
		return normalize.ModeBoth
	}
	if m := r.modes(app); m == normalize.ModeNative {
		return m
	}
	return normalize.ModeBoth
}
