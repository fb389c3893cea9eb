package sqlite

import (
	"strconv"
	"strings"

	"dragoman/core"
)

// text is a text column.
func text(expr string) field { return field{expr: expr, typ: typeText} }

// set marks a column that is never NULL.
func set(f field) field { f.set = true; return f }

// number is a numeric column.
func number(expr string) field { return field{expr: expr, typ: typeNumber} }

// stamp is a time column in milliseconds.
func stamp(expr string) field { return field{expr: expr, typ: typeTime} }

// truth is a column or condition of 0 or 1.
func truth(expr string) field { return field{expr: expr, typ: typeBool} }

// list is a column that holds a JSON array.
func list(expr string) field { return field{expr: expr, typ: typeList} }

// Expressions used by several fields; % stands for a table.
const (
	banInForce  = "coalesce(json_extract(u.ban, '$.expires'), '9') > :nowtext"
	inviteState = "CASE WHEN %.invited_at IS NULL THEN '' WHEN %.accepted_at IS NOT NULL THEN 'accepted' WHEN %.rejected_at IS NOT NULL THEN 'rejected' ELSE 'pending' END"
)

// of puts a table alias into an expression written with %.
func of(alias, expr string) string { return strings.ReplaceAll(expr, "%", alias) }

// own is an expression over the viewer's membership of channel c, or NULL without one.
func own(expr string) string {
	return "(SELECT " + of("v", expr) + " FROM members v WHERE v.ch = c.id AND v.user = :viewer)"
}

// joinedExpr: the viewer is a member and has no invitation open or refused.
const joinedExpr = "EXISTS (SELECT 1 FROM members v WHERE v.ch = c.id AND v.user = :viewer AND (CASE WHEN v.invited_at IS NULL THEN 1 " +
	"WHEN v.accepted_at IS NOT NULL THEN 1 ELSE 0 END))"

// joinedCond starts from the viewer's memberships when it asks for channels they are in.
func joinedCond(b *builder, f core.Filter) error {
	if f.Op != core.OpEq || f.Value.Kind != core.KindBool || !f.Value.Bool {
		return b.compare(truth(joinedExpr), f)
	}
	b.write("c.id IN (SELECT x.ch FROM members x INDEXED BY members_by_user WHERE x.app = :app AND x.user = :viewer " +
		"AND (x.invited_at IS NULL OR x.accepted_at IS NOT NULL))")
	return nil
}

// usersNoun are rows u.
var usersNoun = noun{name: "users", extra: "u.extra", key: "u.id", fields: map[string]field{
	"id":             set(text("u.id")),
	"name":           text("u.name"),
	"image":          text("u.image"),
	"role":           text("u.role"),
	"teams":          list("u.teams"),
	"banned":         truth("(u.ban IS NOT NULL AND coalesce(json_extract(u.ban, '$.shadow'), 0) = 0 AND " + banInForce + ")"),
	"shadow_banned":  truth("(u.ban IS NOT NULL AND coalesce(json_extract(u.ban, '$.shadow'), 0) = 1 AND " + banInForce + ")"),
	"created_at":     stamp("u.created_at"),
	"updated_at":     stamp("u.updated_at"),
	"last_active":    stamp("u.last_active"),
	"deactivated_at": stamp("u.deactivated_at"),
	"language":       text("u.language"),
	"tags":           list("u.tags"),
}}

