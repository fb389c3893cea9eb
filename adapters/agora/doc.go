// Package agora is the Agora Chat (Easemob) dialect: the REST API of servers and of the SDKs, and the
// vendor's MSync protobuf over WebSocket.
//
// How the vendor's nouns lie on the core's:
//
//   - A username is a user id. The vendor folds case: new names are lower case, and a name that is
//     not there as written is looked for in lower case. What is kept of a user beside the profile
//     (user attributes, push settings) is the member "agora" of Extra; nickname and avatarurl are the
//     profile's name and image.
//   - A group id is decimal. The key of a group made here is its id; one made over another dialect
//     has a number of its own, by which every dialect finds it.
//   - A chat room is a channel of the kind Room. A one-to-one conversation is the Direct channel of
//     its two people. A chat thread is the thread of a message.
//   - A message keeps text and attachments in the neutral form, which every dialect shows. What only
//     this vendor has is the body as it was sent, in the member "msync" of the message's Extra; REST
//     calls build and read the same bytes. Extension fields are members of Extra for all to see.
//
// Every path has two spellings, /{org}/{app}/… and /app-id/{app id}/…; see
// https://docs.agora.io/en/agora-chat/restful-api/. Every answer is a JSON object, whatever the
// status: the web SDK parses without looking.
package agora
