package stream

import (
	"context"
	"time"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// maxMinutes bounds a timeout in minutes: ten years.
const maxMinutes = 10 * 365 * 24 * 60

// maxTargets is how many people or channels one mute may name.
const maxTargets = 100

// decodeMute reads a mute of people. "timeout" is in minutes.
func decodeMute(unmute bool) func(*adapters.Request) (core.MuteUsers, error) {
	return func(rq *adapters.Request) (core.MuteUsers, error) {
		in := core.MuteUsers{Unmute: unmute}
		r, err := actingPerson(rq)
		if err != nil {
			return in, err
		}
		if id := r.Text("target_id"); id != "" {
			in.Users = append(in.Users, core.UserID(id))
		}
		in.Users = append(in.Users, ids(r.Texts("target_ids", maxTargets))...)
		if len(in.Users) == 0 {
			r.Fail("target_ids", "is a required field", fault.RequestMissingField)
		}
		in.For = time.Duration(r.Int("timeout", 0, maxMinutes)) * time.Minute
		return in, r.Err()
	}
}

// encodeMuted answers a mute: one mute stands alone under "mute" too.
func encodeMuted(w *wire.Writer, _ *adapters.Request, out core.Muted) {
	if len(out.Mutes) == 1 {
		w.Key("mute")
		writeUserMute(w, &out.Mutes[0])
	}
	w.List("mutes")
	for i := range out.Mutes {
		writeUserMute(w, &out.Mutes[i])
	}
	w.CloseList()
	w.Key("own_user")
	writeSelf(w, &out.Self)
	if len(out.Unknown) > 0 {
		w.IDs("non_existing_users", out.Unknown)
	}
}

// encodeUnmuted answers the end of a mute.
func encodeUnmuted(w *wire.Writer, _ *adapters.Request, out core.Muted) {
	if len(out.Unknown) > 0 {
		w.IDs("non_existing_users", out.Unknown)
	}
}

// decodeMuteChannel reads a mute of channels. "expiration" is in milliseconds.
func decodeMuteChannel(unmute bool) func(*adapters.Request) (core.MuteChannels, error) {
	return func(rq *adapters.Request) (core.MuteChannels, error) {
		in := core.MuteChannels{Unmute: unmute}
		r, err := actingPerson(rq)
		if err != nil {
			return in, err
		}
		cids := r.Texts("channel_cids", maxTargets)
		if cid := r.Text("channel_cid"); cid != "" {
			cids = append(cids, cid)
		}
		if len(cids) == 0 {
			r.Fail("channel_cids", "is a required field", fault.RequestMissingField)
		}
		for _, cid := range cids {
			key, ok := keyOfCID(cid)
			if !ok {
				r.Fail("channel_cids", "must be of the form type:id", fault.RequestInvalidField)
				break
			}
			in.Keys = append(in.Keys, key)
		}
		in.For = time.Duration(r.Int("expiration", 0, maxMinutes*60*1000)) * time.Millisecond
		return in, r.Err()
	}
}

// mutedChannels is the outcome of a channel mute with the muter's new state.
type mutedChannels struct {
	mutes []core.ChannelMute
	self  core.Self
}

// muteChannels mutes and reads what the muter's client shows afterwards.
func (d *Dialect) muteChannels(ctx context.Context, by core.Actor, in core.MuteChannels) (out mutedChannels, err error) {
	if out.mutes, err = d.core.Channels.Mute(ctx, by, in); err == nil && !in.Unmute {
		out.self, err = d.core.Live.Self(ctx, by, core.GetSelf{})
	}
	return out, err
}

// encodeChannelMuted answers a channel mute.
func encodeChannelMuted(w *wire.Writer, _ *adapters.Request, out mutedChannels) {
	if len(out.mutes) == 1 {
		w.Key("channel_mute")
		writeChannelMute(w, &out.mutes[0])
	}
	w.List("channel_mutes")
	for i := range out.mutes {
		writeChannelMute(w, &out.mutes[i])
	}
	w.CloseList()
	w.Key("own_user")
	writeSelf(w, &out.self)
}

// deleteModes are the values of "delete_messages". Pruning is Stream's word for a soft deletion
// that also takes the channel state along.
var deleteModes = map[string]core.DeleteMode{
	"": core.DeleteNone, "soft": core.DeleteSoft, "pruning": core.DeleteSoft, "hard": core.DeleteHard,
}

// decodeBan reads a ban. "timeout" is in minutes; the channel comes as a cid, or as type and id.
func decodeBan(rq *adapters.Request) (core.SetBan, error) {
	r, err := body(rq)
	if err != nil {
		return core.SetBan{}, err
	}
	if err := actFor(rq, banner(&r, rq)); err != nil {
		return core.SetBan{}, err
	}
	in := core.SetBan{
		User:   core.UserID(r.Need("target_user_id")),
		Shadow: r.Bool("shadow"),
		IP:     r.Bool("ip_ban"),
		For:    time.Duration(r.Int("timeout", 0, maxMinutes)) * time.Minute,
		Reason: r.TextMax("reason", 5000),
		Future: r.Bool("ban_from_future_channels"),
	}
	mode, ok := deleteModes[r.Text("delete_messages")]
	if !ok {
		r.Fail("delete_messages", "must be one of soft, pruning, hard", fault.RequestInvalidField)
	}
	in.Messages = mode
	key, ok := banKey(r.Text("channel_cid"), r.Text("type"), r.Text("id"))
	if !ok {
		r.Fail("channel_cid", "must be of the form type:id", fault.RequestInvalidField)
	}
	in.Key = key
	return in, r.Err()
}

// banner is the person who bans: "banned_by_id", the id of "banned_by", or as in other calls.
func banner(r *wire.Reader, rq *adapters.Request) core.UserID {
	if id := r.Text("banned_by_id"); id != "" {
		return core.UserID(id)
	}
	if r.Has("banned_by") {
		if o, ok := r.Object("banned_by"); ok && o.Text("id") != "" {
			return core.UserID(o.Text("id"))
		}
	}
	return named(rq, r)
}

// decodeUnban reads the end of a ban from the query.
func decodeUnban(rq *adapters.Request) (core.SetBan, error) {
	if err := behalf(rq, nil); err != nil {
		return core.SetBan{}, err
	}
	q := wire.QueryOf(rq)
	in := core.SetBan{Lift: true, User: core.UserID(q.Need("target_user_id")), Shadow: q.Bool("shadow"), Future: q.Bool("remove_future_channels_ban")}
	key, ok := banKey(q.Text("channel_cid"), q.Text("type"), q.Text("id"))
	if !ok {
		return in, fault.RequestInvalidField.Error("channel_cid must be of the form type:id")
	}
	in.Key = key
	return in, q.Err()
}

// banKey is the channel a ban is for, empty for the whole app.
func banKey(cid, typ, id string) (core.ChannelKey, bool) {
	switch {
	case cid != "":
		return keyOfCID(cid)
	case typ != "" && id != "":
		return core.KeyOf(typ, id), true
	}
	return "", typ == "" && id == ""
}

// decodeFlag reads a report of a message or of a person.
func decodeFlag(unflag bool) func(*adapters.Request) (core.FlagContent, error) {
	return func(rq *adapters.Request) (core.FlagContent, error) {
		r, err := actingPerson(rq)
		if err != nil {
			return core.FlagContent{}, err
		}
		in := core.FlagContent{
			Message: r.Text("target_message_id"),
			User:    core.UserID(r.Text("target_user_id")),
			Reason:  r.TextMax("reason", 1000),
			Extra:   r.RawObject("custom"),
			Unflag:  unflag,
		}
		if (in.Message == "") == (in.User == "") {
			r.Fail("target_message_id", "or target_user_id is a required field", fault.RequestMissingField)
		}
		return in, r.Err()
	}
}

// encodeFlag answers a report.
func encodeFlag(w *wire.Writer, _ *adapters.Request, f core.Flag) {
	w.Object("flag")
	writeFlagCommon(w, &f)
	switch {
	case f.Message != 0 || f.Alias != "":
		w.Text("target_message_id", messageName(f.Message, f.Alias))
		w.TextIf("channel_cid", cidOrEmpty(f.Key))
		w.TextIf("message_user_id", string(f.Target))
	case f.TargetUser != nil:
		w.Key("target_user")
		writeUser(w, f.TargetUser)
	}
	w.TextIf("reviewed_by", string(f.ReviewedBy))
	w.Close()
}

// writeFlagCommon writes the members all reports share, without the reviewer, whose shape differs.
func writeFlagCommon(w *wire.Writer, f *core.Flag) {
	w.Bool("created_by_automod", f.Automatic)
	w.Time("created_at", f.CreatedAt)
	w.Time("updated_at", f.UpdatedAt)
	w.TextIf("reason", f.Reason)
	if len(f.Extra) > 0 {
		w.Raw("custom", f.Extra)
	}
	w.TimeIf("reviewed_at", f.ReviewedAt)
	switch f.Result {
	case "approved":
		w.TimeIf("approved_at", f.ReviewedAt)
	case "rejected":
		w.TimeIf("rejected_at", f.ReviewedAt)
	}
	if f.ByUser != nil {
		w.Key("user")
		writeUser(w, f.ByUser)
	}
}

// encodeFlags answers a list of reports.
func encodeFlags(w *wire.Writer, _ *adapters.Request, out []core.Flag) {
	w.List("flags")
	for i := range out {
		f := &out[i]
		w.Open()
		writeFlagCommon(w, f)
		if f.MessageNow != nil {
			w.Key("message")
			writeMessage(w, f.MessageNow)
			w.Text("target_message_id", f.MessageNow.Name())
		}
		if f.TargetUser != nil {
			w.Key("target_user")
			writeUser(w, f.TargetUser)
		}
		w.Close()
	}
	w.CloseList()
}

// decodeBlock reads whom to block.
func decodeBlock(unblock bool) func(*adapters.Request) (core.BlockUser, error) {
	return func(rq *adapters.Request) (core.BlockUser, error) {
		r, err := actingPerson(rq)
		if err != nil {
			return core.BlockUser{}, err
		}
		in := core.BlockUser{User: core.UserID(r.Need("blocked_user_id")), Unblock: unblock}
		return in, r.Err()
	}
}

// encodeBlock answers a block.
func encodeBlock(w *wire.Writer, _ *adapters.Request, b core.UserBlock) {
	w.Text("blocked_by_user_id", string(b.By.ID))
	w.Text("blocked_user_id", string(b.Target.ID))
	w.Time("created_at", b.CreatedAt)
}

// encodeBlocks answers the list of blocked people.
func encodeBlocks(w *wire.Writer, _ *adapters.Request, bs []core.UserBlock) {
	w.List("blocks")
	for i := range bs {
		b := &bs[i]
		w.Open()
		w.Text("user_id", string(b.By.ID))
		w.Key("user")
		writeUser(w, &b.By)
		w.Text("blocked_user_id", string(b.Target.ID))
		w.Key("blocked_user")
		writeUser(w, &b.Target)
		w.Time("created_at", b.CreatedAt)
		w.Close()
	}
	w.CloseList()
}
