package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

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

// args is a list of parameters.
func args(a ...any) []any { return a }

// Apps implements store.Reader; they are few.
func (r *session) Apps(ctx context.Context) ([]core.App, error) {
	return collect(ctx, r, "SELECT id, name, settings, created_at, updated_at FROM apps ORDER BY id", nil, func(rows pgx.Rows, a *core.App) error {
		var settings []byte
		if err := rows.Scan(num(&a.ID), str(&a.Name), &settings, at(&a.CreatedAt), at(&a.UpdatedAt)); err != nil {
			return failure(err)
		}
		return codec.Decode(settings, &a.Settings)
	})
}

// Users implements store.Reader. In an update it locks the rows it finds: they are about to be
// written back.
func (r *session) Users(ctx context.Context, app core.AppID, ids []core.UserID) ([]core.User, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	sql := "SELECT " + userCols + " FROM users WHERE app = $1 AND id = ANY($2) ORDER BY id"
	if r.tx != nil && len(ids) <= maxList {
		sql += " FOR NO KEY UPDATE"
	}
	return collect(ctx, r, sql, args(int64(app), encs(ids)), plain(scanUser))
}

// Channel implements store.Reader.
func (r *session) Channel(ctx context.Context, app core.AppID, key core.ChannelKey) (core.Channel, error) {
	got, err := collect(ctx, r, "SELECT "+channelCols+" FROM "+channelFrom+" WHERE c.app = $1 AND c.key = $2", args(int64(app), enc(key)), plain(scanChannel))
	if err != nil {
		return core.Channel{}, err
	}
	if n, ok := key.Number(); ok && len(got) == 0 {
		got, err = collect(ctx, r, "SELECT "+channelCols+" FROM "+channelFrom+" WHERE c.app = $1 AND c.alias_no = $2 AND c.alias_no <> 0", args(int64(app), n), plain(scanChannel))
		if err != nil {
			return core.Channel{}, err
		}
	}
	if len(got) == 0 {
		return core.Channel{}, fmt.Errorf("channel %q: %w", key, store.ErrNotFound)
	}
	return got[0], nil
}

// Channels implements store.Reader.
func (r *session) Channels(ctx context.Context, app core.AppID, ids []core.ChannelID) ([]core.Channel, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return collect(ctx, r, "SELECT "+channelCols+" FROM "+channelFrom+" WHERE c.app = $1 AND c.id = ANY($2) ORDER BY c.id", args(int64(app), ints(ids)), plain(scanChannel))
}

// Members implements store.Reader. In an update it locks the channel: appends move read positions.
func (r *session) Members(ctx context.Context, app core.AppID, ch core.ChannelID, users []core.UserID, limit, offset int) ([]core.Member, error) {
	if err := r.lockFound(app, ch); err != nil {
		return nil, err
	}
	if users == nil {
		return collect(ctx, r, "SELECT "+memberCols+" FROM members WHERE ch = $1 AND app = $2 ORDER BY created_at, person LIMIT $3 OFFSET $4",
			args(int64(ch), int64(app), bound(limit, maxList), int64(max(offset, 0))), plain(scanMember))
	}
	return collect(ctx, r, "SELECT "+memberCols+" FROM members WHERE ch = $1 AND app = $2 AND person = ANY($3) ORDER BY person",
		args(int64(ch), int64(app), encs(users)), plain(scanMember))
}

// Memberships implements store.Reader.
func (r *session) Memberships(ctx context.Context, app core.AppID, user core.UserID, limit int) ([]core.Member, error) {
	return collect(ctx, r, "SELECT "+columns("m", memberCols)+` FROM members m CROSS JOIN LATERAL (SELECT last_at FROM heads WHERE ch = m.ch OFFSET 0) h
		WHERE m.app = $1 AND m.person = $2 ORDER BY h.last_at DESC, m.ch DESC LIMIT $3`, args(int64(app), enc(user), bound(limit, 10_000)), plain(scanMember))
}

// locked reads messages; in an update it locks their channels and then reads them again, because
// appends count the replies of a message.
func (r *session) locked(ctx context.Context, app core.AppID, sql string, list []any) ([]core.Message, error) {
	ms, err := collect(ctx, r, sql, list, plain(scanMessage))
	if err != nil || r.tx == nil {
		return ms, err
	}
	fresh := false
	for i := range ms {
		if _, have := r.tx.heads[ms[i].Channel]; !have {
			fresh = true
			if err := r.lockFound(app, ms[i].Channel); err != nil {
				return nil, err
			}
		}
	}
	if !fresh {
		return ms, nil
	}
	return collect(ctx, r, sql, list, plain(scanMessage))
}

