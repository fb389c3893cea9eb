package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

// Limits of running commands.
const (
	commandTime    = 5 * time.Second // for the app's endpoint to answer
	ephemeralsKept = time.Hour       // for buttons to be pressed
)

// runCommand executes the slash command m.Command. done means that m is the whole answer, an
// ephemeral or error message for the actor alone, and nothing is to be stored.
func (e *Engine) runCommand(ctx context.Context, s *scene, m *core.Message, form map[string]string) (done bool, err error) {
	switch m.Command {
	case "giphy":
		return true, e.giphy(ctx, s, m)
	case "ban", "unban", "mute", "unmute", "flag":
		return true, e.moderateBy(ctx, s, m)
	}
	return e.runCustom(ctx, s, m, form)
}

// picture is the attachment that the giphy command proposes. No picture is fetched: the proposal is
// the words, and what is shown for them is the client's to find.
type picture struct {
	Type    string   `json:"type"`
	Title   string   `json:"title"`
	Actions []action `json:"actions,omitempty"`
}

// action is a button of an attachment.
type action struct {
	Name  string `json:"name"`
	Text  string `json:"text"`
	Style string `json:"style"`
	Type  string `json:"type"`
	Value string `json:"value"`
}

// imageAction is the form field the buttons of the giphy command answer in.
const imageAction = "image_action"

func (e *Engine) giphy(ctx context.Context, s *scene, m *core.Message) error {
	if m.CommandArgs == "" {
		answer(e, m, core.MessageError, "What should the picture show? Try /giphy followed by a few words")
		return nil
	}
	a, err := json.Marshal(picture{Type: "giphy", Title: m.CommandArgs, Actions: []action{
		{imageAction, "Send", "primary", "button", "send"},
		{imageAction, "Shuffle", "default", "button", "shuffle"},
		{imageAction, "Cancel", "default", "button", "cancel"},
	}})
	if err != nil {
		return err
	}
	text := m.Text
	answer(e, m, core.MessageEphemeral, text)
	m.Attachments = []json.RawMessage{a}
	return e.keepEphemeral(ctx, s, m)
}

// answer turns a command into a message for its sender alone.
func answer(e *Engine, m *core.Message, kind core.MessageKind, text string) {
	m.Kind, m.Text, m.Silent = kind, text, true
	if m.Alias == "" {
		m.Alias = uuid()
	}
	m.CreatedAt, m.UpdatedAt = e.now(), e.now()
}

// keepEphemeral stores an ephemeral message until one of its buttons is pressed, and throws away
// what the person has left lying for too long.
func (e *Engine) keepEphemeral(ctx context.Context, s *scene, m *core.Message) error {
	prefix := prefixOf(string(s.user.ID))
	return e.update(ctx, "messages.ephemeral", s.by.App, 0, func(t *txn) error {
		old, err := scan[core.Message](ctx, t, s.by.App, spaceEphemerals, prefix)
		if err != nil {
			return err
		}
		for i := range old {
			if e.now().Sub(old[i].CreatedAt) > ephemeralsKept {
				if err := t.DeleteRecord(s.by.App, spaceEphemerals, prefix+old[i].Alias); err != nil {
					return err
				}
			}
		}
		return putJSON(t, spaceEphemerals, prefix+m.Alias, m)
	})
}

// moderateBy runs a moderation command: "@somebody reason". What the actor got wrong is told in an
// error message, as all clients show it.
func (e *Engine) moderateBy(ctx context.Context, s *scene, m *core.Message) error {
	who, reason, _ := strings.Cut(m.CommandArgs, " ")
	target := core.UserID(strings.TrimPrefix(who, "@"))
	if target == "" {
		answer(e, m, core.MessageError, fmt.Sprintf("Whom? Try /%s @user", m.Command))
		return nil
	}
	if len(m.Mentions) == 1 {
		target = m.Mentions[0] // clients show names and send ids apart
	}
	text, err := e.moderateUser(ctx, s, m.Command, target, strings.TrimSpace(reason))
	if f := fault.From(err); err != nil {
		if f.Reason.Blame() != fault.BlameClient {
			return err
		}
		answer(e, m, core.MessageError, f.Message())
		return nil
	}
	answer(e, m, core.MessageEphemeral, text)
	return nil
}

func (e *Engine) moderateUser(ctx context.Context, s *scene, command string, target core.UserID, reason string) (string, error) {
	mod := moderation{e}
	var err error
	switch command {
	case "ban", "unban":
		_, err = mod.Ban(ctx, s.by, core.SetBan{User: target, Key: s.channel.Key, Lift: command == "unban", Reason: reason})
	case "mute", "unmute":
		_, err = mod.Mute(ctx, s.by, core.MuteUsers{Users: []core.UserID{target}, Unmute: command == "unmute"})
	default:
		_, err = mod.Flag(ctx, s.by, core.FlagContent{User: target, Reason: reason})
	}
	done := map[string]string{"ban": "banned", "unban": "unbanned", "mute": "muted", "unmute": "unmuted", "flag": "flagged"}
	return fmt.Sprintf("User %s has been %s", target, done[command]), err
}

