package stream

import (
	"strings"

	"dragoman/core"
)

// The types of filter values.
type filterType uint8

const (
	filterText filterType = iota
	filterNumber
	filterBool
	filterDate
	filterCID    // a cid, compared as channel key
	filterCustom // any scalar
	filterKind   // message type
)

// filterField is one field a filter may name.
type filterField struct {
	core string // the core's name; "" means known but not served
	typ  filterType
	ops  string // operators, space between
}

// filterNoun is what one query may filter and sort by.
type filterNoun struct {
	fields map[string]filterField
	custom string            // operators of custom fields; "" means there are none
	prefix string            // core prefix of custom fields
	sort   map[string]string // sortable fields by their core names
	free   bool              // custom fields may be sorted by
}

// Sets of operators that many fields share.
const (
	opsAll    = "$eq $exists $gt $gte $in $lt $lte"
	opsRange  = "$eq $gt $gte $lt $lte"
	opsSome   = "$eq $in"
	opsCustom = "$autocomplete $contains $eq $exists $gt $gte $in $lt $lte $q"
)

// fieldsOf reads a table: one field per line, its core name, type letter and operators. The
// letters: t text, n number, b boolean, d date, c cid, k message type.
func fieldsOf(table string) map[string]filterField {
	letters := map[string]filterType{"t": filterText, "n": filterNumber, "b": filterBool, "d": filterDate, "c": filterCID, "k": filterKind}
	sets := map[string]string{"ALL": opsAll, "RANGE": opsRange, "SOME": opsSome}
	out := map[string]filterField{}
	for line := range strings.SplitSeq(strings.TrimSpace(table), "\n") {
		f := strings.Fields(line)
		ops := strings.Join(f[3:], " ")
		if s, ok := sets[f[3]]; ok {
			ops = strings.TrimSpace(s + " " + strings.Join(f[4:], " "))
		}
		name := f[1]
		if name == "-" {
			name = ""
		}
		out[f[0]] = filterField{core: name, typ: letters[f[2]], ops: ops}
	}
	return out
}

func sortOf(pairs ...string) map[string]string {
	m := map[string]string{}
	for _, p := range pairs {
		if a, b, ok := strings.Cut(p, "="); ok {
			m[a] = b
		} else {
			m[p] = p
		}
	}
	return m
}

