package postgres

import (
	"strconv"
	"strings"

	"dragoman/core"
)

// words is a text column, count a numeric one, moment a time in milliseconds, truth a condition and
// list a JSON array.
func words(expr string) field  { return field{expr: expr, typ: typeText} }
func count(expr string) field  { return field{expr: expr, typ: typeNumber} }
func moment(expr string) field { return field{expr: expr, typ: typeTime} }
func truth(expr string) field  { return field{expr: expr, typ: typeBool} }
func list(expr string) field   { return field{expr: expr, typ: typeList} }

// or marks a column that may be NULL.
func or(f field) field { f.null = true; return f }

// inviteState is how an invitation stands; % stands for a table.
const inviteState = "CASE WHEN %.invited_at = 0 THEN '' WHEN %.accepted_at <> 0 THEN 'accepted' WHEN %.rejected_at <> 0 THEN 'rejected' ELSE 'pending' END"

// of puts a table alias into an expression written with %.
func of(alias, expr string) string { return strings.ReplaceAll(expr, "%", alias) }

// banned tells whether the ban of a table is in force and of the sort.
func banned(alias string) string {
	return of(alias, "(%.ban IS NOT NULL AND coalesce(%.ban ->> 'expires', '9') > :nowtext)")
}

// shadow tells whether the ban of u is a shadow ban.
const shadow = "coalesce((u.ban ->> 'shadow')::boolean, false)"

// own is an expression over the viewer's membership of channel c, or NULL without one.
func own(expr string) string {
	return "(SELECT " + of("v", expr) + " FROM members v WHERE v.ch = c.id AND v.person = :viewer)"
}

// joinedExpr: the viewer is a member and has no invitation open or refused.
const joinedExpr = "EXISTS (SELECT 1 FROM members v WHERE v.ch = c.id AND v.person = :viewer AND (v.invited_at = 0 OR v.accepted_at <> 0))"

// joinedCond starts from the viewer's memberships when it asks for channels they are in.
func joinedCond(b *builder, f core.Filter) error {
	if f.Op != core.OpEq || f.Value.Kind != core.KindBool || !f.Value.Bool {
		return b.compare(truth(joinedExpr), f)
	}
	b.write("c.id IN (SELECT x.ch FROM members x WHERE x.app = :app AND x.person = :viewer AND (x.invited_at = 0 OR x.accepted_at <> 0))")
	return nil
}

// unreadIn is the viewer's unread messages x of channel c.
const unreadIn = "members v JOIN messages x ON x.ch = c.id AND x.seq > greatest(v.read_seq, v.hidden_up_to, c.truncated_up_to) AND x.seq <= h.last_seq " +
	"WHERE v.ch = c.id AND v.person = :viewer AND x.flags & 16 <> 0 AND x.person <> v.person AND x.deleted_at = 0"

// usersNoun are rows u.
var usersNoun = noun{name: "users", extra: "u.extra", key: "u.id", keyTyp: typeText, fields: map[string]field{
	"id":             words("u.id"),
	"name":           words("u.name"),
	"image":          words("u.image"),
	"role":           words("u.role"),
	"teams":          list("u.teams"),
	"banned":         truth("(" + banned("u") + " AND NOT " + shadow + ")"),
	"shadow_banned":  truth("(" + banned("u") + " AND " + shadow + ")"),
	"created_at":     moment("u.created_at"),
	"updated_at":     moment("u.updated_at"),
	"last_active":    moment("u.last_active"),
	"deactivated_at": moment("u.deactivated_at"),
	"language":       words("u.language"),
	"tags":           list("u.tags"),
}}