// runCustom asks the app's endpoint.
func (e *Engine) runCustom(ctx context.Context, s *scene, m *core.Message, form map[string]string) (bool, error) {
	if s.app.Settings.CommandURL == "" || e.opts.Callouts == nil {
		return false, fault.IntegrationNotConfigured.Error(fmt.Sprintf("the endpoint for custom commands is not configured: /%s cannot run", m.Command)).With("custom_command")
	}
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	if err := e.opts.Callouts.Command(ctx, e.doer, s.app, s.channel, s.user, m, form); err != nil {
		if f := fault.From(err); f.Reason == fault.ModerationRejected || f.Reason == fault.PermissionDenied {
			return false, err
		}
		return false, fault.IntegrationCallFailed.Error(fmt.Sprintf("the endpoint for the command /%s failed", m.Command)).With("custom_command").Cause(err)
	}
	switch m.Kind {
	case core.MessageEphemeral:
		answer(e, m, m.Kind, m.Text)
		return true, e.keepEphemeral(ctx, s, m)
	case core.MessageError:
		answer(e, m, m.Kind, m.Text)
		return true, nil
	}
	return false, checkShape(s, m, 0)
}

// act answers a button of an ephemeral message, or of a stored one that a custom command made.
// The result is nil when the message is gone.
func (e *Engine) act(ctx context.Context, by core.Actor, in core.RunAction) (*core.Message, error) {
	if err := needUser(by); err != nil {
		return nil, err
	}
	key := keyOf(string(by.User), in.ID)
	m, found, err := record[core.Message](ctx, e.store, by.App, spaceEphemerals, key)
	if err != nil {
		return nil, err
	}
	if !found {
		return e.actOnStored(ctx, by, in)
	}
	s, err := e.enter(ctx, by, m.ChannelKey)
	if err != nil {
		return nil, err
	}
	m.Author = e.seen(by.App, s.user)
	if _, own := builtin(m.Command); !own {
		return e.actCustom(ctx, s, &m, key, in.Form)
	}
	switch in.Form[imageAction] {
	case "shuffle":
		return &m, nil // there is one proposal only
	case "cancel":
		return nil, e.dropEphemeral(ctx, by.App, key)
	case "send":
		m.Kind, m.Silent = core.MessageRegular, false
		for i, raw := range m.Attachments {
			var p picture
			if json.Unmarshal(raw, &p) == nil && p.Type == "giphy" {
				p.Actions = nil
				if m.Attachments[i], err = json.Marshal(p); err != nil {
					return nil, err
				}
			}
		}
		return e.release(ctx, s, &m, key)
	}
	return nil, fault.RequestInvalidField.Error(fmt.Sprintf("%s must be send, shuffle or cancel", imageAction))
}

// release sends an ephemeral message to the channel.
func (e *Engine) release(ctx context.Context, s *scene, m *core.Message, key string) (*core.Message, error) {
	m.CreatedAt, m.UpdatedAt = e.now(), e.now()
	if err := e.maySend(ctx, s, m, false); err != nil {
		return nil, err
	}
	flag, err := e.judge(ctx, s, m)
	if err != nil {
		return nil, err
	}
	sent, err := e.append(ctx, s, m, false, flag)
	if err != nil {
		return nil, err
	}
	return &sent.Message, e.dropEphemeral(ctx, s.by.App, key)
}

func (e *Engine) dropEphemeral(ctx context.Context, app core.AppID, key string) error {
	return e.update(ctx, "messages.action", app, 0, func(t *txn) error { return t.DeleteRecord(app, spaceEphemerals, key) })
}

// actCustom hands a button of a custom command's message to the app's endpoint.
func (e *Engine) actCustom(ctx context.Context, s *scene, m *core.Message, key string, form map[string]string) (*core.Message, error) {
	done, err := e.runCommand(ctx, s, m, form)
	if err != nil {
		return nil, err
	}
	if done {
		return m, nil
	}
	return e.release(ctx, s, m, key)
}

// actOnStored does the same for a message in the channel; what the endpoint answers for the actor
// alone is not stored.
func (e *Engine) actOnStored(ctx context.Context, by core.Actor, in core.RunAction) (*core.Message, error) {
	m, s, err := e.readMessage(ctx, by, in.ID)
	if err != nil {
		return nil, err
	}
	if m.Command == "" || !canSee(m, by) {
		return nil, fault.MessageActionNotAllowed.Error("the message has no actions")
	}
	if _, own := builtin(m.Command); own {
		return nil, fault.MessageActionNotAllowed.Error("the message has no actions any more")
	}
	c := *m
	if _, err := e.runCommand(ctx, s, &c, in.Form); err != nil {
		return nil, err
	}
	c.Author = e.seen(by.App, s.user)
	return &c, nil
}

// notBlocked answers block.by_peer or block.by_self when one side of a direct conversation has
// blocked the other.
func (e *Engine) notBlocked(ctx context.Context, s *scene) error {
	ms, err := e.store.Members(ctx, s.by.App, s.channel.ID, nil, 10, 0)
	if err != nil || len(ms) != 2 {
		return err
	}
	for i := range ms {
		other := ms[i].User
		if other == s.user.ID {
			continue
		}
		if hit, err := e.hasBlocked(ctx, e.store, s.by.App, other, s.user.ID); err != nil || hit {
			return orElse(err, fault.BlockByPeer.Error("you cannot write to this user"))
		}
		if hit, err := e.hasBlocked(ctx, e.store, s.by.App, s.user.ID, other); err != nil || hit {
			return orElse(err, fault.BlockBySelf.Error("you have blocked this user"))
		}
	}
	return nil
}

// orElse is err, or other when there is none.
func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// autoFlag reports a message that a list matched.
func (e *Engine) autoFlag(ctx context.Context, s *scene, m *core.Message) error {
	return e.update(ctx, "messages.flag", s.by.App, 0, func(t *txn) error {
		return t.flagAutomatically(s.channel, s.config, m, "blocklist")
	})
}
