package explain

import (
	"bytes"
	"fmt"
	"strings"

	"dragoman/core/fault"
	"dragoman/normalize"
)

// Markdown is the error reference, docs/errors.md. It is generated from the tables alone, so it
// can claim nothing that they do not say.
func Markdown(s *normalize.Set) []byte {
	var b bytes.Buffer
	b.WriteString(`# Errors

<!-- Generated from the tables under adapters/ by: go test ./normalize/explain -run TestReferenceIsCurrent -update -->

Every failure has one canonical code, whatever vendor's dialect it is told in. This page lists the
canonical codes, what each vendor says for them, and every row of the vendors' own tables with the
canonical code it stands for. The same tables answer on the command line:

    dragoman codes explain stream 40
    dragoman codes explain agora forbidden_op --status 403 --message "New owner and old owner are the same."
    dragoman codes --json

Columns: *reach* is what it takes to provoke the row on a server (a request, a configuration, a
fault, only a client library, only the vendor's own servers). *State* is what is known of it here:
**proven** rows are provoked by the test that is named, **recognised** rows are read and translated
but no server of ours raises them, **explained** rows cannot come to pass here for the reason given,
**owed** rows are still to be proven by their dialect.

`)
	counts(&b, s)
	canonicalTable(&b, s)
	for _, v := range s.Vendors() {
		rowTable(&b, v.Catalog)
	}
	return b.Bytes()
}

// counts writes the summary by catalogue.
func counts(b *bytes.Buffer, s *normalize.Set) {
	b.WriteString("| catalogue | rows | proven | recognised | explained | owed |\n|---|--:|--:|--:|--:|--:|\n")
	var all [5]int
	for _, v := range s.Vendors() {
		n := [5]int{v.Catalog.Len()}
		for r := range v.Catalog.Rows() {
			switch r.State() {
			case normalize.StateProven:
				n[1]++
			case normalize.StateRecognised:
				n[2]++
			case normalize.StateExplained:
				n[3]++
			default:
				n[4]++
			}
		}
		fmt.Fprintf(b, "| [%s](#%s) | %d | %d | %d | %d | %d |\n", v.Catalog.Name(), v.Catalog.Name(), n[0], n[1], n[2], n[3], n[4])
		for i := range all {
			all[i] += n[i]
		}
	}
	fmt.Fprintf(b, "| all | %d | %d | %d | %d | %d |\n\n", all[0], all[1], all[2], all[3], all[4])
}

// marks shorten the grades of fit in the wide table.
var marks = map[normalize.Fit]string{normalize.FitExact: "", normalize.FitVariant: " ~", normalize.FitFallback: " *"}

// canonicalTable writes what every vendor says for each canonical code.
func canonicalTable(b *bytes.Buffer, s *normalize.Set) {
	b.WriteString("## Canonical codes\n\nUnder each vendor: code, HTTP status, and how well it fits (`~` another case of the same error, `*` the nearest there is).\n\n")
	b.WriteString("| code | HTTP | class | repeat | fault | meaning |")
	for _, name := range s.Names() {
		fmt.Fprintf(b, " %s |", name)
	}
	b.WriteString("\n|---|--:|---|---|---|---|" + strings.Repeat("---|", len(s.Names())) + "\n")
	for _, r := range fault.All() {
		repeat := string(r.Retry())
		if h := r.Hint(); h != "none" && h != "" {
			repeat += " (" + h + ")"
		}
		fmt.Fprintf(b, "| `%s` | %d | %s | %s | %s | %s |", r, r.Status(), r.Code(), repeat, r.Blame(), cell(r.Title()))
		for _, v := range s.Vendors() {
			row, fit, _ := v.Catalog.Emission(r)
			if row.ID == "" || string(row.Body) == "null" {
				fmt.Fprintf(b, " %d |", row.Status)
				continue
			}
			fmt.Fprintf(b, " `%s`", codeOf(row.Body))
			if row.Status != 0 {
				fmt.Fprintf(b, " %d", row.Status)
			}
			b.WriteString(marks[fit] + " |")
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
}

// rowTable writes one vendor's rows.
func rowTable(b *bytes.Buffer, c *normalize.Catalog) {
	fmt.Fprintf(b, "## %s\n\n%d rows, edition %s.\n\n", c.Name(), c.Len(), strings.TrimPrefix(c.Version(), c.Name()+"@"))
	b.WriteString("| row | HTTP | code | canonical | meaning | reach | state |\n|---|--:|---|---|---|---|---|\n")
	for r := range c.Rows() {
		canonical := "`" + r.Reason.Name() + "`"
		if r.Variant != "" {
			canonical += " " + r.Variant
		}
		state := string(r.State())
		if len(r.Proof) > 0 {
			state += ": " + strings.Join(r.Proof, ", ")
		}
		if r.Unproven != "" {
			state += ": " + r.Unproven
		}
		name := "`" + r.CodeText() + "`"
		switch {
		case r.Message != "" && r.Name != r.Message:
			name += " " + cell(r.Message)
		case r.Name != r.CodeText():
			name += " " + cell(r.Name)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s |\n", r.ID, statusText(status(r.Status)), name, canonical, cell(r.Meaning), r.Reach, cell(state))
	}
	if len(c.Extra()) > 0 {
		b.WriteString("\nRecognised as well, though the vendor's table lacks them:\n\n| row | HTTP | code | canonical | meaning |\n|---|--:|---|---|---|\n")
	}
	for _, r := range c.Extra() {
		canonical := "`" + r.Reason.Name() + "`"
		if r.Variant != "" {
			canonical += " " + r.Variant
		}
		fmt.Fprintf(b, "| %s | %s | `%s` %s | %s | %s |\n", r.ID, statusText(status(r.Status)), r.CodeText(), cell(r.Message), canonical, cell(r.Meaning))
	}
	b.WriteString("\n")
}

// cell escapes what would end a table cell or be taken for markup.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "_", `\_`, "*", `\*`).Replace(s)
}
