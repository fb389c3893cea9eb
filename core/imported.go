package core

// Imported is one thing of another's export file, read by the dialect of who wrote it: exactly one of
// the pointers is set. Times and ids are theirs; what refers to something else does so by name.
type Imported struct {
	User     *User
	Channel  *Channel
	Message  *Message // ChannelKey names the channel, Alias is the id, ID is 0
	Reaction *Reaction
	Member   *Member // of Key; the read position is ReadAt
	Mute     *ImportedMute

	Key    ChannelKey // of Member
	Parent string     // of Message: first message of the thread it replies to
	Quoted string     // of Message
	On     string     // of Reaction: the message
}

// ImportedMute silences a person, or with a Channel a channel, for User.
type ImportedMute struct {
	User, Target UserID
	Channel      ChannelKey
}
