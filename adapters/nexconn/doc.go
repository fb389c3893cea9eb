// Package nexconn is the Nexconn dialect. For now it holds the vendor's error table, the reader
// and writer of its error bodies and the status of its live link; the routes follow.
package nexconn
