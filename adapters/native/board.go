package native

import (
	"context"
	"time"

	"dragoman/core"
)

// SharedFile is a file that a channel keeps for its members.
type SharedFile struct {
	ID        string      `json:"id" doc:"Of an upload, or any other name."`
	Name      string      `json:"name"`
	Size      int64       `json:"size"`
	Owner     core.UserID `json:"owner,omitempty" doc:"Who shared it."`
	Extra     core.Extra  `json:"extra,omitempty"`
	CreatedAt time.Time   `json:"created_at"`
}

func sharedOf(f *core.SharedFile) SharedFile {
	return SharedFile{f.ID, f.Name, f.Size, f.Owner, f.Extra, f.CreatedAt}
}

// sharedName names a shared file in the path.
type sharedName struct {
	where
	File string `json:"file" in:"path"`
}

func (d *Dialect) boardRows() []row {
	x := d.core.Board
	return []row{
		op("PUT", "/v1/channels/:channel/announcement", "announce", "Puts a text in everybody's view, as rules.announcement of the channel; moderators and above.", func(ctx context.Context, c *call, in *struct {
			where
			Text string `json:"text" need:"true" max:"4096"`
		}) (Channel, error) {
			v, err := x.Announce(ctx, c.by, core.Announce{Key: in.Channel, Text: in.Text})
			return channelOf(&v), err
		}),
		op("DELETE", "/v1/channels/:channel/announcement", "unannounce", "Takes it down.", func(ctx context.Context, c *call, in *where) (Channel, error) {
			v, err := x.Announce(ctx, c.by, core.Announce{Key: in.Channel})
			return channelOf(&v), err
		}),
		op("GET", "/v1/channels/:channel/files", "listShared", "The files a channel keeps for its members, newest first.", func(ctx context.Context, c *call, in *struct {
			where
			paging
		}) (Page[SharedFile], error) {
			return listed(&in.paging, 100, 300, func(p core.Page) ([]core.SharedFile, error) {
				return x.Shared(ctx, c.by, core.ListShared{Key: in.Channel, Page: p})
			}, sharedOf)
		}),
		op("PUT", "/v1/channels/:channel/files/:file", "shareFile", "Puts a file on that list; members.", func(ctx context.Context, c *call, in *struct {
			sharedName
			Name  string     `json:"name" need:"true" max:"255"`
			Size  int64      `json:"size"`
			Extra core.Extra `json:"extra"`
		}) (SharedFile, error) {
			v, err := x.Share(ctx, c.by, core.ShareFile{Key: in.Channel, File: core.SharedFile{ID: in.File, Name: in.Name, Size: in.Size, Extra: in.Extra}})
			return sharedOf(&v), err
		}),
		act("DELETE", "/v1/channels/:channel/files/:file", "unshareFile", "Takes a file off that list: who shared it, moderators and above.", func(ctx context.Context, c *call, in *sharedName) error {
			_, err := x.Unshare(ctx, c.by, core.UnshareFile{Key: in.Channel, ID: in.File})
			return err
		}),
	}
}