// Messages implements store.Reader.
func (r *session) Messages(ctx context.Context, app core.AppID, ids []core.MessageID) ([]core.Message, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return r.locked(ctx, app, "SELECT "+messageCols+" FROM messages m WHERE m.msg_id = ANY($1) AND m.app = $2 ORDER BY m.msg_id", args(ints(ids), int64(app)))
}

// messagesByAlias reads by the client's own ids.
func (r *session) messagesByAlias(ctx context.Context, app core.AppID, names []string) ([]core.Message, error) {
	names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == "" })
	return r.locked(ctx, app, "SELECT "+messageCols+" FROM messages m WHERE m.alias = ANY($1) AND m.alias <> '' AND m.app = $2", args(encs(names), int64(app)))
}

// MessagesNamed implements store.Reader. It tries the alias first, so that an alias of digits is not
// taken for an id.
func (r *session) MessagesNamed(ctx context.Context, app core.AppID, names []string) ([]core.Message, error) {
	if len(names) == 0 {
		return nil, nil
	}
	out, err := r.messagesByAlias(ctx, app, names)
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
	byID, err := r.Messages(ctx, app, ids)
	if err != nil {
		return nil, err
	}
	for i := range byID {
		if !slices.ContainsFunc(out, func(m core.Message) bool { return m.ID == byID[i].ID }) {
			out = append(out, byID[i])
		}
	}
	return out, nil
}

// RangeMessages implements store.Reader, along the primary key or an index of replies or pinned ones.
func (r *session) RangeMessages(ctx context.Context, app core.AppID, q store.Range) ([]core.Message, error) {
	if err := r.lockFound(app, q.Channel); err != nil {
		return nil, err
	}
	high := int64(1<<62 - 1)
	if q.Below > 0 {
		high = q.Below
	}
	list := args(int64(q.Channel), max(q.Above, 0), high, int64(app), bound(q.Limit, maxList), int64(max(q.Offset, 0)))
	sql := "SELECT " + messageCols + " FROM messages m WHERE m.ch = $1 AND m.seq > $2 AND m.seq < $3 AND m.app = $4"
	switch {
	case q.Pinned:
		sql += " AND m.pinned"
	case q.Parent != 0:
		sql += " AND m.parent = $7 AND m.parent <> 0"
		list = append(list, int64(q.Parent))
	case !q.All:
		sql += " AND (m.parent = 0 OR m.flags & 1 <> 0)"
	}
	if !q.Hidden {
		n := strconv.Itoa(len(list) + 1)
		sql += " AND (m.flags & 12 = 0 OR m.person = $" + n + " OR (m.flags & 4 = 0 AND EXISTS (SELECT 1 FROM json_items(json_at(m.body, '{restricted_to}')) e " +
			"WHERE json_str(e) = $" + n + ")))"
		list = append(list, enc(q.Viewer))
	}
	order := " ORDER BY m.seq"
	if q.Newest {
		order += " DESC"
	}
	ms, err := collect(ctx, r, sql+order+" LIMIT $5 OFFSET $6", list, plain(scanMessage))
	if q.Newest {
		slices.Reverse(ms)
	}
	return ms, err
}

// LastSent implements store.Reader. It walks back from the newest; the inner query stops it at the
// first message that is too old.
func (r *session) LastSent(ctx context.Context, app core.AppID, ch core.ChannelID, user core.UserID, since time.Time) (time.Time, error) {
	var t time.Time
	err := r.one(ctx, `SELECT created_at FROM messages WHERE ch = $1 AND app = $2 AND person = $3 AND created_at >= $4
		AND seq > coalesce((SELECT seq FROM messages WHERE ch = $1 AND created_at < $4 ORDER BY seq DESC LIMIT 1), 0)
		ORDER BY seq DESC LIMIT 1`, args(int64(ch), int64(app), enc(user), millis(since)), at(&t))
	if err == store.ErrNotFound { //nolint:errorlint // our own
		err = nil
	}
	return t, err
}

// SeqAt implements store.Reader.
func (r *session) SeqAt(ctx context.Context, app core.AppID, ch core.ChannelID, t time.Time) (int64, error) {
	var seq int64
	err := r.one(ctx, "SELECT seq FROM messages WHERE ch = $1 AND app = $2 AND created_at <= $3 ORDER BY seq DESC LIMIT 1",
		args(int64(ch), int64(app), millis(t)), &seq)
	if err == store.ErrNotFound { //nolint:errorlint // our own
		err = nil
	}
	return seq, err
}

