package explain

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"dragoman/normalize"
)

// WriteJSON prints the listing as one document; catalogue limits it to one vendor's rows.
func WriteJSON(w io.Writer, s *normalize.Set, catalogue string) error {
	l, err := limited(s, catalogue)
	if err != nil {
		return err
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(l)
}

// WriteTSV prints the rows tab-separated, with a header line and no quoting. Codes are JSON
// literals, so that a number can be told from a text of digits.
func WriteTSV(w io.Writer, s *normalize.Set, catalogue string) error {
	l, err := limited(s, catalogue)
	if err != nil {
		return err
	}
	b := []byte("catalogue\trow\tcode\thttp_status\tname\tcanonical\tvariant\treach\tstate\tmeaning\n")
	for _, name := range s.Names() {
		for _, r := range l.Catalogues[name] {
			b = append(b, strings.Join([]string{name, r.Row, string(r.Code), statusText(r.Status), r.Name, r.Canonical, r.Variant, r.Reach, r.State, r.Meaning}, "\t")...)
			b = append(b, '\n')
		}
	}
	_, err = w.Write(b)
	return err
}

// WriteText prints the rows in aligned columns for people.
func WriteText(w io.Writer, s *normalize.Set, catalogue string) error {
	l, err := limited(s, catalogue)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, name := range s.Names() {
		rows, ok := l.Catalogues[name]
		if !ok {
			continue
		}
		fmt.Fprintf(t, "%s (%d rows)\n", name, len(rows))
		for _, r := range rows {
			canonical := r.Canonical
			if r.Variant != "" {
				canonical += "/" + r.Variant
			}
			fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\n", r.Row, codeOf(r.Code), statusText(r.Status), r.Name, canonical)
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

// limited is the listing of one catalogue, or of all for an empty name.
func limited(s *normalize.Set, catalogue string) (Listing, error) {
	l := List(s)
	if catalogue == "" {
		return l, nil
	}
	v, ok := s.Vendor(strings.ToLower(catalogue))
	if !ok {
		return l, fmt.Errorf("no catalogue %q; there are %s", clip(catalogue), strings.Join(s.Names(), ", "))
	}
	l.Catalogues = map[string][]Row{v.Catalog.Name(): l.Catalogues[v.Catalog.Name()]}
	return l, nil
}

// WriteText prints an explanation for people: what it means, whose fault it is, whether to
// repeat, what the others call it.
func (a Answer) WriteText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	if a.Row != nil {
		fmt.Fprintf(t, "%s\t%s %s\n", a.Vendor, codeOf(a.Row.Code), a.Row.Name)
		fmt.Fprintf(t, "row\t%s (recognised by %s)\n", a.Row.Row, a.Match)
		if a.Row.Status != nil {
			fmt.Fprintf(t, "HTTP status\t%d\n", *a.Row.Status)
		}
		fmt.Fprintf(t, "meaning\t%s\n", a.Row.Meaning)
	} else if len(a.Candidates) > 0 {
		fmt.Fprintf(t, "%s\t%s\n", a.Vendor, a.Note)
		return a.candidates(t)
	} else {
		fmt.Fprintf(t, "%s\tnot in the table\n", a.Vendor)
	}
	canonical := a.Meaning.Canonical
	if a.Variant != "" {
		canonical += " (" + a.Variant + ")"
	}
	fmt.Fprintf(t, "canonical\t%s, %s, HTTP %d\n", canonical, a.Meaning.Class, a.Meaning.Status)
	fmt.Fprintf(t, "\t%s\n", a.Meaning.Title)
	fmt.Fprintf(t, "whose fault\t%s\n", Blame(a.Meaning.Fault))
	fmt.Fprintf(t, "repeat\t%s\n", Retry(a.Meaning.Retryable, a.Meaning.Hint))
	if a.Note != "" {
		fmt.Fprintf(t, "note\t%s\n", a.Note)
	}
	if len(a.Candidates) > 0 {
		if err := a.candidates(t); err != nil {
			return err
		}
	}
	fmt.Fprintln(t, "\nelsewhere")
	for _, e := range a.Equivalents {
		fmt.Fprintf(t, "  %s\t%s\tHTTP %s\t%s\t%s\n", e.Catalogue, codeOf(e.Code), statusText(e.Status), e.Fit, e.Meaning)
	}
	return t.Flush()
}

// candidates lists the other rows of the code.
func (a Answer) candidates(t *tabwriter.Writer) error {
	fmt.Fprintln(t, "\nalso possible")
	for _, r := range a.Candidates {
		fmt.Fprintf(t, "  %s\tHTTP %s\t%s\t%s\n", r.Row, statusText(r.Status), r.Canonical, r.Message)
	}
	return t.Flush()
}

// Blame says in words who has to act.
func Blame(fault string) string {
	switch fault {
	case "client":
		return "the caller's: the request has to change"
	case "server":
		return "the service's: it failed inside"
	case "infra":
		return "the surroundings': something the service depends on failed"
	}
	return "nobody's"
}

// hints says in words what to do before repeating.
var hints = map[string]string{
	"refresh_token": "with a fresh token", "delay": "after the time in Retry-After, or a pause", "backoff": "with growing pauses",
	"fix_request": "correct the request first", "fix_credentials": "correct the credentials first",
	"contact_admin": "an administrator has to change something first", "wait_state": "something else has to happen first",
}

// Retry says in words whether to repeat the call.
func Retry(retryable, hint string) string {
	step := hints[hint]
	switch {
	case retryable == "yes":
		return strings.TrimSuffix("yes, if the call is idempotent, "+step, ", ")
	case retryable == "after":
		return strings.TrimSuffix("yes, "+step, ", ")
	case step != "":
		return "no; " + step
	}
	return "no"
}

// statusText is a status for a table.
func statusText(n *int) string {
	if n == nil {
		return "-"
	}
	return strconv.Itoa(*n)
}
