package cometchat

import "strconv"

// Limits of uploads; see https://www.cometchat.com/docs/articles/properties-and-constraints.
const (
	maxFile  = 100 << 20 // bytes of one file
	maxFiles = 10        // files of one message
)

// maxMessageData bounds the data of a message, in bytes.
const maxMessageData = 10 << 10

// maxExtra bounds what the core keeps of it: the same twice, since other dialects read custom data and
// metadata in a place of their own, and the words around it.
const maxExtra = 2*maxMessageData + 1<<10

func itoa(n int) string { return strconv.Itoa(n) }
