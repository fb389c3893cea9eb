package core

import "strconv"

// Number is the channel's decimal id, for dialects whose ids are numbers: that of its key where the
// key is one, else one of its own. It never changes, and every command that takes a key takes it too,
// unless another channel has it for a key.
func (c *Channel) Number() string { return strconv.FormatInt(c.AliasNo, 10) }