// channelsNoun are rows c with their counters h.
var channelsNoun = noun{name: "channels", extra: "c.extra", key: "c.id", fields: map[string]field{
	"id":                  text("c.bare"),
	"key":                 set(text("c.key")),
	"type":                text("c.type"),
	"kind":                {expr: "c.kind", typ: typeSpecial, cond: kindCond},
	"name":                text("c.name"),
	"team":                text("c.team"),
	"frozen":              truth("c.frozen"),
	"disabled":            truth("c.disabled"),
	"created_by":          text("c.created_by"),
	"created_at":          stamp("c.created_at"),
	"updated_at":          stamp("c.updated_at"),
	"last_message_at":     set(stamp("h.last_at")),
	"last_updated":        stamp("max(h.last_at, c.created_at)"),
	"member_count":        number("c.member_count"),
	"message_count":       number("h.message_count"),
	"members":             {typ: typeSpecial, cond: membersCond},
	"member.name":         {typ: typeSpecial, cond: memberNameCond},
	"joined":              {expr: joinedExpr, typ: typeBool, cond: joinedCond},
	"invite":              text("(" + own(inviteState) + ")"),
	"hidden":              truth("coalesce(" + own("%.hidden_at IS NOT NULL") + ", 0)"),
	"muted":               truth("coalesce(" + own("coalesce(%.muted_until, 0) > :now") + ", 0)"),
	"pinned":              truth("coalesce(" + own("%.pinned_at IS NOT NULL") + ", 0)"),
	"pinned_at":           stamp(own("%.pinned_at")),
	"archived":            truth("coalesce(" + own("%.archived_at IS NOT NULL") + ", 0)"),
	"archived_at":         stamp(own("%.archived_at")),
	"member.channel_role": text(own("%.channel_role")),
	"has_unread": truth("EXISTS (SELECT 1 FROM members v JOIN messages x ON x.id > (c.id << 31) + max(v.read_seq, coalesce(v.hidden_up_to, 0), " +
		"coalesce(c.truncated_up_to, 0)) AND x.id <= (c.id << 31) + h.last_seq WHERE v.ch = c.id AND v.user = :viewer AND x.flags & 16 " +
		"AND x.user <> v.user AND x.deleted_at IS NULL)"),
	"unread_count": number("(SELECT count(*) FROM (SELECT 1 FROM members v JOIN messages x ON x.id > (c.id << 31) + max(v.read_seq, " +
		"coalesce(v.hidden_up_to, 0), coalesce(c.truncated_up_to, 0)) AND x.id <= (c.id << 31) + h.last_seq WHERE v.ch = c.id AND v.user = :viewer " +
		"AND x.flags & 16 AND x.user <> v.user AND x.deleted_at IS NULL LIMIT 1000))"),
	"tags":      list("c.tags"),
	"admission": text("coalesce(c.admission, CASE c.kind WHEN 2 THEN 'anyone' ELSE 'invited' END)"),
}}

// membersNoun are rows m with their profiles u.
var membersNoun = noun{name: "members", extra: "u.extra", key: "m.user", fields: map[string]field{
	"id":           text("m.user"),
	"name":         text("u.name"),
	"channel_role": text("m.channel_role"),
	"role":         text("m.role"),
	"hidden":       truth("(m.hidden_at IS NOT NULL)"),
	"banned":       truth("(m.ban IS NOT NULL AND coalesce(json_extract(m.ban, '$.expires'), '9') > :nowtext)"),
	"invite":       text("(" + of("m", inviteState) + ")"),
	"joined":       truth("((" + of("m", inviteState) + ") IN ('', 'accepted'))"),
	"created_at":   stamp("m.created_at"),
	"updated_at":   stamp("m.updated_at"),
	"last_active":  stamp("u.last_active"),
}}

