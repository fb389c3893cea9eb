package native

import (
	"context"

	"dragoman/core"
)

type callName struct {
	Call string `json:"call" in:"path"`
}

func (d *Dialect) callRows() []row {
	calls := d.core.Calls
	return []row{
		op("GET", "/v1/calls", "listCalls", "The caller's calls, newest first.", func(ctx context.Context, c *call, in *paging) (Page[Call], error) {
			return listed(in, 30, 100, func(p core.Page) ([]core.Call, error) { return calls.List(ctx, c.by, core.ListCalls{Page: p}) }, callOf)
		}),
		op("POST", "/v1/channels/:channel/calls", "startCall", "Rings the people of a channel. Signalling only: the media take another way.", func(ctx context.Context, c *call, in *struct {
			where
			Kind  string     `json:"kind" enum:"audio,video" doc:"audio when absent."`
			ID    string     `json:"id" doc:"Made up when absent."`
			Extra core.Extra `json:"extra"`
		}) (Call, error) {
			v, err := calls.Start(ctx, c.by, core.StartCall{Key: in.Channel, Kind: orElse(in.Kind, "audio"), Session: in.ID, Extra: in.Extra})
			c.created(true)
			return callOf(&v.Call), err
		}).fresh(),
		op("GET", "/v1/calls/:call", "getCall", "Reads a call.", func(ctx context.Context, c *call, in *callName) (Call, error) {
			v, err := calls.Get(ctx, c.by, core.GetCall{Session: in.Call})
			return callOf(&v), err
		}),
		op("PATCH", "/v1/calls/:call", "moveCall", "Takes a call to another status: ongoing to join, ended to leave.", func(ctx context.Context, c *call, in *struct {
			callName
			Status core.CallStatus `json:"status" need:"true" enum:"ongoing,rejected,busy,cancelled,unanswered,ended"`
		}) (Call, error) {
			v, err := calls.Move(ctx, c.by, core.MoveCall{Session: in.Call, Status: in.Status, JoinedAt: d.now()})
			return callOf(&v.Call), err
		}),
	}
}
