package core

import "strconv"

// channelNumbers is the decimal id of the first channel; those of others follow by their ChannelID.
const channelNumbers = 100_000_000_000_000

// maxNumber is the length of the longest key that counts as decimal.
const maxNumber = 19

// Number is the channel's decimal id, for dialects whose ids are numbers: the key itself where it is
// one, else a number made of the ChannelID. It never changes, and every command that takes a key
// takes it too, unless another channel has it for a key.
func (c *Channel) Number() string {
	if decimal(string(c.Key)) {
		return string(c.Key)
	}
	return strconv.FormatInt(channelNumbers+int64(c.ID), 10)
}

// Numbered is the channel that a key names as a decimal id made of its ChannelID, if it can be one.
func (k ChannelKey) Numbered() (ChannelID, bool) {
	if !decimal(string(k)) {
		return 0, false
	}
	n, err := strconv.ParseInt(string(k), 10, 64)
	id := n - channelNumbers
	return ChannelID(id), err == nil && id > 0 && id < 1<<32
}

// decimal reports whether s is a whole number above zero, as one writes it.
func decimal(s string) bool {
	if s == "" || len(s) > maxNumber || s[0] == '0' {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
