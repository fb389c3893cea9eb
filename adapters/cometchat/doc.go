// Package cometchat is the CometChat dialect. For now it holds the vendor's error table and the
// reader and writer of its error bodies; the routes follow.
package cometchat
