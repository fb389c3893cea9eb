package integration_test

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the pages that are made from tests")

// titles are the vendors' names on pages.
var titles = map[string]string{"stream": "Stream Chat", "cometchat": "CometChat", "agora": "Agora Chat", "nexconn": "Nexconn"}

// shown compares a page with the one in the repository, or writes it.
func shown(t *testing.T, file, page string) {
	t.Helper()
	if t.Failed() {
		return
	}
	if *update {
		if err := os.WriteFile(file, []byte(page), 0o644); err != nil { //nolint:gosec // a page for all to read
			t.Fatal(err)
		}
		return
	}
	b, err := os.ReadFile(file)
	if err != nil || string(b) != page {
		t.Errorf("%s differs from what the tests have shown (%v): run go test ./integration -run %s -update", file, err, t.Name())
	}
}

// head writes the head of a table.
func head(b *strings.Builder, first ...string) {
	cells := first
	for _, v := range vendors {
		cells = append(cells, titles[v])
	}
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n|" + strings.Repeat("---|", len(cells)) + "\n")
}

// page shows the table and how each dialect does what is in it.
func (r *room) page(table []*crossing) string {
	var b strings.Builder
	b.WriteString(`# One room, four SDKs

Made by a test that has people with the four vendors' unmodified SDKs in one room against one server; do not edit.
Everything below was done with the SDK named, and every callback was seen in the other process with its fields.

## Who is told what

Each row is something done with the SDKs in the second column; the others tell in which callback each SDK hands it to
its app. A dash means that the SDK is told nothing, and why.

`)
	head(&b, "What", "Done with")
	for _, c := range table {
		var lines []string
		from := map[string][]string{}
		for _, s := range vendors {
			if c.cannot[s] != "" {
				continue
			}
			line := ""
			for _, v := range vendors {
				line += " " + c.row(v, s).cell() + " |"
			}
			if from[line] == nil {
				lines = append(lines, line)
			}
			from[line] = append(from[line], titles[s])
		}
		for i, line := range lines {
			title := c.title
			if i > 0 {
				title = ""
			}
			b.WriteString("| " + title + " | " + strings.Join(from[line], ", ") + " |" + line + "\n")
		}
	}
	b.WriteString("\n## How it was done\n\nThe SDK's own call, or the vendor's server API where the SDK has none.\n\n")
	head(&b, "What")
	for _, c := range table {
		b.WriteString("| " + c.title + " |")
		for _, v := range vendors {
			how, able := r.actors[v].can[c.op]
			switch {
			case !able:
				b.WriteString(" — " + c.cannot[v] + " |")
			case how.By == "server":
				b.WriteString(" `" + how.How + "` (server) |")
			default:
				b.WriteString(" `" + how.How + "` |")
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// cell shows what a dialect is told.
func (r *crossRow) cell() string {
	switch {
	case r == nil:
		return ""
	case r.callback == "-":
		return "— " + r.note
	case r.note != "":
		return "`" + r.callback + "`: " + r.note
	}
	return "`" + r.callback + "`"
}
