package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/store"
	"dragoman/proxy"
)

// Spaces of the records that the ledger keeps with each app: the mode by dialect, and the log of changes
// by time.
const (
	spaceModes = "proxy.modes"
	spaceAudit = "proxy.audit"
)

// maxAudit is how many entries of the log an app keeps.
const maxAudit = 1000

// ledger keeps the modes that operators choose in the store, beside the apps they are about, so that
// every node goes by them.
type ledger struct {
	store store.Store
	apps  map[string]core.AppID // by name
}

var _ proxy.Ledger = (*ledger)(nil)

// newLedger keeps the modes of the configured apps.
func newLedger(s store.Store, names []string, ids []core.AppID) *ledger {
	l := &ledger{store: s, apps: map[string]core.AppID{}}
	for i, name := range names {
		l.apps[name] = ids[i]
	}
	return l
}

// Settings implements proxy.Ledger.
func (l *ledger) Settings(ctx context.Context) ([]proxy.Setting, error) {
	var out []proxy.Setting
	for _, app := range l.apps {
		rows, err := l.store.Records(ctx, app, spaceModes, "", "", false, 100)
		if err != nil {
			return nil, fault.From(err)
		}
		for _, r := range rows {
			var s proxy.Setting
			if err := json.Unmarshal(r.Value, &s); err != nil {
				return nil, fault.ServerInternal.Wrap(fmt.Errorf("mode of app %d: %w", app, err))
			}
			out = append(out, s)
		}
	}
	return out, nil
}

// Choose implements proxy.Ledger.
func (l *ledger) Choose(ctx context.Context, s proxy.Setting, e proxy.AuditEntry) error {
	return l.write(ctx, e, func(tx store.Tx, app core.AppID) error {
		b, err := json.Marshal(s)
		if err != nil {
			return err
		}
		return tx.PutRecord(app, spaceModes, s.Dialect, b)
	})
}

// Note implements proxy.Ledger.
func (l *ledger) Note(ctx context.Context, e proxy.AuditEntry) error {
	return l.write(ctx, e, func(store.Tx, core.AppID) error { return nil })
}

// write keeps an entry and whatever else is to be kept with it, and forgets entries that are too old.
func (l *ledger) write(ctx context.Context, e proxy.AuditEntry, more func(store.Tx, core.AppID) error) error {
	app, ok := l.apps[e.App]
	if !ok {
		return fault.AppNotFound.Error("There is no app " + e.App + ".")
	}
	err := l.store.Update(ctx, app, 0, func(tx store.Tx) error {
		b, err := json.Marshal(e)
		if err != nil {
			return err
		}
		// Keys sort by time; two changes of one dialect in one nanosecond cannot be.
		key := fmt.Sprintf("%020d\x00%s", e.At.UnixNano(), e.Dialect)
		if err := tx.PutRecord(app, spaceAudit, key, b); err != nil {
			return err
		}
		old, err := tx.Records(ctx, app, spaceAudit, "", "", true, maxAudit)
		if err != nil {
			return err
		}
		if len(old) == maxAudit {
			if err := tx.DeleteRecord(app, spaceAudit, old[maxAudit-1].Key); err != nil {
				return err
			}
		}
		return more(tx, app)
	}, nil)
	if err != nil {
		return fault.From(err)
	}
	return nil
}

// Audit implements proxy.Ledger.
func (l *ledger) Audit(ctx context.Context, limit int) ([]proxy.AuditEntry, error) {
	var out []proxy.AuditEntry
	for _, app := range l.apps {
		rows, err := l.store.Records(ctx, app, spaceAudit, "", "", true, min(limit, maxAudit))
		if err != nil {
			return nil, fault.From(err)
		}
		for _, r := range rows {
			var e proxy.AuditEntry
			if err := json.Unmarshal(r.Value, &e); err != nil {
				return nil, fault.ServerInternal.Wrap(fmt.Errorf("audit log of app %d: %w", app, err))
			}
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b proxy.AuditEntry) int {
		if c := b.At.Compare(a.At); c != 0 {
			return c
		}
		return strings.Compare(a.App+a.Dialect, b.App+b.Dialect)
	})
	return out[:min(len(out), limit)], nil
}
