package engine

import (
	"time"

	"dragoman/core"
)

// describe keeps what a dialect says of a connection.
func (s *session) describe(in *core.Session, now time.Time) {
	if in == nil {
		return
	}
	c := *in
	c.Connection, c.User, c.Since = s.id, s.by.User, now
	if c.Platform == "" {
		c.Platform = s.by.Platform
	}
	s.session = &c
}
