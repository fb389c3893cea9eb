package transfer

import (
	"errors"
	"hash/maphash"
	"time"

	"dragoman/core"
	"dragoman/core/store"
)

// now is the time of what a file does not date.
func (o *Options) now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// dry is what a dry run remembers of a file: what was named so far, messages by a hash of 64 bits.
type dry struct {
	seed     maphash.Seed
	people   map[core.UserID]bool
	channels map[core.ChannelKey]bool
	messages map[uint64]struct{}
}

func newDry() *dry {
	return &dry{seed: maphash.MakeSeed(), people: map[core.UserID]bool{}, channels: map[core.ChannelKey]bool{}, messages: map[uint64]struct{}{}}
}

func (d *dry) hash(name string) uint64 { return maphash.String(d.seed, name) }

// try checks one item as writing it would, against the file so far and the database.
func (im *importer) try(it *Item) error {
	d := im.dry
	if im.o.Decode != nil {
		for _, u := range names(it) {
			if err := im.person(u); err != nil {
				return err
			}
		}
	}
	switch {
	case it.Header != nil:
		if it.Header.Format != Format || it.Header.Version != Version {
			return refuse("the file is %s version %d, not %s version %d", it.Header.Format, it.Header.Version, Format, Version)
		}
	case it.User != nil:
		if it.User.ID == "" {
			return refuse("the user has no id")
		}
		d.people[it.User.ID] = true
	case it.Channel != nil:
		if it.Channel.Key == "" {
			return refuse("the channel has no key")
		}
		d.channels[it.Channel.Key] = true
	case it.Message != nil:
		if err := im.channelKnown(it.Message.ChannelKey); err != nil {
			return err
		}
		if it.Parent != "" && !im.messageKnown(it.Parent) {
			return refuse("the parent message %q does not exist", it.Parent)
		}
		d.messages[d.hash(it.Message.Alias)] = struct{}{}
		d.messages[d.hash(it.Message.ID.String())] = struct{}{}
	case it.Reaction != nil:
		name := it.On
		if name == "" {
			name = it.Reaction.Message.String()
		}
		if !im.messageKnown(name) {
			return refuse("the message of the reaction does not exist")
		}
	case it.Member != nil:
		return im.channelKnown(it.Member.Channel)
	case it.Mute != nil && it.Mute.Channel != "":
		return im.channelKnown(it.Mute.Channel)
	}
	return nil
}

func (im *importer) person(u core.UserID) error {
	if u == "" || im.dry.people[u] {
		return nil
	}
	us, err := im.db.Users(im.ctx, im.o.App, []core.UserID{u})
	if err != nil {
		return err
	}
	if len(us) == 0 {
		return refuse("the user %q does not exist: people come before what they did", u)
	}
	im.dry.people[u] = true
	return nil
}

func (im *importer) channelKnown(key core.ChannelKey) error {
	if im.dry.channels[key] {
		return nil
	}
	_, err := im.db.Channel(im.ctx, im.o.App, key)
	if errors.Is(err, store.ErrNotFound) {
		return refuse("the channel %q does not exist", key)
	}
	im.dry.channels[key] = err == nil
	return err
}

func (im *importer) messageKnown(name string) bool {
	if _, ok := im.dry.messages[im.dry.hash(name)]; ok {
		return true
	}
	ms, err := im.db.MessagesNamed(im.ctx, im.o.App, []string{name})
	return err == nil && len(ms) > 0
}