// The queries and their fields, after the filter tables of the vendor's API description
// (x-stream-filter-fields).
var (
	channelFilter = filterNoun{custom: opsCustom, prefix: "extra.", free: true, fields: fieldsOf(`
archived archived b $eq
channel_role member.channel_role t SOME
cid key c ALL
created_at created_at d ALL
created_by_id created_by t ALL
disabled disabled b $eq
filter_tags tags t SOME
frozen frozen b ALL
has_unread has_unread b $eq
hidden hidden b $eq
id id t ALL
invite invite t $eq
joined joined b $eq
last_message_at last_message_at d ALL
last_updated last_updated d ALL
member.user.name member.name t $autocomplete $eq
member_count member_count n ALL
members members t SOME
message_count message_count n ALL
muted muted b $eq
name name t ALL $autocomplete $q
pinned pinned b $eq
team team t ALL
type type t ALL
updated_at updated_at d ALL
app_banned - t $eq
blocked - b $eq
`), sort: sortOf("last_message_at", "last_updated", "updated_at", "created_at", "member_count", "message_count", "unread_count", "has_unread",
		"cid=key", "id", "type", "name", "team", "pinned_at", "archived_at", "frozen", "disabled")}

	memberFilter = filterNoun{custom: opsCustom, prefix: "extra.", free: true, fields: fieldsOf(`
banned banned b $eq
channel_role channel_role t SOME
cid - c $eq
created_at created_at d ALL
id id t ALL
user_id id t ALL
invite invite t $eq
is_moderator - b $eq
joined joined b $eq
last_active last_active d RANGE
name name t $autocomplete $eq $in $q
user.name name t $autocomplete $eq $in $q
notifications_muted - b $eq
updated_at updated_at d ALL
`), sort: sortOf("created_at", "updated_at", "user_id=id", "id", "name", "last_active", "channel_role")}

	userFilter = filterNoun{custom: "$autocomplete $contains $eq $exists $gt $gte $in $lt $lte", prefix: "extra.", free: true, fields: fieldsOf(`
id id t ALL $autocomplete $ne $nin
name name t ALL $autocomplete
username name t $autocomplete $eq
role role t ALL
banned banned b $eq $ne
shadow_banned shadow_banned b $eq $ne
created_at created_at d ALL
updated_at updated_at d ALL
last_active last_active d ALL
language language t $eq
teams teams t $contains $eq $in
bypass_moderation - b $eq $ne
`), sort: sortOf("id", "name", "role", "banned", "created_at", "updated_at", "last_active", "language")}

	messageFilter = filterNoun{custom: "$eq $gt $gte $in $lt $lte", prefix: "extra.", fields: fieldsOf(`
attachments attachments b $exists
attachments.type attachments.type t SOME
cid - c ALL
created_at created_at d ALL
updated_at updated_at d ALL
id id t ALL
mentioned_users.id mentions t $contains
parent_id parent t ALL
pinned pinned b $eq
reply_count reply_count n ALL
text text t ALL $autocomplete $q
type type k ALL
user.id user t SOME
user_id user t SOME
`), sort: sortOf("created_at", "id", "updated_at", "relevance"), free: true}

	reactionFilter = filterNoun{fields: fieldsOf(`
created_at created_at d ALL
type type t SOME
user_id user t SOME
`), sort: sortOf("created_at")}

	threadFilter = filterNoun{custom: opsCustom, prefix: "extra.", fields: fieldsOf(`
active_participant_count participant_count n RANGE
channel.disabled channel.disabled b $eq
channel.team channel.team t SOME
channel_cid key c SOME
created_at created_at d RANGE
created_by_user_id created_by t SOME
has_unread - b $eq
last_message_at last_message_at d RANGE
parent_message_id parent t SOME
participant_count participant_count n RANGE
reply_count reply_count n RANGE
updated_at updated_at d RANGE
`), sort: sortOf("active_participant_count=participant_count", "created_at", "has_unread", "last_message_at", "parent_message_id=parent",
		"participant_count", "reply_count", "updated_at")}

	pollFilter = filterNoun{custom: opsCustom, prefix: "extra.", fields: fieldsOf(`
allow_answers allow_answers b $eq
allow_user_suggested_options allow_suggestions b $eq
created_at created_at d RANGE
created_by_id created_by t SOME
id id t SOME
is_closed closed b $eq
max_votes_allowed max_votes n RANGE
name name t SOME
updated_at updated_at d RANGE
voting_visibility - t $eq
`), sort: sortOf("created_at", "id", "is_closed=closed", "name", "updated_at")}

	voteFilter = filterNoun{fields: fieldsOf(`
created_at created_at d RANGE
id id t SOME
is_answer is_answer b $eq
option_id option t $eq $exists $in
poll_id - t SOME
updated_at updated_at d RANGE
user_id user t SOME
`), sort: sortOf("created_at", "id", "updated_at")}

	draftFilter = filterNoun{fields: fieldsOf(`
channel_cid key c SOME
created_at created_at d RANGE
parent_id parent t $eq $exists $in
`), sort: sortOf("created_at")}

	reminderFilter = filterNoun{fields: fieldsOf(`
channel_cid key c SOME
created_at created_at d RANGE
message_id message t SOME
remind_at remind_at d $eq $exists $gt $gte $lt $lte
`), sort: sortOf("channel_cid=key", "created_at", "message_id=message", "remind_at")}

	banFilter = filterNoun{fields: fieldsOf(`
banned_by_id banned_by t ALL
channel_cid key c SOME
created_at created_at d ALL
reason reason t ALL $autocomplete
user_id user t ALL
`), sort: sortOf("created_at")}

	flagFilter = filterNoun{fields: fieldsOf(`
channel_cid key c SOME
is_reviewed reviewed b $eq
message_id message t SOME
reporter_id by t $eq
team team t SOME
user_id user t SOME
`), sort: sortOf("created_at")}
)

// operators maps the vendor's names to the core's. $q and $any are full text search.
var operators = map[string]core.FilterOp{
	"$eq": core.OpEq, "$ne": core.OpNe, "$gt": core.OpGt, "$gte": core.OpGte, "$lt": core.OpLt, "$lte": core.OpLte,
	"$in": core.OpIn, "$nin": core.OpNin, "$exists": core.OpExists, "$contains": core.OpContains,
	"$autocomplete": core.OpAutocomplete, "$q": core.OpSearch, "$any": core.OpSearch,
}
