package proxy

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"dragoman/core/fault"
	"dragoman/normalize"
)

// Admin is what an operator may change at run time, as an API on the operations listener. Without a
// password there is none.
type Admin struct {
	Password string
	// Server is asked at every call; it answers nil until there is one.
	Server func() *Server
	// Reload reads addresses, keys and bounds of the upstreams anew.
	Reload func(ctx context.Context, by string) error
}

// maxOrder bounds the body of an order, in bytes.
const maxOrder = 64 << 10

// Handlers are the operations, by pattern of net/http:
//
//	GET  /admin/modes          who answers for which app, and how its vendor fares
//	PUT  /admin/modes          an Order
//	GET  /admin/audit          what was changed, the newest first
//	GET  /admin/unrecognised   errors of vendors that are in no catalogue
//	POST /admin/reload         read the upstreams of the configuration anew
func (a *Admin) Handlers() map[string]http.Handler {
	return map[string]http.Handler{
		"GET /admin/modes": a.Guard(func(w http.ResponseWriter, _ *http.Request, _ string) error {
			return writeJSON(w, a.Server().Fronts())
		}),
		"PUT /admin/modes": a.Guard(a.order),
		"GET /admin/audit": a.Guard(func(w http.ResponseWriter, r *http.Request, _ string) error {
			n, err := strconv.Atoi(r.URL.Query().Get("limit"))
			if err != nil || n < 1 || n > 1000 {
				n = 100
			}
			list, err := a.Server().Audit(r.Context(), n)
			if err != nil {
				return err
			}
			return writeJSON(w, append([]AuditEntry{}, list...))
		}),
		"GET /admin/unrecognised": a.Guard(func(w http.ResponseWriter, _ *http.Request, _ string) error {
			return writeJSON(w, a.Server().Unrecognised())
		}),
		"POST /admin/reload": a.Guard(func(w http.ResponseWriter, r *http.Request, by string) error {
			if err := a.Reload(r.Context(), by); err != nil {
				return err
			}
			return writeJSON(w, a.Server().Fronts())
		}),
	}
}

// order switches.
func (a *Admin) order(w http.ResponseWriter, r *http.Request, by string) error {
	d := json.NewDecoder(io.LimitReader(r.Body, maxOrder))
	d.DisallowUnknownFields()
	var o Order
	if err := d.Decode(&o); err != nil {
		return fault.RequestMalformedJSON.Error("The body is not an order: app, dialect, mode and perhaps routes, note, keep_links, force.")
	}
	o.By = by
	if err := a.Server().Switch(r.Context(), o); err != nil {
		return err
	}
	return writeJSON(w, a.Server().Fronts())
}

// Guard lets only the operator pass: by the password as a bearer token, or as that of Basic credentials,
// whose user name is then kept in the audit log. Errors are answered as unified documents.
func (a *Admin) Guard(f func(w http.ResponseWriter, r *http.Request, by string) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		by, err := a.operator(r)
		if err == nil && a.Server() == nil {
			err = fault.ServerUnavailable.Error("")
		}
		if err == nil {
			err = f(w, r, by)
		}
		if err == nil {
			return
		}
		p := normalize.New(fault.From(err), normalize.OriginProxy, nil)
		p.RequestID = newRequestID()
		w.Header().Set("Content-Type", "application/problem+json")
		w.Header().Set(normalize.HeaderRequest, p.RequestID)
		w.WriteHeader(p.Status)
		_, _ = w.Write(p.AppendJSON(nil)) // a caller that hung up
	})
}

// operator finds out who calls.
func (a *Admin) operator(r *http.Request) (by string, err error) {
	if len(a.Password) == 0 {
		return "", fault.PermissionDenied.Error("There is no operator: set console.password.")
	}
	name, password, basic := r.BasicAuth()
	if !basic {
		name, password = "operator", strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	if subtle.ConstantTimeCompare([]byte(password), []byte(a.Password)) != 1 {
		return "", fault.AuthFailed.Error("That is not the password of the operator.")
	}
	// A browser that remembers Basic credentials must not be made to change anything by another site.
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); r.Method != http.MethodGet && (err != nil || kind != jsonType) {
		return "", fault.RequestUnsupportedMediaType.Error("The content type has to be application/json.")
	}
	if len(name) > 64 || strings.ContainsFunc(name, func(c rune) bool { return c < ' ' }) {
		return "", fault.RequestInvalid.Error("The user name is too long, or holds control characters.")
	}
	return name, nil
}

// writeJSON answers a value.
func writeJSON[T any](w http.ResponseWriter, v T) error {
	b, err := json.Marshal(v)
	if err != nil {
		return errors.Join(fault.ServerInternal.Error(""), err)
	}
	w.Header().Set("Content-Type", jsonType)
	_, _ = w.Write(b) // a caller that hung up
	return nil
}
