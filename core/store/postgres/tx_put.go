package postgres

import (
	"strconv"
	"strings"

	"dragoman/core"
	"dragoman/core/store/codec"
)

// marks is "$1, $2, …" up to n.
func marks(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = "$" + strconv.Itoa(i+1)
	}
	return strings.Join(list, ", ")
}

// excluded sets each column to what was to be inserted.
func excluded(names string) string {
	list := strings.Split(names, ", ")
	for i, n := range list {
		list[i] = n + " = excluded." + n
	}
	return strings.Join(list, ", ")
}

// ban encodes a ban; none is NULL.
func ban(b *core.Ban) []byte {
	if b == nil {
		return nil
	}
	return doc(codec.Encode(b))
}

// PutApp implements store.Tx.
func (t *tx) PutApp(a *core.App) error {
	settings := doc(codec.Encode(a.Settings))
	if a.ID != 0 {
		tag, err := t.exec("UPDATE apps SET name = $1, settings = $2, updated_at = $3 WHERE id = $4", enc(a.Name), settings, millis(a.UpdatedAt), int64(a.ID))
		if err == nil && tag.RowsAffected() == 0 {
			return notFound("app", int64(a.ID))
		}
		return err
	}
	return t.one(t.ctx, `INSERT INTO apps (name, settings, created_at, updated_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (name) DO UPDATE SET settings = excluded.settings, updated_at = excluded.updated_at RETURNING id, created_at`,
		args(enc(a.Name), settings, millis(a.CreatedAt), millis(a.UpdatedAt)), num(&a.ID), at(&a.CreatedAt))
}

// putUser writes a whole row.
var putUser = "INSERT INTO users (app, " + userCols + ") VALUES (" + marks(19) + ") ON CONFLICT (app, id) DO UPDATE SET " + excluded(strings.TrimPrefix(userCols, "id, "))

// PutUser implements store.Tx.
func (t *tx) PutUser(app core.AppID, u *core.User) error {
	_, err := t.exec(putUser, int64(app), enc(u.ID), enc(u.Name), enc(u.Image), enc(u.Role), enc(u.Language), u.Invisible,
		millis(u.CreatedAt), millis(u.UpdatedAt), millis(u.LastActive), millis(u.DeactivatedAt), millis(u.DeletedAt), millis(u.RevokedBefore),
		doc(codec.AppendTexts(nil, u.Teams)), doc(u.TeamRoles), doc(u.Privacy), doc(u.Extra), ban(u.Ban), doc(codec.AppendTexts(nil, u.Tags)))
	return err
}

// DeleteUser implements store.Tx.
func (t *tx) DeleteUser(app core.AppID, id core.UserID) error {
	_, err := t.exec("DELETE FROM users WHERE app = $1 AND id = $2", int64(app), enc(id))
	return err
}

// PutChannel implements store.Tx. The key of a channel never changes.
func (t *tx) PutChannel(app core.AppID, c *core.Channel) error {
	overrides := codec.Encode(c.Overrides)
	if string(overrides) == "{}" {
		overrides = nil
	}
	list := args(enc(c.Type), int64(c.Kind), enc(c.Name), enc(c.Image), enc(c.Team), enc(c.CreatedBy), c.Frozen, c.Disabled, int64(c.Cooldown),
		doc(overrides), doc(codec.AppendTexts(nil, c.Tags)), doc(c.Extra), millis(c.CreatedAt), millis(c.UpdatedAt), millis(c.TruncatedAt),
		enc(c.TruncatedBy), c.TruncatedUpTo, millis(c.DeletedAt), c.AliasNo, enc(c.Admission))
	if c.ID != 0 {
		tag, err := t.exec(`UPDATE channels SET type = $1, kind = $2, name = $3, image = $4, team = $5, created_by = $6, frozen = $7, disabled = $8,
			cooldown = $9, overrides = $10, tags = $11, extra = $12, created_at = $13, updated_at = $14, truncated_at = $15, truncated_by = $16,
			truncated_up_to = $17, deleted_at = $18, alias_no = $19, admission = $20 WHERE id = $21 AND app = $22`, append(list, int64(c.ID), int64(app))...)
		if err == nil && tag.RowsAffected() == 0 {
			return notFound("channel", int64(c.ID))
		}
		return err
	}
	_, bare := c.Key.Split()
	err := t.one(t.ctx, `INSERT INTO channels (type, kind, name, image, team, created_by, frozen, disabled, cooldown, overrides, tags, extra, created_at,
		updated_at, truncated_at, truncated_by, truncated_up_to, deleted_at, alias_no, admission, app, key, bare) VALUES (`+marks(23)+`) RETURNING id`,
		append(list, int64(app), enc(c.Key), enc(bare)), num(&c.ID))
	if err != nil {
		c.ID = 0
		return err
	}
	_, err = t.exec("INSERT INTO heads (ch, last_at) VALUES ($1, $2)", int64(c.ID), millis(c.LastMessageAt))
	return err
}

