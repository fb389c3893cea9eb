package engine

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"dragoman/core"
)

// Subjects of the bus by which nodes ask each other for connections. Answers go to the node that asks.
const (
	subjectSessions = "ses.ask"
	subjectAnswers  = "ses.answer."
)

// gatherLimit is how long the answers of other nodes are waited for.
const gatherLimit = 150 * time.Millisecond

// asking is the question for the connections of people.
type asking struct {
	ID    string        `json:"id"`
	App   core.AppID    `json:"app,omitempty"`
	Users []core.UserID `json:"users,omitempty"`
}

// answering is one node's answer.
type answering struct {
	ID       string         `json:"id"`
	Sessions []core.Session `json:"sessions,omitempty"`
	node     string
}

// gathering keeps which other nodes there are, and who waits for their answers. A node that does not
// answer in time is not waited for again before it is heard of.
type gathering struct {
	mu      sync.Mutex
	met     bool // ever heard of a node: until then everybody who answers is waited for
	peers   map[string]struct{}
	waiting map[string]chan answering
}

func newGathering() *gathering {
	return &gathering{peers: map[string]struct{}{}, waiting: map[string]chan answering{}}
}

// heard notes that a node is there.
func (g *gathering) heard(node string) {
	g.mu.Lock()
	g.met, g.peers[node] = true, struct{}{}
	g.mu.Unlock()
}

// wait registers a question; peers are the nodes whose answers it waits for, unless none was ever met.
func (g *gathering) wait(id string) (answers chan answering, peers map[string]struct{}, met bool, done func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	answers, peers = make(chan answering, 64), make(map[string]struct{}, len(g.peers))
	for p := range g.peers {
		peers[p] = struct{}{}
	}
	g.waiting[id] = answers
	return answers, peers, g.met, func() {
		g.mu.Lock()
		delete(g.waiting, id)
		for p := range peers { // those still in it did not answer
			delete(g.peers, p)
		}
		g.mu.Unlock()
	}
}

// answered hands an answer to who waits for it.
func (g *gathering) answered(a answering) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.met, g.peers[a.node] = true, struct{}{}
	select {
	case g.waiting[a.ID] <- a:
	default: // nobody waits any longer
	}
}

// answersTo is the subject of the answers to a node, whatever its name holds.
func answersTo(node string) string {
	return subjectAnswers + base64.RawURLEncoding.EncodeToString([]byte(node))
}

// senderOf is the node a message of the bus comes from.
func senderOf(data []byte) string {
	node, _, _ := strings.Cut(string(data), " ")
	return node
}

// meetSessions answers the questions of other nodes and asks who is there.
func (e *Engine) meetSessions() error {
	_, err := e.bus.Subscribe(subjectSessions, func(_ string, data []byte) {
		b, ok := e.foreign(data)
		var q asking
		if !ok || json.Unmarshal(b, &q) != nil {
			return
		}
		node := senderOf(data)
		e.kit.gather.heard(node)
		a, err := json.Marshal(&answering{ID: q.ID, Sessions: e.hub.described(q.App, q.Users)})
		if err == nil {
			_ = e.publish(answersTo(node), a) // the asker does not wait for ever
		}
	})
	if err != nil {
		return err
	}
	_, err = e.bus.Subscribe(answersTo(e.node), func(_ string, data []byte) {
		b, ok := e.foreign(data)
		var a answering
		if ok && json.Unmarshal(b, &a) == nil {
			a.node = senderOf(data)
			e.kit.gather.answered(a)
		}
	})
	if err != nil {
		return err
	}
	return e.ask(&asking{ID: "hello"})
}

func (e *Engine) ask(q *asking) error {
	b, err := json.Marshal(q)
	if err != nil {
		return err
	}
	return e.publish(subjectSessions, b)
}

// sessionsOf lists the described connections of people on all nodes, oldest first.
func (e *Engine) sessionsOf(ctx context.Context, app core.AppID, users []core.UserID) ([]core.Session, error) {
	out := e.hub.described(app, users)
	if !e.alone.Load() {
		others, err := e.gather(ctx, &asking{ID: randomID(9), App: app, Users: users})
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

// gather asks the other nodes and waits for those known to be there.
func (e *Engine) gather(ctx context.Context, q *asking) ([]core.Session, error) {
	answers, peers, met, done := e.kit.gather.wait(q.ID)
	defer done()
	if err := e.ask(q); err != nil {
		return nil, err
	}
	limit := time.NewTimer(gatherLimit)
	defer limit.Stop()
	var out []core.Session
	for len(peers) > 0 || !met {
		select {
		case a := <-answers:
			delete(peers, a.node)
			out = append(out, a.Sessions...)
		case <-limit.C:
			return out, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return out, nil
}
