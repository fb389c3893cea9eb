// Package core is the chat model of Dragoman: its nouns, its typed commands, its events.
//
// An App holds Users and Channels. A Channel is a direct conversation, a group, a room or a
// community; it has Members and an ordered log of Messages, numbered from 1 without gaps (Seq).
// A message may start a thread, carry Reactions, a Poll, attachments and mentions. Everything a
// client can miss is an Event, numbered per channel (Ev), written in the transaction of the
// change it tells of. Events without a number (typing, presence) are told once and forgotten.
//
// Every command has one shape: func(ctx, Actor, In) (Out, error), and every error is a
// *fault.Error. The rules live behind these interfaces once, for every dialect; package
// core/engine implements them on a core/store driver. The core keeps the superset of what the
// dialects can say and names none of them; fields it does not model travel as Extra.
package core