// DeleteChannel implements store.Tx.
func (t *tx) DeleteChannel(app core.AppID, ch core.ChannelID) error {
	if _, err := t.owned(app, ch); err != nil {
		return err
	}
	for _, sql := range []string{
		"INSERT INTO reindex (msg_id) SELECT msg_id FROM messages WHERE ch = $1",
		"DELETE FROM reactions WHERE ch = $1 AND msg IN (SELECT msg_id FROM messages WHERE ch = $1 AND reactions IS NOT NULL)",
		"DELETE FROM authors a USING channels c WHERE c.id = $1 AND a.app = c.app AND a.ch = $1 AND a.person IN (SELECT DISTINCT person FROM messages WHERE ch = $1)",
		"DELETE FROM messages WHERE ch = $1",
		"DELETE FROM events WHERE ch = $1",
		"DELETE FROM members WHERE ch = $1",
		"DELETE FROM heads WHERE ch = $1",
		"DELETE FROM channels WHERE id = $1",
	} {
		if _, err := t.exec(sql, int64(ch)); err != nil {
			return err
		}
	}
	delete(t.heads, ch)
	return nil
}

// putMember writes a whole row and tells whether it is new.
var putMember = "INSERT INTO members (app, " + memberCols + ") VALUES (" + marks(23) + ") ON CONFLICT (ch, person) DO UPDATE SET " +
	excluded(strings.TrimPrefix(memberCols, "ch, person, ")) + " RETURNING xmax = 0"

// PutMember implements store.Tx.
func (t *tx) PutMember(app core.AppID, m *core.Member) error {
	if _, err := t.owned(app, m.Channel); err != nil {
		return err
	}
	var fresh bool
	err := t.one(t.ctx, putMember, args(int64(app), int64(m.Channel), enc(m.User), enc(m.Role), enc(m.ChannelRole), doc(m.Extra),
		millis(m.CreatedAt), millis(m.UpdatedAt), millis(m.InvitedAt), millis(m.AcceptedAt), millis(m.RejectedAt), millis(m.HiddenAt), m.HiddenUpTo,
		millis(m.PinnedAt), millis(m.ArchivedAt), m.ReadSeq, millis(m.ReadAt), int64(m.ReadMessage), m.DeliveredSeq, millis(m.DeliveredAt),
		millis(m.MutedUntil), millis(m.MutedAt), ban(m.Ban)), &fresh)
	if err != nil || !fresh {
		return err
	}
	return t.countMembers(m.Channel, 1)
}

// countMembers moves the member count of a channel.
func (t *tx) countMembers(ch core.ChannelID, by int64) error {
	_, err := t.exec("UPDATE channels SET member_count = member_count + $1 WHERE id = $2", by, int64(ch))
	return err
}

// DeleteMember implements store.Tx.
func (t *tx) DeleteMember(app core.AppID, ch core.ChannelID, user core.UserID) error {
	if err := t.lockFound(app, ch); err != nil {
		return err
	}
	tag, err := t.exec("DELETE FROM members WHERE ch = $1 AND person = $2 AND app = $3", int64(ch), enc(user), int64(app))
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	return t.countMembers(ch, -1)
}

