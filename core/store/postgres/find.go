package postgres

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

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
	args  []any // of from and where
	q     store.Query
	scan  func(pgx.Rows, *T, ...any) error
	order []core.Sort
}

// cursor is where a page ended: the sort it was made for and the sort values of its last row.
type cursor struct {
	Sort   string            `json:"s"`
	Values []json.RawMessage `json:"v"`
}

// sortKey is one key of the order, selected as a column of its own.
type sortKey struct {
	name string // of the column
	expr string
	typ  fieldType
	desc bool
}

// word is the direction in SQL.
func (k sortKey) word() string {
	if k.desc {
		return " DESC"
	}
	return " ASC"
}

// sortExpr is the expression of a sort key; absent values sort as the least.
func (b *builder) sortExpr(name string) (string, fieldType, error) {
	if path, ok := strings.CutPrefix(name, "extra."); ok && b.noun.extra != "" {
		p, err := jsonPath(path)
		if err != nil {
			return "", 0, err
		}
		return "json_key(json_at(" + b.noun.extra + ", " + b.shared("extra."+path, func() any { return p }) + "::text[]))", typeJSON, nil
	}
	fd, ok := b.noun.fields[name]
	if !ok || fd.expr == "" || fd.typ == typeList {
		return "", 0, bad("%s cannot be sorted by %q", b.noun.name, name)
	}
	typ := fd.typ
	if typ == typeSpecial {
		typ = typeTime // special fields with an expression are numbers
	}
	if typ == typeNumber { // whole numbers all of them
		typ = typeTime
		fd.typ = typeTime
	}
	expr, _ := fd.whole()
	return expr, typ, nil
}

// keys are the keys of the order. The last is the primary key, in the last direction.
func (f *find[T]) keys(b *builder) ([]sortKey, string, error) {
	var out []sortKey
	spec, desc := "", false
	for _, s := range append(f.q.Sort[:len(f.q.Sort):len(f.q.Sort)], f.order...) {
		expr, typ, err := b.sortExpr(s.Field)
		if s.Field == "relevance" && f.q.Text != "" {
			expr, typ, err = "f.rank", typeReal, nil
		}
		if err != nil {
			return nil, "", err
		}
		k := sortKey{name: "s" + strconv.Itoa(len(out)), expr: expr, typ: typ, desc: s.Desc}
		out, desc = append(out, k), s.Desc
		spec += s.Field + k.word()
	}
	return append(out, sortKey{name: "sz", expr: f.noun.key, typ: f.noun.keyTyp, desc: desc}), spec, nil
}

// list runs the query.
func (f *find[T]) list(ctx context.Context, r *session, app core.AppID) ([]T, error) {
	b := &builder{noun: f.noun, app: app, viewer: f.q.Viewer, now: r.s.opt.Now()}
	keys, spec, err := f.keys(b)
	if err != nil {
		return nil, err
	}
	b.write("SELECT * FROM (SELECT " + f.cols)
	order := make([]string, len(keys))
	for i, k := range keys {
		b.write(", " + k.expr + " AS " + k.name)
		order[i] = k.name + k.word()
	}
	b.write(" FROM "+f.from+" WHERE "+f.where+" AND ", f.args...)
	if err := b.filter(f.q.Filter); err != nil {
		return nil, err
	}
	b.write(") q WHERE true")
	if f.q.After != "" {
		if err := b.after(f.q.After, spec, keys); err != nil {
			return nil, err
		}
	}
	limit := bound(f.q.Limit, maxList)
	b.write(" ORDER BY "+strings.Join(order, ", ")+" LIMIT ?::bigint OFFSET ?::bigint", limit+1, int64(max(f.q.Offset, 0)))
	if len(b.args) > maxArgs {
		return nil, bad("the filter is too large")
	}
	rows, err := r.q.Query(ctx, b.sql.String(), append([]any{pgx.QueryExecModeCacheDescribe}, b.args...)...)
	if err == nil {
		if r.tx != nil {
			defer func() { _ = r.tx.note(rows.Err()) }() // err says it
		}
		out, next, e := f.page(rows, int(limit), spec, keys)
		if err = e; err == nil {
			if f.q.Next != nil {
				*f.q.Next = next
			}
			return out, nil
		}
	}
	if state(err) == stateTooComplex {
		return nil, bad("the filter is too large or too deep")
	}
	return nil, failure(err)
}

