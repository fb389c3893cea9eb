package native

import (
	"context"
	"crypto/rand"
	"maps"
	"strings"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

// where names a channel in the path.
type where struct {
	Channel core.ChannelKey `json:"channel" in:"path"`
}

// direct reports whether the channel is the conversation of its people, which nobody manages.
func (w where) direct() bool {
	_, id := w.Channel.Split()
	return strings.HasPrefix(id, "!members-")
}

// newMember names a person to add.
type newMember struct {
	User core.UserID `json:"user" need:"true" max:"255"`
	Role string      `json:"role" enum:"admin,moderator,member"`
}

type newChannel struct {
	ID        string      `json:"id" max:"200" doc:"Chosen by the client; made up when absent."`
	Type      string      `json:"type" doc:"Channel type; messaging when absent, livestream for a room."`
	Name      string      `json:"name"`
	Image     string      `json:"image"`
	Admission string      `json:"admission" enum:"anyone,password,invited"`
	Password  string      `json:"password" max:"100"`
	Owner     core.UserID `json:"owner" doc:"Servers only; the caller otherwise."`
	Tags      []string    `json:"tags"`
	Extra     core.Extra  `json:"extra"`
	Members   []newMember `json:"members" max:"100"`
	Rules     changeRules `json:"rules"`
}

type newDirect struct {
	Users []core.UserID `json:"users" need:"true" max:"100" doc:"The other people; the caller is one of them."`
}

type changeChannel struct {
	where
	Name      *string      `json:"name"`
	Image     *string      `json:"image"`
	Admission string       `json:"admission" enum:"anyone,password,invited"`
	Password  string       `json:"password" max:"100"`
	Tags      *[]string    `json:"tags"`
	Extra     core.Extra   `json:"extra" doc:"Members are replaced one by one, null removes."`
	Frozen    *bool        `json:"frozen" doc:"Nobody but moderators may write."`
	Disabled  *bool        `json:"disabled" doc:"Servers only."`
	Cooldown  *int         `json:"cooldown" max:"120" doc:"Slow mode, in seconds."`
	Rules     *changeRules `json:"rules"`
}

type getChannel struct {
	where
	Messages int `json:"messages" in:"query" max:"300" doc:"How many of the newest messages to answer."`
	Members  int `json:"members" in:"query" max:"100" doc:"How many members to answer."`
}

type listChannels struct {
	paging
	IDs      []core.ChannelKey `json:"ids" in:"query" doc:"Only these."`
	Kind     string            `json:"kind" in:"query" enum:"direct,group,room,community,system"`
	Type     string            `json:"type" in:"query"`
	Hidden   bool              `json:"hidden" in:"query" doc:"Those the caller has hidden, instead of the others."`
	Unread   bool              `json:"unread" in:"query" doc:"Only those with unread messages."`
	Messages int               `json:"messages" in:"query" max:"300" doc:"How many of the newest messages to answer with each."`
	Members  int               `json:"members" in:"query" max:"100" doc:"How many members to answer with each."`
}

type discover struct {
	paging
	Search string   `json:"search" in:"query" doc:"Part of a name or an id."`
	Tags   []string `json:"tags" in:"query" doc:"Channels with any of them."`
}

type truncate struct {
	where
	Hard   bool      `json:"hard" doc:"Remove the messages for good; servers only."`
	Before time.Time `json:"before" doc:"Only messages up to then."`
}

type spell struct {
	where
	ExpiresIn int `json:"expires_in" max:"315360000" doc:"Seconds; without end when absent."`
}

func (d *Dialect) channelRows() []row {
	return []row{
		op("GET", "/v1/channels", "listChannels", "The caller's channels, latest message first; all of them for a server acting for nobody.", d.listChannels),
		op("POST", "/v1/channels", "createChannel", "Makes a channel; its owner is the caller.", d.createChannel).fresh(),
		op("POST", "/v1/directs", "openDirect", "Opens the conversation of a set of people, made when first asked for.", d.openDirect).fresh(),
		op("GET", "/v1/discover", "discoverChannels", "Channels that may be joined: open ones, those with a password, and the caller's own.", d.discover),
		op("GET", "/v1/channels/:channel", "getChannel", "Reads a channel with what a client shows first.", d.getChannel),
		op("PATCH", "/v1/channels/:channel", "changeChannel", "Changes a channel; moderators and above.", d.changeChannel),
		op("DELETE", "/v1/channels/:channel", "deleteChannel", "Removes a channel for everybody; admins and above.", d.deleteChannel),
		op("POST", "/v1/channels/:channel/truncate", "truncateChannel", "Removes the messages of a channel.", d.truncate),
		op("PUT", "/v1/channels/:channel/hidden", "hideChannel", "Takes a channel off the caller's list until its next message.", func(ctx context.Context, c *call, in *struct {
			where
			Clear bool `json:"clear_history" doc:"Its history is gone for the caller."`
		}) (none, error) {
			_, err := d.core.Channels.Hide(ctx, c.by, core.HideChannel{Key: in.Channel, ClearHistory: in.Clear})
			return none{}, err
		}),
		op("DELETE", "/v1/channels/:channel/hidden", "showChannel", "Puts a channel back on the caller's list.", func(ctx context.Context, c *call, in *where) (none, error) {
			_, err := d.core.Channels.Hide(ctx, c.by, core.HideChannel{Key: in.Channel, Show: true})
			return none{}, err
		}),
		op("PUT", "/v1/channels/:channel/mute", "muteChannel", "Silences a channel for the caller: it counts as read.", func(ctx context.Context, c *call, in *spell) (ChannelMute, error) {
			ms, err := d.core.Channels.Mute(ctx, c.by, core.MuteChannels{Keys: []core.ChannelKey{in.Channel}, For: seconds(in.ExpiresIn)})
			if err != nil || len(ms) == 0 {
				return ChannelMute{}, err
			}
			return channelMuteOf(&ms[0]), nil
		}),
		op("DELETE", "/v1/channels/:channel/mute", "unmuteChannel", "Ends the silence.", func(ctx context.Context, c *call, in *where) (none, error) {
			_, err := d.core.Channels.Mute(ctx, c.by, core.MuteChannels{Keys: []core.ChannelKey{in.Channel}, Unmute: true})
			return none{}, err
		}),
		op("POST", "/v1/channels/:channel/typing", "type", "Tells the channel that the caller types, or has stopped.", d.typing),
		op("POST", "/v1/channels/:channel/events", "sendEvent", "Tells the channel something of the app's own; it is told once and forgotten.", d.sendEvent),
	}
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

func (d *Dialect) createChannel(ctx context.Context, c *call, in *newChannel) (ChannelState, error) {
	if in.ID == "" {
		in.ID = strings.ToLower(rand.Text())
	}
	cmd := core.CreateGroup{
		Key: core.KeyOf(orElse(in.Type, core.DefaultType), in.ID), Admission: core.Admission(in.Admission), Password: in.Password, Owner: in.Owner,
		Name: in.Name, Image: in.Image, Tags: in.Tags, Extra: in.Extra,
	}
	for _, m := range in.Members {
		cmd.Members = append(cmd.Members, core.GroupMember{User: m.User, Role: m.Role})
	}
	if err := in.Rules.apply(&cmd.Rules); err != nil {
		return ChannelState{}, err
	}
	if strings.Contains(in.ID, ":") {
		return ChannelState{}, fault.GroupInvalidID.Error("An id has no colon: the part before it would be a channel type.")
	}
	if _, err := d.core.Groups.Create(ctx, c.by, cmd); err != nil {
		return ChannelState{}, err
	}
	c.created(true)
	return d.getChannel(ctx, c, &getChannel{where: where{cmd.Key}, Members: 100})
}

func (d *Dialect) openDirect(ctx context.Context, c *call, in *newDirect) (ChannelState, error) {
	cmd := core.OpenChannel{Type: core.DefaultType, State: core.StateWanted{State: true, Messages: core.MessagePage{Limit: 25}}}
	for _, u := range in.Users {
		cmd.Input.Members = append(cmd.Input.Members, core.MemberInput{User: u})
	}
	if c.by.User != "" {
		cmd.Input.Members = append(cmd.Input.Members, core.MemberInput{User: c.by.User})
	} else if len(in.Users) > 0 {
		cmd.Input.CreatedBy = in.Users[0]
	}
	st, err := d.core.Channels.Open(ctx, c.by, cmd)
	c.created(st.Created)
	return stateOf(&st), err
}

// getChannel reads a channel. Whoever may join sees it from outside: the channel alone.
func (d *Dialect) getChannel(ctx context.Context, c *call, in *getChannel) (ChannelState, error) {
	typ, id := in.Channel.Split()
	st, err := d.core.Channels.Open(ctx, c.by, core.OpenChannel{Type: typ, ID: id, MustExist: true, State: wanted(in.Messages, in.Members)})
	if fault.IsReason(err, fault.PermissionDenied) && !in.direct() {
		g, gerr := d.core.Groups.Get(ctx, c.by, core.GetGroup{Key: in.Channel})
		if gerr == nil && g.Channel.Admits() != core.AdmitInvited && !g.Banned {
			return ChannelState{Channel: channelOf(&g.Channel)}, nil
		}
	}
	if err != nil {
		return ChannelState{}, err
	}
	return trim(stateOf(&st), in.Messages, in.Members), nil
}

// wanted asks for a state.
func wanted(messages, members int) core.StateWanted {
	return core.StateWanted{State: true, Messages: core.MessagePage{Limit: max(messages, 1)}, MemberLimit: max(members, 1)}
}

// trim leaves out what was not asked for.
func trim(s ChannelState, messages, members int) ChannelState {
	if messages == 0 {
		s.Messages = nil
	}
	if members == 0 {
		s.Members = nil
	}
	return s
}

func (d *Dialect) listChannels(ctx context.Context, c *call, in *listChannels) (Page[ChannelState], error) {
	var fs []core.Filter
	if len(in.IDs) > 0 {
		fs = append(fs, core.Cond("key", core.OpIn, core.Texts(in.IDs)))
	}
	if c.by.User != "" {
		fs = append(fs, core.Cond("joined", core.OpEq, core.Bool(true)), core.Cond("hidden", core.OpEq, core.Bool(in.Hidden)))
	}
	for kind, name := range kindNames {
		if in.Kind == name {
			fs = append(fs, core.Cond("kind", core.OpEq, core.Number(float64(kind))))
		}
	}
	if in.Type != "" {
		fs = append(fs, core.Cond("type", core.OpEq, core.Text(in.Type)))
	}
	if in.Unread {
		fs = append(fs, core.Cond("has_unread", core.OpEq, core.Bool(true)))
	}
	return listed(&in.paging, 10, 30, func(p core.Page) ([]core.ChannelState, error) {
		return d.core.Channels.Query(ctx, c.by, core.QueryChannels{
			Filter: core.And(fs...), Page: p, State: wanted(in.Messages, in.Members), Sort: []core.Sort{{Field: "last_updated", Desc: true}},
		})
	}, func(s *core.ChannelState) ChannelState { return trim(stateOf(s), in.Messages, in.Members) })
}

func (d *Dialect) discover(ctx context.Context, c *call, in *discover) (Page[Channel], error) {
	any := core.Filter{Op: core.OpOr}
	for _, t := range in.Tags {
		any.Sub = append(any.Sub, core.Cond("tags", core.OpContains, core.Text(t)))
	}
	if len(any.Sub) == 0 {
		any = core.Filter{}
	}
	return listed(&in.paging, 30, 100, func(p core.Page) ([]core.GroupView, error) {
		page, err := d.core.Groups.Query(ctx, c.by, core.QueryGroups{Filter: any, Search: in.Search, Page: p})
		return page.Groups, err
	}, func(v *core.GroupView) Channel { return channelOf(&v.Channel) })
}

func (d *Dialect) changeChannel(ctx context.Context, c *call, in *changeChannel) (ChannelState, error) {
	about := func(ch *core.Channel) (err error) {
		set(&ch.Name, in.Name)
		set(&ch.Image, in.Image)
		set(&ch.Tags, in.Tags)
		ch.Extra, err = merged(ch.Extra, in.Extra)
		return err
	}
	state := func(ch *core.Channel) error {
		set(&ch.Frozen, in.Frozen)
		set(&ch.Disabled, in.Disabled)
		set(&ch.Cooldown, in.Cooldown)
		return nil
	}
	if in.direct() && in.Rules != nil {
		return ChannelState{}, fault.RequestInvalidField.Error("The conversation of a set of people has no rules.")
	}
	if in.direct() {
		plain := state
		state = func(ch *core.Channel) error {
			if err := about(ch); err != nil {
				return err
			}
			return plain(ch)
		}
	} else if in.Name != nil || in.Image != nil || in.Tags != nil || in.Extra != nil || in.Admission != "" || in.Password != "" || in.Rules != nil {
		cmd := core.UpdateGroup{Key: in.Channel, Admission: core.Admission(in.Admission), Password: in.Password, Change: about}
		if in.Rules != nil {
			cmd.Rules = in.Rules.apply
		}
		if _, err := d.core.Groups.Update(ctx, c.by, cmd); err != nil {
			return ChannelState{}, err
		}
	}
	if in.direct() || in.Frozen != nil || in.Disabled != nil || in.Cooldown != nil {
		if in.Disabled != nil && !c.by.Server() {
			return ChannelState{}, fault.PermissionDenied.Error("Only a server disables a channel.")
		}
		if _, err := d.core.Channels.Update(ctx, c.by, core.UpdateChannel{Key: in.Channel, Change: state}); err != nil {
			return ChannelState{}, err
		}
	}
	return d.getChannel(ctx, c, &getChannel{where: in.where})
}

func (d *Dialect) deleteChannel(ctx context.Context, c *call, in *struct {
	where
	Hard bool `json:"hard" in:"query" doc:"Remove it for good; servers only. Otherwise its id may be used again."`
}) (none, error) {
	if in.Hard || in.direct() {
		_, err := d.core.Channels.Delete(ctx, c.by, core.DeleteChannels{Keys: []core.ChannelKey{in.Channel}, Hard: in.Hard})
		return none{}, err
	}
	return none{}, d.core.Groups.Delete(ctx, c.by, core.DeleteGroup{Key: in.Channel})
}

func (d *Dialect) truncate(ctx context.Context, c *call, in *truncate) (Channel, error) {
	if in.Hard && !c.by.Server() {
		return Channel{}, fault.PermissionDenied.Error("Only a server removes messages for good.")
	}
	out, err := d.core.Channels.Truncate(ctx, c.by, core.TruncateChannel{Key: in.Channel, Hard: in.Hard, Before: in.Before})
	return channelOf(&out.Channel), err
}

type typing struct {
	where
	State  string `json:"state" enum:"started,stopped" doc:"started when absent."`
	Parent string `json:"parent" doc:"In the thread of this message."`
}

func (d *Dialect) typing(ctx context.Context, c *call, in *typing) (none, error) {
	kind := core.TypingStarted
	if in.State == "stopped" {
		kind = core.TypingStopped
	}
	_, err := d.core.Live.Send(ctx, c.by, core.SendEvent{Key: in.Channel, Kind: kind, Parent: in.Parent})
	return none{}, err
}

type customEvent struct {
	where
	Name  string     `json:"name" need:"true" max:"100"`
	Extra core.Extra `json:"extra"`
}

func (d *Dialect) sendEvent(ctx context.Context, c *call, in *customEvent) (none, error) {
	_, err := d.core.Live.Send(ctx, c.by, core.SendEvent{Key: in.Channel, Kind: core.CustomEvent, Name: in.Name, Extra: in.Extra})
	return none{}, err
}

// ChannelType configures all channels of its name.
type ChannelType struct {
	Name      string   `json:"name"`
	Kind      string   `json:"kind"`
	Features  []string `json:"features" doc:"The switches that are on."`
	MaxLength int      `json:"max_length" doc:"Of a message text, in characters."`
	Commands  []string `json:"commands"`
}

// changeType is what may be changed of a channel type.
type changeType struct {
	typeName
	Enable    []string `json:"enable" doc:"Features to switch on, such as polls or user_message_reminders."`
	Disable   []string `json:"disable" doc:"Features to switch off."`
	MaxLength *int     `json:"max_length" min:"1" max:"20000"`
}

func (d *Dialect) changeType(ctx context.Context, c *call, in *changeType) (ChannelType, error) {
	t, err := d.core.Types.Put(ctx, c.by, core.PutType{Name: in.Type, Change: func(t *core.ChannelType) error {
		on := maps.Clone(t.Features)
		for names, v := range map[*[]string]bool{&in.Enable: true, &in.Disable: false} {
			for _, n := range *names {
				if _, known := on[core.Feature(n)]; !known {
					return fault.RequestInvalidField.Error("there is no feature " + clip(n))
				}
				on[core.Feature(n)] = v
			}
		}
		t.Features = on
		set(&t.MaxLength, in.MaxLength)
		return nil
	}})
	return typeOf(&t), err
}

func (d *Dialect) listTypes(ctx context.Context, c *call, _ *none) (Page[ChannelType], error) {
	ts, err := d.core.Types.List(ctx, c.by, core.ListTypes{})
	return Page[ChannelType]{Items: list(ts, typeOf)}, err
}
