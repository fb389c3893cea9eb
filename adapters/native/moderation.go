package native

import (
	"context"

	"dragoman/core"
)

type setBan struct {
	Reason    string `json:"reason"`
	ExpiresIn int    `json:"expires_in" max:"315360000" doc:"Seconds; without end when absent."`
	Shadow    bool   `json:"shadow" doc:"They may write, and only they see it."`
	Messages  string `json:"messages" enum:"delete,purge" doc:"Delete their messages, too: with tombstones, or for good."`
}

// command is the ban as the core takes it.
func (b *setBan) command(user core.UserID, key core.ChannelKey) core.SetBan {
	out := core.SetBan{User: user, Key: key, Shadow: b.Shadow, For: seconds(b.ExpiresIn), Reason: b.Reason}
	switch b.Messages {
	case "delete":
		out.Messages = core.DeleteSoft
	case "purge":
		out.Messages = core.DeleteHard
	}
	return out
}

type listBans struct {
	paging
	User core.UserID `json:"user" in:"query"`
}

func (d *Dialect) moderationRows() []row {
	mod := d.core.Moderation
	ban := func(ctx context.Context, c *call, cmd core.SetBan) (Ban, error) {
		b, err := mod.Ban(ctx, c.by, cmd)
		return banOf(&b), err
	}
	bans := func(ctx context.Context, c *call, in *listBans, key core.ChannelKey) (Page[Ban], error) {
		f := core.Filter{}
		if key != "" {
			f = core.Cond("key", core.OpEq, core.Text(string(key)))
		}
		if in.User != "" {
			f = core.And(f, core.Cond("user", core.OpEq, core.Text(string(in.User))))
		}
		return listed(&in.paging, 100, 300, func(p core.Page) ([]core.Ban, error) {
			return mod.Bans(ctx, c.by, core.QueryBans{Filter: f, Page: p})
		}, banOf)
	}
	return []row{
		op("GET", "/v1/bans", "listBans", "Bans of the app and of its channels.", func(ctx context.Context, c *call, in *listBans) (Page[Ban], error) {
			return bans(ctx, c, in, "")
		}),
		op("PUT", "/v1/bans/:user", "banUser", "Bans a person from the whole app.", func(ctx context.Context, c *call, in *struct {
			whose
			setBan
		}) (Ban, error) {
			return ban(ctx, c, in.command(in.User, ""))
		}),
		op("DELETE", "/v1/bans/:user", "unbanUser", "Lifts the ban from the app.", func(ctx context.Context, c *call, in *whose) (none, error) {
			_, err := ban(ctx, c, core.SetBan{User: in.User, Lift: true})
			return none{}, err
		}),
		op("GET", "/v1/channels/:channel/bans", "listChannelBans", "Bans from a channel.", func(ctx context.Context, c *call, in *struct {
			where
			listBans
			Search string `json:"search" in:"query" doc:"Part of a name or an id; the answer is sorted by id then."`
		}) (Page[Ban], error) {
			if in.Search != "" {
				return listed(&in.paging, 100, 100, func(p core.Page) ([]core.Ban, error) {
					return d.core.Groups.Banned(ctx, c.by, core.ListBanned{Key: in.Channel, Search: in.Search, Page: p})
				}, banOf)
			}
			return bans(ctx, c, &in.listBans, in.Channel)
		}),
		op("PUT", "/v1/channels/:channel/bans/:user", "banMember", "Bans a person from a channel: they stay a member and may not write, or with expel are out; moderators and above.", func(ctx context.Context, c *call, in *struct {
			who
			setBan
			Expel bool `json:"expel" doc:"End their membership, and keep them from joining."`
		}) (Ban, error) {
			if in.Expel {
				cmd := core.BanMember{Key: in.Channel, User: in.User, For: seconds(in.ExpiresIn), Reason: in.Reason}
				if _, err := d.core.Groups.Ban(ctx, c.by, cmd); err != nil {
					return Ban{}, err
				}
				bs, err := mod.Bans(ctx, c.by, core.QueryBans{Filter: core.And(
					core.Cond("key", core.OpEq, core.Text(string(in.Channel))), core.Cond("user", core.OpEq, core.Text(string(in.User)))), Page: core.Page{Limit: 1}})
				if err != nil || len(bs) == 0 {
					return Ban{}, err
				}
				return banOf(&bs[0]), nil
			}
			return ban(ctx, c, in.command(in.User, in.Channel))
		}),
		op("DELETE", "/v1/channels/:channel/bans/:user", "unbanMember", "Lifts the ban from a channel.", func(ctx context.Context, c *call, in *who) (none, error) {
			_, err := ban(ctx, c, core.SetBan{User: in.User, Key: in.Channel, Lift: true})
			return none{}, err
		}),
		op("GET", "/v1/mutes", "listMutes", "The people the caller has muted.", func(ctx context.Context, c *call, _ *none) (Page[Mute], error) {
			if c.by.User == "" {
				return Page[Mute]{}, errNeedUser
			}
			s, err := d.core.Live.Self(ctx, c.by, core.GetSelf{})
			return Page[Mute]{Items: list(s.Mutes, muteOf)}, err
		}),
		op("PUT", "/v1/mutes/:user", "muteUser", "Silences a person for the caller.", func(ctx context.Context, c *call, in *struct {
			whose
			ExpiresIn int `json:"expires_in" max:"315360000" doc:"Seconds; without end when absent."`
		}) (none, error) {
			_, err := mod.Mute(ctx, c.by, core.MuteUsers{Users: []core.UserID{in.User}, For: seconds(in.ExpiresIn)})
			return none{}, err
		}),
		op("DELETE", "/v1/mutes/:user", "unmuteUser", "Ends the silence.", func(ctx context.Context, c *call, in *whose) (none, error) {
			_, err := mod.Mute(ctx, c.by, core.MuteUsers{Users: []core.UserID{in.User}, Unmute: true})
			return none{}, err
		}),
		op("GET", "/v1/blocks", "listBlocks", "The people the caller has blocked.", func(ctx context.Context, c *call, _ *none) (Page[Block], error) {
			bs, err := mod.Blocks(ctx, c.by, core.ListBlocks{})
			return Page[Block]{Items: list(bs, blockOf)}, err
		}),
		op("PUT", "/v1/blocks/:user", "blockUser", "Ends direct conversation with a person, both ways.", func(ctx context.Context, c *call, in *whose) (Block, error) {
			b, err := mod.Block(ctx, c.by, core.BlockUser{User: in.User})
			return blockOf(&b), err
		}),
		op("DELETE", "/v1/blocks/:user", "unblockUser", "Lifts the block.", func(ctx context.Context, c *call, in *whose) (none, error) {
			_, err := mod.Block(ctx, c.by, core.BlockUser{User: in.User, Unblock: true})
			return none{}, err
		}),
		op("GET", "/v1/flags", "listFlags", "Reports, newest first; for moderators and servers.", func(ctx context.Context, c *call, in *struct {
			paging
			Channel  core.ChannelKey `json:"channel" in:"query"`
			Reviewed bool            `json:"reviewed" in:"query"`
		}) (Page[Flag], error) {
			f := core.Cond("reviewed", core.OpEq, core.Bool(in.Reviewed))
			if in.Channel != "" {
				f = core.And(f, core.Cond("key", core.OpEq, core.Text(string(in.Channel))))
			}
			return listed(&in.paging, 100, 300, func(p core.Page) ([]core.Flag, error) {
				return mod.Flags(ctx, c.by, core.QueryFlags{Filter: f, Page: p})
			}, flagOf)
		}),
		op("POST", "/v1/flags", "flag", "Reports a message or a person to the moderators.", func(ctx context.Context, c *call, in *flagBody) (Flag, error) {
			f, err := mod.Flag(ctx, c.by, core.FlagContent{Message: in.Message, User: in.User, Reason: in.Reason, Extra: in.Extra})
			c.created(true)
			return flagOf(&f), err
		}).fresh(),
		op("POST", "/v1/flags/withdraw", "unflag", "Takes the caller's report back.", func(ctx context.Context, c *call, in *flagBody) (none, error) {
			_, err := mod.Flag(ctx, c.by, core.FlagContent{Message: in.Message, User: in.User, Unflag: true})
			return none{}, err
		}),
		op("GET", "/v1/wordlists", "listWordlists", "The app's lists of words.", func(ctx context.Context, c *call, _ *none) (Page[Wordlist], error) {
			bs, err := d.core.Blocklists.List(ctx, c.by, core.ListBlocklists{})
			return Page[Wordlist]{Items: list(bs, wordlistOf)}, err
		}).server(),
		op("PUT", "/v1/wordlists/:name", "putWordlist", "Creates or replaces a list of words.", d.putWordlist).server().fresh(),
		op("DELETE", "/v1/wordlists/:name", "deleteWordlist", "Removes a list of words.", func(ctx context.Context, c *call, in *listName) (none, error) {
			_, err := d.core.Blocklists.Delete(ctx, c.by, core.DeleteBlocklist{Name: in.Name})
			return none{}, err
		}).server(),
	}
}

type flagBody struct {
	Message string      `json:"message" doc:"Either this"`
	User    core.UserID `json:"user" doc:"or this."`
	Reason  string      `json:"reason"`
	Extra   core.Extra  `json:"extra"`
}

type listName struct {
	Name string `json:"name" in:"path"`
}

func (d *Dialect) putWordlist(ctx context.Context, c *call, in *struct {
	listName
	Words []string `json:"words" need:"true" max:"10000" doc:"Lower case, at most 40 bytes each."`
}) (Wordlist, error) {
	cmd := core.PutBlocklist{List: core.Blocklist{Name: in.Name, Words: in.Words}}
	_, err := d.core.Blocklists.Get(ctx, c.by, core.GetBlocklist{Name: in.Name})
	cmd.Create = err != nil
	b, err := d.core.Blocklists.Put(ctx, c.by, cmd)
	c.created(cmd.Create)
	return wordlistOf(&b), err
}
