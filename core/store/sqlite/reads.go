package sqlite

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"dragoman/core"
	"dragoman/core/store"
	"dragoman/core/store/codec"
)

// maxList is the most rows one read answers.
const maxList = 1000

// bound clamps a limit: what is not positive or above most becomes most.
func bound(limit, most int) int64 {
	if limit <= 0 || limit > most {
		return int64(most)
	}
	return int64(limit)
}

// chunks calls fn with at most maxList of ids at a time.
func chunks[K, T any](ids []K, fn func([]K) ([]T, error)) ([]T, error) {
	var out []T
	for len(ids) > 0 {
		n := min(len(ids), maxList)
		got, err := fn(ids[:n])
		if err != nil {
			return nil, err
		}
		out, ids = append(out, got...), ids[n:]
	}
	return out, nil
}

// apps reads all apps; they are few.
func (r *session) apps() ([]core.App, error) {
	st, err := r.c.prepare("SELECT id, name, settings, created_at, updated_at FROM apps ORDER BY id")
	if err != nil {
		return nil, err
	}
	return collect(st, func(st *stmt, a *core.App) error {
		a.ID, a.Name = core.AppID(st.colInt(0)), st.colText(1)
		a.CreatedAt, a.UpdatedAt = core.FromMillis(st.colInt(3)), core.FromMillis(st.colInt(4))
		return codec.Decode(st.colBytes(2), &a.Settings)
	})
}

// users reads by primary key.
func (r *session) users(app core.AppID, ids []core.UserID) ([]core.User, error) {
	return chunks(ids, func(ids []core.UserID) ([]core.User, error) {
		st, err := r.c.prepare("SELECT " + userCols + " FROM users WHERE app = ? AND id IN (" + marks(len(ids)) + ")")
		if err != nil {
			return nil, err
		}
		st.int(int64(app))
		for _, id := range ids {
			st.text(string(id))
		}
		return collect(st, scanUser)
	})
}

// channel reads by key, deleted ones too.
func (r *session) channel(app core.AppID, key core.ChannelKey) (core.Channel, error) {
	var c core.Channel
	st, err := r.c.prepare("SELECT " + channelCols + " FROM " + channelFrom + " WHERE c.app = ? AND c.key = ?")
	if err != nil {
		return c, err
	}
	more, err := st.int(int64(app)).text(string(key)).step()
	if err != nil {
		return c, err
	}
	if n, ok := key.Number(); !more && ok {
		if st, err = r.c.prepare("SELECT " + channelCols + " FROM " + channelFrom + " WHERE c.app = ? AND c.alias_no = ?"); err != nil {
			return c, err
		}
		if more, err = st.int(int64(app)).int(n).step(); err != nil {
			return c, err
		}
	}
	if !more {
		return c, fmt.Errorf("channel %q: %w", key, store.ErrNotFound)
	}
	defer st.reset()
	return c, scanChannel(st, &c)
}

// channels reads by id, deleted ones too.
func (r *session) channels(app core.AppID, ids []core.ChannelID) ([]core.Channel, error) {
	return chunks(ids, func(ids []core.ChannelID) ([]core.Channel, error) {
		st, err := r.c.prepare("SELECT " + channelCols + " FROM " + channelFrom + " WHERE c.app = ? AND c.id IN (" + marks(len(ids)) + ")")
		if err != nil {
			return nil, err
		}
		st.int(int64(app))
		for _, id := range ids {
			st.int(int64(id))
		}
		return collect(st, scanChannel)
	})
}

// members reads the ones named, or all by age.
func (r *session) members(app core.AppID, ch core.ChannelID, users []core.UserID, limit, offset int) ([]core.Member, error) {
	if users == nil {
		st, err := r.c.prepare("SELECT " + memberCols + " FROM members WHERE ch = ? AND app = ? ORDER BY created_at, user LIMIT ? OFFSET ?")
		if err != nil {
			return nil, err
		}
		st.int(int64(ch)).int(int64(app)).int(bound(limit, maxList)).int(int64(max(offset, 0)))
		return collect(st, scanMember)
	}
	return chunks(users, func(users []core.UserID) ([]core.Member, error) {
		st, err := r.c.prepare("SELECT " + memberCols + " FROM members WHERE ch = ? AND app = ? AND user IN (" + marks(len(users)) + ") ORDER BY user")
		if err != nil {
			return nil, err
		}
		st.int(int64(ch)).int(int64(app))
		for _, u := range users {
			st.text(string(u))
		}
		return collect(st, scanMember)
	})
}