// PutMessage implements store.Tx.
func (t *tx) PutMessage(app core.AppID, m *core.Message) error {
	if _, err := t.owned(app, m.Channel); err != nil {
		return err
	}
	r := rowOf(m)
	tag, err := t.exec(`UPDATE messages SET person = $1, kind = $2, flags = $3, created_at = $4, updated_at = $5, body_text = $6, alias = $7, parent = $8,
		body = $9, extra = $10, deleted_at = $11, edited_at = $12, reply_count = $13, last_reply_at = $14, participants = $15, reactions = $16,
		pinned = $17, pinned_at = $18 WHERE ch = $19 AND seq = $20 AND app = $21`, r.person, r.kind, r.flags, r.created, r.updated, r.text, r.alias,
		r.parent, r.body, r.extra, r.deleted, r.edited, r.replies, r.lastReply, r.participants, r.reactions, m.Pinned, r.pinnedAt,
		int64(m.Channel), m.Seq, int64(app))
	if err != nil {
		return err
	}
	if tag.RowsAffected() == 0 {
		return notFound("message", m.Seq)
	}
	_, err = t.exec("INSERT INTO reindex (msg_id) SELECT msg_id FROM messages WHERE ch = $1 AND seq = $2", int64(m.Channel), m.Seq)
	return err
}

// DeleteMessages implements store.Tx. to 0 means up to the end.
func (t *tx) DeleteMessages(app core.AppID, ch core.ChannelID, from, to int64, user core.UserID) error {
	h, err := t.owned(app, ch)
	if err != nil {
		return err
	}
	var gone int64
	var parents []int64
	err = t.one(t.ctx, `WITH gone AS (DELETE FROM messages WHERE ch = $1 AND seq BETWEEN $2 AND $3 AND app = $4 AND ($5 = '' OR person = $5) RETURNING msg_id, parent),
		r AS (DELETE FROM reactions WHERE msg IN (SELECT msg_id FROM gone) AND app = $4),
		x AS (INSERT INTO reindex (msg_id) SELECT msg_id FROM gone)
		SELECT count(*), coalesce(array_agg(DISTINCT parent) FILTER (WHERE parent <> 0), '{}') FROM gone`,
		args(int64(ch), max(from, 0), upTo(to), int64(app), enc(user)), &gone, &parents)
	if err != nil {
		return err
	}
	h.count -= gone
	h.dirty = h.dirty || gone > 0
	if len(parents) > 0 { // threads that lost replies
		if _, err := t.exec(`UPDATE messages p SET reply_count = (SELECT count(*) FROM messages r WHERE r.parent = p.msg_id AND r.parent <> 0 AND r.app = p.app)
			WHERE p.msg_id = ANY($1) AND p.app = $2`, parents, int64(app)); err != nil {
			return err
		}
	}
	return t.flush()
}

// PutReaction implements store.Tx.
func (t *tx) PutReaction(app core.AppID, ch core.ChannelID, r *core.Reaction) error {
	_, err := t.exec(`INSERT INTO reactions (app, ch, msg, type, person, score, extra, created_at, updated_at) VALUES (`+marks(9)+`)
		ON CONFLICT (msg, app, person, type) DO UPDATE SET ch = excluded.ch, score = excluded.score, extra = excluded.extra,
		created_at = excluded.created_at, updated_at = excluded.updated_at`, int64(app), int64(ch), int64(r.Message), enc(r.Type), enc(r.User),
		int64(r.Score), doc(r.Extra), millis(r.CreatedAt), millis(r.UpdatedAt))
	return err
}

// DeleteReaction implements store.Tx.
func (t *tx) DeleteReaction(app core.AppID, msg core.MessageID, typ string, user core.UserID) error {
	_, err := t.exec("DELETE FROM reactions WHERE msg = $1 AND app = $2 AND person = $3 AND type = $4", int64(msg), int64(app), enc(user), enc(typ))
	return err
}
