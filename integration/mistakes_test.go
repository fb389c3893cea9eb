package integration_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the vendor signs with it
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

// mistake is one thing done wrong in every dialect: the table interop/mistakes.tsv. A mistake is a line of
//
//	reason	title
//
// followed by an indented line for each dialect:
//
//	dialect	who	METHOD	path	body	code
//
// who is a person, "server" for the app's own server, "nobody" without credentials, or "forger" with
// wrong ones. In path and body, $name is a value of the world, and $x*N is the letter x N times.
type mistake struct {
	reason, title string
	cells         []mistakeCell
}

// mistakeCell is how one dialect makes the mistake, and the vendor's own code for it.
type mistakeCell struct{ dialect, who, method, path, body, code string }

// readMistakes reads the table.
func readMistakes(t *testing.T, file string) []*mistake {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []*mistake
	for i, line := range strings.Split(string(b), "\n") {
		f := strings.Split(line, "\t")
		switch {
		case line == "" || line[0] == '#':
		case f[0] != "" && len(f) == 2:
			out = append(out, &mistake{reason: f[0], title: f[1]})
		case f[0] == "" && len(f) == 7 && len(out) > 0:
			m := out[len(out)-1]
			m.cells = append(m.cells, mistakeCell{f[1], f[2], f[3], f[4], f[5], f[6]})
		default:
			t.Fatalf("%s:%d: %d columns", file, i+1, len(f))
		}
	}
	return out
}

// web speaks the REST of every dialect of one server.
type web struct {
	s      *server
	values []string // of the world, name and value by turns
	tokens map[string]string
	agora  string // the app's token
	nonce  int
}

// leastMistakes is how many mistakes every one of the four dialects has to be able to make.
const leastMistakes = 40

// TestMistakes makes the same mistakes in all dialects: each answers its vendor's own code, and beside it
// the same canonical error. docs/mistakes.md shows them.
func TestMistakes(t *testing.T) {
	table := readMistakes(t, "interop/mistakes.tsv")
	w := &web{s: start(t), tokens: map[string]string{}}
	w.build(t)
	for _, m := range table {
		t.Run(strings.ReplaceAll(m.title, " ", "_"), func(t *testing.T) {
			if len(m.cells) < len(vendors) {
				t.Errorf("%d dialects make it", len(m.cells))
			}
			for i := range m.cells {
				c := &m.cells[i]
				status, body := w.send(t, c)
				problem := body.Get("dragoman_error.type").String()
				if c.dialect == "native" {
					problem = body.Get("type").String()
				}
				reason := strings.TrimPrefix(problem, "urn:dragoman:error:")
				if code := vendorCode(c.dialect, body); reason != m.reason || code != c.code {
					t.Errorf("%s: %s with the code %s (HTTP %d), wanted %s with %s: %.500s", c.dialect, reason, code, status, m.reason, c.code, body.Raw)
				}
			}
		})
	}
	if len(table) < leastMistakes {
		t.Errorf("only %d mistakes", len(table))
	}
	shown(t, "../docs/mistakes.md", mistakesPage(table))
}

// vendorCode is the vendor's own code of an answer; Agora Chat has words.
func vendorCode(dialect string, v gjson.Result) string {
	switch dialect {
	case "stream", "nexconn":
		return v.Get("code").String()
	case "cometchat":
		return v.Get("error.code").String()
	case "agora":
		return v.Get("error").String()
	}
	return v.Get("code").String()
}

// fill puts the world's values into a text.
func (w *web) fill(s string) string {
	for {
		i := strings.Index(s, "$x*")
		if i < 0 {
			return strings.NewReplacer(w.values...).Replace(s)
		}
		end := i + 3
		for end < len(s) && s[end] >= '0' && s[end] <= '9' {
			end++
		}
		n, _ := strconv.Atoi(s[i+3 : end])
		s = s[:i] + strings.Repeat("x", n) + s[end:]
	}
}

// send sends a request as its dialect has it.
func (w *web) send(t *testing.T, c *mistakeCell) (int, gjson.Result) {
	t.Helper()
	path, body := w.fill(c.path), w.fill(c.body)
	base := fmt.Sprintf("http://127.0.0.1:%d/%s", w.s.Port, c.dialect)
	head := http.Header{"Content-Type": {"application/json"}, "Dragoman-Error-Format": {"both"}}
	set := func(kv ...string) {
		for i := 0; i < len(kv); i += 2 {
			head.Set(kv[i], kv[i+1])
		}
	}
	switch c.dialect {
	case "native":
		base = fmt.Sprintf("http://127.0.0.1:%d", w.s.Port)
	case "stream":
		sep := "?"
		if strings.Contains(path, "?") {
			sep = "&"
		}
		path += sep + "api_key=" + demoKey
		set("Stream-Auth-Type", "jwt")
		switch c.who {
		case "nobody":
		case "server":
			set("Authorization", signed(`{"server":true}`, demoSecret))
		case "forger":
			set("Authorization", signed(`{"user_id":"ann"}`, "another secret, and not a short one"))
		default:
			set("Authorization", signed(`{"user_id":"`+c.who+`"}`, demoSecret))
		}
	case "cometchat":
		path = "/v3.0" + path
		set("appid", demoCometApp)
		switch c.who {
		case "nobody":
		case "server":
			set("apikey", demoCometFullAccess)
		case "forger":
			set("apikey", "not-a-key")
		default:
			set("apikey", demoCometFullAccess, "onBehalfOf", c.who)
		}
	case "agora":
		path = "/demo-org/demo-app" + path
		switch c.who {
		case "nobody":
		case "server":
			set("Authorization", "Bearer "+w.agora)
		case "forger":
			set("Authorization", "Bearer "+w.agora[:len(w.agora)-4]+"AAAA")
		default:
			set("Authorization", "Bearer "+w.tokens[c.who])
		}
	case "nexconn":
		path = "/v4" + path
		w.nonce++
		key, secret, nonce, now := demoNexconnKey, demoNexconnSecret, strconv.Itoa(w.nonce), strconv.FormatInt(time.Now().UnixMilli(), 10)
		if c.who == "forger" {
			secret = "another"
		}
		sum := sha1.Sum([]byte(secret + nonce + now)) //nolint:gosec // as the vendor signs
		if c.who != "nobody" {
			set("App-Key", key, "Nonce", nonce, "Timestamp", now, "Signature", hex.EncodeToString(sum[:]))
		}
	}
	rq, err := http.NewRequest(c.method, base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	rq.Header = head
	rs, err := http.DefaultClient.Do(rq)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rs.Body.Close() }()
	b, err := io.ReadAll(rs.Body)
	if err != nil {
		t.Fatal(err)
	}
	return rs.StatusCode, gjson.ParseBytes(b)
}

