// Package nexconn is the Nexconn dialect (RongCloud outside China): the server API v4 and its classic
// predecessor, and the live link of the web SDK.
//
// How the vendor's nouns lie on the core's:
//
//   - A direct channel is the Direct channel of its two people, a group channel a group by its key.
//   - An open channel is a room: a channel of the type roomType whose id is the channel id.
//   - A community channel is a community; each of its subchannels is a channel of its own.
//   - A message keeps its text and its attachments in the neutral form, which every dialect shows.
//     Message type and content string are the member "nexconn" of the message's Extra, so that they
//     come back as they were sent; see content. A message without it is read from text and attachments.
//
// Every call of v4 is a POST with a JSON body and answers {"code":0} with the outcome in "result". The
// classic paths are the same operations with other names: forms go in, the success code is 200, and the
// outcome stands at top level; see the table classic.tsv. See https://docs.nexconn.ai.
package nexconn
