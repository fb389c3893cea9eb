package stream

import (
	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
)

// previewRoutes describe the pages that messages link to.
func (d *Dialect) previewRoutes() []adapters.Route {
	return []adapters.Route{
		op(d, "GET", "/og", "GetOG", decodePreview, d.core.Previews.Get, writePreview),
	}
}

func decodePreview(rq *adapters.Request) (core.GetPreview, error) {
	return core.GetPreview{URL: rq.Query.Get("url")}, nil
}

// writePreview writes a page as the attachment that a client makes of it.
func writePreview(w *wire.Writer, _ *adapters.Request, p core.Preview) {
	w.Text("og_scrape_url", p.URL)
	w.Text("title_link", p.URL)
	w.Text("type", p.Type)
	for _, m := range []struct{ name, value string }{
		{"title", p.Title}, {"text", p.Text}, {"author_name", p.Site}, {"image_url", p.Image}, {"thumb_url", p.Image}, {"asset_url", p.Video},
	} {
		if m.value != "" {
			w.Text(m.name, m.value)
		}
	}
	if p.ImageWidth > 0 && p.ImageHeight > 0 {
		w.Int("original_width", p.ImageWidth)
		w.Int("original_height", p.ImageHeight)
	}
}
