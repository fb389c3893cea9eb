// Package transfer moves whole apps out of a database and into one: everything of an app as JSON
// lines in a fixed order, and back with ids, times and order kept. It works on the store, below the
// rules, and tells nobody: a server must not run on the same database meanwhile.
//
// An export begins with a header and ends with a manifest that counts the lines and holds the SHA-256
// of everything before it. The same data gives the same bytes, so that two exports can be compared.
// What an app is not is left behind: the log of events, sessions, cursors, queues, and secrets that
// were handed out.
package transfer
