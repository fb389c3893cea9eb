package sqlite

import (
	"strings"

	"dragoman/core"
	"dragoman/core/store/codec"
)

// collect reads all rows of a bound statement with scan.
func collect[T any](st *stmt, scan func(*stmt, *T) error) ([]T, error) {
	var out []T
	for {
		more, err := st.step()
		if err != nil || !more {
			return out, err
		}
		var v T
		if err := scan(st, &v); err != nil {
			st.reset()
			return nil, err
		}
		out = append(out, v)
	}
}

// marks is n placeholders, separated by commas.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }

// columns of an alias, comma separated.
func columns(alias, names string) string {
	return alias + "." + strings.ReplaceAll(names, ", ", ", "+alias+".")
}

// userCols are what scanUser reads.
const userCols = "id, name, image, role, language, invisible, created_at, updated_at, last_active, deactivated_at, deleted_at, revoked_before, teams, team_roles, privacy, extra, ban, tags"

// scanUser reads a user.
func scanUser(st *stmt, u *core.User) error {
	u.ID, u.Name, u.Image, u.Role = core.UserID(st.colText(0)), st.colText(1), st.colText(2), st.colText(3)
	u.Language, u.Invisible = st.colText(4), st.colInt(5) != 0
	u.CreatedAt, u.UpdatedAt, u.LastActive = core.FromMillis(st.colInt(6)), core.FromMillis(st.colInt(7)), core.FromMillis(st.colInt(8))
	u.DeactivatedAt, u.DeletedAt, u.RevokedBefore = core.FromMillis(st.colInt(9)), core.FromMillis(st.colInt(10)), core.FromMillis(st.colInt(11))
	if err := codec.Decode(st.colBytes(12), &u.Teams); err != nil {
		return err
	}
	u.TeamRoles, u.Privacy, u.Extra = st.colBytes(13), st.colBytes(14), st.colBytes(15)
	if err := codec.Decode(st.colBytes(17), &u.Tags); err != nil {
		return err
	}
	return codec.Decode(st.colBytes(16), &u.Ban)
}

// channelFrom joins a channel and its counters.
const (
	channelFrom = "channels c JOIN heads h ON h.ch = c.id"
	channelCols = "c.id, c.key, c.type, c.kind, c.name, c.image, c.team, c.created_by, c.frozen, c.disabled, c.cooldown, c.overrides, c.tags, c.extra, " +
		"c.member_count, h.message_count, h.last_seq, h.last_ev, c.created_at, c.updated_at, h.last_at, c.truncated_at, c.truncated_by, " +
		"c.truncated_up_to, c.deleted_at, c.alias_no, c.admission"
)

// scanChannel reads a channel and its counters.
func scanChannel(st *stmt, c *core.Channel) error {
	c.ID, c.Key, c.Type = core.ChannelID(st.colInt(0)), core.ChannelKey(st.colText(1)), st.colText(2)
	c.Kind = core.ChannelKind(st.colInt(3)) //nolint:gosec // written from this type
	c.Name, c.Image, c.Team, c.CreatedBy = st.colText(4), st.colText(5), st.colText(6), core.UserID(st.colText(7))
	c.Frozen, c.Disabled, c.Cooldown = st.colInt(8) != 0, st.colInt(9) != 0, int(st.colInt(10))
	if err := codec.Decode(st.colBytes(11), &c.Overrides); err != nil {
		return err
	}
	if err := codec.Decode(st.colBytes(12), &c.Tags); err != nil {
		return err
	}
	c.Extra = st.colBytes(13)
	c.MemberCount, c.MessageCount, c.LastSeq, c.LastEv = int(st.colInt(14)), st.colInt(15), st.colInt(16), st.colInt(17)
	c.CreatedAt, c.UpdatedAt, c.LastMessageAt = core.FromMillis(st.colInt(18)), core.FromMillis(st.colInt(19)), core.FromMillis(st.colInt(20))
	c.TruncatedAt, c.TruncatedBy, c.TruncatedUpTo = core.FromMillis(st.colInt(21)), core.UserID(st.colText(22)), st.colInt(23)
	c.DeletedAt, c.AliasNo = core.FromMillis(st.colInt(24)), st.colInt(25)
	c.Admission = core.Admission(st.colText(26))
	return nil
}

