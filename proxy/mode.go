package proxy

import (
	"fmt"
	"slices"
	"strings"
)

// Mode says who answers the calls and live links of one app in one dialect, and who else hears of them.
type Mode string

// The modes. In the first and the third our core answers, in the others the vendor itself.
const (
	ModeCore         Mode = "core"          // our core answers; nothing goes to the vendor
	ModeVendor       Mode = "vendor"        // the vendor answers; the core is not asked
	ModeShadowCore   Mode = "shadow-core"   // the core answers, the vendor's answer is compared
	ModeShadowVendor Mode = "shadow-vendor" // the vendor answers, the core is fed and compared
)

// Modes lists them in the order of a move from the vendor to the core.
var Modes = []Mode{ModeVendor, ModeShadowVendor, ModeShadowCore, ModeCore}

// ParseMode reads a mode by name.
func ParseMode(s string) (Mode, error) {
	if m := Mode(s); slices.Contains(Modes, m) {
		return m, nil
	}
	return "", fmt.Errorf("%q is not a mode: one of core, vendor, shadow-core, shadow-vendor", s)
}

// Foreign reports whether the vendor answers.
func (m Mode) Foreign() bool { return m == ModeVendor || m == ModeShadowVendor }

// Shadowed reports whether the side that does not answer hears of everything.
func (m Mode) Shadowed() bool { return m == ModeShadowCore || m == ModeShadowVendor }

// RouteMode is the mode of some operations of an app, before that of the app itself. On is the
// vendor's name of an operation ("SendMessage"), or a method and a path in the syntax of routes, where
// "*" at the end stands for any rest: "GET /channels/*".
type RouteMode struct {
	On   string `json:"on"`
	Mode Mode   `json:"mode"`
}

// ParseRouteMode reads "SendMessage=vendor" or "GET /channels/*=core".
func ParseRouteMode(s string) (RouteMode, error) {
	i := strings.LastIndexByte(s, '=')
	if i <= 0 {
		return RouteMode{}, fmt.Errorf("%q is not operation=mode", s)
	}
	m, err := ParseMode(strings.TrimSpace(s[i+1:]))
	return RouteMode{strings.TrimSpace(s[:i]), m}, err
}

// matches reports whether the row is about an operation. The path is without prefix and query.
func (r RouteMode) matches(name, method, path string) bool {
	verb, pattern, isPath := strings.Cut(r.On, " ")
	if !isPath {
		return r.On == name
	}
	return (verb == method || verb == "*") && matchPath(pattern, path)
}

// matchPath compares a path to a pattern segment by segment: ":name" stands for one segment, a last "*"
// for any rest.
func matchPath(pattern, path string) bool {
	for {
		p, prest, pmore := strings.Cut(pattern, "/")
		s, srest, smore := strings.Cut(path, "/")
		switch {
		case strings.HasPrefix(p, "*") && !pmore:
			return true
		case p != s && (!strings.HasPrefix(p, ":") || s == ""), pmore != smore:
			return false
		case !pmore:
			return true
		}
		pattern, path = prest, srest
	}
}
