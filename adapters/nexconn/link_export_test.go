package nexconn

import (
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"dragoman/core"
)

// ParseSignal reads a frame of a client: its kind, topic, target, number and payload.
func ParseSignal(b []byte) (kind byte, topic, target string, id uint16, data []byte, err error) {
	s, err := parseSignal(b)
	return s.kind, s.topic, s.target, s.id, s.data, err
}

// DecodeAll reads bytes as every message a client sends; only that it returns matters.
func DecodeAll(b []byte) (errs []error) {
	note := func(err error) { errs = append(errs, err) }
	note((&upMessage{}).read(b))
	note((&syncRequest{}).read(b))
	note((&roomPull{}).read(b))
	note((&historyInput{}).read(b))
	note((&messageQuery{}).read(b))
	note((&deleteInput{}).read(b))
	note((&cleanInput{}).read(b))
	note((&changeRequest{}).read(b))
	note((&relationQuery{}).read(b))
	note((&relationQuery{}).readFilter(b))
	note((&stateChange{}).read(b))
	note((&tagChange{}).read(b))
	note((&kvSet{}).read(b))
	note((&receiptRequest{}).read(b))
	note((&receiptRequest{}).readSent(b))
	note((&channelsInput{}).read(b))
	note((&membersInput{}).readChange(b))
	note((&groupQuery{}).read(b))
	note((&answerInput{}).read(b))
	note((&friendInput{}).readProfile(b))
	note((&followInput{}).read(b))
	_, _, err := conversationRefs(b, numsSession)
	note(err)
	_, err = wireTexts(b)
	note(err)
	return errs
}

// Reup writes what was read of an UpStreamMessage.
func Reup(b []byte) ([]byte, error) {
	var m upMessage
	if err := m.read(b); err != nil {
		return nil, err
	}
	return build(m.write), nil
}

// Part is one field of a message: a number, a text or a message.
type Part struct {
	Num  int
	Int  int64
	Text string
	Msg  []Part
}

// Wire writes a message of parts.
func Wire(parts ...Part) []byte {
	return build(func(p *pb) { writeParts(p, parts) })
}

func writeParts(p *pb, parts []Part) {
	for _, x := range parts {
		num := protowire.Number(x.Num) //nolint:gosec // small
		switch {
		case x.Msg != nil:
			p.msg(num, func(p *pb) { writeParts(p, x.Msg) })
		case x.Text != "":
			p.text(num, x.Text)
		default:
			p.int(num, x.Int)
		}
	}
}

// Field finds the first field of the number: its number and its bytes.
func Field(b []byte, num int) (v int64, text string, ok bool) {
	_ = scan(b, func(f *field) error {
		if int(f.num) == num && !ok {
			v, text, ok = f.long(), string(f.b), true
		}
		return nil
	})
	return v, text, ok
}

// Call is a frame of a client that publishes or queries.
func Call(query bool, topic, target string, id uint16, data []byte) []byte {
	kind := byte(signalPublish<<4 | flagQoS)
	if query {
		kind = signalQuery << 4
	}
	b := appendText(appendText([]byte{kind}, topic), target)
	return append(append(b, byte(id>>8), byte(id)), data...)
}

// Topics are the names of the topics that are served.
func Topics() []string {
	var out []string
	for name := range topics {
		out = append(out, name)
	}
	return out
}

// PageEnd is where a page of at most count messages sent at the times, in milliseconds, ends.
func PageEnd(count int, times ...int64) int {
	list := make([]core.Message, len(times))
	for i, t := range times {
		list[i].CreatedAt = time.UnixMilli(t)
	}
	return pageEnd(list, count)
}
