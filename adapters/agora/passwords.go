package agora

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"strings"

	"dragoman/core"
	"dragoman/core/fault"
)

// passwordKind is the kind of credential a password is kept as: its secret is the user's id, its
// scope the salted hash.
const passwordKind core.CredentialKind = "agora_password"

// passwordRounds is the cost of one guess.
const passwordRounds = 20_000

// SetPassword gives a user a password, or another one. An empty one takes it away.
func SetPassword(ctx context.Context, c *core.Core, app core.AppID, user core.UserID, password string) error {
	if password == "" {
		_, err := c.Credentials.Delete(ctx, server(app), core.DeleteCredentials{Kind: passwordKind, Secret: string(user)})
		if fault.IsReason(err, fault.CredentialNotFound) {
			return nil
		}
		return err
	}
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails: crypto/rand aborts the process instead
	hash, err := pbkdf2.Key(sha256.New, password, salt, passwordRounds, sha256.Size)
	if err != nil {
		return fmt.Errorf("hash the password: %w", err)
	}
	_, err = c.Credentials.Put(ctx, server(app), core.PutCredential{Credential: core.Credential{
		Kind: passwordKind, Secret: string(user), User: user, Scope: hex.EncodeToString(salt) + "$" + hex.EncodeToString(hash),
	}})
	return err
}

// HasPassword reports whether the user has one.
func HasPassword(ctx context.Context, c *core.Core, app core.AppID, user core.UserID) (bool, error) {
	_, err := c.Credentials.Get(ctx, server(app), core.GetCredential{Kind: passwordKind, Secret: string(user)})
	if fault.IsReason(err, fault.CredentialNotFound) {
		return false, nil
	}
	return err == nil, err
}

// opens reports whether the password is the user's. Somebody without a password costs as much time
// as somebody with another one.
func (d *Dialect) opens(ctx context.Context, app core.AppID, user core.UserID, password string) (bool, error) {
	c, err := d.core.Credentials.Get(ctx, server(app), core.GetCredential{Kind: passwordKind, Secret: string(user)})
	if err != nil && !fault.IsReason(err, fault.CredentialNotFound) {
		return false, err
	}
	salt, want, _ := strings.Cut(c.Scope, "$")
	raw, _ := hex.DecodeString(salt)  // written by SetPassword
	kept, _ := hex.DecodeString(want) // likewise
	hash, herr := pbkdf2.Key(sha256.New, password, raw, passwordRounds, sha256.Size)
	return err == nil && herr == nil && len(kept) > 0 && subtle.ConstantTimeCompare(hash, kept) == 1, nil
}
