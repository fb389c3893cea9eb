package sqlite

import (
	"fmt"
	"slices"
	"time"

	"dragoman/core"
	"dragoman/core/store"
	"dragoman/core/store/codec"
)

// tx is the transaction of an update: the writer's connection for the time of its function.
// Counters are written through, so that its reads see them.
type tx struct {
	session
	w *writer
}

var _ store.Tx = (*tx)(nil)

// exec prepares and binds.
func (t *tx) exec(sql string, bind func(*stmt)) error {
	st, err := t.c.prepare(sql)
	if err != nil {
		return err
	}
	bind(st)
	return st.run()
}

// owned returns the counters of a channel of the app.
func (t *tx) owned(app core.AppID, ch core.ChannelID) (*headOf, error) { return t.w.head(app, ch) }

// PutApp implements store.Tx.
func (t *tx) PutApp(a *core.App) error {
	settings := codec.Encode(a.Settings)
	if a.ID != 0 {
		err := t.exec("UPDATE apps SET name = ?, settings = ?, updated_at = ? WHERE id = ?", func(st *stmt) {
			st.text(a.Name).json(settings).int(millis(a.UpdatedAt)).int(int64(a.ID))
		})
		if err == nil && t.c.changed() == 0 {
			return fmt.Errorf("app %d: %w", a.ID, store.ErrNotFound)
		}
		return err
	}
	st, err := t.c.prepare(`INSERT INTO apps (name, settings, created_at, updated_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET settings = excluded.settings, updated_at = excluded.updated_at RETURNING id, created_at`)
	if err != nil {
		return err
	}
	if _, err := st.text(a.Name).json(settings).int(millis(a.CreatedAt)).int(millis(a.UpdatedAt)).step(); err != nil {
		return err
	}
	a.ID, a.CreatedAt = core.AppID(st.colInt(0)), core.FromMillis(st.colInt(1))
	return st.run()
}

// PutUser implements store.Tx.
func (t *tx) PutUser(app core.AppID, u *core.User) error {
	return t.exec("INSERT OR REPLACE INTO users (app, "+userCols+") VALUES ("+marks(19)+")", func(st *stmt) {
		st.int(int64(app)).text(string(u.ID)).textOrNull(u.Name).textOrNull(u.Image).textOrNull(u.Role).textOrNull(u.Language).bool(u.Invisible)
		st.intOrNull(millis(u.CreatedAt)).intOrNull(millis(u.UpdatedAt)).intOrNull(millis(u.LastActive))
		st.intOrNull(millis(u.DeactivatedAt)).intOrNull(millis(u.DeletedAt)).intOrNull(millis(u.RevokedBefore))
		st.json(codec.AppendTexts(nil, u.Teams)).json(u.TeamRoles).json(u.Privacy).json(u.Extra)
		if u.Ban != nil {
			st.json(codec.Encode(u.Ban))
		} else {
			st.null()
		}
		st.json(codec.AppendTexts(nil, u.Tags))
	})
}

// DeleteUser implements store.Tx.
func (t *tx) DeleteUser(app core.AppID, id core.UserID) error {
	return t.exec("DELETE FROM users WHERE app = ? AND id = ?", func(st *stmt) { st.int(int64(app)).text(string(id)) })
}

