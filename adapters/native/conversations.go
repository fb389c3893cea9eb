package native

import (
	"context"
	"time"

	"dragoman/core"
)

// Conversation is one entry of a person's list.
type Conversation struct {
	Channel  Channel      `json:"channel"`
	Member   Member       `json:"membership"`
	Peer     *User        `json:"peer,omitempty" doc:"Of a direct the other one, of a system conversation who speaks."`
	Last     *Message     `json:"last,omitempty" doc:"The newest message."`
	Unread   int          `json:"unread"`
	Settings KeptSettings `json:"settings"`
}

// KeptSettings is how a person keeps a conversation, all of a kind, or all of them.
type KeptSettings struct {
	Channel   core.ChannelKey `json:"channel,omitempty"`
	Kind      string          `json:"kind,omitempty"`
	Marks     []string        `json:"marks,omitempty" doc:"Names of the person's own."`
	Quiet     string          `json:"quiet,omitempty" doc:"Do not disturb: a level of the app's own."`
	QuietTill time.Time       `json:"quiet_until,omitzero" doc:"Until then; without end when absent."`
	Extra     core.Extra      `json:"extra,omitempty"`
	PinnedAt  time.Time       `json:"pinned_at,omitzero"`
	UpdatedAt time.Time       `json:"updated_at,omitzero"`
}

func conversationOf(c *core.Conversation) Conversation {
	return Conversation{
		channelOf(&c.Channel), memberOf(&c.Member), maybe(c.Peer, userOf), maybe(c.Last, messageOf), c.Unread, settingsOf(&c.Settings),
	}
}

func settingsOf(s *core.ConversationSettings) KeptSettings {
	return KeptSettings{s.Key, kindNames[s.Kind], s.Marks, s.Quiet, s.QuietTill, s.Extra, s.Pinned, s.UpdatedAt}
}

// keep is what may be changed of settings.
type keep struct {
	Marks     *[]string  `json:"marks" max:"20" doc:"At most 32 bytes each."`
	Quiet     *string    `json:"quiet" max:"32" doc:"Empty ends it."`
	QuietTill *time.Time `json:"quiet_until"`
	Extra     core.Extra `json:"extra" doc:"Members are replaced one by one, null removes."`
}

// scope names the settings of a kind, or of everything.
type scope struct {
	Kind string `json:"kind" in:"query" enum:"direct,group,room,community,system" doc:"Of all conversations of this kind; of all there are when absent."`
}

func (s scope) of() core.SettingsScope {
	return core.SettingsScope{Kind: kindOf(s.Kind), Everywhere: s.Kind == ""}
}

func (d *Dialect) conversationRows() []row {
	x := d.core.Conversations
	pin := func(unpin bool) func(context.Context, *call, *where) (KeptSettings, error) {
		return func(ctx context.Context, c *call, in *where) (KeptSettings, error) {
			v, err := x.Pin(ctx, c.by, core.PinConversation{Key: in.Channel, Unpin: unpin})
			return settingsOf(&v), err
		}
	}
	return []row{
		op("GET", "/v1/conversations", "listConversations", "The caller's conversations with unread count and last message: pinned ones first, then latest first.", d.listConversations),
		op("GET", "/v1/conversations/quiet", "listQuiet", "The settings of the caller's conversations that are quiet now.", func(ctx context.Context, c *call, _ *none) (Page[KeptSettings], error) {
			v, err := x.Quiet(ctx, c.by, core.ListQuiet{})
			return Page[KeptSettings]{Items: list(v, settingsOf)}, err
		}),
		op("GET", "/v1/conversations/settings", "getDefaults", "The caller's settings of all conversations, or of a kind.", func(ctx context.Context, c *call, in *scope) (KeptSettings, error) {
			return d.kept(ctx, c, in.of())
		}),
		op("PATCH", "/v1/conversations/settings", "changeDefaults", "Changes them.", func(ctx context.Context, c *call, in *struct {
			scope
			keep
		}) (KeptSettings, error) {
			return d.keep(ctx, c, in.of(), &in.keep)
		}),
		op("GET", "/v1/channels/:channel/settings", "getSettings", "How the caller keeps a conversation.", func(ctx context.Context, c *call, in *where) (KeptSettings, error) {
			return d.kept(ctx, c, core.SettingsScope{Key: in.Channel})
		}),
		op("PATCH", "/v1/channels/:channel/settings", "changeSettings", "Changes how the caller keeps a conversation.", func(ctx context.Context, c *call, in *struct {
			where
			keep
		}) (KeptSettings, error) {
			return d.keep(ctx, c, core.SettingsScope{Key: in.Channel}, &in.keep)
		}),
		op("PUT", "/v1/channels/:channel/settings/pin", "pinConversation", "Puts a conversation at the top of the caller's list.", pin(false)),
		op("DELETE", "/v1/channels/:channel/settings/pin", "unpinConversation", "Takes it down again.", pin(true)),
		act("POST", "/v1/channels/:channel/drop", "dropConversation", "Takes a conversation off the caller's list until its next message.", func(ctx context.Context, c *call, in *struct {
			where
			Clear bool `json:"clear_history" doc:"Its history is gone for the caller."`
		}) error {
			return x.Drop(ctx, c.by, core.DropConversation{Key: in.Channel, Clear: in.Clear})
		}),
	}
}

func (d *Dialect) listConversations(ctx context.Context, c *call, in *struct {
	paging
	Kinds  []string `json:"kinds" in:"query" max:"5" doc:"Only these; all but rooms when absent."`
	Pinned bool     `json:"pinned" in:"query" doc:"Only pinned ones."`
	Mark   string   `json:"mark" in:"query" doc:"Only those with this mark."`
	Empty  bool     `json:"empty" in:"query" doc:"Also those without messages."`
}) (Page[Conversation], error) {
	cmd := core.ListConversations{Pinned: in.Pinned, Mark: in.Mark, Empty: in.Empty}
	for _, name := range in.Kinds {
		kind := kindOf(name)
		if kindNames[kind] != name {
			return Page[Conversation]{}, errKind
		}
		cmd.Kinds = append(cmd.Kinds, kind)
	}
	return listed(&in.paging, 20, 100, func(p core.Page) ([]core.Conversation, error) {
		cmd.Page = p
		return d.core.Conversations.List(ctx, c.by, cmd)
	}, conversationOf)
}

// kept reads the settings of one scope.
func (d *Dialect) kept(ctx context.Context, c *call, s core.SettingsScope) (KeptSettings, error) {
	v, err := d.core.Conversations.Settings(ctx, c.by, core.GetSettings{Scopes: []core.SettingsScope{s}})
	if err != nil || len(v) == 0 {
		return KeptSettings{}, err
	}
	return settingsOf(&v[0]), nil
}

// keep changes the settings of one scope.
func (d *Dialect) keep(ctx context.Context, c *call, s core.SettingsScope, in *keep) (KeptSettings, error) {
	v, err := d.core.Conversations.Put(ctx, c.by, core.PutSettings{Scope: s, Change: func(k *core.ConversationSettings) (err error) {
		set(&k.Marks, in.Marks)
		set(&k.Quiet, in.Quiet)
		set(&k.QuietTill, in.QuietTill)
		k.Extra, err = merged(k.Extra, in.Extra)
		return err
	}})
	return settingsOf(&v), err
}
