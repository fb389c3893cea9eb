package stream_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dragoman/adapters/stream"
	"dragoman/core"
)

var opNames = map[core.FilterOp]string{
	core.OpAnd: "and", core.OpOr: "or", core.OpNor: "nor", core.OpEq: "=", core.OpNe: "!=", core.OpGt: ">", core.OpGte: ">=", core.OpLt: "<", core.OpLte: "<=",
	core.OpIn: "in", core.OpNin: "nin", core.OpExists: "exists", core.OpContains: "contains", core.OpAutocomplete: "starts", core.OpSearch: "search",
}

// show writes a filter for people.
func show(f core.Filter) string {
	switch f.Op {
	case 0:
		return "all"
	case core.OpAnd, core.OpOr, core.OpNor:
		var subs []string
		for _, s := range f.Sub {
			subs = append(subs, show(s))
		}
		return opNames[f.Op] + "(" + strings.Join(subs, " ") + ")"
	}
	return f.Field + opNames[f.Op] + showValue(f.Value)
}

func showValue(v core.Value) string {
	switch v.Kind {
	case core.KindText:
		return fmt.Sprintf("%q", v.Text)
	case core.KindNumber:
		return fmt.Sprint(v.Num)
	case core.KindBool:
		return fmt.Sprint(v.Bool)
	case core.KindTime:
		return v.Time.Format(time.RFC3339)
	case core.KindList:
		var l []string
		for _, x := range v.List {
			l = append(l, showValue(x))
		}
		return "[" + strings.Join(l, " ") + "]"
	}
	return "null"
}

func TestFilters(t *testing.T) {
	cases := []struct{ noun, filter, want string }{
		{"channels", `{}`, `all`},
		{"channels", `null`, `all`},
		{"channels", `{"type":"messaging","members":{"$in":["al"]}}`, `and(type="messaging" membersin["al"])`},
		{"channels", `{"cid":{"$in":["messaging:a","team:b"]}}`, `keyin["a" "team:b"]`},
		{"channels", `{"members":["a","b"]}`, `members=["a" "b"]`},
		{"channels", `{"last_message_at":{"$gt":"2026-01-01T00:00:00Z","$lte":"2026-02-01T00:00:00+01:00"}}`, `and(last_message_at>2026-01-01T00:00:00Z last_message_at<=2026-01-31T23:00:00Z)`},
		{"channels", `{"$or":[{"name":{"$autocomplete":"lo"}},{"$nor":[{"frozen":true}]}]}`, `or(namestarts"lo" nor(frozen=true))`},
		{"channels", `{"$and":[{"a":1},{"b.c":{"$exists":true}}]}`, `and(extra.a=1 extra.b.cexiststrue)`},
		{"channels", `{"$or":[{},{"type":"x"}]}`, `all`},
		{"channels", `{"member.user.name":{"$autocomplete":"al"}}`, `member.namestarts"al"`},
		{"channels", `{"blocked":false}`, `all`},
		{"channels", `{"topic":null}`, `extra.topicexistsfalse`},
		{"users", `{"id":{"$nin":["a"]},"banned":{"$ne":true},"colour":"red"}`, `and(idnin["a"] banned!=true extra.colour="red")`},
		{"members", `{"user_id":"a","nick":{"$eq":"x"}}`, `and(id="a" extra.nick="x")`},
		{"messages", `{"text":{"$q":"hello"},"mentioned_users.id":{"$contains":"a"},"attachments":{"$exists":true}}`, `and(textsearch"hello" mentionscontains"a" attachmentsexiststrue)`},
		{"reactions", `{"type":{"$in":["like"]}}`, `typein["like"]`},
	}
	for _, c := range cases {
		f, _, err := stream.Filter(c.noun, c.filter, "null")
		if err != nil || show(f) != c.want {
			t.Errorf("%s %s: %s, %v; want %s", c.noun, c.filter, show(f), err, c.want)
		}
	}
}

func TestFiltersRefuse(t *testing.T) {
	deep := strings.Repeat(`{"$and":[`, 10) + `{"type":"x"}` + strings.Repeat(`]}`, 10)
	wide := `{"$or":[` + strings.TrimSuffix(strings.Repeat(`{"type":"x"},`, 300), ",") + `]}`
	cases := []struct{ noun, filter, want string }{
		{"channels", `[]`, "a filter must be an object"},
		{"channels", `{"type":{"$regex":"x"}}`, `operator "$regex" is not supported for field "type"`},
		{"channels", `{"type":{"$nin":["x"]}}`, `operator "$nin" is not supported`},
		{"channels", `{"$where":1}`, `unknown filter field or operator "$where"`},
		{"channels", `{"type":5}`, `the value of field "type" must be a string`},
		{"channels", `{"created_at":{"$gt":"yesterday"}}`, "must be a date"},
		{"channels", `{"cid":"x"}`, "must be a cid"},
		{"channels", `{"type":{"$in":"x"}}`, "must be an array"},
		{"channels", `{"type":{}}`, "has no operator"},
		{"channels", `{"$or":[]}`, "must have at least one filter"},
		{"channels", `{"$and":{}}`, "$and must be an array"},
		{"channels", `{"blocked":true}`, "is not supported"},
		{"channels", `{"topic":{"$gt":[1]}}`, "must be a"},
		{"reactions", `{"colour":"x"}`, `unknown filter field or operator "colour"`},
		{"channels", deep, "at most 8 levels"},
		{"channels", wide, "at most 200 conditions"},
	}
	for _, c := range cases {
		if f, _, err := stream.Filter(c.noun, c.filter, "null"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %.80s: %s, %v; want %q", c.noun, c.filter, show(f), err, c.want)
		}
	}
}

func TestSorts(t *testing.T) {
	cases := []struct{ noun, sort, want string }{
		{"channels", `[{"field":"last_message_at","direction":-1},{"field":"cid","direction":1}]`, "[{last_message_at true} {key false}]"},
		{"channels", `{"created_at":-1}`, "[{created_at true}]"},
		{"channels", `[{"topic":1}]`, "[{extra.topic false}]"},
		{"members", `[{"field":"user_id","direction":1}]`, "[{id false}]"},
		{"channels", `null`, "[]"},
	}
	for _, c := range cases {
		_, s, err := stream.Filter(c.noun, "null", c.sort)
		if err != nil || fmt.Sprint(s) != c.want {
			t.Errorf("%s: %v, %v; want %s", c.sort, s, err, c.want)
		}
	}
	for _, bad := range []string{`5`, `[5]`, `[{"field":"created_at","direction":2}]`, `[{"field":"$x"}]`, `{"created_at":"desc"}`} {
		if _, s, err := stream.Filter("channels", "null", bad); err == nil {
			t.Errorf("%s was accepted as %v", bad, s)
		}
	}
}

func FuzzFilter(f *testing.F) {
	f.Add("channels", `{"a":{"$in":[1,"x",true]}}`, `[{"field":"a","direction":1}]`)
	f.Add("users", `{"$nor":[{"id":"a"}]}`, `{"id":-1}`)
	f.Add("messages", `{"text":{"$q":"x"}}`, `null`)
	f.Fuzz(func(t *testing.T, noun, filter, sort string) {
		switch noun {
		case "channels", "users", "members", "messages", "reactions":
		default:
			noun = "channels"
		}
		got, _, err := stream.Filter(noun, filter, sort)
		if err == nil {
			show(got)
		}
	})
}
