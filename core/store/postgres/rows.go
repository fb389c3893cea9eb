package postgres

import (
	"strings"

	"github.com/jackc/pgx/v5"

	"dragoman/core"
	"dragoman/core/store"
	"dragoman/core/store/codec"
)

// columns of an alias, comma separated.
func columns(alias, names string) string {
	return alias + "." + strings.ReplaceAll(names, ", ", ", "+alias+".")
}

// userCols are what scanUser reads.
const userCols = "id, name, image, role, language, invisible, created_at, updated_at, last_active, deactivated_at, deleted_at, revoked_before, teams, team_roles, privacy, extra, ban, tags"

// scanUser reads a user; more is scanned after it.
func scanUser(rows pgx.Rows, u *core.User, more ...any) error {
	var teams, roles, privacy, extra, ban, tags []byte
	err := rows.Scan(append([]any{str(&u.ID), str(&u.Name), str(&u.Image), str(&u.Role), str(&u.Language), &u.Invisible, at(&u.CreatedAt), at(&u.UpdatedAt),
		at(&u.LastActive), at(&u.DeactivatedAt), at(&u.DeletedAt), at(&u.RevokedBefore), &teams, &roles, &privacy, &extra, &ban, &tags}, more...)...)
	if err != nil {
		return failure(err)
	}
	u.TeamRoles, u.Privacy, u.Extra = roles, privacy, extra
	if err := codec.Decode(teams, &u.Teams); err != nil {
		return err
	}
	if err := codec.Decode(tags, &u.Tags); err != nil {
		return err
	}
	return codec.Decode(ban, &u.Ban)
}

// channelFrom joins a channel and its counters.
const (
	channelFrom = "channels c JOIN heads h ON h.ch = c.id"
	channelCols = "c.id, c.key, c.type, c.kind, c.name, c.image, c.team, c.created_by, c.frozen, c.disabled, c.cooldown, c.overrides, c.tags, c.extra, " +
		"c.member_count, h.message_count, h.last_seq, h.last_ev, c.created_at, c.updated_at, h.last_at, c.truncated_at, c.truncated_by, " +
		"c.truncated_up_to, c.deleted_at, c.alias_no, c.admission"
)

// scanChannel reads a channel and its counters.
func scanChannel(rows pgx.Rows, c *core.Channel, more ...any) error {
	var overrides, tags, extra []byte
	err := rows.Scan(append([]any{num(&c.ID), str(&c.Key), str(&c.Type), num(&c.Kind), str(&c.Name), str(&c.Image), str(&c.Team), str(&c.CreatedBy),
		&c.Frozen, &c.Disabled, num(&c.Cooldown), &overrides, &tags, &extra, num(&c.MemberCount), num(&c.MessageCount), num(&c.LastSeq), num(&c.LastEv),
		at(&c.CreatedAt), at(&c.UpdatedAt), at(&c.LastMessageAt), at(&c.TruncatedAt), str(&c.TruncatedBy), num(&c.TruncatedUpTo), at(&c.DeletedAt),
		num(&c.AliasNo), str(&c.Admission)}, more...)...)
	if err != nil {
		return failure(err)
	}
	c.Extra = extra
	if err := codec.Decode(overrides, &c.Overrides); err != nil {
		return err
	}
	return codec.Decode(tags, &c.Tags)
}

// memberCols are what scanMember reads.
const memberCols = "ch, person, role, channel_role, extra, created_at, updated_at, invited_at, accepted_at, rejected_at, hidden_at, hidden_up_to, " +
	"pinned_at, archived_at, read_seq, read_at, read_message, delivered_seq, delivered_at, muted_until, muted_at, ban"

// scanMember reads a member.
func scanMember(rows pgx.Rows, m *core.Member, more ...any) error {
	var extra, ban []byte
	err := rows.Scan(append([]any{num(&m.Channel), str(&m.User), str(&m.Role), str(&m.ChannelRole), &extra, at(&m.CreatedAt), at(&m.UpdatedAt),
		at(&m.InvitedAt), at(&m.AcceptedAt), at(&m.RejectedAt), at(&m.HiddenAt), num(&m.HiddenUpTo), at(&m.PinnedAt), at(&m.ArchivedAt),
		num(&m.ReadSeq), at(&m.ReadAt), num(&m.ReadMessage), num(&m.DeliveredSeq), at(&m.DeliveredAt), at(&m.MutedUntil), at(&m.MutedAt), &ban}, more...)...)
	if err != nil {
		return failure(err)
	}
	m.Extra = extra
	return codec.Decode(ban, &m.Ban)
}

