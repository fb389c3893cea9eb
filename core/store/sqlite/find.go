package sqlite

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"

	lib "modernc.org/sqlite/lib"

	"dragoman/core"
	"dragoman/core/store"
	"dragoman/core/store/codec"
)

// find is one filtered, sorted list: its rows, what they come from, what always holds of them.
type find[T any] struct {
	noun  *noun
	cols  string
	from  string // with ":app" and ":viewer"
	where string
	args  []arg // of where
	q     store.Query
	scan  func(*stmt, *T) error
	width int32 // number of cols; the sort values follow
	order []core.Sort
}

// cursor is where a page ended: the sort it was made for and the sort values of its last row.
type cursor struct {
	Sort   string            `json:"s"`
	Values []json.RawMessage `json:"v"`
}

// sortExpr is the expression of a sort key; absent values sort as the least.
func (b *builder) sortExpr(name string) (string, []arg, error) {
	if path, ok := strings.CutPrefix(name, "extra."); ok && b.noun.extra != "" {
		p, err := jsonPath(path)
		return "coalesce(json_extract(" + b.noun.extra + ", ?), '')", []arg{textArg(p)}, err
	}
	fd, ok := b.noun.fields[name]
	if !ok || fd.expr == "" || fd.typ == typeList {
		return "", nil, bad("%s cannot be sorted by %q", b.noun.name, name)
	}
	if fd.set {
		return fd.expr, nil, nil
	}
	if fd.typ == typeText {
		return "coalesce(" + fd.expr + ", '')", nil, nil
	}
	return "coalesce(" + fd.expr + ", 0)", nil, nil
}

// list runs the query. The last key of the order is the primary key.
func (f *find[T]) list(r *session, app core.AppID) ([]T, error) {
	b := &builder{noun: f.noun, app: app, viewer: f.q.Viewer, now: r.s.opt.Now()}
	order := append(f.q.Sort[:len(f.q.Sort):len(f.q.Sort)], f.order...)
	names, spec := make([]string, len(order)+1), ""
	b.write("SELECT * FROM (SELECT " + f.cols)
	desc := false
	for i, s := range order {
		expr, args, err := b.sortExpr(s.Field)
		if s.Field == "relevance" && f.q.Text != "" {
			expr, err = "-f.rank", nil // the library ranks the best as the least
		}
		if err != nil {
			return nil, err
		}
		names[i] = "s" + string(rune('a'+i))
		b.write(", "+expr+" AS "+names[i], args...)
		if desc = s.Desc; desc {
			names[i] += " DESC"
		}
		spec += s.Field + direction(s.Desc)
	}
	last := len(order)
	names[last] = "sz" + direction(desc) // the primary key follows the last direction
	b.write(", "+f.noun.key+" AS sz FROM "+f.from+" WHERE "+f.where+" AND ", f.args...)
	if err := b.filter(f.q.Filter); err != nil {
		return nil, err
	}
	b.write(") WHERE 1")
	if f.q.After != "" {
		if err := b.after(f.q.After, spec, names); err != nil {
			return nil, err
		}
	}
	limit := bound(f.q.Limit, maxList)
	b.write(" ORDER BY "+strings.Join(names, ", ")+" LIMIT ? OFFSET ?", intArg(limit+1), intArg(int64(max(f.q.Offset, 0))))
	st, err := r.c.prepare(b.sql.String())
	var ce *codeError
	if errors.As(err, &ce) && (ce.code == lib.SQLITE_ERROR || ce.code == lib.SQLITE_TOOBIG) {
		return nil, bad("the filter is too large or too deep") // the library's limits; the text itself is ours
	}
	if err != nil {
		return nil, err
	}
	b.bind(st)
	return f.page(st, int(limit), spec, len(names))
}

// direction is the SQL word of a sort key.
func direction(desc bool) string {
	if desc {
		return " DESC"
	}
	return " ASC"
}

