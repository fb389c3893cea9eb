package native

import (
	"context"
	"reflect"

	"dragoman/adapters/wire"
	"dragoman/core"
)

// envelope is what every frame of a client has.
type envelope struct {
	Type string `json:"type" need:"true"`
	ID   string `json:"id" doc:"Comes back with the answer."`
}

// commands are the frames a client may send, by type.
var commands = map[string]func(context.Context, *link, string, *wire.Reader) error{
	"ping": command(func(_ context.Context, l *link, in *struct{ envelope }) (any, error) {
		return typeFrame{"pong", in.ID}, nil
	}),
	"ack": command(func(ctx context.Context, l *link, in *struct {
		envelope
		Channel core.ChannelKey `json:"channel"`
		Stamp   core.Stamp      `json:"stamp" need:"true"`
	}) (any, error) {
		return nil, l.d.core.Feeds.Ack(ctx, l.by, core.AckFeed{Device: l.device, Key: in.Channel, Stamp: in.Stamp})
	}),
	"typing": command(func(ctx context.Context, l *link, in *struct {
		envelope
		Channel core.ChannelKey `json:"channel" need:"true"`
		State   string          `json:"state" enum:"started,stopped"`
		Parent  string          `json:"parent"`
	}) (any, error) {
		_, err := l.d.typing(ctx, l.call(), &typing{where{in.Channel}, in.State, in.Parent})
		return nil, err
	}),
	"enter": command(func(ctx context.Context, l *link, in *enterFrame) (any, error) {
		_, err := l.d.enterRoom(ctx, l.call(), &enterRoom{where{in.Channel}, in.LeaveOthers, in.Extra})
		return nil, err
	}),
	"exit": command(func(ctx context.Context, l *link, in *exitFrame) (any, error) {
		return nil, l.d.exitRoom(ctx, l.call(), &where{in.Channel})
	}),
	"watch":    command(watch(false)),
	"unwatch":  command(watch(true)),
	"follow":   command(follow(false)),
	"unfollow": command(follow(true)),
	"read": command(func(ctx context.Context, l *link, in *struct {
		envelope
		Channel core.ChannelKey `json:"channel" need:"true"`
		Message string          `json:"message"`
		Thread  string          `json:"thread"`
	}) (any, error) {
		_, err := l.d.core.Reads.Mark(ctx, l.by, core.MarkRead{Key: in.Channel, Message: in.Message, Thread: in.Thread})
		return nil, err
	}),
	"delivered": command(func(ctx context.Context, l *link, in *struct {
		envelope
		Channel core.ChannelKey `json:"channel" need:"true"`
		Message string          `json:"message" need:"true"`
	}) (any, error) {
		_, err := l.d.core.Reads.Delivered(ctx, l.by, core.MarkDelivered{Latest: []core.DeliveredUpTo{{Key: in.Channel, Message: in.Message}}})
		return nil, err
	}),
	"send": command(func(ctx context.Context, l *link, in *struct {
		envelope
		Channel core.ChannelKey `json:"channel" need:"true"`
		Message draftMessage    `json:"message" need:"true"`
	}) (any, error) {
		m, err := l.d.sendMessage(ctx, l.call(), &sendMessage{where: where{in.Channel}, draftMessage: in.Message})
		return sentFrame{"ok", in.ID, &m}, err
	}),
	"event": command(func(ctx context.Context, l *link, in *struct {
		envelope
		Channel core.ChannelKey `json:"channel" need:"true"`
		Name    string          `json:"name" need:"true" max:"100"`
		Extra   core.Extra      `json:"extra"`
	}) (any, error) {
		_, err := l.d.sendEvent(ctx, l.call(), &customEvent{where{in.Channel}, in.Name, in.Extra})
		return nil, err
	}),
}

// sentFrame answers a send.
type sentFrame struct {
	Type    string   `json:"type"`
	ID      string   `json:"id,omitempty"`
	Message *Message `json:"message"`
}

func (l *link) call() *call { return &call{by: l.by, rq: l.conn.Request()} }

// command builds the server of one frame: read it, run it, answer ok unless it has an answer of its
// own. A frame without an id is not answered when it worked.
func command[In any](run func(context.Context, *link, *In) (any, error)) func(context.Context, *link, string, *wire.Reader) error {
	s := shapeOf(reflect.TypeFor[In]())
	return func(ctx context.Context, l *link, id string, r *wire.Reader) error {
		var in In
		s.object(reflect.ValueOf(&in).Elem(), r)
		if err := r.Err(); err != nil {
			return err
		}
		out, err := run(ctx, l, &in)
		switch {
		case err != nil:
			return err
		case out != nil:
			l.say(out)
		case id != "":
			l.say(typeFrame{"ok", id})
		}
		return nil
	}
}

type enterFrame struct {
	exitFrame
	LeaveOthers bool       `json:"leave_others"`
	Extra       core.Extra `json:"extra"`
}

type exitFrame struct {
	envelope
	Channel core.ChannelKey `json:"channel" need:"true"`
}

type watchFrame struct {
	envelope
	Channels []core.ChannelKey `json:"channels" need:"true" max:"30"`
}

// watch follows channels the person is not a member of, such as rooms.
func watch(stop bool) func(context.Context, *link, *watchFrame) (any, error) {
	return func(ctx context.Context, l *link, in *watchFrame) (any, error) {
		_, err := l.d.core.Live.Watch(ctx, l.by, core.WatchChannels{Connection: l.by.Connection, Keys: in.Channels, Stop: stop})
		return nil, err
	}
}

type followFrame struct {
	envelope
	Users    []core.UserID `json:"users"`
	Everyone bool          `json:"everyone"`
}

// follow follows the presence of people.
func follow(stop bool) func(context.Context, *link, *followFrame) (any, error) {
	return func(ctx context.Context, l *link, in *followFrame) (any, error) {
		_, err := l.d.core.Live.Follow(ctx, l.by, core.FollowPresence{Connection: l.by.Connection, Users: in.Users, Everyone: in.Everyone, Stop: stop})
		return nil, err
	}
}
