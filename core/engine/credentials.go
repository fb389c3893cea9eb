package engine

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/store"
)

type credentials struct{ e *Engine }

// Limits of credentials.
const (
	maxSecret           = 1 << 10 // bytes
	maxCredentialsShown = 1000
)

func credentialKey(kind core.CredentialKind, secret string) string {
	return keyOf(string(kind), secret)
}

// Put stores a credential, or replaces the one with the same secret.
func (s credentials) Put(ctx context.Context, by core.Actor, in core.PutCredential) (core.Credential, error) {
	e := s.e
	const op = "credentials.put"
	c := in.Credential
	if err := serverOnly(by, "managing credentials"); err != nil {
		return c, translate(op, err)
	}
	if c.Secret == "" || len(c.Secret) > maxSecret || c.Kind == "" {
		return c, translate(op, fault.RequestInvalidField.Error("a credential needs a kind and a secret of at most 1,024 bytes"))
	}
	app, err := e.app(ctx, by.App)
	if err != nil {
		return c, translate(op, err)
	}
	key := credentialKey(c.Kind, c.Secret)
	err = e.update(ctx, op, by.App, 0, func(t *txn) error {
		old, err := getJSON[core.Credential](ctx, t, by.App, spaceCredentials, key)
		switch {
		case err == nil:
			c.CreatedAt = old.CreatedAt
			if old.User != c.User {
				return fault.RequestConflict.Error("the secret is another's")
			}
			if old.Device != "" && c.Device != "" && c.Device != old.Device && app.Settings.BindTokens {
				return fault.AuthTokenBoundElsewhere.Error("the token is in use on another device").With("device")
			}
		case !errors.Is(err, store.ErrNotFound):
			return err
		default:
			if in.Most > 0 {
				rows, err := t.Records(ctx, by.App, spaceCredentialsBy, prefixOf(string(c.Kind), string(c.User)), "", false, in.Most)
				if err != nil {
					return err
				}
				if len(rows) >= in.Most {
					return fault.PlanQuotaExceeded.Error("no more credentials of this kind are allowed")
				}
			}
			if c.CreatedAt.IsZero() {
				c.CreatedAt = e.now()
			}
		}
		c.UpdatedAt = e.now()
		if err := putJSON(t, spaceCredentials, key, &c); err != nil {
			return err
		}
		t.forget(invalidation{App: by.App, Secrets: []string{key}})
		return t.PutRecord(by.App, spaceCredentialsBy, keyOf(string(c.Kind), string(c.User), c.Secret), nothing)
	})
	return c, err
}

// Get reads a credential by its secret, through the cache: every request asks.
func (s credentials) Get(ctx context.Context, by core.Actor, in core.GetCredential) (core.Credential, error) {
	e := s.e
	const op = "credentials.get"
	if err := serverOnly(by, "managing credentials"); err != nil {
		return core.Credential{}, translate(op, err)
	}
	if in.Secret == "" || len(in.Secret) > maxSecret {
		return core.Credential{}, translate(op, fault.CredentialNotFound.Error("there is no such credential"))
	}
	key := credentialKey(in.Kind, in.Secret)
	c, err := e.kit.secrets.load(typeKey{by.App, key}, func() (core.Credential, error) {
		return getJSON[core.Credential](ctx, e.store, by.App, spaceCredentials, key)
	})
	if errors.Is(err, store.ErrNotFound) {
		err = fault.CredentialNotFound.Error("there is no such credential")
	}
	return c, translate(op, err)
}

// List reads the credentials of a person or of the app.
func (s credentials) List(ctx context.Context, by core.Actor, in core.ListCredentials) ([]core.Credential, error) {
	e := s.e
	const op = "credentials.list"
	if err := serverOnly(by, "managing credentials"); err != nil {
		return nil, translate(op, err)
	}
	prefix := prefixOf(string(in.Kind), string(in.User))
	rows, err := e.store.Records(ctx, by.App, spaceCredentialsBy, prefix, "", false, maxCredentialsShown)
	if err != nil {
		return nil, translate(op, err)
	}
	out := make([]core.Credential, 0, len(rows))
	for i := range rows {
		c, err := getJSON[core.Credential](ctx, e.store, by.App, spaceCredentials, credentialKey(in.Kind, rows[i].Key[len(prefix):]))
		if errors.Is(err, store.ErrNotFound) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, translate(op, err)
		}
		if !c.Revoked {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b core.Credential) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Secret, b.Secret))
	})
	return out, nil
}

// Delete removes one credential or all of a person's and tells how many.
func (s credentials) Delete(ctx context.Context, by core.Actor, in core.DeleteCredentials) (int, error) {
	e := s.e
	const op = "credentials.delete"
	if err := serverOnly(by, "managing credentials"); err != nil {
		return 0, translate(op, err)
	}
	n := 0
	err := e.update(ctx, op, by.App, 0, func(t *txn) error {
		n = 0
		var gone []string
		if in.Secret != "" {
			c, err := getJSON[core.Credential](ctx, t, by.App, spaceCredentials, credentialKey(in.Kind, in.Secret))
			if errors.Is(err, store.ErrNotFound) {
				return fault.CredentialNotFound.Error("there is no such credential")
			}
			if err != nil {
				return err
			}
			in.User, gone = c.User, []string{in.Secret}
		} else {
			prefix := prefixOf(string(in.Kind), string(in.User))
			rows, err := t.Records(ctx, by.App, spaceCredentialsBy, prefix, "", false, maxCredentialsShown)
			if err != nil {
				return err
			}
			for i := range rows {
				gone = append(gone, rows[i].Key[len(prefix):])
			}
		}
		inv := invalidation{App: by.App}
		for _, secret := range gone {
			key := credentialKey(in.Kind, secret)
			if err := t.DeleteRecord(by.App, spaceCredentials, key); err != nil {
				return err
			}
			if err := t.DeleteRecord(by.App, spaceCredentialsBy, keyOf(string(in.Kind), string(in.User), secret)); err != nil {
				return err
			}
			inv.Secrets = append(inv.Secrets, key)
			n++
		}
		t.forget(inv)
		return nil
	})
	return n, err
}
