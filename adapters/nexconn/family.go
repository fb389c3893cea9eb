package nexconn

import (
	"strings"

	"dragoman/core/fault"
)

// family is a group of operations whose failures have numbers of their own.
type family uint8

// The families.
const (
	familyPlain family = iota
	familyProfile
	familyFriend
	familyGroup
	familyOpen
	familyCommunity
	familyMemberGroup
	familyExpansion
	familySettings
	familyStream
	familyMessage
)

// broken are what families call a write that the store refused, where they have a number of their own.
var broken = map[family]*fault.Error{
	familyCommunity: fault.ServerInternal.Error("").With("community"), familyExpansion: fault.ServerInternal.Error("").With("community"),
	familyStream: fault.ServerInternal.Error("").With("streaming"), familyMessage: fault.ServerUnknown.Error(""),
}

// variants are the finer cases in which a family tells a reason of the core that names none itself.
var variants = map[family]map[*fault.Reason]string{
	familyProfile: {fault.UserNotFound: "managed_profile"},
	familyOpen: {
		fault.GroupNotFound: "open_channel", fault.GroupAlreadyExists: "open_channel", fault.AttributeNotFound: "open_channel_metadata",
	},
	familyCommunity: {
		fault.GroupNotFound: "community", fault.GroupNotMember: "community", fault.GroupMuted: "",
		fault.RequestMissingField: "community", fault.RequestInvalidField: "community",
	},
	familyMemberGroup: {
		fault.GroupNotFound: "community", fault.GroupNotMember: "community",
		fault.RequestMissingField: "community", fault.RequestInvalidField: "community",
	},
	familyExpansion: {
		fault.MessageNotFound: "community_expansion", fault.MessageActionNotAllowed: "community_expansion",
		fault.RequestInvalidField: "community_expansion", fault.MessageNotOwner: "",
	},
	familySettings: {fault.RequestInvalidField: "user_settings", fault.RequestMissingField: "user_settings"},
}

// say puts a failure into the words of the family. The vendor has one number for whatever is wrong
// with a field, 1002, where the core tells missing from wrong; a variant of a row that exists only for
// some family is not told by others.
func (f family) say(err error) error {
	e := fielded(fault.From(err))
	if v := variants[f][e.Reason]; v != "" && (e.Variant == "" || foreign[e.Variant]) {
		c := e.With(v)
		if c.Reason == fault.RequestMissingField {
			c.Reason = fault.RequestInvalidField
		}
		return c
	}
	switch e.Reason {
	case fault.OperationFailed:
		if b := broken[f]; b != nil {
			return b.Cause(e)
		}
	case fault.RequestMissingField, fault.RequestInvalidField, fault.RequestMalformedJSON:
		if known(e) {
			return e
		}
		c := *e
		c.Reason, c.Variant = fault.RequestInvalid, ""
		return &c
	case fault.RequestBatchTooLarge:
		if f != familyGroup {
			c := *e
			c.Reason, c.Variant = fault.RequestInvalid, ""
			return &c
		}
	}
	return e
}

// fielded finds the failures of single fields that have a number of their own in every family.
func fielded(e *fault.Error) *fault.Error {
	if len(e.Fields) == 0 || e.Variant != "" {
		return e
	}
	switch f := e.Fields[0]; {
	case f.Pointer == "/pageToken":
		c := e.With("page_token")
		c.Reason = fault.RequestInvalidField
		return c
	case strings.HasSuffix(f.Detail, " minutes"):
		c := e.With("open_channel_id_or_minute")
		c.Reason = fault.RequestMissingField
		return c
	}
	return e
}

// foreign are variants of the core that say whom, not which row.
var foreign = map[string]bool{"self": true, "target": true, "room": true}

// known reports whether the vendor has a row of its own for the failure.
func known(e *fault.Error) bool {
	row, fit := Catalog().ToVendor(e.Reason, e.Variant)
	return row.Variant == e.Variant && e.Variant != "" && string(fit) != "fallback"
}

// unreadable is the failure of a body that is no JSON object.
func unreadable(err error) error {
	return fault.RequestInvalid.Error(fault.From(err).Message()).With("generic_1000")
}