// messagesNoun are rows m.
var messagesNoun = noun{name: "messages", extra: "m.extra", key: "m.id", fields: map[string]field{
	"id":   {typ: typeSpecial, cond: func(b *builder, f core.Filter) error { return nameCond(b, f, "m.msg_id") }},
	"text": {expr: "m.text", typ: typeText, cond: messageTextCond},
	"user": text("m.user"),
	"parent": {typ: typeSpecial, cond: func(b *builder, f core.Filter) error {
		return nameCond(b, f, "m.parent")
	}},
	"kind": text("coalesce(m.kind, 'regular')"),
	"type": text("(CASE WHEN m.deleted_at IS NOT NULL THEN 'deleted' WHEN m.parent IS NOT NULL AND m.flags & 1 = 0 THEN 'reply' " +
		"ELSE coalesce(m.kind, 'regular') END)"),
	"attachments":      {typ: typeSpecial, cond: attachmentsCond},
	"attachments.type": {typ: typeSpecial, cond: attachmentTypeCond},
	"mentions":         list("json_extract(m.body, '$.mentions')"),
	"tags":             list("json_extract(m.body, '$.tags')"),
	"pinned":           truth("(m.pinned_ch IS NOT NULL)"),
	"pinned_at":        stamp("m.pinned_at"),
	"reply_count":      number("m.reply_count"),
	"created_at":       stamp("m.created_at"),
	"updated_at":       stamp("coalesce(m.updated_at, m.created_at)"),
}}

// threadsNoun are first messages m and their channels c.
var threadsNoun = noun{name: "threads", key: "m.id", fields: map[string]field{
	"key":              text("c.key"),
	"channel.disabled": truth("c.disabled"),
	"channel.team":     text("c.team"),
	"created_at":       stamp("m.created_at"),
	"updated_at":       stamp("coalesce(m.updated_at, m.created_at)"),
	"created_by":       text("m.user"),
	"parent":           {typ: typeSpecial, cond: func(b *builder, f core.Filter) error { return nameCond(b, f, "m.msg_id") }},
	"last_message_at":  set(stamp("m.last_reply_at")),
	"reply_count":      number("m.reply_count"),
	"participant_count": number(
		"coalesce(json_array_length(m.participants), 0)"),
}}

// reactionsNoun are rows r.
var reactionsNoun = noun{name: "reactions", key: "r.user || char(0) || r.type", fields: map[string]field{
	"type":       text("r.type"),
	"user":       text("r.user"),
	"score":      number("r.score"),
	"created_at": stamp("r.created_at"),
	"updated_at": stamp("r.updated_at"),
}}

// kinds are the names of core.ChannelKind.
var kinds = map[string]core.ChannelKind{
	"group": core.KindGroup, "direct": core.KindDirect, "room": core.KindRoom, "community": core.KindCommunity,
}

// kindCond accepts the kind by number or by name.
func kindCond(b *builder, f core.Filter) error {
	fix := func(v core.Value) core.Value {
		if k, ok := kinds[v.Text]; ok && v.Kind == core.KindText {
			return core.Number(float64(k))
		}
		return v
	}
	f.Value = fix(f.Value)
	if f.Value.Kind == core.KindList {
		l := make([]core.Value, len(f.Value.List))
		for i, v := range f.Value.List {
			l[i] = fix(v)
		}
		f.Value.List = l
	}
	return b.compare(number("c.kind"), f)
}

// membersCond: contains or eq text is "has this member", in is "has one of them", eq with a list
// is "is exactly this set".
func membersCond(b *builder, f core.Filter) error {
	if done, err := b.negated(f, func(f core.Filter) error { return membersCond(b, f) }); done {
		return err
	}
	var ids []arg
	values := f.Value.List
	if f.Value.Kind != core.KindList {
		values = []core.Value{f.Value}
	}
	seen := map[string]bool{}
	for _, v := range values {
		if v.Kind != core.KindText {
			return b.unsupported(f)
		}
		if !seen[v.Text] {
			seen[v.Text] = true
			ids = append(ids, textArg(v.Text))
		}
	}
	one := "c.id IN (SELECT x.ch FROM members x INDEXED BY members_by_user WHERE x.app = :app AND x.user = ?)"
	isList := f.Value.Kind == core.KindList
	switch {
	case f.Op == core.OpIn && isList:
		if len(ids) == 0 {
			b.write("0")
			return nil
		}
		b.write("c.id IN (SELECT x.ch FROM members x INDEXED BY members_by_user WHERE x.app = :app AND x.user IN ("+marks(len(ids))+"))", ids...)
	case f.Op == core.OpContains || f.Op == core.OpEq:
		b.write("(1")
		for _, id := range ids {
			b.write(" AND "+one, id)
		}
		if f.Op == core.OpEq && isList {
			b.write(" AND c.member_count = ?", intArg(int64(len(ids))))
		}
		b.write(")")
	default:
		return b.unsupported(f)
	}
	return nil
}