// memberships reads along the index by user.
func (r *session) memberships(app core.AppID, user core.UserID, limit int) ([]core.Member, error) {
	st, err := r.c.prepare("SELECT " + columns("m", memberCols) + ` FROM members m INDEXED BY members_by_user JOIN heads h ON h.ch = m.ch
		WHERE m.app = ? AND m.user = ? ORDER BY h.last_at DESC, m.ch DESC LIMIT ?`)
	if err != nil {
		return nil, err
	}
	st.int(int64(app)).text(string(user)).int(bound(limit, 10_000))
	return collect(st, scanMember)
}

// keyed sets the ChannelKey of messages.
func (r *session) keyed(ms []core.Message, err error) ([]core.Message, error) {
	if err != nil {
		return nil, err
	}
	for i := range ms {
		if ms[i].ChannelKey, err = r.keyOf(ms[i].Channel); err != nil {
			return nil, err
		}
	}
	return ms, nil
}

// messages reads by message id.
func (r *session) messages(app core.AppID, ids []core.MessageID) ([]core.Message, error) {
	return r.keyed(chunks(ids, func(ids []core.MessageID) ([]core.Message, error) {
		st, err := r.c.prepare("SELECT " + messageCols + " FROM messages WHERE app = ? AND msg_id IN (" + marks(len(ids)) + ")")
		if err != nil {
			return nil, err
		}
		st.int(int64(app))
		for _, id := range ids {
			st.int(int64(id))
		}
		return collect(st, scanMessage)
	}))
}

// named reads one message by alias, or nil.
func (r *session) named(app core.AppID, alias string) (*core.Message, error) {
	ms, err := r.messagesByAlias(app, []string{alias})
	if err != nil || len(ms) == 0 {
		return nil, err
	}
	return &ms[0], nil
}

// messagesByAlias reads by the client's own ids.
func (r *session) messagesByAlias(app core.AppID, names []string) ([]core.Message, error) {
	return r.keyed(chunks(names, func(names []string) ([]core.Message, error) {
		st, err := r.c.prepare("SELECT " + messageCols + " FROM messages INDEXED BY messages_by_alias WHERE app = ? AND alias IN (" + marks(len(names)) + ")")
		if err != nil {
			return nil, err
		}
		st.int(int64(app))
		for _, n := range names {
			st.text(n)
		}
		return collect(st, scanMessage)
	}))
}

// messagesNamed tries the alias first, so that an alias of digits is not taken for an id.
func (r *session) messagesNamed(app core.AppID, names []string) ([]core.Message, error) {
	out, err := r.messagesByAlias(app, names)
	if err != nil || len(out) == len(names) {
		return out, err
	}
	found := make(map[string]bool, len(out))
	for i := range out {
		found[out[i].Alias] = true
	}
	var ids []core.MessageID
	for _, n := range names {
		if id, err := strconv.ParseInt(n, 10, 64); err == nil && id > 0 && !found[n] && strconv.FormatInt(id, 10) == n {
			ids = append(ids, core.MessageID(id))
		}
	}
	byID, err := r.messages(app, ids)
	if err != nil {
		return nil, err
	}
	seen := make(map[core.MessageID]bool, len(out))
	for i := range out {
		seen[out[i].ID] = true
	}
	for i := range byID {
		if !seen[byID[i].ID] {
			out = append(out, byID[i])
		}
	}
	return out, nil
}

// visible limits messages to those that a viewer may see; empty for hidden ones too.
const visible = ` AND (flags & 12 = 0 OR user = ?
	OR (flags & 4 = 0 AND EXISTS (SELECT 1 FROM json_each(body, '$.restricted_to') WHERE value = ?)))`