// page reads the rows and makes the cursor of the next page.
func (f *find[T]) page(st *stmt, limit int, spec string, keys int) ([]T, error) {
	next := cursor{Sort: spec, Values: make([]json.RawMessage, keys)}
	var out []T
	for {
		more, err := st.step()
		if err != nil {
			return nil, err
		}
		if !more {
			if f.q.Next != nil {
				*f.q.Next = ""
			}
			return out, nil
		}
		if len(out) == limit {
			st.reset()
			if f.q.Next != nil {
				*f.q.Next = base64.RawURLEncoding.EncodeToString(codec.Encode(next))
			}
			return out, nil
		}
		var v T
		if err := f.scan(st, &v); err != nil {
			st.reset()
			return nil, err
		}
		out = append(out, v)
		for i := range next.Values {
			next.Values[i] = st.colJSON(f.width + int32(i)) //nolint:gosec // a handful
		}
	}
}

// after limits the list to what follows a cursor.
func (b *builder) after(text, spec string, names []string) error {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	var c cursor
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	if err != nil || c.Sort != spec || len(c.Values) != len(names) {
		return bad("the cursor does not belong to this query")
	}
	values := make([]arg, len(c.Values))
	for i, v := range c.Values {
		if values[i], err = cursorArg(v); err != nil {
			return err
		}
	}
	// (a > ?) OR (a = ? AND b > ?) OR …
	b.write(" AND (0")
	for i := range names {
		b.write(" OR (1")
		for j := range i {
			b.write(" AND "+column(names[j])+" = ?", values[j])
		}
		op := " > ?"
		if strings.HasSuffix(names[i], "DESC") {
			op = " < ?"
		}
		b.write(" AND "+column(names[i])+op+")", values[i])
	}
	b.write(")")
	return nil
}

// column is a sort name without its direction.
func column(name string) string { c, _, _ := strings.Cut(name, " "); return c }

// cursorArg reads one value of a cursor.
func cursorArg(v json.RawMessage) (arg, error) {
	var s string
	var n int64
	var x float64
	switch {
	case json.Unmarshal(v, &n) == nil:
		return intArg(n), nil
	case json.Unmarshal(v, &x) == nil:
		return arg{kind: core.KindNumber, num: x}, nil
	case json.Unmarshal(v, &s) == nil:
		return textArg(s), nil
	}
	return arg{}, bad("the cursor does not belong to this query")
}

// findUsers leaves out deactivated and deleted people unless asked.
func (r *session) findUsers(app core.AppID, q store.Query) ([]core.User, error) {
	f := find[core.User]{noun: &usersNoun, cols: columns("u", userCols), width: 18, from: "users u", where: "u.app = :app", q: q, scan: scanUser}
	if !q.Deleted {
		f.where += " AND u.deactivated_at IS NULL AND u.deleted_at IS NULL"
	}
	return f.list(r, app)
}

// findChannels leaves out deleted channels unless asked.
func (r *session) findChannels(app core.AppID, q store.Query) ([]core.Channel, error) {
	f := find[core.Channel]{noun: &channelsNoun, cols: channelCols, width: 27, from: channelFrom, where: "c.app = :app", q: q, scan: scanChannel}
	if byMember(q.Filter) { // start from the person's channels, not from the app's
		f.where = "+c.app = :app"
	}
	if !q.Deleted {
		f.where += " AND c.deleted_at IS NULL"
	}
	return f.list(r, app)
}

// byMember reports whether the filter asks, for all its rows, that someone is a member.
func byMember(f core.Filter) bool {
	if f.Op == core.OpAnd {
		for _, sub := range f.Sub {
			if byMember(sub) {
				return true
			}
		}
	}
	if f.Field == "joined" {
		return f.Op == core.OpEq && f.Value.Bool
	}
	return f.Field == "members" && (f.Op == core.OpEq || f.Op == core.OpIn || f.Op == core.OpContains)
}

