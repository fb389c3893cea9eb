package nexconn

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// asServer runs an operation of the server API in the person's name: what a client may do with its own
// friends and profile is what its app's server may do for it, with the same checks and the same numbers.
func (c *call) asServer(ctx context.Context, f family, serve handler, body func(*wire.Writer)) (gjson.Result, error) {
	w := wire.NewWriter(256)
	w.Open()
	body(w)
	w.Close()
	r, err := wire.Parse(w.Bytes())
	if err != nil {
		return gjson.Result{}, err
	}
	out, err := serve(ctx, server(c.by.App).As(c.by.User), &input{Reader: r, rq: &adapters.Request{}})
	if err != nil {
		return gjson.Result{}, f.say(err)
	}
	w.Reset()
	w.Open()
	if out != nil {
		out(w)
	}
	w.Close()
	return gjson.ParseBytes(w.Bytes()), nil
}

// pending takes a failure that only says "waiting for someone" as the outcome it is: its number goes
// into ChannelsOutput.processCode.
func pending(err error) (outcome, error) {
	code := int64(0)
	if fault.IsReason(err, fault.FriendRequestPending) || fault.IsReason(err, fault.GroupJoinPending) {
		code, err = int64(linkStatus(0, err)), nil
	}
	if err != nil {
		return outcome{}, err
	}
	return answered(func(p *pb) { p.int(4, code) })
}

func addFriend(ctx context.Context, c *call) (outcome, error) {
	var in friendInput
	if err := in.read(c.data); err != nil {
		return outcome{}, err
	}
	_, err := c.asServer(ctx, familyFriend, c.d.addFriend, func(w *wire.Writer) {
		w.Text("userId", string(c.by.User))
		w.Text("targetId", in.target)
		w.Int("action", 2)
		w.TextIf("extra", in.text)
	})
	return pending(err)
}

func removeFriends(ctx context.Context, c *call) (outcome, error) {
	ids, err := wireTexts(c.data)
	if err != nil {
		return outcome{}, err
	}
	_, err = c.asServer(ctx, familyFriend, c.d.removeFriends, func(w *wire.Writer) {
		w.Text("userId", string(c.by.User))
		w.Texts("targetIds", ids)
	})
	return outcome{}, err
}

// answerFriend accepts or refuses somebody who has asked.
func answerFriend(ctx context.Context, c *call) (outcome, error) {
	var in friendInput
	if err := in.read(c.data); err != nil {
		return outcome{}, err
	}
	_, err := c.d.core.Friends.Answer(ctx, c.by, core.AnswerFriend{Friend: core.UserID(in.target), Accept: in.kind == 1})
	return outcome{}, err
}

func setFriendProfile(ctx context.Context, c *call) (outcome, error) {
	var in friendInput
	if err := in.readProfile(c.data); err != nil {
		return outcome{}, err
	}
	_, err := c.asServer(ctx, familyFriend, c.d.setFriendProfile, func(w *wire.Writer) {
		w.Text("userId", string(c.by.User))
		w.Text("targetId", in.target)
		w.TextIf("alias", in.text)
		writeInfos(w, "friendExtProfile", in.ext)
	})
	return outcome{}, err
}

// writeInfos writes fields as an object, none when there are none.
func writeInfos(w *wire.Writer, name string, list []profileInfo) {
	if len(list) == 0 {
		return
	}
	w.Object(name)
	for _, i := range list {
		w.KeyOf(i.key)
		w.Value(quoted(i.value))
	}
	w.Close()
}

// Relations of two people, as FriendCheckOutput tells them.
const (
	relatedNot  = 0
	relatedBoth = 3
)

func checkFriends(ctx context.Context, c *call) (outcome, error) {
	ids, err := wireTexts(c.data)
	if err != nil {
		return outcome{}, err
	}
	all, err := c.d.allFriends(ctx, server(c.by.App), c.by.User)
	if err != nil {
		return outcome{}, err
	}
	return answered(func(p *pb) {
		for _, id := range ids {
			status := int64(relatedNot)
			if slices.ContainsFunc(all, func(f core.Friendship) bool { return string(f.Friend) == id }) {
				status = relatedBoth
			}
			p.msg(1, func(p *pb) {
				p.text(1, id)
				p.int(2, status)
			})
		}
	})
}

