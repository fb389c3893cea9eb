// Package cometchat is the CometChat dialect: REST v3 for servers (API keys) and for the SDKs (auth
// tokens), and the vendor's JSON over WebSocket.
//
// How the vendor's nouns lie on the core's:
//
//   - A uid is a user id, a guid a channel key as it is; rooms made over another dialect appear as
//     groups. A one-to-one conversation is the Direct channel of its two people.
//   - A message keeps its text and its attachments in the neutral form, which every dialect shows.
//     What only this vendor has (category, type, members of data) is the member "content" of the
//     message's Extra; see content. A message without it is read from text and attachments.
//   - Action and call messages are the core's notices; see core.Notice. An edit or a deletion is
//     answered by an action message that is not stored and bears the id of what it is about.
//   - link, metadata and status message of a user, and description and metadata of a group, are
//     members of Extra: link, metadata, status_message, description.
//
// Every answer is {"data":…} with status 200 or {"error":…}; see https://www.cometchat.com/docs.
// The SDKs look for "data" alone, whatever the status, and take an empty body for a lost network.
//
// Files bear the names of their neighbours in the other dialects wherever they hold the same kind of
// thing. Alone here are: sessions.go (login is a request of its own), tokens.go and keys.go (tokens and
// API keys are objects with operations), conversations.go and groups.go (what channels.go is where
// both are one), history.go (lists of messages with the vendor's conditions), messages_read.go and
// users_read.go (bodies read into commands), content.go and venue.go (see above; where a message
// stands), blocks.go, friends.go, mutes.go, interactions.go, calls.go, extensions.go, and besides.go (codes
// beside the table).
package cometchat
