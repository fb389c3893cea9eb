package agora

// Decoders are the readers of every message that clients send or the store keeps, each with a writer.
var Decoders = map[string]func([]byte) ([]byte, error){
	"frame":      reread[frame],
	"provision":  reread[provision],
	"syncUL":     reread[syncUL],
	"syncDL":     reread[syncDL],
	"unreadDL":   reread[unreadDL],
	"notice":     reread[notice],
	"msgBody":    reread[msgBody],
	"mucBody":    reread[mucBody],
	"rosterBody": reread[rosterBody],
	"statsBody":  reread[statsBody],
}

// reread reads bytes and writes what was read.
func reread[T any, P interface {
	*T
	message
}](b []byte) ([]byte, error) {
	var v T
	if err := P(&v).decode(b, 0); err != nil {
		return nil, err
	}
	return P(&v).encode(nil), nil
}

// Without drops a field of a message.
var Without = without

// Projected is what other dialects see of a message body, and whether it can be read.
func Projected(raw []byte) (kind, text, extra string, attachments int, ok bool) {
	var b msgBody
	if b.decode(raw, 0) != nil {
		return "", "", "", 0, false
	}
	in := b.input(raw, "device", some(1))
	return string(in.Kind), in.Text, string(in.Extra), len(in.Attachments), true
}
