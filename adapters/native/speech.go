package native

import (
	"context"
	"time"

	"dragoman/core"
)

// SpeechMute forbids a person to write in one channel.
type SpeechMute struct {
	User      User            `json:"user"`
	Channel   core.ChannelKey `json:"channel"`
	By        core.UserID     `json:"by,omitempty"`
	Reason    string          `json:"reason,omitempty"`
	CreatedAt time.Time       `json:"created_at"`
	Expires   time.Time       `json:"expires,omitzero"`
}

// KindMute forbids a person to write in all channels of a kind.
type KindMute struct {
	User      core.UserID `json:"user"`
	Kind      string      `json:"kind"`
	CreatedAt time.Time   `json:"created_at"`
	Expires   time.Time   `json:"expires,omitzero"`
}

// Allowed is one entry of an allow list.
type Allowed struct {
	User      core.UserID `json:"user"`
	By        core.UserID `json:"by,omitempty"`
	CreatedAt time.Time   `json:"created_at"`
}

// Speech tells whether a person may write in a channel, and why not.
type Speech struct {
	Mute     *SpeechMute `json:"mute,omitempty" doc:"The person is muted in this channel."`
	Silent   bool        `json:"silent" doc:"Everybody is muted but the allow list and moderators."`
	Allowed  bool        `json:"allowed" doc:"The person is on the allow list."`
	KindMute *KindMute   `json:"kind_mute,omitempty" doc:"The person is muted in all channels of the kind."`
}

func speechMuteOf(m *core.MemberMute) SpeechMute {
	return SpeechMute{someone(m.Target, m.User), m.Key, m.By, m.Reason, m.CreatedAt, m.Expires}
}

func kindMuteOf(m *core.KindMute) KindMute {
	return KindMute{m.User, kindNames[m.Kind], m.CreatedAt, m.Expires}
}

func allowedOf(a *core.AllowedMember) Allowed { return Allowed{a.User, a.By, a.CreatedAt} }

// kindOf is the kind of a name.
func kindOf(name string) core.ChannelKind {
	for k, n := range kindNames {
		if n == name {
			return k
		}
	}
	return core.KindGroup
}

// first is the failure of the only one of a batch.
func first(outs []core.GroupOutcome, err error) error {
	if err == nil && len(outs) > 0 {
		err = outs[0].Err
	}
	return err
}

type silenced struct {
	Expires int    `json:"expires_in" max:"315360000" doc:"Seconds; without end when absent."`
	Reason  string `json:"reason"`
	Anyone  bool   `json:"anyone" doc:"Also somebody who is not a member."`
}

type kindMuted struct {
	whose
	Kind string `json:"kind" in:"path"`
}

