// Package native is Dragoman's own API as a dialect: JSON over HTTP under /v1 and a WebSocket of
// events at /v1/live. It says everything the core can, in the core's own words, for new apps and for
// servers that stand in front of several vendors. Its error body is the unified document.
//
// An operation is a row of a table: method, path, and a function from one struct to another. The
// tags of those structs are the request's decoder, the answer's encoder and the OpenAPI document at
// once, so that none of the three can say something else than the others. See docs/native.md.
package native
