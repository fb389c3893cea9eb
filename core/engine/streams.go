package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/perm"
)

type streams struct{ e *Engine }

// streamMeta is how far a stream has come; its chunks are records of their own.
type streamMeta struct {
	User      core.UserID `json:"user"`
	Seq       int         `json:"seq"`
	Size      int         `json:"size"`
	Done      bool        `json:"done,omitempty"`
	Reason    string      `json:"reason,omitempty"`
	StartedAt time.Time   `json:"started_at"`
	UpdatedAt time.Time   `json:"updated_at"`
	// Unfinished is the Seq of the chunk that ended the stream until its text is in the message.
	Unfinished int `json:"unfinished,omitempty"`
}

// Why a stream ended, when nobody said so.
const (
	streamSize      = "size"
	streamDuration  = "duration"
	streamModerated = "moderation"
)

// grown is what StreamGrown tells.
type grown struct {
	Seq    int    `json:"seq"`
	Text   string `json:"text"`
	Done   bool   `json:"done,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Write begins a stream or adds to it.
func (s streams) Write(ctx context.Context, by core.Actor, in core.WriteStream) (core.Stream, error) {
	const op = "streams.write"
	if err := serverOnly(by, "writing streams"); err != nil {
		return core.Stream{}, translate(op, err)
	}
	if in.Message == "" {
		return s.begin(ctx, by, in)
	}
	sc, m, err := s.e.sceneOfMessage(ctx, by, in.Message)
	if err != nil {
		return core.Stream{}, translate(op, err)
	}
	if m.User != by.User {
		return core.Stream{}, translate(op, fault.RequestInvalidField.Error("the stream is another's"))
	}
	return s.write(ctx, sc, m, in)
}

// begin sends the message and writes its first chunk.
func (s streams) begin(ctx context.Context, by core.Actor, in core.WriteStream) (core.Stream, error) {
	if len(in.Chunk.Text) > core.StreamBytes {
		return core.Stream{}, translate("streams.write", cutOff(streamSize))
	}
	sent, err := messages(s).Send(ctx, by, core.SendMessage{Key: in.Key, Message: in.Input, SkipCommands: true, MaxText: core.StreamBytes, MaxExtra: in.MaxExtra})
	if err != nil {
		return core.Stream{}, err
	}
	sc, m, err := s.e.sceneOfMessage(ctx, by, sent.Message.ID.String())
	if err != nil {
		return core.Stream{}, translate("streams.write", err)
	}
	return s.write(ctx, sc, m, in)
}

// write adds a chunk. What ends the stream against its author's will is told to them, and to those
// who read it as its reason.
func (s streams) write(ctx context.Context, sc *scene, m *core.Message, in core.WriteStream) (core.Stream, error) {
	e, key := s.e, m.ID.String()
	var meta streamMeta
	var refused error
	err := e.update(ctx, "streams.write", sc.by.App, sc.channel.ID, func(t *txn) error {
		refused = nil
		var found bool
		var err error
		if meta, found, err = record[streamMeta](ctx, t, sc.by.App, spaceStreams, key); err != nil {
			return err
		}
		if !found {
			if in.Message != "" {
				return fault.StreamNotFound.Error("the message is no stream")
			}
			meta = streamMeta{User: m.User, StartedAt: e.now()}
		}
		switch {
		case meta.Done && meta.Unfinished == in.Chunk.Seq && in.Finish != nil:
			refused = endedBy(meta.Reason)
			return nil
		case meta.Done:
			return fault.RequestConflict.Error("the stream has ended")
		case in.Chunk.Seq <= meta.Seq:
			return fault.RequestConflict.Error(fmt.Sprintf("the number of a chunk must be above %d", meta.Seq))
		}
		if refused = s.judge(ctx, t, sc, &meta, in.Chunk, key); refused == nil {
			meta.Seq, meta.Size, meta.Done = in.Chunk.Seq, meta.Size+len(in.Chunk.Text), in.Done
			if in.Done {
				meta.Reason = in.Reason
			}
			if err := putJSON(t, spaceStreamChunks, keyOf(key, ordered(int64(in.Chunk.Seq))), &in.Chunk); err != nil {
				return err
			}
		}
		if meta.Done && in.Finish != nil {
			meta.Unfinished = in.Chunk.Seq
		}
		meta.UpdatedAt = e.now()
		g := grown{Seq: meta.Seq, Done: meta.Done, Reason: meta.Reason}
		if refused == nil {
			g.Text = in.Chunk.Text
		}
		what, err := json.Marshal(&g)
		if err != nil {
			return err
		}
		ms := []core.Message{*m}
		if err := e.resolve(ctx, sc.by.App, "", ms); err != nil {
			return err
		}
		if err := t.emit(&core.Event{
			Kind: core.StreamGrown, Channel: sc.channel, Config: sc.config, User: e.seen(sc.by.App, sc.user), Message: &ms[0], Extra: what, To: receivers(m),
		}); err != nil {
			return err
		}
		return putJSON(t, spaceStreams, key, &meta)
	})
	if err != nil {
		return core.Stream{}, err
	}
	if meta.Done && in.Finish != nil {
		if err := s.finish(ctx, sc, m, in); err != nil {
			return core.Stream{}, err
		}
		meta.Unfinished = 0
		if err := e.update(ctx, "streams.write", sc.by.App, sc.channel.ID, func(t *txn) error { return putJSON(t, spaceStreams, key, &meta) }); err != nil {
			return core.Stream{}, err
		}
	}
	if refused != nil {
		return core.Stream{}, translate("streams.write", refused)
	}
	return core.Stream{Message: m.ID, Done: meta.Done, Reason: meta.Reason, StartedAt: meta.StartedAt, UpdatedAt: meta.UpdatedAt}, nil
}

// judge ends a stream that may not go on.
func (s streams) judge(ctx context.Context, t *txn, sc *scene, meta *streamMeta, c core.StreamChunk, key string) error {
	end := func(reason string, err error) error {
		meta.Done, meta.Reason = true, reason
		return err
	}
	switch {
	case meta.Size+len(c.Text) > core.StreamBytes:
		return end(streamSize, cutOff(streamSize))
	case s.e.now().Sub(meta.StartedAt) > core.StreamAge:
		return end(streamDuration, cutOff(streamDuration))
	}
	before, err := listJSON[core.StreamChunk](ctx, t, sc.by.App, spaceStreamChunks, prefixOf(key), "", true, 1)
	if err != nil {
		return err
	}
	text := c.Text // a word may begin in the chunk before
	if len(before) > 0 {
		text = before[0].Text + text
	}
	v, err := s.e.moderate(ctx, sc, text)
	if err != nil {
		return err
	}
	if v == verdictBlock {
		return end(streamModerated, endedBy(streamModerated))
	}
	return nil
}

// endedBy is the failure that ended a stream for one of the reasons nobody gave; nil for others.
func endedBy(reason string) error {
	switch reason {
	case streamSize, streamDuration:
		return cutOff(reason)
	case streamModerated:
		return fault.ModerationRejected.Error("a word list ended the stream").With("stream")
	}
	return nil
}

// cutOff is the failure of a stream that has become too large or too old.
func cutOff(variant string) *fault.Error {
	return fault.StreamCutOff.Error("a stream has at most 128 KiB and 30 minutes").With(variant)
}

// finish puts the whole text into the message.
func (s streams) finish(ctx context.Context, sc *scene, m *core.Message, in core.WriteStream) error {
	chunks, err := scan[core.StreamChunk](ctx, s.e.store, sc.by.App, spaceStreamChunks, prefixOf(m.ID.String()))
	if err != nil {
		return translate("streams.finish", err)
	}
	var b strings.Builder
	for i := range chunks {
		b.WriteString(chunks[i].Text)
	}
	_, err = messages(s).Edit(ctx, sc.by, core.EditMessage{ID: m.ID.String(), MaxText: core.StreamBytes, MaxExtra: in.MaxExtra, Change: func(m *core.Message) error {
		return in.Finish(m, b.String())
	}})
	return err
}

// Read reads the chunks after a Seq.
func (s streams) Read(ctx context.Context, by core.Actor, in core.ReadStream) (core.Stream, error) {
	const op = "streams.read"
	e := s.e
	sc, m, err := e.sceneOfMessage(ctx, by, in.Message)
	if fault.IsReason(err, fault.MessageNotFound) || err == nil && e.can(sc, perm.ReadChannel, sc.owns()) != nil {
		err = fault.StreamNotFound.Error("there is no such stream")
	}
	if err != nil {
		return core.Stream{}, translate(op, err)
	}
	key := m.ID.String()
	meta, found, err := record[streamMeta](ctx, e.store, by.App, spaceStreams, key)
	if err == nil && !found {
		err = fault.StreamNotFound.Error("the message is no stream")
	}
	if err != nil {
		return core.Stream{}, translate(op, err)
	}
	out := core.Stream{Message: m.ID, Done: meta.Done, Reason: meta.Reason, StartedAt: meta.StartedAt, UpdatedAt: meta.UpdatedAt}
	all, err := scan[core.StreamChunk](ctx, e.store, by.App, spaceStreamChunks, prefixOf(key))
	for i := range all {
		if all[i].Seq > in.After {
			out.Chunks = append(out.Chunks, all[i])
		}
	}
	return out, translate(op, err)
}