// must sends what has to work.
func (w *web) must(t *testing.T, dialect, who, method, path, body string) gjson.Result {
	t.Helper()
	status, v := w.send(t, &mistakeCell{dialect, who, method, path, body, ""})
	if status > 299 || dialect == "nexconn" && v.Get("code").Int() != 0 {
		t.Fatalf("%s %s %s: HTTP %d %s", dialect, method, path, status, v.Raw)
	}
	return v
}

// build makes people and groups in which mistakes can be made.
func (w *web) build(t *testing.T) {
	t.Helper()
	post := func(path, body string) gjson.Result {
		t.Helper()
		return w.must(t, "stream", "server", "POST", path, body)
	}
	w.agora = w.must(t, "agora", "nobody", "POST", "/token", `{"grant_type":"client_credentials","client_id":"demo-client-id","client_secret":"demo-client-secret"}`).Get("access_token").String()
	for _, u := range []string{"ann", "ben", "mia", "oz", "bea", "gone"} {
		w.must(t, "agora", "server", "POST", "/users", `{"username":"`+u+`","password":"pw-`+u+`"}`)
		w.tokens[u] = w.must(t, "agora", "nobody", "POST", "/token", `{"grant_type":"password","username":"`+u+`","password":"pw-`+u+`"}`).Get("access_token").String()
	}
	w.must(t, "cometchat", "ann", "POST", "/groups", `{"guid":"team","name":"Team","type":"public"}`)
	w.must(t, "cometchat", "server", "POST", "/groups/team/members", `{"participants":["ben","mia","bea"]}`)
	w.must(t, "cometchat", "ann", "POST", "/groups", `{"guid":"quiet","name":"Quiet","type":"public"}`)
	w.must(t, "cometchat", "server", "POST", "/groups/quiet/members", `{"participants":["ben"]}`)
	w.must(t, "cometchat", "ann", "POST", "/groups/team/bannedusers/bea", `{}`)
	w.must(t, "nexconn", "server", "POST", "/group-channel/user/mute-list/add", `{"channelId":"team","userIds":["mia"],"durationMinutes":60}`)
	w.must(t, "nexconn", "server", "POST", "/group-channel/freeze-list/add", `{"channelIds":["quiet"]}`)
	w.must(t, "nexconn", "server", "POST", "/user/blocklist/add", `{"userId":"ann","targetUserIds":["oz"]}`)
	said := post("/channels/messaging/team/message", `{"message":{"text":"hello","user_id":"ann"}}`).Get("message.id").String()
	hits := w.must(t, "cometchat", "ann", "GET", "/groups/team/messages?limit=5", "").Get(`data.#(data.text=="hello").id`).String()
	room := w.must(t, "agora", "server", "GET", "/users/ann/joined_chatgroups", "").Get(`data.#(groupname=="Team").groupid`).String()
	hush := w.must(t, "agora", "server", "GET", "/users/ann/joined_chatgroups", "").Get(`data.#(groupname=="Quiet").groupid`).String()
	w.values = []string{"$msgname", said, "$msg", hits, "$agroup", room, "$aquiet", hush}
}

// mistakesPage shows the table.
func mistakesPage(table []*mistake) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, `# The same mistake, four answers

Made by a test that makes each mistake in every dialect against one server; do not edit. Each row is one canonical error:
the unified document of all four answers names it, and the code beside it is the vendor's own. %d mistakes.

Most of them are about something that does not exist, by operation, and where a vendor lacks an operation its nearest one is
called. Mistakes that do not agree in all four are not in the table: a body that is not JSON, a field that is missing, somebody
who is no member or may not do a thing. Some dialects name those by a coarser reason.

| Mistake | Canonical error |`, len(table))
	for _, v := range vendors {
		fmt.Fprintf(&b, " %s |", titles[v])
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(vendors)) + "\n")
	for _, m := range table {
		fmt.Fprintf(&b, "| %s | `%s` |", m.title, m.reason)
		for _, v := range vendors {
			for _, c := range m.cells {
				if c.dialect == v {
					fmt.Fprintf(&b, " `%s` |", c.code)
				}
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// signed signs claims as a server does.
func signed(claims, secret string) string {
	part := base64.RawURLEncoding.EncodeToString
	text := part([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + part([]byte(claims))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return text + "." + part(mac.Sum(nil))
}
