package engine

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"dragoman/core"
)

// Subjects of the bus by which nodes ask each other. The tag of a node, see tagOf, ends those that
// concern one alone: an answer goes to the node that asks, an errand to the one that has a connection.
const (
	subjectQuestion = "ask"
	subjectErrand   = "ask."
	subjectAnswer   = "answer."
)

// Limits of waiting for answers.
const (
	gatherLimit = 150 * time.Millisecond // of all nodes: who is slow is left out
	errandLimit = 2 * time.Second        // of one node that is known to live
	strayLimit  = 500 * time.Millisecond // of one that is not, and may have started this moment
)

// question is what one node asks others: for the connections of people, or to do something for one
// connection.
type question struct {
	ID     string        `json:"id"`
	App    core.AppID    `json:"app,omitempty"`
	Users  []core.UserID `json:"users,omitempty"`
	Errand *errand       `json:"errand,omitempty"`
}

// response is one node's.
type response struct {
	ID       string         `json:"id"`
	Sessions []core.Session `json:"sessions,omitempty"`
	Done     bool           `json:"done,omitempty"` // the errand was carried out: the connection is there
	node     string
}

// inquiries are the questions that wait for answers.
type inquiries struct {
	mu      sync.Mutex
	waiting map[string]chan response
}

func newInquiries() *inquiries { return &inquiries{waiting: map[string]chan response{}} }

// open registers a question.
func (q *inquiries) open(id string) (answers chan response, done func()) {
	answers = make(chan response, 64)
	q.mu.Lock()
	q.waiting[id] = answers
	q.mu.Unlock()
	return answers, func() {
		q.mu.Lock()
		delete(q.waiting, id)
		q.mu.Unlock()
	}
}

// take hands an answer to who waits for it.
func (q *inquiries) take(a response) {
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case q.waiting[a.ID] <- a:
	default: // nobody waits any longer
	}
}

// tagOf is a node in subjects and in the ids of its connections, whatever its name holds.
func tagOf(node string) string {
	sum := sha256.Sum256([]byte(node))
	return hex.EncodeToString(sum[:6])
}

// listenAsked answers other nodes.
func (e *Engine) listenAsked() error {
	for _, subject := range []string{subjectQuestion, subjectErrand + tagOf(e.node)} {
		if _, err := e.bus.Subscribe(subject, e.asked); err != nil {
			return err
		}
	}
	_, err := e.bus.Subscribe(subjectAnswer+tagOf(e.node), func(_ string, data []byte) {
		node, b, ok := e.sender(data)
		var a response
		if ok && json.Unmarshal(b, &a) == nil {
			a.node = node
			e.kit.inquiries.take(a)
		}
	})
	return err
}

// asked answers one question.
func (e *Engine) asked(_ string, data []byte) {
	node, b, ok := e.sender(data)
	var q question
	if !ok || json.Unmarshal(b, &q) != nil {
		return
	}
	a := response{ID: q.ID}
	if q.Errand != nil {
		a.Done = e.obey(q.App, q.Errand)
	} else {
		a.Sessions = e.hub.described(q.App, q.Users)
	}
	if b, err := json.Marshal(&a); err == nil {
		_ = e.publish(subjectAnswer+tagOf(node), b) // the asker does not wait for ever
	}
}

// ask publishes a question.
func (e *Engine) ask(subject string, q *question) error {
	b, err := json.Marshal(q)
	if err != nil {
		return err
	}
	return e.publish(subject, b)
}

// sessionsOf lists the described connections of people on all nodes, oldest first.
func (e *Engine) sessionsOf(ctx context.Context, app core.AppID, users []core.UserID) ([]core.Session, error) {
	out := e.hub.described(app, users)
	if !e.alone.Load() {
		others, err := e.gather(ctx, &question{ID: randomID(9), App: app, Users: users})
		if err != nil {
			return nil, err
		}
		out = append(out, others...)
	}
	slices.SortFunc(out, func(a, b core.Session) int {
		return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.Connection, b.Connection))
	})
	return out, nil
}

// gather asks the other nodes and waits for those known to be there. One that does not answer in time
// is not waited for again before it is heard of. A node that has just started may not have heard the
// others yet, and waits for everybody who answers.
func (e *Engine) gather(ctx context.Context, q *question) ([]core.Session, error) {
	awaited := e.peers.talkative()
	answers, done := e.kit.inquiries.open(q.ID)
	defer done()
	if err := e.ask(subjectQuestion, q); err != nil {
		return nil, err
	}
	limit := time.NewTimer(gatherLimit)
	defer limit.Stop()
	var out []core.Session
	for len(awaited) > 0 || time.Since(e.started) < 2*beatEvery {
		select {
		case a := <-answers:
			delete(awaited, a.node)
			out = append(out, a.Sessions...)
		case <-limit.C:
			e.peers.silent(awaited)
			return out, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return out, nil
}
