package stream

import (
	"context"

	"github.com/tidwall/gjson"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// channelRoutes are the operations on channels as a whole.
func (d *Dialect) channelRoutes() []adapters.Route {
	ch := d.core.Channels
	return []adapters.Route{
		op(d, "POST", "/channels", "QueryChannels", decodeQueryChannels, d.states, d.encodeStates),
		op(d, "POST", "/channels/:type/query", "GetOrCreateDistinctChannel", decodeOpen, d.open, d.encodeState),
		op(d, "POST", "/channels/:type/:id/query", "GetOrCreateChannel", decodeOpen, d.open, d.encodeState),
		op(d, "POST", "/channels/:type/:id", "UpdateChannel", decodeUpdateChannel, d.updateChannel, d.encodeUpdated),
		op(d, "PATCH", "/channels/:type/:id", "UpdateChannelPartial", decodePatchChannel, d.updateChannel, d.encodeUpdated),
		op(d, "DELETE", "/channels/:type/:id", "DeleteChannel", decodeDeleteChannel, ch.Delete, d.encodeDeleted),
		op(d, "POST", "/channels/delete", "DeleteChannels", decodeDeleteChannels, d.deleteChannels, encodeTask),
		op(d, "POST", "/channels/:type/:id/truncate", "TruncateChannel", decodeTruncate, d.truncateChannel, d.encodeUpdated),
		op(d, "POST", "/channels/:type/:id/hide", "HideChannel", decodeHide(false), ch.Hide, writeNothing[core.Channel]),
		op(d, "POST", "/channels/:type/:id/show", "ShowChannel", decodeHide(true), ch.Hide, writeNothing[core.Channel]),
		op(d, "POST", "/channels/:type/:id/stop-watching", "StopWatchingChannel", decodeStopWatching, d.core.Live.Watch, writeNothing[[]core.Channel]),
	}
}

// encodeState writes a channel's state as the whole answer.
func (d *Dialect) encodeState(w *wire.Writer, rq *adapters.Request, s core.ChannelState) {
	stateMembers(w, &s, d.book(rq.Caller().App))
}

// encodeStates writes the answer of a query of channels.
func (d *Dialect) encodeStates(w *wire.Writer, rq *adapters.Request, ss []core.ChannelState) {
	book := d.book(rq.Caller().App)
	w.List("channels")
	for i := range ss {
		w.Open()
		stateMembers(w, &ss[i], book)
		w.Close()
	}
	w.CloseList()
}

// updatedChannel is a channel after a change, and what the caller may do there.
type updatedChannel struct {
	core.UpdatedChannel
	view core.ChannelState
}

func (d *Dialect) updateChannel(ctx context.Context, by core.Actor, in core.UpdateChannel) (updatedChannel, error) {
	u, err := d.core.Channels.Update(ctx, by, in)
	return updatedChannel{u, d.look(ctx, by, in.Key, err)}, err
}

func (d *Dialect) truncateChannel(ctx context.Context, by core.Actor, in core.TruncateChannel) (updatedChannel, error) {
	u, err := d.core.Channels.Truncate(ctx, by, in)
	return updatedChannel{u, d.look(ctx, by, in.Key, err)}, err
}

// look reads what a user may do in a channel after a change. The JS SDK replaces all it knows of
// the channel by the answer (channel.ts, _update) and marks nothing read without capabilities. Who
// may not look any more, having left, is told nothing.
func (d *Dialect) look(ctx context.Context, by core.Actor, key core.ChannelKey, failed error) core.ChannelState {
	if failed != nil || by.Server() {
		return core.ChannelState{}
	}
	typ, id := key.Split()
	s, err := d.core.Channels.Open(ctx, by, core.OpenChannel{Type: typ, ID: id, MustExist: true})
	if err != nil {
		return core.ChannelState{}
	}
	return s
}

// encodeUpdated writes a channel after a change, with members and the message if any.
func (d *Dialect) encodeUpdated(w *wire.Writer, rq *adapters.Request, u updatedChannel) {
	w.Key("channel")
	writeChannel(w, &u.Channel, channelView{
		config: typeOrNil(&u.Config), book: d.book(rq.Caller().App), capabilities: u.view.Capabilities, membership: u.view.Membership, hidden: u.view.Hidden,
	})
	writeMembers(w, "members", u.Members)
	if u.Message != nil {
		w.Key("message")
		writeMessage(w, u.Message)
	}
}

func (d *Dialect) encodeDeleted(w *wire.Writer, _ *adapters.Request, cs []core.Channel) {
	if len(cs) > 0 {
		w.Key("channel")
		writeChannel(w, &cs[0], channelView{})
	}
}

// decodeQueryChannels reads a query of channels.
func decodeQueryChannels(rq *adapters.Request) (statesRequest, error) {
	var in statesRequest
	r, err := body(rq)
	if err != nil {
		return in, err
	}
	if r.Has("predefined_filter") {
		return in, fault.RequestNotImplemented.Error("predefined filters are not supported")
	}
	if in.Filter, in.Sort, in.Page, err = channelFilter.query(&r, "filter_conditions", maxQueryPage); err != nil {
		return in, err
	}
	in.State = core.StateWanted{State: stateWanted(&r), Watch: r.Bool("watch"), Presence: r.Bool("presence")}
	in.State.Messages.Limit, in.without.messages = limitOf(&r, "message_limit", maxMessagePage)
	in.State.MemberLimit, in.without.members = limitOf(&r, "member_limit", maxMembers)
	if err := firstErr(r.Err(), behalf(rq, &r)); err != nil {
		return in, err
	}
	return in, checkLive(rq, &in.State)
}

// stateWanted reads "state", which is true unless told otherwise.
func stateWanted(r *wire.Reader) bool {
	b := r.OptBool("state")
	return b == nil || *b
}

// without tells what of a channel's state was asked not to be sent, by a limit of 0.
type without struct{ messages, members bool }

// apply takes it out of the state.
func (o without) apply(s *core.ChannelState) {
	if o.messages {
		s.Messages = nil
	}
	if o.members {
		s.Members = nil
	}
}

// limitOf reads a limit; none reports that it is there and 0.
func limitOf(r *wire.Reader, name string, limit int) (n int, none bool) {
	_, ok := r.Look(name)
	n = r.Int(name, 0, limit)
	return n, ok && n == 0
}

// openRequest is get-or-create with what is not to be sent.
type openRequest struct {
	core.OpenChannel
	without without
}

func (d *Dialect) open(ctx context.Context, by core.Actor, in openRequest) (core.ChannelState, error) {
	s, err := d.core.Channels.Open(ctx, by, in.OpenChannel)
	in.without.apply(&s)
	return s, err
}

// statesRequest is a query of channels with what is not to be sent.
type statesRequest struct {
	core.QueryChannels
	without without
}

func (d *Dialect) states(ctx context.Context, by core.Actor, in statesRequest) ([]core.ChannelState, error) {
	ss, err := d.core.Channels.Query(ctx, by, in.QueryChannels)
	for i := range ss {
		in.without.apply(&ss[i])
	}
	return ss, err
}

// checkLive refuses to watch without a connection.
func checkLive(rq *adapters.Request, s *core.StateWanted) error {
	if s.Watch || s.Presence {
		return needConnection(rq)
	}
	return nil
}

// decodeOpen reads get-or-create, of a channel with an id or of the distinct one of its members.
func decodeOpen(rq *adapters.Request) (openRequest, error) {
	in := openRequest{OpenChannel: core.OpenChannel{Type: rq.Param("type"), ID: rq.Param("id")}}
	r, err := body(rq)
	if err != nil {
		return in, err
	}
	if in.ID != "" {
		_, err = channelKey(in.Type, in.ID)
	} else {
		_, err = channelKey(in.Type, "distinct")
	}
	if err != nil {
		return in, err
	}
	if data, ok := r.Object("data"); ok {
		in.Input = readChannel(&data)
	}
	if in.ID == "" && len(in.Input.Members) == 0 {
		r.Fail("data/members", "must be provided for a channel without id", fault.RequestMissingField)
	}
	in.HideForCreator = r.Bool("hide_for_creator")
	in.State = core.StateWanted{State: stateWanted(&r), Watch: r.Bool("watch"), Presence: r.Bool("presence")}
	if m, ok := r.Object("messages"); ok {
		in.State.Messages = readMessagePage(&m)
		_, in.without.messages = limitOf(&m, "limit", maxMessagePage)
	}
	if m, ok := r.Object("members"); ok {
		in.State.MemberLimit, in.without.members = limitOf(&m, "limit", maxMembers)
		in.State.MemberOffset = m.Int("offset", 0, maxOffset)
	}
	if m, ok := r.Object("watchers"); ok {
		in.State.Watchers = m.Int("limit", 0, maxMembers)
	}
	if err := firstErr(r.Err(), checkLive(rq, &in.State)); err != nil {
		return in, err
	}
	return in, opener(rq, &in.OpenChannel, named(rq, &r))
}

// opener settles who opens the channel: the user of the token, or whom a server names as creator.
func opener(rq *adapters.Request, in *core.OpenChannel, user core.UserID) error {
	by := rq.Caller()
	if !by.Server() {
		in.Input.CreatedBy = ""
		return nil
	}
	if in.Input.CreatedBy == "" {
		in.Input.CreatedBy = user
	}
	if user == "" {
		user = in.Input.CreatedBy
	}
	if user == "" && in.ID != "" {
		// Only creating needs to know by whom, and the core knows whether it has to create.
		return nil
	}
	if user == "" {
		return errNoCreator
	}
	return actFor(rq, user)
}

// errNoCreator is the vendor's text for a server that creates a channel for nobody.
var errNoCreator = fault.RequestInvalidField.Error("either data.created_by or data.created_by_id must be provided when using server side auth.")

// readMessagePage reads which messages are wanted: a limit and at most one bound.
func readMessagePage(r *wire.Reader) core.MessagePage {
	p := core.MessagePage{Limit: r.Int("limit", 0, maxMessagePage), Offset: r.Int("offset", 0, maxOffset)}
	pageBounds(&p, r.Text)
	for _, b := range timeBounds {
		if t := r.Time(b.name); !t.IsZero() {
			b.set(&p, t)
		}
	}
	return p
}

// pageBounds reads the bounds of a page that are message ids.
func pageBounds(p *core.MessagePage, text func(string) string) {
	for _, b := range []struct {
		name      string
		dst       *string
		inclusive bool
	}{
		{"id_lt", &p.Before, false}, {"id_lte", &p.Before, true}, {"id_gt", &p.After, false}, {"id_gte", &p.After, true}, {"id_around", &p.Around, false},
	} {
		if id := text(b.name); id != "" {
			*b.dst, p.Inclusive = id, b.inclusive
		}
	}
}

// readChannel reads the "data" of a channel.
func readChannel(r *wire.Reader) core.ChannelInput {
	in := core.ChannelInput{
		Name: r.TextMax("name", maxName), Image: r.TextMax("image", 8<<10), Team: r.TextMax("team", maxTeamName),
		Frozen: r.OptBool("frozen"), Disabled: r.OptBool("disabled"),
		Tags: r.Texts("filter_tags", 50), Extra: custom(r, channelNames, maxCustom),
		CreatedBy: core.UserID(r.Text("created_by_id")),
	}
	if v, ok := r.Look("created_by"); ok && v.IsObject() {
		if u, ok := r.Object("created_by"); ok && in.CreatedBy == "" {
			in.CreatedBy = core.UserID(u.Text("id"))
		}
	}
	if r.Has("cooldown") {
		n := r.Int("cooldown", 0, 120)
		in.Cooldown = &n
	}
	in.Members = readMembers(r, "members")
	for _, m := range readMembers(r, "invites") {
		in.Invites = append(in.Invites, m.User)
	}
	if o, ok := r.Object("config_overrides"); ok {
		in.Overrides = readOverrides(&o)
	}
	return in
}

// overrideFeatures are the switches a channel may have of its own.
var overrideFeatures = []core.Feature{
	core.FeatureTyping, core.FeatureReads, core.FeatureReactions, core.FeatureReplies, core.FeatureQuotes, core.FeatureUploads,
	core.FeatureURLs, core.FeatureReminders, core.FeatureLocations, core.FeatureCount, core.FeaturePolls,
}

// readOverrides reads a channel's deviations from its type.
func readOverrides(r *wire.Reader) *core.ConfigOverrides {
	o := &core.ConfigOverrides{MaxLength: r.Int("max_message_length", 0, 20000)}
	for _, f := range overrideFeatures {
		if b := r.OptBool(string(f)); b != nil {
			if o.Features == nil {
				o.Features = core.Features{}
			}
			o.Features[f] = *b
		}
	}
	if r.Has("blocklist") {
		s := r.Text("blocklist")
		o.Blocklist = &s
	}
	if r.Has("blocklist_behavior") {
		s := r.Text("blocklist_behavior")
		o.BlocklistBehavior = &s
	}
	o.Commands = r.Texts("commands", 50)
	if g, ok := r.Object("grants"); ok {
		o.Grants = readGrants(&g)
	}
	return o
}

// readGrants reads {role: [permission]}.
func readGrants(r *wire.Reader) []core.RoleGrants {
	var out []core.RoleGrants
	for _, f := range r.Fields() {
		out = append(out, core.RoleGrants{Role: f.Name, Permissions: r.Texts(f.Name, 200)})
	}
	return out
}

// decodeUpdateChannel reads the full update, which is also how members come, go and change roles.
func decodeUpdateChannel(rq *adapters.Request) (core.UpdateChannel, error) {
	in := core.UpdateChannel{Key: keyParam(rq)}
	r, err := body(rq)
	if err != nil {
		return in, err
	}
	if data, ok := r.Object("data"); ok {
		c := readChannel(&data)
		c.Members, c.Invites = nil, nil
		if r.Has("cooldown") {
			n := r.Int("cooldown", 0, 120)
			c.Cooldown = &n
		}
		in.Replace = &c
	} else if r.Has("cooldown") {
		n := r.Int("cooldown", 0, 120)
		in.Change = func(c *core.Channel) error { c.Cooldown = n; return nil }
	}
	in.Add, in.Invite, in.Assign = readMembers(&r, "add_members"), readMembers(&r, "invites"), readMembers(&r, "assign_roles")
	in.Remove = ids(r.Texts("remove_members", maxMembers))
	in.Promote, in.Demote = ids(r.Texts("add_moderators", maxMembers)), ids(r.Texts("demote_moderators", maxMembers))
	in.AcceptInvite, in.RejectInvite = r.Bool("accept_invite"), r.Bool("reject_invite")
	in.HideHistory = r.Bool("hide_history")
	if !r.Time("hide_history_before").IsZero() {
		in.HideHistory = true
	}
	addTags, removeTags := r.Texts("add_filter_tags", 50), r.Texts("remove_filter_tags", 50)
	if len(addTags)+len(removeTags) > 0 {
		in.Change = tagChange(in.Change, addTags, removeTags)
	}
	if in.Message, err = systemMessage(&r, in.Key); err != nil {
		return in, err
	}
	if err := r.Err(); err != nil {
		return in, err
	}
	return in, firstErr(behalf(rq, &r), messageAuthor(rq, &r))
}

// tagChange adds the change of filter tags to a change.
func tagChange(change func(*core.Channel) error, add, remove []string) func(*core.Channel) error {
	return func(c *core.Channel) error {
		var tags []string
		for _, t := range append(append([]string(nil), c.Tags...), add...) {
			if !contains(tags, t) && !contains(remove, t) {
				tags = append(tags, t)
			}
		}
		c.Tags = tags
		if change != nil {
			return change(c)
		}
		return nil
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// systemMessage reads the message that is told with a change of a channel, if any.
func systemMessage(r *wire.Reader, key core.ChannelKey) (*core.SendMessage, error) {
	m, ok := r.Object("message")
	if !ok {
		return nil, nil
	}
	in := readMessage(&m)
	in.Kind = core.MessageSystem
	return &core.SendMessage{Key: key, Message: in, SkipCommands: true}, r.Err()
}

// messageAuthor lets a server act for the author of the message in the body when it names nobody
// else.
func messageAuthor(rq *adapters.Request, r *wire.Reader) error {
	by := rq.Caller()
	m, ok := r.Object("message")
	if !ok || !by.Server() || rq.Actor(by).User != "" {
		return nil
	}
	return actFor(rq, named(&adapters.Request{}, &m))
}

// decodePatchChannel reads the partial update {set, unset}.
func decodePatchChannel(rq *adapters.Request) (core.UpdateChannel, error) {
	in := core.UpdateChannel{Key: keyParam(rq)}
	r, err := body(rq)
	if err != nil {
		return in, err
	}
	p := patchOf(&r)
	in.Change = func(c *core.Channel) error {
		return p.each(func(name string, v gjson.Result) error { return patchChannel(c, name, v) })
	}
	if err := r.Err(); err != nil {
		return in, err
	}
	return in, behalf(rq, &r)
}

// patchChannel changes one field of a channel.
func patchChannel(c *core.Channel, name string, v gjson.Result) error {
	switch name {
	case "name":
		return setText(&c.Name, name, v)
	case "image":
		return setText(&c.Image, name, v)
	case "team":
		return setText(&c.Team, name, v)
	case "frozen":
		return setBool(&c.Frozen, name, v)
	case "disabled":
		return setBool(&c.Disabled, name, v)
	case "cooldown":
		return setInt(&c.Cooldown, name, v, 120)
	case "filter_tags":
		return setTexts(&c.Tags, name, v, 50)
	case "config_overrides":
		c.Overrides = core.ConfigOverrides{}
		if !v.IsObject() {
			return nil
		}
		r, err := wire.ParseText(v.Raw)
		if err != nil {
			return err
		}
		c.Overrides = *readOverrides(&r)
		return r.Err()
	}
	if channelNames.Has(name) {
		return fault.RequestInvalidField.Error("channel." + name + " is a reserved field and cannot be changed")
	}
	return patchExtra(&c.Extra, name, v, maxCustom)
}

func decodeDeleteChannel(rq *adapters.Request) (core.DeleteChannels, error) {
	q := wire.QueryOf(rq)
	in := core.DeleteChannels{Keys: []core.ChannelKey{keyParam(rq)}, Hard: q.Bool("hard_delete")}
	return in, firstErr(q.Err(), behalf(rq, nil))
}

func decodeDeleteChannels(rq *adapters.Request) (core.DeleteChannels, error) {
	var in core.DeleteChannels
	r, err := body(rq)
	if err != nil {
		return in, err
	}
	in.Keys, in.Hard = cids(&r, "cids", maxChannelsCall), r.Bool("hard_delete")
	if len(in.Keys) == 0 {
		r.Fail("cids", "is a required field", fault.RequestMissingField)
	}
	return in, firstErr(r.Err(), behalf(rq, &r))
}

// deleteChannels does at once what the vendor does in the background.
func (d *Dialect) deleteChannels(ctx context.Context, by core.Actor, in core.DeleteChannels) (core.Task, error) {
	cs, err := d.core.Channels.Delete(ctx, by, in)
	if err != nil {
		return core.Task{}, err
	}
	things := make([]string, len(cs))
	for i := range cs {
		things[i] = cidOf(cs[i].Key)
	}
	return finished(d.now(), things), nil
}

func decodeTruncate(rq *adapters.Request) (core.TruncateChannel, error) {
	in := core.TruncateChannel{Key: keyParam(rq)}
	r, err := body(rq)
	if err != nil {
		return in, err
	}
	in.Hard, in.Before = r.Bool("hard_delete"), r.Time("truncated_at")
	in.Members = ids(r.Texts("member_ids", maxMembers))
	if in.Message, err = systemMessage(&r, in.Key); err != nil {
		return in, err
	}
	return in, firstErr(r.Err(), behalf(rq, &r), messageAuthor(rq, &r))
}

func decodeHide(show bool) func(*adapters.Request) (core.HideChannel, error) {
	return func(rq *adapters.Request) (core.HideChannel, error) {
		in := core.HideChannel{Key: keyParam(rq), Show: show}
		r, err := body(rq)
		if err != nil {
			return in, err
		}
		in.ClearHistory = r.Bool("clear_history")
		return in, firstErr(r.Err(), behalf(rq, &r))
	}
}

func decodeStopWatching(rq *adapters.Request) (core.WatchChannels, error) {
	in := core.WatchChannels{Connection: rq.Caller().Connection, Keys: []core.ChannelKey{keyParam(rq)}, Stop: true}
	return in, needConnection(rq)
}
