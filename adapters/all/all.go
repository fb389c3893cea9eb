// Package all lists the dialects that are served. It is the one line a new dialect adds outside
// its own folder.
package all

import (
	"dragoman/adapters"
	"dragoman/adapters/agora"
	"dragoman/adapters/cometchat"
	"dragoman/adapters/native"
	"dragoman/adapters/nexconn"
	"dragoman/adapters/stream"
)

// Dialects returns the entries of all dialects, sorted by name.
func Dialects() []adapters.Entry {
	return []adapters.Entry{
		agora.Entry(),
		cometchat.Entry(),
		native.Entry(),
		nexconn.Entry(),
		stream.Entry(),
	}
}
