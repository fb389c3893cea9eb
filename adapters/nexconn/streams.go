package nexconn

import (
	"context"
	"strconv"

	"github.com/tidwall/gjson"

	"dragoman/adapters/wire"
	"dragoman/core"
	"dragoman/core/fault"
)

// streamOps are messages that are sent in pieces while they are written.
func (d *Dialect) streamOps() []operation {
	return []operation{
		{path: "/direct-channel/message/stream/send", family: familyStream, rate: 100, serve: d.streamDirect},
		{path: "/group-channel/message/stream/send", family: familyStream, rate: 100, serve: d.streamGroup},
	}
}

// piece is one call of a stream.
type piece struct {
	from    core.UserID
	message string
	write   core.WriteStream
	post    post
}

// readPiece reads a chunk. Its content is an object here, where all other calls have a text.
func (in *input) readPiece() piece {
	p := piece{from: in.userID("fromUserId")}
	if kind := in.kind(); kind != kindStream && in.Err() == nil {
		in.Fail("messageType", "must be "+kindStream, fault.RequestInvalidField)
	}
	raw, _ := in.looseObject("content")
	if raw == nil {
		if in.Err() == nil {
			in.Fail("content", "is a required field", fault.RequestMissingField)
		}
		return p
	}
	v := gjson.ParseBytes(raw)
	done := v.Get("complete")
	switch {
	case v.Get("content").Type != gjson.String:
		in.Fail("content/content", "is a required text", fault.RequestInvalidField)
	case v.Get("seq").Type != gjson.Number || v.Get("seq").Int() < 1:
		in.Fail("content/seq", "must be a number from 1", fault.RequestInvalidField)
	case !done.IsBool():
		in.Fail("content/complete", "must be a boolean", fault.RequestInvalidField)
	}
	p.message = v.Get("messageId").String()
	p.write.Chunk = core.StreamChunk{Seq: int(v.Get("seq").Int()), Text: v.Get("content").Str}
	p.write.Done = done.Bool()
	if why := v.Get("completeReason"); why.Type == gjson.Number { // a number of the app's own
		p.write.Reason = strconv.FormatInt(why.Int(), 10)
	}
	p.post = post{from: p.from, body: newContent(kindStream, streamBody(raw, p.write.Chunk.Text, p.write.Done))}
	in.readFlags(&p.post.body)
	if p.post.metadata = in.metadata(maxMetadata, ""); len(p.post.metadata) > 0 {
		p.post.body.expandable = true
	}
	return p
}

// streamBody is the content of a streamed message as it stands: the members of its first chunk, the
// text so far, and whether it is complete.
func streamBody(first core.Extra, text string, done bool) string {
	w := wire.NewWriter(len(first) + len(text) + 64)
	w.Open()
	w.Text("content", text)
	w.Bool("complete", done)
	w.Extra(first, wire.NamesOf("content", "complete", "seq", "messageId", "completeReason"))
	w.Close()
	return string(w.Bytes())
}

// stream sends a piece, in the conversation of the first one.
func (d *Dialect) stream(ctx context.Context, by core.Actor, key core.ChannelKey, p *piece, only []core.UserID) (answer, error) {
	actor, err := d.speaker(ctx, by, p.from)
	if err != nil {
		return nil, err
	}
	p.write.Key, p.write.Message, p.write.MaxExtra = key, p.message, maxExtra
	p.write.Input = p.post.body.input()
	p.write.Input.RestrictedTo = only
	p.write.Finish = func(m *core.Message, text string) error {
		c := contentOf(m)
		c.body = streamBody(core.Extra(c.body), text, true)
		next := c.input()
		m.Text, m.Extra = text, mergeExtra(m.Extra, next.Extra)
		return nil
	}
	out, err := d.core.Streams.Write(ctx, actor, p.write)
	if fault.IsReason(err, fault.MessageNotFound) {
		err = fault.StreamNotFound.Error("There is no such stream.")
	}
	if p.message != "" {
		d.pulls.tell(by.App, p.message)
	}
	if err != nil || p.message != "" {
		return nil, err
	}
	if len(p.post.metadata) > 0 {
		if err := d.annotate(ctx, actor, out.Message.String(), p.post.metadata, nil, maxMetadata); err != nil {
			return nil, err
		}
	}
	return func(w *wire.Writer) { w.Text("messageId", out.Message.String()) }, nil
}

func (d *Dialect) streamDirect(ctx context.Context, by core.Actor, in *input) (answer, error) {
	p, to := in.readPiece(), in.userID("toUserId")
	if err := in.Err(); err != nil {
		return nil, err
	}
	if _, err := d.person(ctx, by, to); err != nil {
		return nil, err
	}
	if _, err := d.speaker(ctx, by, p.from); err != nil {
		return nil, err
	}
	key, err := d.openDirect(ctx, by, p.from, to)
	if err != nil {
		return nil, err
	}
	return d.stream(ctx, by, key, &p, nil)
}

func (d *Dialect) streamGroup(ctx context.Context, by core.Actor, in *input) (answer, error) {
	p, id, only := in.readPiece(), in.channelID("toChannelId"), in.optUserIDs("toUserIds", 10)
	if err := in.Err(); err != nil {
		return nil, err
	}
	c, err := d.group(ctx, by, id)
	if err != nil {
		return nil, err
	}
	return d.stream(ctx, by, c.Key, &p, only)
}
