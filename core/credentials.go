package core

import (
	"context"
	"time"
)

// CredentialKind is what a credential proves.
type CredentialKind string

// The kinds: a token is a person's, a key is the app's own.
const (
	CredentialToken CredentialKind = "token"
	CredentialKey   CredentialKind = "key"
)

// Credential is a secret that a dialect has handed out and recognises again. Tokens that prove
// themselves by a signature need none, except to be revoked.
type Credential struct {
	Kind      CredentialKind `json:"kind"`
	Secret    string         `json:"secret"` // unique within the app and the kind
	User      UserID         `json:"user,omitempty"`
	Name      string         `json:"name,omitempty"`
	Scope     string         `json:"scope,omitempty"`
	Device    string         `json:"device,omitempty"` // where it was used last
	Revoked   bool           `json:"revoked,omitempty"`
	CreatedAt time.Time      `json:"created_at"`
	UpdatedAt time.Time      `json:"updated_at"`
}

// PutCredential stores a credential, or replaces the one with the same secret. Most bounds how many
// of the kind the owner may have at once, 0 for no bound; beyond it the answer is
// plan.quota_exceeded. Where the app binds tokens, a credential that one device has used is refused
// on another: auth.token_bound_elsewhere (variant device).
type PutCredential struct {
	Credential Credential
	Most       int
}

// GetCredential reads a credential by its secret; credential.not_found if there is none.
type GetCredential struct {
	Kind   CredentialKind
	Secret string
}

// ListCredentials reads the credentials of a person, or of the app where User is empty, oldest
// first; at most 1,000.
type ListCredentials struct {
	Kind CredentialKind
	User UserID
}

// DeleteCredentials removes one credential, or all of a person's where Secret is empty.
type DeleteCredentials struct {
	Kind   CredentialKind
	Secret string
	User   UserID
}

// Credentials keeps the secrets that dialects hand out. Servers only.
type Credentials interface {
	Put(ctx context.Context, by Actor, in PutCredential) (Credential, error)
	Get(ctx context.Context, by Actor, in GetCredential) (Credential, error)
	List(ctx context.Context, by Actor, in ListCredentials) ([]Credential, error)
	Delete(ctx context.Context, by Actor, in DeleteCredentials) (int, error)
}
