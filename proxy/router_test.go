package proxy_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"dragoman/proxy"
)

// pattern is a route of the reference: the same rules, told one route at a time.
type pattern struct {
	method, path, name string
}

// match compares a path with one pattern. The rank orders patterns that match: one digit per
// segment, literal before parameter before rest.
func (p pattern) match(path string) (params map[string]string, rank string, ok bool) {
	want, have := strings.Split(p.path, "/"), strings.Split(path, "/")
	params = map[string]string{}
	for i, seg := range want {
		switch {
		case strings.HasPrefix(seg, "*") && i < len(have):
			params[seg[1:]] = strings.Join(have[i:], "/")
			return params, rank + "2", true
		case i >= len(have):
			return nil, "", false
		case strings.HasPrefix(seg, ":") && have[i] != "":
			params[seg[1:]] = have[i]
			rank += "1"
		case seg == have[i]:
			rank += "0"
		default:
			return nil, "", false
		}
	}
	return params, rank, len(want) == len(have)
}

func TestRouterAgreesWithTheRulesOnAnyTable(t *testing.T) {
	segment := rapid.SampledFrom([]string{"a", "b", ":x", ":y", "", "*r"})
	method := rapid.SampledFrom([]string{"GET", "POST"})
	rapid.Check(t, func(t *rapid.T) {
		var table proxy.Table
		var all []pattern
		for i, segs := range rapid.SliceOfN(rapid.SliceOfN(segment, 1, 4), 1, 12).Draw(t, "routes") {
			for j, s := range segs { // names are unique in a route, a rest is last
				if s != "" && s[0] == ':' {
					segs[j] = fmt.Sprintf("%s%d", s, j)
				}
				if s == "*r" {
					segs = segs[:j+1]
					break
				}
			}
			p := pattern{method.Draw(t, "method"), "/" + strings.Join(segs, "/"), fmt.Sprint("r", i)}
			if table.Add(p.method, p.path, p.name) == nil {
				all = append(all, p)
			}
		}
		path := "/" + strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", ""}), 1, 5).Draw(t, "path"), "/")
		ask := method.Draw(t, "ask")
		var best pattern
		var params map[string]string
		var allow []string
		rank := "9"
		for _, p := range all {
			ps, r, ok := p.match(path)
			switch {
			case !ok:
			case p.method != ask:
				allow = append(allow, p.method)
			case r < rank:
				best, params, rank = p, ps, r
			}
		}
		name, got, others := table.Find(ask, path)
		if name != best.name || !maps.Equal(got, params) {
			t.Fatalf("%s %s: %q %v, want %q %v\n%v", ask, path, name, got, best.name, params, all)
		}
		slices.Sort(allow)
		if allow = slices.Compact(allow); name == "" && !slices.Equal(others, allow) {
			t.Fatalf("%s %s: allow %v, want %v\n%v", ask, path, others, allow, all)
		}
	})
}
