package nexconn

import (
	"context"
	"maps"
	"slices"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// Limits of the metadata of messages beyond those of sending.
const (
	maxCommunityMetadata = 20  // entries of one call
	metadataListed       = 100 // entries of one page
)

// metadataOps are the metadata of messages: texts by name that are changed after the message was sent.
func (d *Dialect) metadataOps() []operation {
	return []operation{
		{path: "/channel-type/message/metadata/set", rate: 100, serve: d.setMetadata(0, maxMetadata)},
		{path: "/channel-type/message/metadata/delete", rate: 100, serve: d.deleteMetadata(0)},
		{path: "/channel-type/message/metadata/list", rate: 100, serve: d.listMetadata(0)},
		{path: "/community-channel/message/metadata/set", family: familyExpansion, rate: 100, serve: d.setMetadata(wireCommunity, maxCommunityMetadata)},
		{path: "/community-channel/message/metadata/delete", family: familyExpansion, rate: 100, serve: d.deleteMetadata(wireCommunity)},
		{path: "/community-channel/message/metadata/list", family: familyExpansion, rate: 100, serve: d.listMetadata(wireCommunity)},
	}
}

// metadata reads an object of metadata; it may be JSON in a text, as the classic calls send it.
func (in *input) metadata(max int, variant string) map[string]string {
	raw, ok := in.looseObject("metadata")
	if !ok {
		return nil
	}
	r, err := wire.ParseText(`{"metadata":` + string(raw) + `}`)
	if err != nil {
		in.Fail("metadata", "has too many entries", fault.RequestInvalidField)
		return nil
	}
	one := &input{Reader: r}
	out := one.texts("metadata", max, fault.RequestInvalidField)
	if one.Err() != nil {
		in.Fail("metadata", "must be an object of at most "+itoa(max)+" texts", fault.RequestInvalidField)
		return nil
	}
	for k, v := range out {
		switch {
		case len(k) > maxMetadataKey || len(v) > maxMetadataValue:
			in.Fail("metadata", "has names of at most 32 and values of at most 4096 characters", fault.RequestFieldTooLong)
		case !metadataName(k):
			in.Fail("metadata", "has names of letters, digits, + = - and _", fault.RequestInvalidField)
		}
	}
	return out
}

// metadataName reports whether a name of metadata is allowed.
func metadataName(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '+' && c != '=' && c != '-' && c != '_' {
			return false
		}
	}
	return s != ""
}

// about reads which message a call is about: in a channel of the kind, or of the one the call names.
func (d *Dialect) about(ctx context.Context, by core.Actor, kind int, in *input) (*core.Message, core.UserID, error) {
	mid, user := in.Need("messageId"), in.userID("userId")
	id, sub := in.channelID("channelId"), in.Text("subchannelId")
	if kind == 0 {
		if kind = int(in.needNumber("channelType", 1, 3)); kind == 2 {
			in.Fail("channelType", "must be 1 or 3", fault.RequestInvalidField)
		}
	}
	if err := in.Err(); err != nil {
		return nil, user, err
	}
	m, err := d.messageAt(ctx, by, kind, user, id, sub, mid)
	if err != nil {
		return nil, user, err
	}
	if m == nil || m.Deleted() {
		if kind == wireCommunity {
			return nil, user, fault.MessageNotFound.Error("There is no such message.")
		}
		return nil, user, fault.RequestInvalid.Error("messageId " + clip(mid) + " is of no message of this channel")
	}
	return m, user, nil
}

// changing checks that the metadata of a message may be changed by a person: by those of the
// conversation, in a community by the author alone.
func changing(kind int, m *core.Message, user core.UserID) error {
	switch c := contentOf(m); {
	case !c.expandable && kind == wireCommunity:
		return fault.MessageActionNotAllowed.Error("The message was sent without hasMetadata.").With("community_expansion")
	case !c.expandable:
		return fault.RequestInvalid.Error("messageId is of a message that was sent without hasMetadata")
	case kind == wireCommunity && m.User != user:
		return fault.PermissionDenied.Error("Only the author changes the metadata of a message.").With("community_metadata")
	}
	return nil
}

func (d *Dialect) setMetadata(kind, max int) handler {
	return func(ctx context.Context, by core.Actor, in *input) (answer, error) {
		set := in.metadata(max, "")
		if len(set) == 0 && in.Err() == nil {
			in.Fail("metadata", "is a required field", fault.RequestMissingField)
		}
		m, user, err := d.about(ctx, by, kind, in)
		if err == nil {
			err = changing(kind, m, user)
		}
		if err != nil {
			return nil, err
		}
		return nil, d.annotate(ctx, by.As(user), m.ID.String(), set, nil, 3*maxMetadata)
	}
}

func (d *Dialect) deleteMetadata(kind int) handler {
	return func(ctx context.Context, by core.Actor, in *input) (answer, error) {
		keys := in.Texts("keys", maxMetadata)
		if len(keys) == 0 && in.Err() == nil {
			in.Fail("keys", "is a required field", fault.RequestMissingField)
		}
		m, user, err := d.about(ctx, by, kind, in)
		if err == nil {
			err = changing(kind, m, user)
		}
		if err != nil {
			return nil, err
		}
		return nil, d.annotate(ctx, by.As(user), m.ID.String(), nil, keys, 3*maxMetadata)
	}
}

// annotate changes the metadata of a message.
func (d *Dialect) annotate(ctx context.Context, by core.Actor, mid string, set map[string]string, remove []string, max int) error {
	_, err := d.core.Values.Set(ctx, by, core.SetMessageValues{Message: mid, Set: maps.Clone(set), Remove: slices.Clone(remove), Max: max})
	return err
}

// listMetadata reads the metadata of a message. The call for direct and group channels names no
// channel: the id of the message is enough.
func (d *Dialect) listMetadata(kind int) handler {
	return func(ctx context.Context, by core.Actor, in *input) (answer, error) {
		mid, p := in.Need("messageId"), page{int(in.number("page", 1, 1, 1000)), metadataListed}
		var id, sub string
		if kind == wireCommunity {
			id, sub = in.channelID("channelId"), in.Text("subchannelId")
		}
		if err := in.Err(); err != nil {
			return nil, err
		}
		get := core.GetMessages{IDs: []string{mid}}
		if kind == wireCommunity {
			get.Key = core.CommunityKey(id, subID(sub))
		}
		hits, err := d.core.Messages.Get(ctx, by, get)
		if err != nil && !fault.IsReason(err, fault.GroupNotFound) {
			return nil, err
		}
		if len(hits) == 0 {
			if kind == wireCommunity {
				return nil, fault.MessageNotFound.Error("There is no such message.")
			}
			return nil, fault.RequestInvalid.Error("messageId " + clip(mid) + " is of no message")
		}
		all, err := d.core.Values.Get(ctx, by, core.GetMessageValues{Messages: []core.MessageID{hits[0].Message.ID}})
		if err != nil {
			return nil, err
		}
		return func(w *wire.Writer) {
			w.Key("metadata")
			writeMetadata(w, cutPage(all[hits[0].Message.ID], p))
		}, nil
	}
}