func (d *Dialect) speechRows() []row {
	x := d.core.Speech
	silence := func(lift bool) func(context.Context, *call, *where) error {
		return func(ctx context.Context, c *call, in *where) error {
			_, err := x.MuteAll(ctx, c.by, core.MuteAll{Key: in.Channel, Lift: lift})
			return err
		}
	}
	return []row{
		op("GET", "/v1/channels/:channel/speech", "getSpeech", "Whether the caller may write in a channel, or for moderators another.", func(ctx context.Context, c *call, in *struct {
			where
			User core.UserID `json:"user" in:"query"`
		}) (Speech, error) {
			v, err := x.State(ctx, c.by, core.GetSpeech{Key: in.Channel, User: in.User})
			return Speech{maybe(v.Mute, speechMuteOf), v.MutedAll, v.Allowed, maybe(v.KindMute, kindMuteOf)}, err
		}),
		op("GET", "/v1/channels/:channel/speech/mutes", "listMuted", "Who may not write in a channel, by id; moderators and above.", func(ctx context.Context, c *call, in *struct {
			where
			paging
		}) (Page[SpeechMute], error) {
			return listed(&in.paging, 100, 300, func(p core.Page) ([]core.MemberMute, error) {
				return x.Muted(ctx, c.by, core.ListMuted{Key: in.Channel, Page: p})
			}, speechMuteOf)
		}),
		act("PUT", "/v1/channels/:channel/speech/mutes/:user", "muteMember", "Forbids a member to write, for a time or without end; moderators and above.", func(ctx context.Context, c *call, in *struct {
			who
			silenced
		}) error {
			return first(x.Mute(ctx, c.by, core.MuteMembers{
				Key: in.Channel, Users: []core.UserID{in.User}, For: seconds(in.Expires), Reason: in.Reason, Anyone: in.Anyone,
			}))
		}),
		act("DELETE", "/v1/channels/:channel/speech/mutes/:user", "unmuteMember", "Lets them write again.", func(ctx context.Context, c *call, in *who) error {
			return first(x.Mute(ctx, c.by, core.MuteMembers{Key: in.Channel, Users: []core.UserID{in.User}, Lift: true, Anyone: true}))
		}),
		act("PUT", "/v1/channels/:channel/speech/silence", "muteAll", "Forbids everybody to write but the allow list and moderators.", silence(false)),
		act("DELETE", "/v1/channels/:channel/speech/silence", "unmuteAll", "Lets everybody write again.", silence(true)),
		op("GET", "/v1/channels/:channel/speech/allowed", "listAllowed", "Who may write while everybody is muted, by id; moderators and above.", func(ctx context.Context, c *call, in *struct {
			where
			paging
		}) (Page[Allowed], error) {
			return listed(&in.paging, 100, 300, func(p core.Page) ([]core.AllowedMember, error) {
				return x.Allowed(ctx, c.by, core.ListAllowed{Key: in.Channel, Page: p})
			}, allowedOf)
		}),
		act("PUT", "/v1/channels/:channel/speech/allowed/:user", "allowMember", "Puts a member on the allow list.", func(ctx context.Context, c *call, in *who) error {
			return first(x.Allow(ctx, c.by, core.AllowMembers{Key: in.Channel, Users: []core.UserID{in.User}}))
		}),
		act("DELETE", "/v1/channels/:channel/speech/allowed/:user", "disallowMember", "Takes a member off it.", func(ctx context.Context, c *call, in *who) error {
			return first(x.Allow(ctx, c.by, core.AllowMembers{Key: in.Channel, Users: []core.UserID{in.User}, Remove: true, Anyone: true}))
		}),
		op("GET", "/v1/speech/mutes", "listKindMutes", "Mutes in all channels of a kind: of one person, or of one kind by id.", func(ctx context.Context, c *call, in *struct {
			paging
			User core.UserID `json:"user" in:"query" doc:"All kinds of this person, or"`
			Kind string      `json:"kind" in:"query" enum:"direct,group,room,community,system" doc:"everybody of this kind."`
		}) (Page[KindMute], error) {
			return listed(&in.paging, 100, 300, func(p core.Page) ([]core.KindMute, error) {
				return x.KindMutes(ctx, c.by, core.ListKindMutes{User: in.User, Kind: kindOf(in.Kind), Page: p})
			}, kindMuteOf)
		}),
		op("PUT", "/v1/speech/mutes/:user/:kind", "muteKind", "Forbids a person to write in all channels of a kind.", func(ctx context.Context, c *call, in *struct {
			kindMuted
			Expires int `json:"expires_in" max:"315360000" doc:"Seconds; without end when absent."`
		}) (KindMute, error) {
			return d.muteKind(ctx, c, &in.kindMuted, core.MuteKinds{For: seconds(in.Expires)})
		}).server(),
		act("DELETE", "/v1/speech/mutes/:user/:kind", "unmuteKind", "Lets them write again.", func(ctx context.Context, c *call, in *kindMuted) error {
			_, err := d.muteKind(ctx, c, in, core.MuteKinds{Lift: true})
			return err
		}).server(),
	}
}

func (d *Dialect) muteKind(ctx context.Context, c *call, in *kindMuted, cmd core.MuteKinds) (KindMute, error) {
	kind := kindOf(in.Kind)
	if kindNames[kind] != in.Kind {
		return KindMute{}, errKind
	}
	cmd.Users, cmd.Kinds = []core.UserID{in.User}, []core.ChannelKind{kind}
	out, err := d.core.Speech.MuteKinds(ctx, c.by, cmd)
	if err != nil || len(out) == 0 {
		return KindMute{}, err
	}
	return kindMuteOf(&out[0]), nil
}
