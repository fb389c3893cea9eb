// Package wire reads and writes the JSON of the dialects without reflection.
//
// A Reader takes a request body apart in one pass per object, collects what is wrong with it and
// answers all of it at once as one *fault.Error. A Writer appends JSON to a byte slice. Members a
// dialect does not know travel through both as core.Extra, byte for byte.
package wire
