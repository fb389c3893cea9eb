// Package stream speaks the first REST dialect of Stream Chat ("v1", the one of the chat SDKs) and
// its WebSocket, so that the vendor's own SDKs work against Dragoman with another base URL.
//
// On this wire custom fields stand beside the vendor's own at the top level of an object, times
// are RFC 3339 in UTC, POST and PUT answer 201, and every answer carries "duration". A channel is
// named by cid, "type:id"; a message by the id its sender chose. A person on the wire is the
// person of the core; a channel of the default type shares its key with the other dialects.
//
// Where other dialects say what Stream cannot (a custom or interactive message), the text is
// shown as a regular message and the rest travels as custom fields.
//
// Files bear the names of their neighbours in the other dialects wherever they hold the same kind of
// thing. Alone here are: filters.go and filters_table.go (the vendor's query language), patch.go (its
// set and unset), longpoll.go (its link without WebSocket), books.go (command descriptions repeated in
// every channel), moderation_v2.go, members_patch.go and channels_read.go (younger or older forms of an
// operation), and routes_chat.go and routes_more.go, because the table is too long for one file.
package stream