// PutChannel implements store.Tx. The key of a channel never changes.
func (t *tx) PutChannel(app core.AppID, c *core.Channel) error {
	overrides := codec.Encode(c.Overrides)
	if string(overrides) == "{}" {
		overrides = nil
	}
	bind := func(st *stmt) {
		st.text(c.Type).int(int64(c.Kind)).textOrNull(c.Name).textOrNull(c.Image).textOrNull(c.Team).textOrNull(string(c.CreatedBy))
		st.bool(c.Frozen).bool(c.Disabled).int(int64(c.Cooldown)).json(overrides).json(codec.AppendTexts(nil, c.Tags)).json(c.Extra)
		st.int(millis(c.CreatedAt)).int(millis(c.UpdatedAt)).intOrNull(millis(c.TruncatedAt)).textOrNull(string(c.TruncatedBy))
		st.intOrNull(c.TruncatedUpTo).intOrNull(millis(c.DeletedAt)).intOrNull(c.AliasNo).textOrNull(string(c.Admission))
	}
	if c.ID != 0 {
		err := t.exec(`UPDATE channels SET type = ?, kind = ?, name = ?, image = ?, team = ?, created_by = ?, frozen = ?, disabled = ?, cooldown = ?,
			overrides = ?, tags = ?, extra = ?, created_at = ?, updated_at = ?, truncated_at = ?, truncated_by = ?, truncated_up_to = ?, deleted_at = ?,
			alias_no = ?, admission = ? WHERE id = ? AND app = ?`, func(st *stmt) {
			bind(st)
			st.int(int64(c.ID)).int(int64(app))
		})
		if err == nil && t.c.changed() == 0 {
			return fmt.Errorf("channel %d: %w", c.ID, store.ErrNotFound)
		}
		return err
	}
	_, bare := c.Key.Split()
	err := t.exec(`INSERT INTO channels (type, kind, name, image, team, created_by, frozen, disabled, cooldown, overrides, tags, extra, created_at,
		updated_at, truncated_at, truncated_by, truncated_up_to, deleted_at, alias_no, admission, app, key, bare) VALUES (`+marks(23)+`)`, func(st *stmt) {
		bind(st)
		st.int(int64(app)).text(string(c.Key)).text(bare)
	})
	if err != nil {
		return err
	}
	c.ID = core.ChannelID(t.c.inserted())
	return t.exec("INSERT INTO heads (ch, last_seq, last_ev, message_count, last_at) VALUES (?, 0, 0, 0, ?)", func(st *stmt) {
		st.int(int64(c.ID)).int(millis(c.LastMessageAt))
	})
}

// DeleteChannel implements store.Tx.
func (t *tx) DeleteChannel(app core.AppID, ch core.ChannelID) error {
	if _, err := t.owned(app, ch); err != nil {
		return err
	}
	low, high := rowOf(ch, 0), rowOf(ch, seqMask)
	rows := func(st *stmt) { st.int(low).int(high) }
	id := func(st *stmt) { st.int(int64(ch)) }
	for _, step := range []struct {
		sql  string
		bind func(*stmt)
	}{
		{"INSERT INTO reindex (row) SELECT id FROM messages WHERE id BETWEEN ? AND ?", rows},
		{"DELETE FROM reactions WHERE msg IN (SELECT msg_id FROM messages WHERE id BETWEEN ? AND ? AND reactions IS NOT NULL) AND app = ?",
			func(st *stmt) { st.int(low).int(high).int(int64(app)) }},
		{"DELETE FROM authors WHERE app = ? AND ch = ? AND user IN (SELECT DISTINCT user FROM messages WHERE id BETWEEN ? AND ?)",
			func(st *stmt) { st.int(int64(app)).int(int64(ch)).int(low).int(high) }},
		{"DELETE FROM messages WHERE id BETWEEN ? AND ?", rows},
		{"DELETE FROM events WHERE id BETWEEN ? AND ?", rows},
		{"DELETE FROM members WHERE ch = ?", id},
		{"DELETE FROM heads WHERE ch = ?", id},
		{"DELETE FROM channels WHERE id = ?", id},
	} {
		if err := t.exec(step.sql, step.bind); err != nil {
			return err
		}
	}
	delete(t.w.heads, ch)
	clear(t.w.authors)
	return nil
}

// PutMember implements store.Tx.
func (t *tx) PutMember(app core.AppID, m *core.Member) error {
	h, err := t.owned(app, m.Channel)
	if err != nil {
		return err
	}
	st, err := t.c.prepare("SELECT 1 FROM members WHERE ch = ? AND user = ?")
	if err != nil {
		return err
	}
	known, err := st.int(int64(m.Channel)).text(string(m.User)).step()
	if err != nil {
		return err
	}
	st.reset()
	err = t.exec("INSERT OR REPLACE INTO members (app, "+memberCols+") VALUES ("+marks(23)+")", func(st *stmt) {
		st.int(int64(app)).int(int64(m.Channel)).text(string(m.User)).textOrNull(m.Role).textOrNull(m.ChannelRole).json(m.Extra)
		st.intOrNull(millis(m.CreatedAt)).intOrNull(millis(m.UpdatedAt)).intOrNull(millis(m.InvitedAt)).intOrNull(millis(m.AcceptedAt))
		st.intOrNull(millis(m.RejectedAt)).intOrNull(millis(m.HiddenAt)).intOrNull(m.HiddenUpTo).intOrNull(millis(m.PinnedAt))
		st.intOrNull(millis(m.ArchivedAt)).int(m.ReadSeq).intOrNull(millis(m.ReadAt)).intOrNull(int64(m.ReadMessage)).int(m.DeliveredSeq)
		st.intOrNull(millis(m.DeliveredAt)).intOrNull(millis(m.MutedUntil)).intOrNull(millis(m.MutedAt))
		if m.Ban != nil {
			st.json(codec.Encode(m.Ban))
		} else {
			st.null()
		}
	})
	if err != nil {
		return err
	}
	h.hidden = h.hidden || !m.HiddenAt.IsZero()
	if known {
		return nil
	}
	return t.countMembers(m.Channel, 1)
}

