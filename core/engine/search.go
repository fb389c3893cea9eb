package engine

import (
	"cmp"
	"context"
	"fmt"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/perm"
	"dragoman/core/store"
)

// Limits of searching.
const (
	messagesFound     = 100
	maxMessagesFound  = 1000
	maxChannelsSearch = 500
)

// Search finds messages in the channels the actor may read. The text index follows the log within
// a second.
func (ms messages) Search(ctx context.Context, by core.Actor, in core.SearchMessages) (core.Found, error) {
	out, err := ms.search(ctx, by, in)
	return out, translate("messages.search", err)
}

func (ms messages) search(ctx context.Context, by core.Actor, in core.SearchMessages) (core.Found, error) {
	e := ms.e
	var out core.Found
	limit, err := pageLimit(in.Page, messagesFound, maxMessagesFound)
	if err != nil {
		return out, err
	}
	if in.Query == "" && in.Filter.Zero() {
		return out, fault.RequestInvalid.Error("either a query or a filter of messages is required")
	}
	offset := in.Page.Offset
	if in.Page.Cursor != "" {
		if offset, err = offsetCursor(in.Page.Cursor); err != nil {
			return out, err
		}
	}
	channels, err := ms.searchable(ctx, by, in.ChannelFilter)
	if err != nil || len(channels) == 0 {
		return out, err
	}
	ids := make([]core.ChannelID, 0, len(channels))
	for id := range channels {
		ids = append(ids, id)
	}
	found, err := e.store.FindMessages(ctx, by.App, store.Query{
		Filter: in.Filter, Text: in.Query, Sort: in.Sort, Limit: min(limit+1, maxMessagesFound), Offset: offset, Channels: ids, Viewer: by.User,
	})
	if err != nil {
		return out, err
	}
	if len(found) > limit {
		found = found[:limit]
		out.Next = cursorOffset(offset + limit)
	}
	if offset > 0 {
		out.Prev = cursorOffset(max(0, offset-limit))
	}
	kept := found[:0]
	for i := range found {
		if found[i].DeletedAt.IsZero() && canSee(&found[i], by) {
			kept = append(kept, found[i])
		}
	}
	if err := e.resolve(ctx, by.App, by.User, kept); err != nil {
		return out, err
	}
	for i := range kept {
		out.Hits = append(out.Hits, core.Hit{Message: kept[i], Channel: *channels[kept[i].Channel]})
	}
	return out, nil
}

// searchable finds the channels to search: those of the filter that the actor may read and in
// which searching is on.
func (ms messages) searchable(ctx context.Context, by core.Actor, f core.Filter) (map[core.ChannelID]*core.Channel, error) {
	e := ms.e
	cs, err := e.store.FindChannels(ctx, by.App, store.Query{Filter: f, Limit: maxChannelsSearch, Viewer: by.User})
	if err != nil {
		return nil, err
	}
	out := make(map[core.ChannelID]*core.Channel, len(cs))
	var refused, off error
	for i := range cs {
		s, err := e.sceneOf(ctx, by, &cs[i])
		if err != nil {
			return nil, err
		}
		if err := e.can(s, perm.ReadChannel, s.owns()); err != nil {
			refused = err
			continue
		}
		if !s.config.Features[core.FeatureSearch] {
			off = fault.ServiceNotEnabled.Error(fmt.Sprintf("search is disabled for channels of type %q", s.channel.Type)).With("channel_feature")
			continue
		}
		out[cs[i].ID] = &cs[i]
	}
	if len(out) == 0 {
		return nil, cmp.Or(off, refused)
	}
	return out, nil
}
