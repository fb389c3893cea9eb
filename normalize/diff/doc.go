// Package diff compares two answers to one request by what they mean to a client: the class of the
// status, the canonical error, and the JSON of the body member by member, whatever the order of the
// members. What differs by nature (ids of requests, durations) is named in a table of rules, one per
// dialect: see Parse. It shows no text of anybody: see Shown.
package diff
