package stream

import (
	"strings"
	"time"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// The five calls of the vendor's second REST dialect that its JS SDK makes. There, times are whole
// nanoseconds and custom fields are nested under "custom".

// flagEntities maps the entity types of the second dialect to what a report is about.
const (
	entityUser    = "stream:user"
	entityMessage = "stream:chat:v1:message"
)

// decodeFlagEntity reads a report: of a message or of a person.
func decodeFlagEntity(rq *adapters.Request) (core.FlagContent, error) {
	r, err := actingPerson(rq)
	if err != nil {
		return core.FlagContent{}, err
	}
	in := core.FlagContent{Reason: r.TextMax("reason", 1000), Extra: r.RawObject("custom")}
	id := r.Need("entity_id")
	switch typ := r.Need("entity_type"); {
	case typ == entityUser || strings.HasSuffix(typ, ":user_profile"):
		in.User = core.UserID(id)
	case typ == entityMessage:
		in.Message = id
	case typ != "":
		r.Fail("entity_type", "must be "+entityUser+" or "+entityMessage, fault.RequestInvalidField)
	}
	return in, r.Err()
}

// encodeFlagEntity answers the id of the report.
func encodeFlagEntity(w *wire.Writer, _ *adapters.Request, f core.Flag) {
	w.Text("item_id", f.ID)
}

// decodeUnbanV2 reads the end of a ban: whom in the query, by whom in the body.
func decodeUnbanV2(rq *adapters.Request) (core.SetBan, error) {
	in, err := decodeUnban(rq)
	if err != nil {
		return in, err
	}
	r, err := body(rq)
	if err != nil {
		return in, err
	}
	by := r.Text("unbanned_by_id")
	if o, ok := r.Object("unbanned_by"); ok && by == "" {
		by = o.Text("id")
	}
	if err := actFor(rq, core.UserID(orElse(by, rq.Query.Get("created_by")))); err != nil {
		return in, err
	}
	return in, r.Err()
}

// encodeMutedV2 answers a mute. The muter's own object is optional there and left out.
func encodeMutedV2(w *wire.Writer, rq *adapters.Request, out core.Muted) {
	w.List("mutes")
	for i := range out.Mutes {
		m := &out.Mutes[i]
		w.Open()
		w.Key("user")
		writeUserV2(w, &m.User)
		w.Key("target")
		writeUserV2(w, &m.Target)
		writeNanos(w, "created_at", m.CreatedAt)
		writeNanos(w, "updated_at", m.UpdatedAt)
		writeNanos(w, "expires", m.Expires)
		w.Close()
	}
	w.CloseList()
	encodeUnmuted(w, rq, out)
}

// writeUserV2 writes a user object of the second dialect.
func writeUserV2(w *wire.Writer, u *core.User) {
	w.Open()
	w.Text("id", string(u.ID))
	w.TextIf("name", u.Name)
	w.TextIf("image", u.Image)
	w.Text("role", orElse(u.Role, core.RoleUser))
	w.Texts("teams", u.Teams)
	w.Text("language", u.Language)
	w.Bool("online", u.Online && !u.Invisible)
	w.Bool("invisible", u.Invisible)
	w.Bool("banned", u.Ban != nil && !u.Ban.Shadow)
	w.Bool("shadow_banned", u.Ban != nil && u.Ban.Shadow)
	w.Texts("blocked_user_ids", nil)
	w.Object("custom")
	w.Extra(u.Extra, wire.Names{})
	w.Close()
	writeNanos(w, "created_at", u.CreatedAt)
	writeNanos(w, "updated_at", u.UpdatedAt)
	writeNanos(w, "last_active", u.LastActive)
	writeNanos(w, "deactivated_at", u.DeactivatedAt)
	w.Close()
}

// writeNanos writes an instant as Unix nanoseconds, unless it is zero.
func writeNanos(w *wire.Writer, name string, t time.Time) {
	if !t.IsZero() {
		w.Int64(name, t.UnixNano())
	}
}