// channelsNoun are rows c with their counters h.
var channelsNoun = noun{name: "channels", extra: "c.extra", key: "c.id", keyTyp: typeTime, fields: map[string]field{
	"id":                  words("c.bare"),
	"key":                 words("c.key"),
	"type":                words("c.type"),
	"kind":                {expr: "c.kind", typ: typeSpecial, cond: kindCond},
	"name":                words("c.name"),
	"team":                words("c.team"),
	"frozen":              truth("c.frozen"),
	"disabled":            truth("c.disabled"),
	"created_by":          words("c.created_by"),
	"created_at":          moment("c.created_at"),
	"updated_at":          moment("c.updated_at"),
	"last_message_at":     moment("h.last_at"),
	"last_updated":        moment("greatest(h.last_at, c.created_at)"),
	"member_count":        count("c.member_count"),
	"message_count":       count("h.message_count"),
	"members":             {typ: typeSpecial, cond: membersCond},
	"member.name":         {typ: typeSpecial, cond: memberNameCond},
	"joined":              {expr: joinedExpr, typ: typeBool, cond: joinedCond},
	"invite":              or(words(own(inviteState))),
	"hidden":              truth("coalesce(" + own("%.hidden_at <> 0") + ", false)"),
	"muted":               truth("coalesce(" + own("%.muted_until > :now") + ", false)"),
	"pinned":              truth("coalesce(" + own("%.pinned_at <> 0") + ", false)"),
	"pinned_at":           or(moment(own("%.pinned_at"))),
	"archived":            truth("coalesce(" + own("%.archived_at <> 0") + ", false)"),
	"archived_at":         or(moment(own("%.archived_at"))),
	"member.channel_role": or(words(own("%.channel_role"))),
	"has_unread":          truth("EXISTS (SELECT 1 FROM " + unreadIn + ")"),
	"unread_count":        count("(SELECT count(*) FROM (SELECT 1 FROM " + unreadIn + " LIMIT 1000) y)"),
	"tags":                list("c.tags"),
	"admission":           words("(CASE WHEN c.admission <> '' THEN c.admission WHEN c.kind = 2 THEN 'anyone' ELSE 'invited' END)"),
}}

// membersNoun are rows m with their profiles u, which may be missing.
var membersNoun = noun{name: "members", extra: "u.extra", key: "m.person", keyTyp: typeText, fields: map[string]field{
	"id":           words("m.person"),
	"name":         or(words("u.name")),
	"channel_role": words("m.channel_role"),
	"role":         words("m.role"),
	"hidden":       truth("(m.hidden_at <> 0)"),
	"banned":       truth(banned("m")),
	"invite":       words("(" + of("m", inviteState) + ")"),
	"joined":       truth("(m.invited_at = 0 OR m.accepted_at <> 0)"),
	"created_at":   moment("m.created_at"),
	"updated_at":   moment("m.updated_at"),
	"last_active":  or(moment("u.last_active")),
}}

// messagesNoun are rows m.
var messagesNoun = noun{name: "messages", extra: "m.extra", key: "m.msg_id", keyTyp: typeTime, fields: map[string]field{
	"id":   {typ: typeSpecial, cond: func(b *builder, f core.Filter) error { return nameCond(b, f, "m.msg_id") }},
	"text": {expr: "m.body_text", typ: typeText, cond: messageTextCond},
	"user": words("m.person"),
	"parent": {typ: typeSpecial, cond: func(b *builder, f core.Filter) error {
		return nameCond(b, f, "m.parent")
	}},
	"kind": words("coalesce(nullif(m.kind, ''), 'regular')"),
	"type": words("(CASE WHEN m.deleted_at <> 0 THEN 'deleted' WHEN m.parent <> 0 AND m.flags & 1 = 0 THEN 'reply' " +
		"ELSE coalesce(nullif(m.kind, ''), 'regular') END)"),
	"attachments":      {typ: typeSpecial, cond: attachmentsCond},
	"attachments.type": {typ: typeSpecial, cond: attachmentTypeCond},
	"mentions":         list("json_at(m.body, '{mentions}')"),
	"tags":             list("json_at(m.body, '{tags}')"),
	"pinned":           truth("m.pinned"),
	"pinned_at":        moment("m.pinned_at"),
	"reply_count":      or(count("nullif(m.reply_count, 0)")),
	"created_at":       moment("m.created_at"),
	"updated_at":       moment("m.updated_at"),
}}

// threadsNoun are first messages m and their channels c.
var threadsNoun = noun{name: "threads", key: "m.msg_id", keyTyp: typeTime, fields: map[string]field{
	"key":               words("c.key"),
	"channel.disabled":  truth("c.disabled"),
	"channel.team":      words("c.team"),
	"created_at":        moment("m.created_at"),
	"updated_at":        moment("m.updated_at"),
	"created_by":        words("m.person"),
	"parent":            {typ: typeSpecial, cond: func(b *builder, f core.Filter) error { return nameCond(b, f, "m.msg_id") }},
	"last_message_at":   moment("m.last_reply_at"),
	"reply_count":       count("m.reply_count"),
	"participant_count": count("coalesce(json_count(m.participants), 0)"),
}}

