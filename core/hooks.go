package core

import (
	"context"
	"net/http"
)

// HookRequest is one webhook call as a dialect writes it.
type HookRequest struct {
	URL    string
	Header http.Header
	Body   []byte
}

// Hooks writes events as webhook calls in a dialect's shape. Implemented by adapters, called by
// the core's deliverer: at least once, in order per channel, with back-off. Attempt counts from 1.
type Hooks interface {
	Requests(app *App, ev *Event, attempt int) []HookRequest
}

// Callouts asks the app's own endpoints while a command runs. Implemented by adapters, since the
// wire shapes are the vendors'. The context carries the deadline.
type Callouts interface {
	// BeforeSend may change the message or refuse it with an error. Called only when the app asks
	// before (see AppSettings.AsksBefore); a dialect that has nothing configured to ask returns nil.
	BeforeSend(ctx context.Context, do Doer, app *App, ch *Channel, author *User, m *Message) error
	// Command runs a custom slash command; m.Command and m.CommandArgs are set. It may change the
	// message, turn it ephemeral or into an error message. A dialect that has nothing configured to
	// ask answers integration.not_configured.
	Command(ctx context.Context, do Doer, app *App, ch *Channel, author *User, m *Message, form map[string]string) error
}

// Doer sends one HTTP request to an app's endpoint. It refuses private addresses unless allowed,
// bounds the answer to 1 MiB and follows no redirects.
type Doer interface {
	Do(req *http.Request) (status int, body []byte, err error)
}
