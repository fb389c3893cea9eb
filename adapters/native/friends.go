package native

import (
	"context"

	"dragoman/core"
)

func (d *Dialect) friendRows() []row {
	friends := d.core.Friends
	outcome := func(outs []core.FriendOutcome, err error) error {
		if err == nil && len(outs) > 0 {
			err = outs[0].Err
		}
		return err
	}
	return []row{
		op("GET", "/v1/friends", "listFriends", "The caller's friends, by id.", func(ctx context.Context, c *call, in *struct {
			paging
			Status string `json:"status" in:"query" enum:"accepted,asked,pending" doc:"accepted when absent."`
			Search string `json:"search" in:"query" doc:"Part of a name or an id."`
			Online bool   `json:"online" in:"query" doc:"Only those who are online."`
		}) (Page[Friend], error) {
			return listed(&in.paging, 30, 100, func(p core.Page) ([]core.Friendship, error) {
				return friends.List(ctx, c.by, core.ListFriends{Status: core.FriendStatus(in.Status), Search: in.Search, Online: in.Online, Page: p})
			}, friendOf)
		}),
		op("PUT", "/v1/friends/:user", "addFriend", "Befriends a person: at once, or by a request that they have to accept.", func(ctx context.Context, c *call, in *struct {
			whose
			Ask  bool   `json:"ask" doc:"As a request. Asking somebody who has asked already accepts."`
			Text string `json:"text" max:"1024" doc:"Told along with the request."`
		}) (none, error) {
			return none{}, outcome(friends.Add(ctx, c.by, core.AddFriends{Friends: []core.UserID{in.User}, Ask: in.Ask, Text: in.Text}))
		}),
		op("PATCH", "/v1/friends/:user", "changeFriend", "Changes what the caller keeps about a friend.", func(ctx context.Context, c *call, in *struct {
			whose
			Remark *string    `json:"remark" max:"255"`
			Extra  core.Extra `json:"extra" doc:"Members are replaced one by one, null removes."`
		}) (Friend, error) {
			f, err := friends.Patch(ctx, c.by, core.PatchFriend{Friend: in.User, Change: func(f *core.Friendship) (err error) {
				set(&f.Remark, in.Remark)
				f.Extra, err = merged(f.Extra, in.Extra)
				return err
			}})
			return friendOf(&f), err
		}),
		op("POST", "/v1/friends/:user/accept", "acceptFriend", "Accepts a request.", d.answerFriend(true)),
		op("POST", "/v1/friends/:user/refuse", "refuseFriend", "Refuses a request.", d.answerFriend(false)),
		op("DELETE", "/v1/friends/:user", "removeFriend", "Ends a friendship, or takes a request back.", func(ctx context.Context, c *call, in *whose) (none, error) {
			return none{}, outcome(friends.Remove(ctx, c.by, core.RemoveFriends{Friends: []core.UserID{in.User}}))
		}),
	}
}

func (d *Dialect) answerFriend(accept bool) func(context.Context, *call, *whose) (none, error) {
	return func(ctx context.Context, c *call, in *whose) (none, error) {
		_, err := d.core.Friends.Answer(ctx, c.by, core.AnswerFriend{Friend: in.User, Accept: accept})
		return none{}, err
	}
}