// LatestReactions implements store.Reader.
func (r *session) LatestReactions(ctx context.Context, app core.AppID, ids []core.MessageID, n int) ([]core.Reaction, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return collect(ctx, r, `SELECT r.* FROM unnest($1::bigint[]) WITH ORDINALITY k(id, place) CROSS JOIN LATERAL (SELECT `+reactionCols+`
		FROM reactions r WHERE r.msg = k.id AND r.app = $2 ORDER BY r.created_at DESC, r.person, r.type LIMIT $3) r ORDER BY k.place, r.created_at DESC, r.person, r.type`,
		args(ints(ids), int64(app), bound(n, maxList)), plain(scanReaction))
}

// UserReactions implements store.Reader.
func (r *session) UserReactions(ctx context.Context, app core.AppID, ids []core.MessageID, user core.UserID) ([]core.Reaction, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return collect(ctx, r, "SELECT "+reactionCols+" FROM reactions r WHERE r.msg = ANY($1) AND r.app = $2 AND r.person = $3 ORDER BY r.msg, r.created_at DESC, r.type",
		args(ints(ids), int64(app), enc(user)), plain(scanReaction))
}

// Record implements store.Reader. In an update it takes a lock on the key, there or not: what is
// read is about to be written.
func (r *session) Record(ctx context.Context, app core.AppID, space, key string) ([]byte, error) {
	if r.tx != nil {
		if err := r.tx.lockRecord(ctx, app, space, key); err != nil {
			return nil, err
		}
	}
	var v []byte
	err := r.one(ctx, "SELECT value FROM records WHERE app = $1 AND space = $2 AND key = $3", args(int64(app), enc(space), []byte(key)), &v)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", space, key, err)
	}
	return v, nil
}

// Records implements store.Reader.
func (r *session) Records(ctx context.Context, app core.AppID, space, prefix, after string, desc bool, limit int) ([]store.Record, error) {
	list := args(int64(app), enc(space), []byte(prefix), bound(limit, maxList))
	sql := "SELECT key, value FROM records WHERE app = $1 AND space = $2 AND key >= $3"
	add := func(cond, v string) {
		list = append(list, []byte(v))
		sql += " AND key " + cond + " $" + strconv.Itoa(len(list))
	}
	if high := prefixEnd(prefix); high != "" {
		add("<", high)
	}
	switch {
	case after != "" && desc:
		add("<", after)
	case after != "":
		add(">", after)
	}
	sql += " ORDER BY key"
	if desc {
		sql += " DESC"
	}
	return collect(ctx, r, sql+" LIMIT $4", list, func(rows pgx.Rows, rec *store.Record) error {
		var key []byte
		err := rows.Scan(&key, &rec.Value)
		rec.Key = string(key)
		return failure(err)
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

// unreadFrom joins a membership x of $viewer with what counts as unread: u.n, up to a cap.
const unreadOf = `SELECT count(*) AS n FROM (SELECT 1 FROM messages x WHERE x.ch = m.ch AND x.seq > greatest(m.read_seq, m.hidden_up_to, c.truncated_up_to)
	AND x.seq <= h.last_seq AND x.flags & 16 <> 0 AND x.person <> m.person AND x.deleted_at = 0
	AND (x.flags & 8 = 0 OR EXISTS (SELECT 1 FROM json_items(json_at(x.body, '{restricted_to}')) e WHERE json_str(e) = m.person)) LIMIT $3) y`

// Unread implements store.Reader. Most channels are dismissed by their counters; the rest are
// counted along the primary key, up to the cap.
func (r *session) Unread(ctx context.Context, app core.AppID, user core.UserID, chs []core.ChannelID) ([]store.UnreadRow, error) {
	sql := `SELECT m.ch, m.read_seq, m.read_at, m.muted_until, u.n, h.last_ev FROM members m
		CROSS JOIN LATERAL (SELECT last_seq, last_ev FROM heads WHERE ch = m.ch AND last_seq > m.read_seq OFFSET 0) h
		CROSS JOIN LATERAL (SELECT truncated_up_to FROM channels WHERE id = m.ch AND deleted_at = 0 OFFSET 0) c
		CROSS JOIN LATERAL (` + unreadOf + `) u WHERE m.app = $1 AND m.person = $2 AND u.n > 0`
	list := args(int64(app), enc(user), int64(core.UnreadCap))
	if len(chs) > 0 {
		sql += " AND m.ch = ANY($4)"
		list = append(list, ints(chs))
	}
	now := r.s.opt.Now()
	return collect(ctx, r, sql+" ORDER BY m.ch", list, func(rows pgx.Rows, u *store.UnreadRow) error {
		var muted time.Time
		err := rows.Scan(num(&u.Channel), num(&u.ReadSeq), at(&u.ReadAt), at(&muted), num(&u.Count), num(&u.Ev))
		u.Muted = muted.After(now)
		return failure(err)
	})
}