// messageCols are what scanMessage reads: messageFields and the key of the channel.
const (
	messageFields = "ch, seq, msg_id, person, kind, flags, created_at, updated_at, body_text, alias, parent, body, extra, deleted_at, edited_at, " +
		"reply_count, last_reply_at, participants, reactions, pinned, pinned_at"
	messageKey = ", (SELECT k.key FROM channels k WHERE k.id = m.ch)"
)

// messageCols are those of messages m.
var messageCols = columns("m", messageFields) + messageKey

// scanMessage reads a message.
func scanMessage(rows pgx.Rows, m *core.Message, more ...any) error {
	var flags int64
	var body, extra, participants, reactions []byte
	err := rows.Scan(append([]any{num(&m.Channel), num(&m.Seq), num(&m.ID), str(&m.User), str(&m.Kind), &flags, at(&m.CreatedAt), at(&m.UpdatedAt),
		str(&m.Text), str(&m.Alias), num(&m.Parent), &body, &extra, at(&m.DeletedAt), at(&m.EditedAt), num(&m.ReplyCount), at(&m.LastReplyAt),
		&participants, &reactions, &m.Pinned, at(&m.PinnedAt), str(&m.ChannelKey)}, more...)...)
	if err != nil {
		return failure(err)
	}
	if m.Kind == "" {
		m.Kind = core.MessageRegular
	}
	m.ShowInChannel, m.Silent, m.Shadowed = flags&codec.FlagShow != 0, flags&codec.FlagSilent != 0, flags&codec.FlagShadowed != 0
	if err := codec.DecodeBody(body, m); err != nil {
		return err
	}
	m.Extra = extra
	if err := codec.Decode(participants, &m.Participants); err != nil {
		return err
	}
	return codec.Decode(reactions, &m.Reactions)
}

// reactionCols are what scanReaction reads of reactions r: the row and the alias of its message.
const reactionCols = "r.msg, r.type, r.person, r.score, r.extra, r.created_at, r.updated_at, " +
	"coalesce((SELECT a.alias FROM messages a WHERE a.msg_id = r.msg AND a.app = r.app), '')"

// scanReaction reads a reaction.
func scanReaction(rows pgx.Rows, r *core.Reaction, more ...any) error {
	var extra []byte
	err := rows.Scan(append([]any{num(&r.Message), str(&r.Type), str(&r.User), num(&r.Score), &extra, at(&r.CreatedAt), at(&r.UpdatedAt), str(&r.Alias)}, more...)...)
	r.Extra = extra
	return failure(err)
}

// eventCols are what scanEvent reads.
const eventCols = "ch, ev, kind, at, actor, message, payload, stamp"

// scanEvent reads an event.
func scanEvent(rows pgx.Rows, e *store.EventRow) error {
	return failure(rows.Scan(num(&e.Channel), num(&e.Ev), str(&e.Kind), at(&e.At), str(&e.Actor), num(&e.Message), &e.Payload, num(&e.Stamp)))
}

// sentCols are what scanSent reads.
const sentCols = "ch, ev, created_at, person, msg_id"

// scanSent reads the event of a message.
func scanSent(rows pgx.Rows, e *store.EventRow) error {
	e.Kind = core.MessageSent
	err := rows.Scan(num(&e.Channel), num(&e.Ev), at(&e.At), str(&e.Actor), num(&e.Message))
	e.Stamp = core.Stamp(e.Message)
	return failure(err)
}

// plain drops the scanner's option, for lists without more columns.
func plain[T any](scan func(pgx.Rows, *T, ...any) error) func(pgx.Rows, *T) error {
	return func(rows pgx.Rows, v *T) error { return scan(rows, v) }
}