// countMembers moves the member count of a channel.
func (t *tx) countMembers(ch core.ChannelID, by int64) error {
	return t.exec("UPDATE channels SET member_count = member_count + ? WHERE id = ?", func(st *stmt) { st.int(by).int(int64(ch)) })
}

// DeleteMember implements store.Tx.
func (t *tx) DeleteMember(app core.AppID, ch core.ChannelID, user core.UserID) error {
	err := t.exec("DELETE FROM members WHERE ch = ? AND user = ? AND app = ?", func(st *stmt) {
		st.int(int64(ch)).text(string(user)).int(int64(app))
	})
	if err != nil || t.c.changed() == 0 {
		return err
	}
	return t.countMembers(ch, -1)
}

// InsertMessage implements store.Tx.
func (t *tx) InsertMessage(app core.AppID, m *core.Message) (*core.Message, error) {
	h, err := t.owned(app, m.Channel)
	if err != nil {
		return nil, err
	}
	existing, _, err := t.w.insertMessage(app, h, m, 0, true)
	if err != nil {
		return nil, err
	}
	return existing, t.w.flush()
}

// PutMessage implements store.Tx.
func (t *tx) PutMessage(app core.AppID, m *core.Message) error {
	row := rowOf(m.Channel, m.Seq)
	err := t.exec(`UPDATE messages SET user = ?, kind = ?, flags = ?, created_at = ?, updated_at = ?, text = ?, alias = ?, parent = ?, body = ?,
		extra = ?, deleted_at = ?, edited_at = ?, reply_count = ?, last_reply_at = ?, participants = ?, reactions = ?, pinned_ch = ?, pinned_at = ?
		WHERE id = ? AND app = ?`, func(st *stmt) {
		t.w.bindMessage(st, m)
		st.int(row).int(int64(app))
	})
	if err != nil {
		return err
	}
	if t.c.changed() == 0 {
		return fmt.Errorf("message %d of channel %d: %w", m.Seq, m.Channel, store.ErrNotFound)
	}
	return t.w.reindex(row)
}

// span is the condition of DeleteMessages and BuryMessages and its binding.
func span(app core.AppID, ch core.ChannelID, from, to int64, user core.UserID) (string, func(*stmt)) {
	if to <= 0 || to > seqMask {
		to = seqMask
	}
	cond := " WHERE id BETWEEN ? AND ? AND app = ?"
	if user != "" {
		cond += " AND user = ?"
	}
	return cond, func(st *stmt) {
		st.int(rowOf(ch, max(from, 0))).int(rowOf(ch, to)).int(int64(app))
		if user != "" {
			st.text(string(user))
		}
	}
}

// DeleteMessages implements store.Tx. to 0 means up to the end.
func (t *tx) DeleteMessages(app core.AppID, ch core.ChannelID, from, to int64, user core.UserID) error {
	h, err := t.owned(app, ch)
	if err != nil {
		return err
	}
	cond, bind := span(app, ch, from, to, user)
	st, err := t.c.prepare("SELECT DISTINCT parent FROM messages" + cond + " AND parent IS NOT NULL")
	if err != nil {
		return err
	}
	bind(st)
	parents, err := collect(st, func(st *stmt, id *int64) error { *id = st.colInt(0); return nil })
	if err != nil {
		return err
	}
	err = t.exec("DELETE FROM reactions WHERE msg IN (SELECT msg_id FROM messages"+cond+") AND app = ?", func(st *stmt) {
		bind(st)
		st.int(int64(app))
	})
	if err != nil {
		return err
	}
	if err := t.exec("INSERT INTO reindex (row) SELECT id FROM messages"+cond, bind); err != nil {
		return err
	}
	if err := t.exec("DELETE FROM messages"+cond, bind); err != nil {
		return err
	}
	h.count -= t.c.changed()
	t.w.mark(ch, h)
	for _, id := range parents { // threads that lost replies
		err := t.exec(`UPDATE messages SET reply_count = (SELECT nullif(count(*), 0) FROM messages r WHERE r.parent = ?1 AND r.app = ?2)
			WHERE msg_id = ?1 AND app = ?2`, func(st *stmt) { st.int(id).int(int64(app)) })
		if err != nil {
			return err
		}
	}
	return t.w.flush()
}

