package native

import (
	"context"

	"dragoman/core"
)

func (d *Dialect) reactionRows() []row {
	return []row{
		op("GET", "/v1/messages/:message/reactions", "listReactions", "The reactions to a message, newest first.", func(ctx context.Context, c *call, in *struct {
			which
			paging
			Type string `json:"type" in:"query"`
		}) (Page[Reaction], error) {
			var f core.Filter
			if in.Type != "" {
				f = core.Cond("type", core.OpEq, core.Text(in.Type))
			}
			p, err := d.core.Reactions.List(ctx, c.by, core.ListReactions{Message: in.Message, Filter: f, Page: in.cursor(25, 300)})
			return Page[Reaction]{list(p.Reactions, reactionOf), p.Next}, err
		}),
		op("PUT", "/v1/messages/:message/reactions/:type", "react", "Sets the caller's reaction of one type.", func(ctx context.Context, c *call, in *struct {
			which
			Type   string     `json:"type" in:"path"`
			Score  int        `json:"score" min:"1" max:"1000000" doc:"Claps: how often; 1 when absent."`
			Unique bool       `json:"unique" doc:"Take the caller's other reactions back first."`
			Extra  core.Extra `json:"extra"`
		}) (Message, error) {
			r, err := d.core.Reactions.Add(ctx, c.by, core.AddReaction{Message: in.Message, Type: in.Type, Score: in.Score, Unique: in.Unique, Extra: in.Extra})
			return messageOf(&r.Message), err
		}),
		op("DELETE", "/v1/messages/:message/reactions/:type", "unreact", "Takes the caller's reaction back.", func(ctx context.Context, c *call, in *struct {
			which
			Type string `json:"type" in:"path"`
		}) (Message, error) {
			r, err := d.core.Reactions.Remove(ctx, c.by, core.RemoveReaction{Message: in.Message, Type: in.Type})
			return messageOf(&r.Message), err
		}),
	}
}
