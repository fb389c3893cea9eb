// Package gosdk runs the vendor's published Go SDK as a server client against a running server.
package gosdk