// page reads the rows and makes the cursor of the next page.
func (f *find[T]) page(rows pgx.Rows, limit int, spec string, keys []sortKey) (out []T, next string, err error) {
	defer rows.Close()
	c := cursor{Sort: spec, Values: make([]json.RawMessage, len(keys))}
	vals := make([]sortValue, len(keys))
	dest := make([]any, len(keys))
	for i, k := range keys {
		dest[i] = vals[i].dest(k.typ)
	}
	for rows.Next() {
		if len(out) == limit {
			next = base64.RawURLEncoding.EncodeToString(codec.Encode(c))
			break
		}
		var v T
		if err := f.scan(rows, &v, dest...); err != nil {
			return nil, "", err
		}
		out = append(out, v)
		for i, k := range keys {
			c.Values[i] = vals[i].json(k.typ)
		}
	}
	rows.Close()
	return out, next, rows.Err()
}

// sortValue holds the value of a sort key of any type.
type sortValue struct {
	text string
	int  int64
	real float32
	bool bool
	doc  []byte
}

// dest is where a value of the type is scanned to.
func (v *sortValue) dest(t fieldType) any {
	switch t {
	case typeText:
		return &v.text
	case typeBool:
		return &v.bool
	case typeReal:
		return &v.real
	case typeJSON:
		return &v.doc
	default:
		return &v.int
	}
}

// json writes the value for a cursor.
func (v *sortValue) json(t fieldType) json.RawMessage {
	switch t {
	case typeText:
		return codec.AppendQuoted(nil, v.text)
	case typeBool:
		return strconv.AppendBool(nil, v.bool)
	case typeReal:
		return strconv.AppendFloat(nil, float64(v.real), 'g', -1, 32)
	case typeJSON:
		return append([]byte(nil), v.doc...)
	default:
		return strconv.AppendInt(nil, v.int, 10)
	}
}

// cursorArg reads a value of a cursor, and names its SQL type.
func cursorArg(raw json.RawMessage, t fieldType) (a any, cast string, err error) {
	var v sortValue
	switch t {
	case typeText:
		a, cast, err = &v.text, "::text", json.Unmarshal(raw, &v.text)
	case typeBool:
		a, cast, err = &v.bool, "::boolean", json.Unmarshal(raw, &v.bool)
	case typeReal:
		a, cast, err = &v.real, "::real", json.Unmarshal(raw, &v.real)
	case typeJSON:
		a, cast = []byte(raw), "::jsonb"
	default:
		a, cast, err = &v.int, "::bigint", json.Unmarshal(raw, &v.int)
	}
	return a, cast, err
}

// after limits the list to what follows a cursor.
func (b *builder) after(token, spec string, keys []sortKey) error {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	var c cursor
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	if err != nil || c.Sort != spec || len(c.Values) != len(keys) {
		return bad("the cursor does not belong to this query")
	}
	marks := make([]string, len(keys))
	for i, k := range keys {
		a, cast, err := cursorArg(c.Values[i], k.typ)
		if err != nil {
			return bad("the cursor does not belong to this query")
		}
		marks[i] = b.param(a) + cast
	}
	// (a > $1) OR (a = $1 AND b > $2) OR …
	b.sql.WriteString(" AND (false")
	for i, k := range keys {
		b.sql.WriteString(" OR (true")
		for j := range i {
			b.sql.WriteString(" AND " + keys[j].name + " = " + marks[j])
		}
		op := " > "
		if k.desc {
			op = " < "
		}
		b.sql.WriteString(" AND " + k.name + op + marks[i] + ")")
	}
	b.sql.WriteString(")")
	return nil
}

// FindUsers implements store.Reader; it leaves out deactivated and deleted people unless asked.
func (r *session) FindUsers(ctx context.Context, app core.AppID, q store.Query) ([]core.User, error) {
	f := find[core.User]{noun: &usersNoun, cols: columns("u", userCols), from: "users u", where: "u.app = :app", q: q, scan: scanUser}
	if !q.Deleted {
		f.where += " AND u.deactivated_at = 0 AND u.deleted_at = 0"
	}
	return f.list(ctx, r, app)
}