// rangeMessages reads along the clustered key, or an index of replies or of pinned ones.
func (r *session) rangeMessages(app core.AppID, q store.Range) ([]core.Message, error) {
	sql := "SELECT " + messageCols + " FROM messages "
	low, high := rowOf(q.Channel, max(q.Above, 0)), rowOf(q.Channel, seqMask)+1
	if q.Below > 0 {
		high = rowOf(q.Channel, q.Below)
	}
	switch {
	case q.Pinned:
		sql += "INDEXED BY messages_pinned WHERE pinned_ch = ? AND id > ? AND id < ? AND app = ?"
	case q.Parent != 0:
		sql += "INDEXED BY messages_by_parent WHERE parent = ? AND id > ? AND id < ? AND app = ?"
	default:
		sql += "WHERE id > ? AND id < ? AND app = ?"
	}
	if q.Parent == 0 && !q.All && !q.Pinned {
		sql += " AND (parent IS NULL OR flags & 1)"
	}
	if !q.Hidden {
		sql += visible
	}
	if q.Newest {
		sql += " ORDER BY id DESC LIMIT ? OFFSET ?"
	} else {
		sql += " ORDER BY id LIMIT ? OFFSET ?"
	}
	st, err := r.c.prepare(sql)
	if err != nil {
		return nil, err
	}
	if q.Pinned {
		st.int(int64(q.Channel))
	} else if q.Parent != 0 {
		st.int(int64(q.Parent))
	}
	st.int(low).int(high).int(int64(app))
	if !q.Hidden {
		st.text(string(q.Viewer)).text(string(q.Viewer))
	}
	st.int(bound(q.Limit, maxList)).int(int64(max(q.Offset, 0)))
	ms, err := collect(st, scanMessage)
	if q.Newest {
		for i, j := 0, len(ms)-1; i < j; i, j = i+1, j-1 {
			ms[i], ms[j] = ms[j], ms[i]
		}
	}
	return r.keyed(ms, err)
}

// lastSent looks at the messages since the time only.
func (r *session) lastSent(app core.AppID, ch core.ChannelID, user core.UserID, since time.Time) (time.Time, error) {
	// Walks back from the newest; the inner limit stops it at the first message that is too old.
	st, err := r.c.prepare(`SELECT created_at FROM messages WHERE id > ?1 AND id < ?2 AND app = ?3 AND user = ?4 AND created_at >= ?5
		AND id > coalesce((SELECT id FROM messages WHERE id > ?1 AND id < ?2 AND created_at < ?5 ORDER BY id DESC LIMIT 1), 0)
		ORDER BY id DESC LIMIT 1`)
	if err != nil {
		return time.Time{}, err
	}
	st.int(rowOf(ch, 0)).int(rowOf(ch, seqMask) + 1).int(int64(app)).text(string(user)).int(millis(since))
	more, err := st.step()
	if err != nil || !more {
		return time.Time{}, err
	}
	defer st.reset()
	return core.FromMillis(st.colInt(0)), nil
}

// seqAt walks back from the newest message.
func (r *session) seqAt(app core.AppID, ch core.ChannelID, t time.Time) (int64, error) {
	st, err := r.c.prepare("SELECT id FROM messages WHERE id > ? AND id < ? AND app = ? AND created_at <= ? ORDER BY id DESC LIMIT 1")
	if err != nil {
		return 0, err
	}
	more, err := st.int(rowOf(ch, 0)).int(rowOf(ch, seqMask) + 1).int(int64(app)).int(millis(t)).step()
	if err != nil || !more {
		return 0, err
	}
	defer st.reset()
	return st.colInt(0) & seqMask, nil
}

// aliased sets the Alias of reactions to that of their messages.
func (r *session) aliased(app core.AppID, rs []core.Reaction, err error) ([]core.Reaction, error) {
	if err != nil {
		return nil, err
	}
	known := map[core.MessageID]string{}
	for i := range rs {
		alias, ok := known[rs[i].Message]
		if !ok {
			st, err := r.c.prepare("SELECT alias FROM messages WHERE msg_id = ? AND app = ?")
			if err != nil {
				return nil, err
			}
			more, err := st.int(int64(rs[i].Message)).int(int64(app)).step()
			if err != nil {
				return nil, err
			}
			if more {
				alias = st.colText(0)
				st.reset()
			}
			known[rs[i].Message] = alias
		}
		rs[i].Alias = alias
	}
	return rs, nil
}

// latestReactions reads message by message.
func (r *session) latestReactions(app core.AppID, ids []core.MessageID, n int) ([]core.Reaction, error) {
	var out []core.Reaction
	for _, id := range ids {
		st, err := r.c.prepare("SELECT " + reactionCols + " FROM reactions WHERE msg = ? AND app = ? ORDER BY created_at DESC, user, type LIMIT ?")
		if err != nil {
			return nil, err
		}
		got, err := collect(st.int(int64(id)).int(int64(app)).int(bound(n, maxList)), scanReaction)
		if err != nil {
			return nil, err
		}
		out = append(out, got...)
	}
	return r.aliased(app, out, nil)
}

// userReactions reads one person's reactions.
func (r *session) userReactions(app core.AppID, ids []core.MessageID, user core.UserID) ([]core.Reaction, error) {
	out, err := chunks(ids, func(ids []core.MessageID) ([]core.Reaction, error) {
		st, err := r.c.prepare("SELECT " + reactionCols + " FROM reactions WHERE msg IN (" + marks(len(ids)) + ") AND app = ? AND user = ? ORDER BY msg, created_at DESC, type")
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			st.int(int64(id))
		}
		return collect(st.int(int64(app)).text(string(user)), scanReaction)
	})
	return r.aliased(app, out, err)
}