// memberCols are what scanMember reads.
const memberCols = "ch, user, role, channel_role, extra, created_at, updated_at, invited_at, accepted_at, rejected_at, hidden_at, hidden_up_to, " +
	"pinned_at, archived_at, read_seq, read_at, read_message, delivered_seq, delivered_at, muted_until, muted_at, ban"

// scanMember reads a member.
func scanMember(st *stmt, m *core.Member) error {
	m.Channel, m.User, m.Role, m.ChannelRole = core.ChannelID(st.colInt(0)), core.UserID(st.colText(1)), st.colText(2), st.colText(3)
	m.Extra = st.colBytes(4)
	m.CreatedAt, m.UpdatedAt, m.InvitedAt = core.FromMillis(st.colInt(5)), core.FromMillis(st.colInt(6)), core.FromMillis(st.colInt(7))
	m.AcceptedAt, m.RejectedAt = core.FromMillis(st.colInt(8)), core.FromMillis(st.colInt(9))
	m.HiddenAt, m.HiddenUpTo = core.FromMillis(st.colInt(10)), st.colInt(11)
	m.PinnedAt, m.ArchivedAt = core.FromMillis(st.colInt(12)), core.FromMillis(st.colInt(13))
	m.ReadSeq, m.ReadAt, m.ReadMessage = st.colInt(14), core.FromMillis(st.colInt(15)), core.MessageID(st.colInt(16))
	m.DeliveredSeq, m.DeliveredAt = st.colInt(17), core.FromMillis(st.colInt(18))
	m.MutedUntil, m.MutedAt = core.FromMillis(st.colInt(19)), core.FromMillis(st.colInt(20))
	return codec.Decode(st.colBytes(21), &m.Ban)
}

// messageCols are what scanMessage reads.
const messageCols = "id, msg_id, user, kind, flags, created_at, updated_at, text, alias, parent, body, extra, deleted_at, edited_at, " +
	"reply_count, last_reply_at, participants, reactions, pinned_ch, pinned_at"

// scanMessage reads a message but for its ChannelKey.
func scanMessage(st *stmt, m *core.Message) error {
	row := st.colInt(0)
	m.Channel, m.Seq = core.ChannelID(row>>31), row&seqMask
	m.ID, m.User, m.Kind = core.MessageID(st.colInt(1)), core.UserID(st.colText(2)), core.MessageKind(st.colText(3))
	if m.Kind == "" {
		m.Kind = core.MessageRegular
	}
	flags := st.colInt(4)
	m.ShowInChannel, m.Silent, m.Shadowed = flags&codec.FlagShow != 0, flags&codec.FlagSilent != 0, flags&codec.FlagShadowed != 0
	m.CreatedAt, m.UpdatedAt = core.FromMillis(st.colInt(5)), core.FromMillis(st.colInt(6))
	if st.isNull(6) {
		m.UpdatedAt = m.CreatedAt
	}
	m.Text, m.Alias, m.Parent = st.colText(7), st.colText(8), core.MessageID(st.colInt(9))
	if err := codec.DecodeBody(st.colBytes(10), m); err != nil {
		return err
	}
	m.Extra = st.colBytes(11)
	m.DeletedAt, m.EditedAt = core.FromMillis(st.colInt(12)), core.FromMillis(st.colInt(13))
	m.ReplyCount, m.LastReplyAt = int(st.colInt(14)), core.FromMillis(st.colInt(15))
	if err := codec.Decode(st.colBytes(16), &m.Participants); err != nil {
		return err
	}
	if err := codec.Decode(st.colBytes(17), &m.Reactions); err != nil {
		return err
	}
	m.Pinned, m.PinnedAt = !st.isNull(18), core.FromMillis(st.colInt(19))
	return nil
}

// reactionCols are what scanReaction reads.
const reactionCols = "msg, type, user, score, extra, created_at, updated_at"

// scanReaction reads a reaction but for its Alias.
func scanReaction(st *stmt, r *core.Reaction) error {
	r.Message, r.Type, r.User, r.Score = core.MessageID(st.colInt(0)), st.colText(1), core.UserID(st.colText(2)), int(st.colInt(3))
	r.Extra, r.CreatedAt, r.UpdatedAt = st.colBytes(4), core.FromMillis(st.colInt(5)), core.FromMillis(st.colInt(6))
	return nil
}