// infoOf is a friend as the wire tells them.
func infoOf(f *core.Friendship) friendInfo {
	out := friendInfo{id: string(f.Friend), remark: f.Remark, at: f.CreatedAt.UnixMilli()}
	if f.Profile != nil {
		out.name, out.image = f.Profile.Name, f.Profile.Image
	}
	gjson.GetBytes(f.Extra, extMember).ForEach(func(k, v gjson.Result) bool {
		out.ext = append(out.ext, profileInfo{k.Str, v.String()})
		return true
	})
	return out
}

// queryFriends answers a page of the person's friends, or of requests.
func queryFriends(ctx context.Context, c *call) (outcome, error) {
	kind, page := 0, wirePage{}
	err := scan(c.data, func(f *field) error {
		switch f.num {
		case 1:
			kind = f.int()
		case 2:
			return page.read(f.b)
		}
		return nil
	})
	if err != nil {
		return outcome{}, err
	}
	if kind == listAsked {
		return c.friendRequests(ctx, page)
	}
	all, err := c.d.allFriends(ctx, server(c.by.App), c.by.User)
	if err != nil {
		return outcome{}, err
	}
	part, next := cutWirePage(all, page)
	return listResult(listFriends, next, len(all), func(p *pb) {
		for i := range part {
			f := infoOf(&part[i])
			p.msg(1, f.write)
		}
	})
}

// cutWirePage cuts a page out of a list; the token is where the next one starts.
func cutWirePage[T any](all []T, page wirePage) (part []T, next string) {
	from, _ := strconv.Atoi(page.token)
	from = min(max(from, 0), len(all))
	to := min(from+min(max(page.size, 1), 100), len(all))
	if to < len(all) {
		next = strconv.Itoa(to)
	}
	return all[from:to], next
}

// friendRequests answers the requests the person has sent and got.
func (c *call) friendRequests(ctx context.Context, page wirePage) (outcome, error) {
	var all []core.Friendship
	for _, s := range []core.FriendStatus{core.FriendPending, core.FriendAsked} {
		list, err := c.d.core.Friends.List(ctx, c.by, core.ListFriends{Status: s, Page: core.Page{Limit: 100}})
		if err != nil {
			return outcome{}, err
		}
		all = append(all, list...)
	}
	part, next := cutWirePage(all, page)
	return listResult(listAsked, next, len(all), func(p *pb) {
		for i := range part {
			f := &part[i]
			who := int64(askedBySelf)
			if f.Status == core.FriendPending {
				who = askedByPeer
			}
			p.msg(1, func(p *pb) {
				p.text(1, string(f.Friend))
				if f.Profile != nil {
					p.text(2, f.Profile.Name)
					p.text(3, f.Profile.Image)
				}
				p.int(4, who)
				p.int(5, 0)
				p.int(6, f.UpdatedAt.UnixMilli())
				p.textIf(7, f.Text)
				p.int(8, friendBoth)
			})
		}
	})
}

func friendInfos(ctx context.Context, c *call) (outcome, error) {
	ids, err := wireTexts(c.data)
	if err != nil {
		return outcome{}, err
	}
	all, err := c.d.allFriends(ctx, server(c.by.App), c.by.User)
	if err != nil {
		return outcome{}, err
	}
	return answered(func(p *pb) {
		for i := range all {
			if f := infoOf(&all[i]); slices.Contains(ids, f.id) {
				p.msg(1, f.write)
			}
		}
	})
}

func setFriendPermission(ctx context.Context, c *call) (outcome, error) {
	level, err := oneNumber(c.data, 1)
	if err != nil {
		return outcome{}, err
	}
	_, err = c.asServer(ctx, familyFriend, c.d.setFriendPermission, func(w *wire.Writer) {
		w.Texts("userIds", []string{string(c.by.User)})
		w.Int64("permissionType", level)
	})
	return outcome{}, err
}

func getFriendPermission(ctx context.Context, c *call) (outcome, error) {
	u, err := c.d.person(ctx, server(c.by.App), c.by.User)
	if err != nil {
		return outcome{}, err
	}
	return answered(func(p *pb) { p.int(1, int64(friendPermission(u))) })
}

