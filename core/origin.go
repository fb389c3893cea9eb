package core

import "context"

type originKey struct{}

// WithOrigin marks what is done under the context as coming from one device session of the actor,
// named as the dialect names it. Events carry the name, so that a dialect whose devices ignore their
// own echo can say whose echo it is.
func WithOrigin(ctx context.Context, session string) context.Context {
	if session == "" {
		return ctx
	}
	return context.WithValue(ctx, originKey{}, session)
}

// Origin returns the name given by WithOrigin, or nothing.
func Origin(ctx context.Context) string {
	s, _ := ctx.Value(originKey{}).(string)
	return s
}
