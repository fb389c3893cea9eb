package native

import (
	"context"

	"dragoman/core"
)

// Hit is one message found, and its channel.
type Hit struct {
	Message Message `json:"message"`
	Channel Channel `json:"channel"`
}

func (d *Dialect) searchRows() []row {
	return []row{
		op("GET", "/v1/search", "searchMessages", "Finds messages by their words in the caller's channels; the index follows within a second.", d.search),
		op("GET", "/v1/preview", "getPreview", "What a web page says of itself.", func(ctx context.Context, c *call, in *struct {
			URL string `json:"url" in:"query" need:"true" max:"2048"`
		}) (Preview, error) {
			p, err := d.core.Previews.Get(ctx, c.by, core.GetPreview{URL: in.URL})
			return Preview{URL: p.URL, Title: p.Title, Text: p.Text, Site: p.Site, Image: p.Image, Video: p.Video, Type: p.Type}, err
		}),
	}
}

// Preview is a page's own description.
type Preview struct {
	URL   string `json:"url"`
	Title string `json:"title,omitempty"`
	Text  string `json:"text,omitempty"`
	Site  string `json:"site,omitempty"`
	Image string `json:"image,omitempty"`
	Video string `json:"video,omitempty"`
	Type  string `json:"type,omitempty"`
}

func (d *Dialect) search(ctx context.Context, c *call, in *struct {
	paging
	Q       string          `json:"q" in:"query" need:"true" doc:"Words that must all occur; the last may be a beginning."`
	Channel core.ChannelKey `json:"channel" in:"query"`
	User    core.UserID     `json:"user" in:"query" doc:"Only messages of this author."`
}) (Page[Hit], error) {
	cmd := core.SearchMessages{Query: in.Q, Page: in.cursor(30, 100)}
	if in.Channel != "" {
		cmd.ChannelFilter = core.Cond("key", core.OpEq, core.Text(string(in.Channel)))
	}
	if c.by.User != "" {
		cmd.ChannelFilter = core.And(cmd.ChannelFilter, core.Cond("joined", core.OpEq, core.Bool(true)))
	}
	if in.User != "" {
		cmd.Filter, cmd.Query = core.And(core.Cond("text", core.OpSearch, core.Text(in.Q)), core.Cond("user", core.OpEq, core.Text(string(in.User)))), ""
	}
	found, err := d.core.Messages.Search(ctx, c.by, cmd)
	return Page[Hit]{list(found.Hits, func(h *core.Hit) Hit { return Hit{messageOf(&h.Message), channelOf(&h.Channel)} }), found.Next}, err
}
