package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/store"
)

// Deactivate takes people out of use, or back in.
func (s users) Deactivate(ctx context.Context, by core.Actor, in core.DeactivateUsers) ([]core.User, error) {
	e := s.e
	const op = "users.deactivate"
	if err := serverOnly(by, "deactivating users"); err != nil {
		return nil, translate(op, err)
	}
	if len(in.IDs) == 0 || len(in.IDs) > maxUsersPerCall {
		return nil, translate(op, fault.RequestBatchTooLarge.Error(fmt.Sprintf("1 to %d users can be deactivated at a time", maxUsersPerCall)))
	}
	out := make([]core.User, len(in.IDs))
	err := e.update(ctx, op, by.App, 0, func(t *txn) error {
		for i, id := range in.IDs {
			us, err := t.Users(ctx, by.App, []core.UserID{id})
			if err != nil {
				return err
			}
			if len(us) == 0 || !us[0].DeletedAt.IsZero() {
				return fault.UserNotFound.Error(fmt.Sprintf("The user with ID %q does not exist", id))
			}
			u, kind := us[0], core.UserDeactivated
			switch {
			case in.Restore:
				if u.DeactivatedAt.IsZero() {
					return fault.UserLifecycleConflict.Error(fmt.Sprintf("user with id %q is not deactivated", id))
				}
				kind, u.DeactivatedAt = core.UserReactivated, time.Time{}
				if in.Name != "" {
					u.Name = in.Name
				}
			case !u.DeactivatedAt.IsZero():
				return fault.UserLifecycleConflict.Error(fmt.Sprintf("user with id %q is already deactivated", id))
			default:
				u.DeactivatedAt = e.now()
			}
			u.UpdatedAt = e.now()
			if err := t.indexName(&u, &us[0]); err != nil {
				return err
			}
			if err := t.putUser(&u); err != nil {
				return err
			}
			out[i] = u
			if err := t.tellAround(ctx, kind, &u, false); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if in.MarkMessages {
		for i := range out {
			if in.Restore {
				err = e.exhume(ctx, by.App, &out[i])
			} else {
				err = e.purgeUser(ctx, by.App, &out[i], core.DeleteSoft)
			}
			if err != nil {
				return nil, translate(op, err)
			}
		}
	}
	return out, nil
}

// exhume restores the tombstones of a person's messages.
func (e *Engine) exhume(ctx context.Context, app core.AppID, u *core.User) error {
	return e.eachMessage(ctx, app, u.ID, func(t *txn, m *core.Message) error {
		if m.DeletedAt.IsZero() {
			return nil
		}
		m.DeletedAt = time.Time{}
		return t.PutMessage(app, m)
	})
}

// channelsOf lists the channels in which a person has written.
func (e *Engine) channelsOf(ctx context.Context, app core.AppID, user core.UserID) ([]core.ChannelID, error) {
	var chs []core.ChannelID
	err := e.update(ctx, "users.channels", app, 0, func(t *txn) error {
		var err error
		chs, err = t.UserChannels(app, user)
		return err
	})
	return chs, err
}

// eachMessage walks all messages of a person, a run of one channel in each transaction.
func (e *Engine) eachMessage(ctx context.Context, app core.AppID, user core.UserID, do func(*txn, *core.Message) error) error {
	chs, err := e.channelsOf(ctx, app, user)
	if err != nil {
		return err
	}
	for _, ch := range chs {
		for above := int64(0); ; {
			ms, err := e.store.RangeMessages(ctx, app, wholeLog(ch, above))
			if err != nil {
				return err
			}
			err = e.update(ctx, "users.messages", app, ch, func(t *txn) error {
				for i := range ms {
					if ms[i].User != user {
						continue
					}
					now, err := t.Messages(ctx, app, []core.MessageID{ms[i].ID})
					if err != nil {
						return err
					}
					if len(now) > 0 {
						if err := do(t, &now[0]); err != nil {
							return err
						}
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
			if len(ms) < scanPage {
				break
			}
			above = ms[len(ms)-1].Seq
		}
	}
	return nil
}

// wholeLog is the range of the next run of everything in a channel.
func wholeLog(ch core.ChannelID, above int64) store.Range {
	return store.Range{Channel: ch, Above: above, All: true, Hidden: true, Limit: scanPage}
}

// Export reads everything stored of one person: the profile, their messages and the reactions
// they gave to them.
func (s users) Export(ctx context.Context, by core.Actor, in core.ExportUser) (core.UserExport, error) {
	e := s.e
	const op = "users.export"
	var out core.UserExport
	if err := serverOnly(by, "exporting users"); err != nil {
		return out, translate(op, err)
	}
	u, err := e.user(ctx, by.App, in.ID)
	if err != nil {
		return out, translate(op, err)
	}
	out.User = *e.seen(by.App, u)
	chs, err := e.channelsOf(ctx, by.App, in.ID)
	if err != nil {
		return out, translate(op, err)
	}
	for _, ch := range chs {
		for above := int64(0); ; {
			ms, err := e.store.RangeMessages(ctx, by.App, wholeLog(ch, above))
			if err != nil {
				return out, translate(op, err)
			}
			if err := s.exportRun(ctx, by.App, in.ID, ms, &out); err != nil {
				return out, translate(op, err)
			}
			if len(ms) < scanPage {
				break
			}
			above = ms[len(ms)-1].Seq
		}
	}
	return out, nil
}

func (s users) exportRun(ctx context.Context, app core.AppID, user core.UserID, ms []core.Message, out *core.UserExport) error {
	var ids []core.MessageID
	for i := range ms {
		ids = append(ids, ms[i].ID)
		if ms[i].User == user {
			out.Messages = append(out.Messages, ms[i])
		}
	}
	for start := 0; start < len(ids); start += 500 {
		rs, err := s.e.store.UserReactions(ctx, app, ids[start:min(start+500, len(ids))], user)
		if err != nil {
			return err
		}
		out.Reactions = append(out.Reactions, rs...)
	}
	return nil
}

// Delete removes people in the background; the task's result names each with its outcome.
func (s users) Delete(ctx context.Context, by core.Actor, in core.DeleteUsers) (core.Task, error) {
	e := s.e
	const op = "users.delete"
	var out core.Task
	if err := serverOnly(by, "deleting users"); err != nil {
		return out, translate(op, err)
	}
	if len(in.IDs) == 0 || len(in.IDs) > maxUsersPerCall {
		return out, translate(op, fault.RequestBatchTooLarge.Error(fmt.Sprintf("1 to %d users can be deleted at a time", maxUsersPerCall)))
	}
	err := e.update(ctx, op, by.App, 0, func(t *txn) error {
		for _, id := range in.IDs {
			us, err := t.Users(ctx, by.App, []core.UserID{id})
			if err != nil {
				return err
			}
			if len(us) == 0 || !us[0].DeletedAt.IsZero() && !in.Hard {
				return fault.UserNotFound.Error(fmt.Sprintf("The user with ID %q does not exist", id))
			}
		}
		var err error
		out, err = startTask(t, taskDeleteUsers, &in)
		return err
	})
	return out, err
}

// outcome is what a task's result says of one thing.
type outcome struct {
	Status string `json:"status"`
}

// deleteUsers is the task. It may run twice for the same person: what is gone already is skipped.
func deleteUsers(ctx context.Context, e *Engine, app core.AppID, raw json.RawMessage) (core.Extra, error) {
	var in core.DeleteUsers
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, err
	}
	result := map[string]outcome{}
	for _, id := range in.IDs {
		us, err := e.store.Users(ctx, app, []core.UserID{id})
		if err != nil {
			return nil, err
		}
		if len(us) > 0 {
			if err := e.deleteUser(ctx, app, &us[0], &in); err != nil {
				return nil, err
			}
		}
		result[string(id)] = outcome{"ok"}
	}
	b, err := json.Marshal(result)
	return b, err
}

func (e *Engine) deleteUser(ctx context.Context, app core.AppID, u *core.User, in *core.DeleteUsers) error {
	if in.Messages != core.DeleteNone {
		if err := e.purgeUser(ctx, app, u, in.Messages); err != nil {
			return err
		}
	}
	ms, err := e.store.Memberships(ctx, app, u.ID, maxMemberships)
	if err != nil {
		return err
	}
	var around []core.ChannelID
	for i := range ms {
		if len(around) < maxAround {
			around = append(around, ms[i].Channel)
		}
		if err := e.leaveBehind(ctx, app, u, ms[i].Channel, in); err != nil {
			return err
		}
	}
	return e.update(ctx, taskDeleteUsers, app, 0, func(t *txn) error {
		if in.Hard {
			if err := t.DeleteUser(app, u.ID); err != nil {
				return err
			}
			if name := normalName(u.Name); name != "" {
				if err := t.DeleteRecord(app, spaceNames, keyOf(name, string(u.ID))); err != nil {
					return err
				}
			}
			t.forget(invalidation{App: app, Users: []core.UserID{u.ID}})
		} else {
			c := *u
			c.DeletedAt, c.UpdatedAt = e.now(), e.now()
			if c.DeactivatedAt.IsZero() {
				c.DeactivatedAt = e.now()
			}
			if err := t.putUser(&c); err != nil {
				return err
			}
		}
		return t.emit(&core.Event{Kind: core.UserDeleted, User: u, Around: around, Hard: in.Hard})
	})
}

// leaveBehind deals with one channel a deleted person was in: a direct conversation goes with them
// if asked for, and a person who is removed for good is a member no more.
func (e *Engine) leaveBehind(ctx context.Context, app core.AppID, u *core.User, ch core.ChannelID, in *core.DeleteUsers) error {
	return e.update(ctx, taskDeleteUsers, app, ch, func(t *txn) error {
		cs, err := t.Channels(ctx, app, []core.ChannelID{ch})
		if err != nil || len(cs) == 0 {
			return err
		}
		c := cs[0]
		if in.Conversations && c.Kind == core.KindDirect {
			members, err := t.Members(ctx, app, ch, nil, maxMembersTold, 0)
			if err != nil {
				return err
			}
			ev := &core.Event{Kind: core.ChannelDeleted, Channel: &c, User: u}
			for i := range members {
				ev.To = append(ev.To, members[i].User)
			}
			if in.Hard {
				t.dropChannel(c.Key)
				t.events = append(t.events, ev)
				ev.App, ev.At = app, e.now()
				return t.DeleteChannel(app, ch)
			}
			c.DeletedAt = e.now()
			if err := t.putChannel(&c); err != nil {
				return err
			}
			ev.Box = ev.To
			return t.emit(ev)
		}
		if in.Hard {
			return t.deleteMember(c.Key, ch, u.ID)
		}
		return nil
	})
}

// maxMembersTold bounds whom the end of a direct conversation is told to.
const maxMembersTold = 1000

// mergeExtra lays the members of over upon those of base.
func mergeExtra(base, over core.Extra) (core.Extra, error) {
	if len(over) == 0 {
		return base, nil
	}
	if len(base) == 0 {
		return over, nil
	}
	var a, b map[string]json.RawMessage
	if err := json.Unmarshal(base, &a); err != nil {
		return nil, fault.RequestInvalid.Error("custom data is not a JSON object")
	}
	if err := json.Unmarshal(over, &b); err != nil {
		return nil, fault.RequestInvalid.Error("custom data is not a JSON object")
	}
	for k, v := range b {
		a[k] = v
	}
	out, err := json.Marshal(a)
	return out, err
}
