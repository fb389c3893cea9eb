package stream

import (
	"time"

	"github.com/tidwall/gjson"

	"dragoman/core"
	"dragoman/core/fault"
)

// patchMember changes one field of a membership. pinned and archived are switches of the member's
// own list of channels.
func patchMember(m *core.Member, name string, v gjson.Result) error {
	switch name {
	case "pinned":
		return setSince(&m.PinnedAt, name, v)
	case "archived":
		return setSince(&m.ArchivedAt, name, v)
	case "channel_role":
		return setText(&m.ChannelRole, name, v)
	}
	if memberNames.Has(name) {
		return fault.RequestInvalidField.Error("member." + name + " is a reserved field and cannot be changed")
	}
	return patchExtra(&m.Extra, name, v, maxCustom)
}

// setSince turns a switch into the time since when it is on; one that is on already keeps its time.
func setSince(dst *time.Time, name string, v gjson.Result) error {
	var on bool
	if err := setBool(&on, name, v); err != nil {
		return err
	}
	switch {
	case !on:
		*dst = time.Time{}
	case dst.IsZero():
		*dst = time.Now().UTC()
	}
	return nil
}
