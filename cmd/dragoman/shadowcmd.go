package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"dragoman/proxy/shadow"
)

// shadowCmd groups what is asked of the shadow.
type shadowCmd struct {
	Report shadowReportCmd `cmd:"" help:"Print how far each app is ready for the next step: calls, equal, different, what was fed, what is missing."`
}

// shadowReportCmd asks the operations listener of a running server.
type shadowReportCmd struct {
	pingCmd
	App      string `placeholder:"NAME" help:"This app alone."`
	Dialect  string `placeholder:"NAME" help:"This dialect alone."`
	JSON     bool   `name:"json" help:"Print the report as JSON."`
	Password string `placeholder:"TEXT" env:"DRAGOMAN_CONSOLE_PASSWORD" help:"The operator's password. Default: console.password of the configuration."`
}

// reportLimit bounds the question, and maxReport the answer, in bytes.
const (
	reportLimit = 10 * time.Second
	maxReport   = 16 << 20
)

// Run prints the report. It fails when some app is not ready, so that a script can wait for it.
func (c shadowReportCmd) Run(s streams) error {
	addr, err := c.target(s)
	if err != nil {
		return err
	}
	password := c.Password
	if password == "" {
		if cfg, _, err := c.load(s); err == nil && cfg != nil {
			password = cfg.Console.Password.Reveal()
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), reportLimit)
	defer cancel()
	q := url.Values{"app": {c.App}, "dialect": {c.Dialect}}
	rq, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/admin/shadow/report?"+q.Encode(), http.NoBody)
	if err != nil {
		return usagef("%q is not an address: %v", addr, err)
	}
	rq.Header.Set("Authorization", "Bearer "+password)
	rs, err := http.DefaultClient.Do(rq)
	if err != nil {
		return fmt.Errorf("no answer from %s: %w", addr, err)
	}
	defer rs.Body.Close()
	body, err := io.ReadAll(io.LimitReader(rs.Body, maxReport))
	if err != nil {
		return fmt.Errorf("read the report: %w", err)
	}
	if rs.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s: %s", addr, rs.Status, body)
	}
	var list []shadow.Report
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("the report cannot be read: %w", err)
	}
	if c.JSON {
		_, err = fmt.Fprintf(s.out, "%s\n", body)
	} else {
		err = printReports(s.out, list)
	}
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(list, func(r shadow.Report) bool { return !r.Ready }); i >= 0 {
		return fmt.Errorf("%s over %s is not ready", list[i].App, list[i].Dialect)
	}
	return nil
}

// printReports writes reports for people.
func printReports(w io.Writer, list []shadow.Report) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "Nothing is shadowed: no app was in shadow-vendor or shadow-core since the start.")
		return err
	}
	for i := range list {
		r := &list[i]
		verdict := "ready"
		if !r.Ready {
			verdict = "not ready"
		}
		fmt.Fprintf(w, "%s over %s: %s (since %s)\n", r.App, r.Dialect, verdict, r.Since.UTC().Format(time.RFC3339))
		for _, why := range r.Reasons {
			fmt.Fprintf(w, "  - %s\n", why)
		}
		f, m := &r.Fed, &r.Mirrored
		fmt.Fprintf(w, "  fed:      %d new, %d changed, %d known, %d refused, %d unreadable; %d waiting, %d links, %d gaps\n", f.New, f.Changed, f.Known, f.Refused, f.Unread, f.Waiting, f.Links, f.Gaps)
		for why, n := range f.Reasons {
			fmt.Fprintf(w, "            %d refused: %s\n", n, why)
		}
		fmt.Fprintf(w, "  mirrored: %d sent, %d waiting, %d lost\n", m.Sent, m.Waiting, m.Lost)
		tw := tabwriter.NewWriter(w, 2, 4, 2, ' ', 0)
		fmt.Fprintln(tw, "  operation\tcalls\tequal\tdifferent\tnot compared")
		for j := range r.Operations {
			o := &r.Operations[j]
			fmt.Fprintf(tw, "  %s\t%d\t%d\t%d\t%s\n", name(o.Name), o.Calls, o.Equal, o.Different, others(o.Other))
		}
		if err := tw.Flush(); err != nil {
			return err
		}
		for j := range r.Operations {
			for _, x := range r.Operations[j].Examples {
				fmt.Fprintf(w, "  %s, request %s: %d differences\n", name(r.Operations[j].Name), x.RequestID, x.Count)
				for _, d := range x.Differences {
					fmt.Fprintf(w, "    %s %s: vendor %s, core %s\n", d.Kind, d.Path, name(d.First), name(d.Second))
				}
			}
		}
	}
	return nil
}

// name is a text, or a dash for none.
func name(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// others lists why calls were not compared.
func others(m map[string]int) string {
	var out []string
	for k, n := range m {
		out = append(out, fmt.Sprintf("%d %s", n, k))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
