package nexconn

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"dragoman/core"
	"dragoman/core/fault"
)

// maxConversations bounds how far the list of conversations is read.
const maxConversations = 1000

// listed are the kinds of conversations that are in the list by default.
var listedKinds = []int{wireDirect, wireGroup, wireSystem}

// conversations reads the person's list: of the kinds, most recent first.
func (c *call) conversations(ctx context.Context, kinds []int, mark string, empty bool) ([]relation, error) {
	if len(kinds) == 0 {
		kinds = listedKinds
	}
	var out []relation
	in := core.ListConversations{Mark: mark, Empty: empty, Page: core.Page{Limit: 100}}
	for in.Page.Offset < maxConversations {
		list, err := c.d.core.Conversations.List(ctx, c.by, in)
		if err != nil {
			return nil, err
		}
		for i := range list {
			p, ok := c.d.placeOf(ctx, c.by.App, c.by.User, &list[i].Channel)
			if ok && slices.Contains(kinds, p.kind) {
				out = append(out, c.relation(&list[i], p))
			}
		}
		if len(list) < in.Page.Limit {
			break
		}
		in.Page.Offset += len(list)
	}
	slices.SortStableFunc(out, func(a, b relation) int { return cmp.Compare(b.version, a.version) })
	return out, nil
}

// relation is one conversation as the wire lists it.
func (c *call) relation(v *core.Conversation, p place) relation {
	r := relation{kind: p.kind, target: p.id, sub: p.sub, unread: v.Unread, read: v.Member.ReadAt.UnixMilli(), version: v.Channel.CreatedAt.UnixMilli()}
	if v.Member.ReadAt.IsZero() {
		r.read = 0
	}
	if m := v.Last; m != nil {
		r.last = c.d.down(m, p, c.by.User)
		r.version = r.last.at
		if slices.Contains(m.Mentions, c.by.User) && v.Unread > 0 {
			r.mentions = 1
		}
	}
	return r
}

// listConversations answers a page of the list, by the time of what was last said.
func listConversations(unread bool) topic {
	return func(ctx context.Context, c *call) (outcome, error) {
		var in relationQuery
		if err := in.read(c.data); err != nil {
			return outcome{}, err
		}
		list, err := c.conversations(ctx, in.kinds, "", false)
		if err != nil {
			return outcome{}, err
		}
		if in.order == orderNewer {
			slices.Reverse(list)
		}
		list = slices.DeleteFunc(list, func(r relation) bool {
			switch {
			case unread && r.unread == 0, in.end > 0 && r.version < in.end:
				return true
			case in.start <= 0:
				return false
			case in.order == orderNewer:
				return r.version <= in.start
			}
			return r.version >= in.start
		})
		out := relations{finished: true, pull: c.d.now().UnixMilli()}
		count := min(max(in.count, 1), maxConversations)
		if in.count == 0 {
			count = 300
		}
		if len(list) > count {
			list, out.finished = list[:count], false
		}
		out.list = list
		return answered(out.write)
	}
}

// filterConversations answers a page of the list of some kinds, or of those with a tag.
func filterConversations(ctx context.Context, c *call) (outcome, error) {
	var in relationQuery
	if err := in.readFilter(c.data); err != nil {
		return outcome{}, err
	}
	mark := ""
	if len(in.tags) > 0 {
		mark = in.tags[0]
	}
	list, err := c.conversations(ctx, in.kinds, mark, false)
	if err != nil {
		return outcome{}, err
	}
	if in.order == orderNewer {
		slices.Reverse(list)
	}
	from, _ := strconv.Atoi(in.token)
	from = min(max(from, 0), len(list))
	to := min(from+min(max(in.count, 1), 100), len(list))
	out := relations{list: list[from:to], finished: to == len(list), pull: c.d.now().UnixMilli()}
	if !out.finished {
		out.token = strconv.Itoa(to)
	}
	return answered(out.write)
}

// namedConversations answers the conversations named.
func namedConversations(ctx context.Context, c *call) (outcome, error) {
	refs, _, err := conversationRefs(c.data, numsRelationOp)
	if err != nil {
		return outcome{}, err
	}
	list, err := c.conversations(ctx, []int{wireDirect, wireGroup, wireSystem, wireCommunity}, "", true)
	if err != nil {
		return outcome{}, err
	}
	out := relations{finished: true, pull: c.d.now().UnixMilli()}
	for i := range list {
		if slices.ContainsFunc(refs, func(r conversationRef) bool {
			return r.kind == list[i].kind && r.target == list[i].target && (r.sub == list[i].sub || r.sub == "")
		}) {
			out.list = append(out.list, list[i])
		}
	}
	return answered(out.write)
}

// unreadTotal answers how much is unread in all.
func unreadTotal(ctx context.Context, c *call) (outcome, error) {
	list, err := c.conversations(ctx, nil, "", false)
	if err != nil {
		return outcome{}, err
	}
	total := 0
	for i := range list {
		total += list[i].unread
	}
	now := int64(c.d.present())
	return answered(func(p *pb) {
		p.int(1, now)
		p.int(2, now)
		p.int(3, int64(total))
	})
}

// unreadCounts answers how much is unread in the conversations named.
func unreadCounts(ctx context.Context, c *call) (outcome, error) {
	refs, _, err := conversationRefs(c.data, numsSession)
	if err != nil {
		return outcome{}, err
	}
	list, err := c.conversations(ctx, []int{wireDirect, wireGroup, wireSystem, wireCommunity}, "", true)
	if err != nil {
		return outcome{}, err
	}
	return answered(func(p *pb) {
		for _, r := range refs {
			n := 0
			for i := range list {
				if list[i].kind == r.kind && list[i].target == r.target {
					n += list[i].unread
				}
			}
			p.msg(1, func(p *pb) {
				p.int(1, int64(r.kind))
				p.text(2, r.target)
				p.int(3, int64(n))
				p.textIf(4, r.sub)
			})
		}
	})
}

// unreadSync answers the unread counts of all conversations, as clients keep them.
func unreadSync(ctx context.Context, c *call) (outcome, error) {
	list, err := c.conversations(ctx, nil, "", false)
	if err != nil {
		return outcome{}, err
	}
	return answered(func(p *pb) {
		for i := range list {
			r := &list[i]
			p.msg(1, func(p *pb) {
				p.text(1, r.target)
				p.textIf(2, r.sub)
				p.int(3, int64(r.kind))
				p.int(4, r.version)
				p.msg(5, func(p *pb) {
					p.int(1, int64(r.unread))
					p.int(2, int64(r.mentions))
					p.int(3, int64(r.mentions))
					p.int(4, r.read)
				})
			})
		}
	})
}

// dropConversations takes conversations off the person's list, with their log when asked to.
func dropConversations(n numbers) topic {
	return func(ctx context.Context, c *call) (outcome, error) {
		refs, clear, err := conversationRefs(c.data, n)
		if err != nil {
			return outcome{}, err
		}
		for _, r := range refs {
			p := place{kind: r.kind, id: r.target, sub: r.sub}
			err := c.d.core.Conversations.Drop(ctx, c.by, core.DropConversation{Key: p.key(c.by.User), Clear: clear})
			if err != nil && !fault.IsReason(err, fault.GroupNotFound) && !fault.IsReason(err, fault.GroupNotMember) {
				return outcome{}, err
			}
		}
		return outcome{}, nil
	}
}