// reactionsNoun are rows r.
var reactionsNoun = noun{name: "reactions", key: "r.person || chr(1) || r.type", keyTyp: typeText, fields: map[string]field{
	"type":       words("r.type"),
	"user":       words("r.person"),
	"score":      count("r.score"),
	"created_at": moment("r.created_at"),
	"updated_at": moment("r.updated_at"),
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
	return b.compare(count("c.kind"), f)
}

// membersCond: contains or eq text is "has this member", in is "has one of them", eq with a list
// is "is exactly this set".
func membersCond(b *builder, f core.Filter) error {
	if done, err := b.negated(f, func(f core.Filter) error { return membersCond(b, f) }); done {
		return err
	}
	var ids []string
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
			ids = append(ids, enc(v.Text))
		}
	}
	isList := f.Value.Kind == core.KindList
	switch {
	case f.Op == core.OpIn && isList:
		b.write("c.id IN (SELECT x.ch FROM members x WHERE x.app = :app AND x.person = ANY(?::text[]))", ids)
	case f.Op == core.OpContains || f.Op == core.OpEq:
		b.write("(true")
		for _, id := range ids {
			b.write(" AND c.id IN (SELECT x.ch FROM members x WHERE x.app = :app AND x.person = ?)", id)
		}
		if f.Op == core.OpEq && isList {
			b.write(" AND c.member_count = ?::bigint", int64(len(ids)))
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
	b.write("EXISTS (SELECT 1 FROM members x JOIN users u ON u.app = x.app AND u.id = x.person WHERE x.ch = c.id AND ")
	if err := b.compare(words("u.name"), f); err != nil {
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
		b.write("("+col+" <> 0) = ?::boolean", f.Op == core.OpExists && f.Value.Bool)
		return nil
	case f.Op == core.OpEq && f.Value.Kind == core.KindText:
		f.Value = core.Value{Kind: core.KindList, List: []core.Value{f.Value}}
	case f.Op == core.OpIn && f.Value.Kind == core.KindList:
	default:
		return b.unsupported(f)
	}
	aliases, ids := []string{}, []int64{}
	for _, v := range f.Value.List {
		if v.Kind != core.KindText {
			return b.unsupported(f)
		}
		if v.Text != "" {
			aliases = append(aliases, enc(v.Text))
		}
		if id, err := strconv.ParseInt(v.Text, 10, 64); err == nil {
			ids = append(ids, id)
		}
	}
	b.write("("+col+" IN (SELECT n.msg_id FROM messages n WHERE n.alias = ANY(?::text[]) AND n.alias <> '' AND n.app = :app)", aliases)
	b.write(" OR "+col+" = ANY(?::bigint[]))", ids)
	return nil
}

// messageTextCond adds full text search to the text operators.
func messageTextCond(b *builder, f core.Filter) error {
	if f.Op != core.OpSearch {
		return b.compare(words("m.body_text"), f)
	}
	if f.Value.Kind != core.KindText {
		return b.unsupported(f)
	}
	query := matchQuery(f.Value.Text, b.app, nil)
	if query == "" {
		b.write("false")
		return nil
	}
	b.write("m.msg_id IN (SELECT t.msg_id FROM search t WHERE t.doc @@ ?::tsquery)", query)
	return nil
}

// attachmentsCond: there are any.
func attachmentsCond(b *builder, f core.Filter) error {
	if f.Op != core.OpExists || f.Value.Kind != core.KindBool {
		return b.unsupported(f)
	}
	b.write("(coalesce(json_count(json_at(m.body, '{attachments}')), 0) > 0) = ?::boolean", f.Value.Bool)
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
	b.write("EXISTS (SELECT 1 FROM json_items(json_at(m.body, '{attachments}')) a WHERE ")
	if err := b.compare(or(words("json_str(json_at(a, '{type}'))")), f); err != nil {
		return err
	}
	b.write(")")
	return nil
}