// BuryMessages implements store.Tx. to 0 means up to the end.
func (t *tx) BuryMessages(app core.AppID, ch core.ChannelID, from, to int64, user core.UserID, at time.Time) error {
	if _, err := t.owned(app, ch); err != nil {
		return err
	}
	cond, bind := span(app, ch, from, to, user)
	cond += " AND deleted_at IS NULL"
	if err := t.exec("INSERT INTO reindex (row) SELECT id FROM messages"+cond, bind); err != nil {
		return err
	}
	return t.exec("UPDATE messages SET deleted_at = ?, updated_at = ?"+cond, func(st *stmt) {
		st.int(millis(at)).int(millis(at))
		bind(st)
	})
}

// PutReaction implements store.Tx.
func (t *tx) PutReaction(app core.AppID, ch core.ChannelID, r *core.Reaction) error {
	return t.exec("INSERT OR REPLACE INTO reactions (app, ch, "+reactionCols+") VALUES ("+marks(9)+")", func(st *stmt) {
		st.int(int64(app)).int(int64(ch)).int(int64(r.Message)).text(r.Type).text(string(r.User)).int(int64(r.Score)).json(r.Extra)
		st.int(millis(r.CreatedAt)).int(millis(r.UpdatedAt))
	})
}

// DeleteReaction implements store.Tx.
func (t *tx) DeleteReaction(app core.AppID, msg core.MessageID, typ string, user core.UserID) error {
	return t.exec("DELETE FROM reactions WHERE msg = ? AND app = ? AND user = ? AND type = ?", func(st *stmt) {
		st.int(int64(msg)).int(int64(app)).text(string(user)).text(typ)
	})
}

// AppendEvent implements store.Tx.
func (t *tx) AppendEvent(app core.AppID, e *store.EventRow, outbox bool) error {
	h, err := t.owned(app, e.Channel)
	if err != nil {
		return err
	}
	if err := t.w.appendEvent(app, h, e, outbox); err != nil {
		return err
	}
	return t.w.flush()
}

// AppendOutbox implements store.Tx.
func (t *tx) AppendOutbox(app core.AppID, payload []byte) error {
	return t.w.appendOutbox(app, 0, 0, payload)
}

// DeleteOutbox implements store.Tx.
func (t *tx) DeleteOutbox(ids []int64) error {
	for _, id := range ids {
		if err := t.exec("DELETE FROM outbox WHERE id = ?", func(st *stmt) { st.int(id) }); err != nil {
			return err
		}
	}
	return nil
}

// PutRecord implements store.Tx.
func (t *tx) PutRecord(app core.AppID, space, key string, value []byte) error {
	return t.exec("INSERT INTO records (app, space, key, value) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", func(st *stmt) {
		st.int(int64(app)).text(space).text(key).text(string(value))
	})
}

// DeleteRecord implements store.Tx.
func (t *tx) DeleteRecord(app core.AppID, space, key string) error {
	return t.exec("DELETE FROM records WHERE app = ? AND space = ? AND key = ?", func(st *stmt) { st.int(int64(app)).text(space).text(key) })
}

// UserChannels implements store.Tx. Channels whose messages of the user are all gone are left out.
func (t *tx) UserChannels(app core.AppID, user core.UserID) ([]core.ChannelID, error) {
	st, err := t.c.prepare("SELECT ch FROM authors WHERE app = ? AND user = ? ORDER BY ch")
	if err != nil {
		return nil, err
	}
	chs, err := collect(st.int(int64(app)).text(string(user)), func(st *stmt, ch *core.ChannelID) error {
		*ch = core.ChannelID(st.colInt(0))
		return nil
	})
	if err != nil {
		return nil, err
	}
	var failed error
	chs = slices.DeleteFunc(chs, func(ch core.ChannelID) bool {
		st, err := t.c.prepare("SELECT 1 FROM messages WHERE id BETWEEN ? AND ? AND user = ? LIMIT 1")
		if err != nil {
			failed = err
			return false
		}
		some, err := st.int(rowOf(ch, 0)).int(rowOf(ch, seqMask)).text(string(user)).step()
		if err != nil {
			failed = err
		}
		st.reset()
		return !some
	})
	return chs, failed
}
