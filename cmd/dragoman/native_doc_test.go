package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"dragoman/config"
)

// The examples of docs/native.md are run as they stand, in one shell, against the demo; what each
// prints holds what the page says of it.
func TestExamplesOfTheAPIPage(t *testing.T) {
	for _, tool := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skipf("%s is missing", tool)
		}
	}
	port, err := findBlock()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := &Program{Config: config.Demo("127.0.0.1", port, dir), Demo: true, Dir: dir}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	page, err := os.ReadFile("../../docs/native.md")
	if err != nil {
		t.Fatal(err)
	}
	const mark = "\n~~~ next ~~~\n"
	var script strings.Builder
	script.WriteString("set -e\ncd " + dir + "\n")
	app := &p.Config.Apps[0]
	var wants []string
	for _, block := range strings.Split(string(page), "```sh\n")[1:] {
		code, rest, _ := strings.Cut(block, "```")
		for _, u := range config.DemoUsers {
			tok, err := nativeToken(app, tokenOptions{user: u, now: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			code = strings.ReplaceAll(code, "$(dragoman token --demo native "+u+")", tok)
		}
		code = strings.ReplaceAll(code, "http://localhost:8080", "http://"+p.Config.Listen)
		script.WriteString(code + "printf '" + strings.ReplaceAll(mark, "\n", `\n`) + "'\n")
		want, _, _ := strings.Cut(strings.TrimPrefix(rest, "\n\n```json\n"), "```")
		wants = append(wants, want)
	}
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script.String())
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s\n%s", err, errs.String(), out.String())
	}
	got := strings.Split(out.String(), mark)
	if len(wants) < 8 || len(got) != len(wants)+1 {
		t.Fatalf("%d examples, %d answers:\n%s", len(wants), len(got)-1, out.String())
	}
	for i, want := range wants {
		if !gjson.Valid(want) || !gjson.Valid(got[i]) {
			t.Errorf("example %d: %s is answered by %s", i+1, want, got[i])
			continue
		}
		if at, ok := within(gjson.Parse(want), gjson.Parse(got[i]), "$"); !ok {
			t.Errorf("example %d: %s differs:\n%s\n%s", i+1, at, want, got[i])
		}
	}
}

// within reports whether everything of one value is in another: members of objects, items of lists
// in their order.
func within(want, got gjson.Result, at string) (string, bool) {
	switch {
	case want.IsObject():
		where, ok := "", true
		want.ForEach(func(k, v gjson.Result) bool {
			where, ok = within(v, got.Get(gjson.Escape(k.Str)), at+"."+k.Str)
			return ok
		})
		return where, ok
	case want.IsArray():
		items := got.Array()
		for _, v := range want.Array() {
			for {
				if len(items) == 0 {
					return at, false
				}
				head := items[0]
				items = items[1:]
				if _, ok := within(v, head, at); ok {
					break
				}
			}
		}
		return "", true
	}
	return at, want.Raw == got.Raw
}