// record reads one value.
func (r *session) record(app core.AppID, space, key string) ([]byte, error) {
	st, err := r.c.prepare("SELECT value FROM records WHERE app = ? AND space = ? AND key = ?")
	if err != nil {
		return nil, err
	}
	more, err := st.int(int64(app)).text(space).text(key).step()
	if err != nil {
		return nil, err
	}
	if !more {
		return nil, fmt.Errorf("%s %q: %w", space, key, store.ErrNotFound)
	}
	defer st.reset()
	return st.colBytes(0), nil
}

// records reads a range of keys.
func (r *session) records(app core.AppID, space, prefix, after string, desc bool, limit int) ([]store.Record, error) {
	low, high := prefix, prefixEnd(prefix)
	sql := "SELECT key, value FROM records WHERE app = ? AND space = ? AND key >= ?"
	if high != "" {
		sql += " AND key < ?"
	}
	switch {
	case after != "" && desc:
		sql += " AND key < ?"
	case after != "":
		sql += " AND key > ?"
	}
	if desc {
		sql += " ORDER BY key DESC LIMIT ?"
	} else {
		sql += " ORDER BY key LIMIT ?"
	}
	st, err := r.c.prepare(sql)
	if err != nil {
		return nil, err
	}
	st.int(int64(app)).text(space).text(low)
	if high != "" {
		st.text(high)
	}
	if after != "" {
		st.text(after)
	}
	return collect(st.int(bound(limit, maxList)), func(st *stmt, rec *store.Record) error {
		rec.Key, rec.Value = st.colText(0), st.colBytes(1)
		return nil
	})
}

// prefixEnd is the least key above all that start with prefix, or "" when there is none.
func prefixEnd(prefix string) string {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			return prefix[:i] + string([]byte{prefix[i] + 1})
		}
	}
	return ""
}

// unread counts per channel. Most channels are dismissed by their counters; the rest are counted
// along the clustered key, up to the cap.
func (r *session) unread(app core.AppID, user core.UserID, chs []core.ChannelID) ([]store.UnreadRow, error) {
	sql := `SELECT m.ch, m.read_seq, m.read_at, m.muted_until, (SELECT count(*) FROM (SELECT 1 FROM messages x
		WHERE x.id > (m.ch << 31) + max(m.read_seq, coalesce(m.hidden_up_to, 0), coalesce(c.truncated_up_to, 0)) AND x.id <= (m.ch << 31) + h.last_seq
		AND x.flags & 16 AND x.user <> m.user AND x.deleted_at IS NULL
		AND (x.flags & 8 = 0 OR EXISTS (SELECT 1 FROM json_each(x.body, '$.restricted_to') WHERE value = m.user)) LIMIT ?)) AS n, h.last_ev
		FROM members m INDEXED BY members_by_user JOIN heads h ON h.ch = m.ch JOIN channels c ON c.id = m.ch
		WHERE m.app = ? AND m.user = ? AND h.last_seq > m.read_seq AND c.deleted_at IS NULL`
	scan := func(st *stmt, u *store.UnreadRow) error {
		u.Channel, u.ReadSeq, u.ReadAt = core.ChannelID(st.colInt(0)), st.colInt(1), core.FromMillis(st.colInt(2))
		u.Muted = st.colInt(3) > r.s.opt.Now().UnixMilli()
		u.Count, u.Ev = int(st.colInt(4)), st.colInt(5)
		return nil
	}
	get := func(chs []core.ChannelID) ([]store.UnreadRow, error) {
		text := sql
		if len(chs) > 0 {
			text += " AND m.ch IN (" + marks(len(chs)) + ")"
		}
		st, err := r.c.prepare(text)
		if err != nil {
			return nil, err
		}
		st.int(core.UnreadCap).int(int64(app)).text(string(user))
		for _, ch := range chs {
			st.int(int64(ch))
		}
		rows, err := collect(st, scan)
		out := rows[:0]
		for _, u := range rows {
			if u.Count > 0 {
				out = append(out, u)
			}
		}
		return out, err
	}
	if len(chs) == 0 {
		return get(nil)
	}
	return chunks(chs, get)
}

// interrupted runs fn so that the end of ctx stops its statements; for reads that may be long.
func interrupted[T any](ctx context.Context, r *session, fn func() (T, error)) (T, error) {
	done := r.c.interruptOn(ctx)
	out, err := fn()
	done()
	return out, err
}