// writeUserProfile is UserProfile.
func writeUserProfile(p *pb, u *core.User) {
	p.int(1, gjson.GetBytes(u.Extra, versionMember).Int())
	p.text(2, string(u.ID))
	infos := []profileInfo{{"name", u.Name}, {"portraitUri", u.Image}}
	gjson.GetBytes(u.Extra, profileMember).ForEach(func(k, v gjson.Result) bool {
		if k.Str != "name" && !strings.HasPrefix(k.Str, "portrait") && k.Str != "avatarUrl" {
			infos = append(infos, profileInfo{k.Str, v.String()})
		}
		return true
	})
	for i := range infos {
		p.msg(3, infos[i].write)
	}
	gjson.GetBytes(u.Extra, extMember).ForEach(func(k, v gjson.Result) bool {
		p.msg(4, (&profileInfo{k.Str, v.String()}).write)
		return true
	})
}

func userProfiles(ctx context.Context, c *call) (outcome, error) {
	ids, err := wireTexts(c.data)
	if err != nil {
		return outcome{}, err
	}
	want := make([]core.UserID, 0, len(ids))
	for _, id := range ids[:min(len(ids), 100)] {
		want = append(want, core.UserID(id))
	}
	us, err := c.d.core.Users.Get(ctx, server(c.by.App), core.GetUsers{IDs: want})
	if err != nil {
		return outcome{}, err
	}
	return answered(func(p *pb) {
		for i := range us {
			p.msg(1, func(p *pb) { writeUserProfile(p, &us[i]) })
		}
	})
}

func ownProfile(ctx context.Context, c *call) (outcome, error) {
	u, err := c.d.person(ctx, server(c.by.App), c.by.User)
	if err != nil {
		return outcome{}, err
	}
	return answered(func(p *pb) { writeUserProfile(p, u) })
}

// setOwnProfile changes the person's profile.
func setOwnProfile(ctx context.Context, c *call) (outcome, error) {
	var basic, ext []profileInfo
	err := scan(c.data, func(f *field) error {
		switch f.num {
		case 3:
			return addMessage(&basic, f.b, (*profileInfo).read)
		case 4:
			return addMessage(&ext, f.b, (*profileInfo).read)
		}
		return nil
	})
	if err != nil {
		return outcome{}, err
	}
	_, err = c.asServer(ctx, familyProfile, c.d.setProfile, func(w *wire.Writer) {
		w.Text("userId", string(c.by.User))
		writeInfos(w, "userProfile", basic)
		writeInfos(w, "userExtProfile", ext)
	})
	if err != nil {
		return outcome{}, err
	}
	version := c.d.now().UnixMilli()
	return answered(func(p *pb) { p.int(1, version) })
}

// visibleMember is the member of a person's Extra that says who finds their profile.
const visibleMember = "profile_visibility"

func setProfileVisibility(ctx context.Context, c *call) (outcome, error) {
	v, err := oneNumber(c.data, 1)
	if err != nil {
		return outcome{}, err
	}
	return outcome{}, c.d.patchUser(ctx, server(c.by.App), c.by.User, func(u *core.User) {
		u.Extra = putMembers(u.Extra, map[string][]byte{visibleMember: []byte(strconv.FormatInt(v, 10))})
	})
}

func getProfileVisibility(ctx context.Context, c *call) (outcome, error) {
	u, err := c.d.person(ctx, server(c.by.App), c.by.User)
	if err != nil {
		return outcome{}, err
	}
	return answered(func(p *pb) { p.int(1, gjson.GetBytes(u.Extra, visibleMember).Int()) })
}

// invisible is the visibility of a profile that nobody finds.
const invisible = 1

// findProfile finds a person by the unique id of their profile.
func findProfile(ctx context.Context, c *call) (outcome, error) {
	ids, err := wireTexts(c.data)
	if err != nil || len(ids) == 0 {
		return outcome{}, errNeeds
	}
	us, err := c.d.core.Users.Query(ctx, server(c.by.App), core.QueryUsers{
		Filter: core.Cond("extra."+profileMember+".uniqueId", core.OpEq, core.Text(ids[0])), Page: core.Page{Limit: 1},
	})
	if err != nil {
		return outcome{}, err
	}
	if len(us) == 0 || gjson.GetBytes(us[0].Extra, visibleMember).Int() == invisible {
		return outcome{}, fault.UserNotFound.Error("No profile has this unique id.").With("managed_profile")
	}
	return answered(func(p *pb) { writeUserProfile(p, &us[0]) })
}