// memberNameCond: some member's name matches.
func memberNameCond(b *builder, f core.Filter) error {
	if done, err := b.negated(f, func(f core.Filter) error { return memberNameCond(b, f) }); done {
		return err
	}
	b.write("EXISTS (SELECT 1 FROM members x JOIN users u ON u.app = x.app AND u.id = x.user WHERE x.ch = c.id AND ")
	if err := b.compare(text("u.name"), f); err != nil {
		return err
	}
	b.write(")")
	return nil
}

// nameCond compares a message id column with message names: aliases or decimal ids.
func nameCond(b *builder, f core.Filter, col string) error {
	if done, err := b.negated(f, func(f core.Filter) error { return nameCond(b, f, col) }); done {
		return err
	}
	switch {
	case f.Op == core.OpExists && f.Value.Kind == core.KindBool, f.Op == core.OpEq && f.Value.Kind == core.KindNull:
		if f.Op == core.OpExists && f.Value.Bool {
			b.write(col + " IS NOT NULL")
		} else {
			b.write(col + " IS NULL")
		}
		return nil
	case f.Op == core.OpEq && f.Value.Kind == core.KindText:
		f.Value = core.Value{Kind: core.KindList, List: []core.Value{f.Value}}
	case f.Op == core.OpIn && f.Value.Kind == core.KindList:
	default:
		return b.unsupported(f)
	}
	if len(f.Value.List) == 0 {
		b.write("0")
		return nil
	}
	var aliases, ids []arg
	for _, v := range f.Value.List {
		if v.Kind != core.KindText {
			return b.unsupported(f)
		}
		aliases = append(aliases, textArg(v.Text))
		if id, err := strconv.ParseInt(v.Text, 10, 64); err == nil {
			ids = append(ids, intArg(id))
		}
	}
	b.write("("+col+" IN (SELECT n.msg_id FROM messages n INDEXED BY messages_by_alias WHERE n.alias IN ("+marks(len(aliases))+") AND n.app = :app)", aliases...)
	b.write(" OR "+col+" IN ("+marks(len(ids))+"))", ids...)
	return nil
}

// messageTextCond adds full text search to the text operators.
func messageTextCond(b *builder, f core.Filter) error {
	if f.Op != core.OpSearch {
		return b.compare(text("m.text"), f)
	}
	if f.Value.Kind != core.KindText {
		return b.unsupported(f)
	}
	query := matchQuery(f.Value.Text, b.app, nil)
	if query == "" {
		b.write("0")
		return nil
	}
	b.write("m.id IN (SELECT rowid FROM fts.search WHERE search MATCH ?)", textArg(query))
	return nil
}

// attachmentsCond: there are any.
func attachmentsCond(b *builder, f core.Filter) error {
	if f.Op != core.OpExists || f.Value.Kind != core.KindBool {
		return b.unsupported(f)
	}
	if !f.Value.Bool {
		b.write("NOT ")
	}
	b.write("(coalesce(json_array_length(m.body, '$.attachments'), 0) > 0)")
	return nil
}

// attachmentTypeCond: one of the attachments is of the type.
func attachmentTypeCond(b *builder, f core.Filter) error {
	if done, err := b.negated(f, func(f core.Filter) error { return attachmentTypeCond(b, f) }); done {
		return err
	}
	if f.Op == core.OpContains {
		f.Op = core.OpEq
	}
	b.write("EXISTS (SELECT 1 FROM json_each(m.body, '$.attachments') a WHERE ")
	if err := b.compare(text("json_extract(a.value, '$.type')"), f); err != nil {
		return err
	}
	b.write(")")
	return nil
}
