package main

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"

	"dragoman/config"
)

// place is where a dialect is reached and what its users change.
type place struct {
	Title string
	Name  string
	App   string
	URL   string
	Line  string
}

// places lists where each app's dialects are, by their own listener where there is one, else below
// the main one.
func places(c *config.Config) []place {
	var out []place
	for i := range c.Apps {
		a := &c.Apps[i]
		for j := range dialects {
			d := &dialects[j]
			if !d.configured(a) {
				continue
			}
			scheme, host, base := "http", public(c.Listen), "/"+d.name
			if d.root {
				base = ""
			}
			if own := d.listen(a); own != "" {
				host, base = public(own), ""
				if d.secure {
					scheme = "https"
				}
			}
			url := scheme + "://" + host + base
			out = append(out, place{d.title, d.name, a.Name, url, d.line(a, host, url)})
		}
	}
	return out
}

// public is how a browser on this machine names a listening address.
func public(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && (ip.IsUnspecified() || ip.IsLoopback()) {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

// banner tells what runs where, then prints the line that scripts wait for: it begins with "ready"
// and comes only when everything accepts connections.
func (p *Program) banner(took time.Duration) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Dragoman %s\n", version)
	app := ""
	for _, at := range places(p.Config) {
		if at.App != app {
			app = at.App
			fmt.Fprintf(&b, "\napp %s\n", app)
		}
		fmt.Fprintf(&b, "  %-10s %s\n             %s\n", at.Name, at.URL, at.Line)
	}
	b.WriteString("\n")
	if p.Demo {
		p.demoNotes(&b)
	}
	if p.Config.Console.Password != "" && p.Demo {
		fmt.Fprintf(&b, "  console    http://%s/console  password %s\n", public(p.Config.Listen), p.Config.Console.Password.Reveal())
	}
	fmt.Fprintf(&b, "  overview   http://%s/\n", public(p.Config.Listen))
	fmt.Fprintf(&b, "  operations http://%s/readyz\n", public(p.Config.OpsListen))
	fmt.Fprintf(&b, "\nready in %s\n", took.Round(time.Millisecond))
	_, err := fmt.Fprint(p.Out, b.String())
	return err
}

// demoNotes tells what is in the demo and how to get a token.
func (p *Program) demoNotes(b *strings.Builder) {
	_, port, _ := net.SplitHostPort(p.Config.Listen) // the demo made it
	flag := ""
	if port != "8080" {
		flag = " --port " + port
	}
	where := p.Dir
	if p.Temporary {
		where += " (removed at the end; keep it with --data DIR)"
	}
	fmt.Fprintf(b, "  people     %s; group %s\n", strings.Join(config.DemoUsers, ", "), lobbyID)
	fmt.Fprintf(b, "  token      dragoman token --demo%s stream %s\n", flag, config.DemoUsers[0])
	fmt.Fprintf(b, "  data       %s\n", where)
	fmt.Fprintf(b, "  dev CA     %s\n", filepath.Join(p.Dir, caFile))
}