// findMembers filters the members of one channel, pending ones too.
func (r *session) findMembers(app core.AppID, ch core.ChannelID, q store.Query) ([]core.Member, error) {
	f := find[core.Member]{
		noun: &membersNoun, cols: columns("m", memberCols), width: 22, from: "members m LEFT JOIN users u ON u.app = m.app AND u.id = m.user",
		where: "m.ch = ? AND m.app = :app", args: []arg{intArg(int64(ch))}, q: q, scan: scanMember,
	}
	return f.list(r, app)
}

// findThreads walks the threads of the app, those the viewer wrote in when set.
func (r *session) findThreads(app core.AppID, q store.Query) ([]core.Message, error) {
	f := find[core.Message]{
		noun: &threadsNoun, cols: columns("m", messageCols), width: 20,
		from:  "messages m JOIN channels c ON c.id = m.id >> 31",
		where: "m.app = :app AND m.reply_count > 0 AND c.deleted_at IS NULL", q: q, scan: scanMessage,
	}
	if !q.Deleted {
		f.where += " AND m.deleted_at IS NULL"
	}
	if q.Viewer != "" {
		f.where += " AND (m.user = :viewer OR EXISTS (SELECT 1 FROM messages p WHERE p.parent = m.msg_id AND p.app = m.app AND p.user = :viewer))"
	}
	ms, err := f.list(r, app)
	return r.keyed(ms, err)
}

// findReactions is newest first by default.
func (r *session) findReactions(app core.AppID, msg core.MessageID, q store.Query) ([]core.Reaction, error) {
	f := find[core.Reaction]{
		noun: &reactionsNoun, cols: columns("r", reactionCols), width: 7, from: "reactions r",
		where: "r.msg = ? AND r.app = :app", args: []arg{intArg(int64(msg))}, q: q, scan: scanReaction,
	}
	if len(q.Sort) == 0 {
		f.order = []core.Sort{{Field: "created_at", Desc: true}}
	}
	rs, err := f.list(r, app)
	return r.aliased(app, rs, err)
}

// maxScopes is how many channels a text query names in the index; more are filtered afterwards.
const maxScopes = 50

// findMessages shows what the viewer may see, newest first by default.
func (r *session) findMessages(app core.AppID, q store.Query) ([]core.Message, error) {
	f := find[core.Message]{noun: &messagesNoun, cols: columns("m", messageCols), width: 20, from: "messages m", where: "m.app = :app", q: q, scan: scanMessage}
	if q.Channels != nil && len(q.Channels) == 0 {
		return nil, nil
	}
	if q.Text != "" {
		scopes := q.Channels
		if len(scopes) > maxScopes {
			scopes = nil
		}
		query := matchQuery(q.Text, app, scopes)
		if query == "" {
			return nil, nil
		}
		f.from = "fts.search f CROSS JOIN messages m ON m.id = f.rowid"
		f.where = "f.search MATCH ? AND m.app = :app"
		f.args = append(f.args, textArg(query))
	}
	switch {
	case len(q.Channels) == 1:
		f.where += " AND m.id BETWEEN ? AND ?"
		f.args = append(f.args, intArg(rowOf(q.Channels[0], 0)), intArg(rowOf(q.Channels[0], seqMask)))
	case len(q.Channels) > 1:
		ids := make([]int64, len(q.Channels))
		for i, ch := range q.Channels {
			ids[i] = int64(ch)
		}
		f.where += " AND (m.id >> 31) IN (SELECT value FROM json_each(?))"
		f.args = append(f.args, textArg(string(codec.Encode(ids))))
	}
	if !q.Deleted {
		f.where += " AND m.deleted_at IS NULL"
	}
	f.where += " AND (m.flags & 12 = 0 OR m.user = :viewer OR (m.flags & 4 = 0 AND EXISTS (SELECT 1 FROM json_each(m.body, '$.restricted_to') WHERE value = :viewer)))"
	if len(q.Sort) == 0 {
		f.order = []core.Sort{{Field: "created_at", Desc: true}}
	}
	ms, err := f.list(r, app)
	return r.keyed(ms, err)
}