// FindChannels implements store.Reader; it leaves out deleted channels unless asked.
func (r *session) FindChannels(ctx context.Context, app core.AppID, q store.Query) ([]core.Channel, error) {
	f := find[core.Channel]{noun: &channelsNoun, cols: channelCols, from: channelFrom, where: "c.app = :app", q: q, scan: scanChannel}
	if !q.Deleted {
		f.where += " AND c.deleted_at = 0"
	}
	return f.list(ctx, r, app)
}

// FindMembers implements store.Reader: the members of one channel, pending ones too.
func (r *session) FindMembers(ctx context.Context, app core.AppID, ch core.ChannelID, q store.Query) ([]core.Member, error) {
	f := find[core.Member]{
		noun: &membersNoun, cols: columns("m", memberCols), from: "members m LEFT JOIN users u ON u.app = m.app AND u.id = m.person",
		where: "m.ch = ?::bigint AND m.app = :app", args: args(int64(ch)), q: q, scan: scanMember,
	}
	return f.list(ctx, r, app)
}

// FindThreads implements store.Reader: the threads of the app, those the viewer wrote in when set.
func (r *session) FindThreads(ctx context.Context, app core.AppID, q store.Query) ([]core.Message, error) {
	f := find[core.Message]{
		noun: &threadsNoun, cols: messageCols, from: "messages m JOIN channels c ON c.id = m.ch",
		where: "m.app = :app AND m.reply_count > 0 AND c.deleted_at = 0", q: q, scan: scanMessage,
	}
	if !q.Deleted {
		f.where += " AND m.deleted_at = 0"
	}
	if q.Viewer != "" {
		f.where += " AND (m.person = :viewer OR EXISTS (SELECT 1 FROM messages p WHERE p.parent = m.msg_id AND p.parent <> 0 AND p.app = m.app AND p.person = :viewer))"
	}
	return f.list(ctx, r, app)
}

// FindReactions implements store.Reader, newest first by default.
func (r *session) FindReactions(ctx context.Context, app core.AppID, msg core.MessageID, q store.Query) ([]core.Reaction, error) {
	f := find[core.Reaction]{
		noun: &reactionsNoun, cols: reactionCols, from: "reactions r",
		where: "r.msg = ?::bigint AND r.app = :app", args: args(int64(msg)), q: q, scan: scanReaction,
	}
	if len(q.Sort) == 0 {
		f.order = []core.Sort{{Field: "created_at", Desc: true}}
	}
	return f.list(ctx, r, app)
}

// maxScopes is how many channels a text query names in the index; more are filtered afterwards.
const maxScopes = 50

// FindMessages implements store.Reader: what the viewer may see, newest first by default.
func (r *session) FindMessages(ctx context.Context, app core.AppID, q store.Query) ([]core.Message, error) {
	f := find[core.Message]{noun: &messagesNoun, cols: messageCols, from: "messages m", where: "m.app = :app", q: q, scan: scanMessage}
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
		f.from = "(SELECT t.msg_id, ts_rank(t.doc, k.query, 1) AS rank FROM (SELECT ?::tsquery AS query) k JOIN search t ON t.doc @@ k.query) f " +
			"JOIN messages m ON m.msg_id = f.msg_id"
		f.args = append(f.args, query)
	}
	if len(q.Channels) > 0 {
		f.where += " AND m.ch = ANY(?::bigint[])"
		f.args = append(f.args, ints(q.Channels))
	}
	if !q.Deleted {
		f.where += " AND m.deleted_at = 0"
	}
	f.where += " AND (m.flags & 12 = 0 OR m.person = :viewer OR (m.flags & 4 = 0 AND EXISTS (SELECT 1 FROM json_items(json_at(m.body, '{restricted_to}')) e " +
		"WHERE json_str(e) = :viewer)))"
	if len(q.Sort) == 0 {
		f.order = []core.Sort{{Field: "created_at", Desc: true}}
	}
	return f.list(ctx, r, app)
}

// notFound names what is not there.
func notFound(what string, id int64) error {
	return fmt.Errorf("%s %d: %w", what, id, store.ErrNotFound)
}
