package engine

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/html"

	"dragoman/core"
	"dragoman/core/fault"
)

// Limits of fetching a page.
const (
	maxPreviewURL  = 2048
	maxPreviewText = 1000 // characters of one member
	previewLimit   = 3 * time.Second
)

type previews struct{ e *Engine }

// Get fetches a page and reads what it says about itself.
func (p previews) Get(ctx context.Context, by core.Actor, in core.GetPreview) (core.Preview, error) {
	const op = "previews.get"
	u, err := pageURL(in.URL)
	if err != nil {
		return core.Preview{}, translate(op, err)
	}
	if _, err := p.e.app(ctx, by.App); err != nil {
		return core.Preview{}, translate(op, err)
	}
	ctx, cancel := context.WithTimeout(ctx, previewLimit)
	defer cancel()
	body, at, err := p.e.kit.call.page(ctx, u)
	if err != nil {
		return core.Preview{}, translate(op, fault.ResourceNotFound.Error("the page could not be read").Cause(err))
	}
	out := readPage(body, at)
	if out.Title == "" && out.Text == "" && out.Image == "" {
		return core.Preview{}, translate(op, fault.ResourceNotFound.Error("the page says nothing about itself"))
	}
	out.URL = in.URL
	return out, nil
}

// pageURL accepts absolute web addresses without credentials.
func pageURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || len(s) > maxPreviewURL || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fault.RequestInvalidField.Error("url must be an absolute http or https address")
	}
	return u, nil
}

// readPage collects the page's description: Open Graph first, then the plain title and description.
func readPage(body []byte, base *url.URL) core.Preview {
	og := map[string]string{}
	z := html.NewTokenizer(bytes.NewReader(body))
	for inTitle := false; ; {
		switch z.Next() {
		case html.ErrorToken:
			return describe(og, base)
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			switch t.Data {
			case "meta":
				name, content := metaOf(t.Attr)
				if _, known := og[name]; name != "" && content != "" && !known {
					og[name] = content
				}
			case "title":
				inTitle = true
			case "body":
				return describe(og, base)
			}
		case html.TextToken:
			if _, known := og["title"]; inTitle && !known {
				og["title"] = strings.TrimSpace(string(z.Text()))
			}
		case html.EndTagToken:
			inTitle = false
		}
	}
}

func metaOf(attrs []html.Attribute) (name, content string) {
	for _, a := range attrs {
		switch a.Key {
		case "property", "name":
			name = strings.ToLower(a.Val)
		case "content":
			content = strings.TrimSpace(a.Val)
		}
	}
	return name, content
}

func describe(og map[string]string, base *url.URL) core.Preview {
	first := func(names ...string) string {
		for _, n := range names {
			if v := og[n]; v != "" {
				if r := []rune(v); len(r) > maxPreviewText {
					v = string(r[:maxPreviewText])
				}
				return v
			}
		}
		return ""
	}
	link := func(s string) string {
		if u, err := base.Parse(s); s != "" && err == nil && (u.Scheme == "http" || u.Scheme == "https") {
			return u.String()
		}
		return ""
	}
	p := core.Preview{
		Title: first("og:title", "twitter:title", "title"), Text: first("og:description", "twitter:description", "description"),
		Site: first("og:site_name"), Image: link(first("og:image", "og:image:url", "twitter:image")), Video: link(first("og:video", "og:video:url")),
	}
	p.ImageWidth, _ = strconv.Atoi(first("og:image:width"))
	p.ImageHeight, _ = strconv.Atoi(first("og:image:height"))
	switch {
	case p.Video != "":
		p.Type = "video"
	case p.Image != "":
		p.Type = "image"
	default:
		p.Type = "article"
	}
	return p
}

// maxRedirects bounds how often a page may send the reader elsewhere.
const maxRedirects = 3

// page fetches a page, following a few redirects, each checked like the first address.
func (c *caller) page(ctx context.Context, u *url.URL) (body []byte, final *url.URL, err error) {
	for range maxRedirects + 1 {
		rq, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err != nil {
			return nil, nil, err
		}
		rq.Header.Set("Accept", "text/html,application/xhtml+xml")
		rq.Header.Set("User-Agent", "dragoman-preview")
		status, header, b, err := c.get(rq)
		if err != nil {
			return nil, nil, err
		}
		switch {
		case status >= 300 && status < 400 && header.Get("Location") != "":
			next, err := u.Parse(header.Get("Location"))
			if err != nil {
				return nil, nil, err
			}
			if u, err = pageURL(next.String()); err != nil {
				return nil, nil, err
			}
		case status != http.StatusOK || !strings.Contains(header.Get("Content-Type"), "html"):
			return nil, nil, fmt.Errorf("status %d, %s", status, header.Get("Content-Type"))
		default:
			return b, u, nil
		}
	}
	return nil, nil, fmt.Errorf("more than %d redirects", maxRedirects)
}
