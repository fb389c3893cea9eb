package core

import (
	"context"
	"fmt"
	"reflect"
)

// Core is the whole of the chat core as dialects see it.
type Core struct {
	Apps          Apps
	Users         Users
	Channels      Channels
	Messages      Messages
	Reactions     Reactions
	Reads         Reads
	Interactions  Interactions
	Threads       Threads
	Previews      Previews
	Moderation    Moderation
	Blocklists    Blocklists
	Groups        Groups
	Friends       Friends
	Speech        Speech
	Admissions    Admissions
	Board         Board
	Attributes    Attributes
	Rooms         Rooms
	Sessions      Sessions
	Presences     Presences
	Acks          Acks
	Calls         Calls
	Types         Types
	Credentials   Credentials
	Commands      Commands
	Roles         Roles
	Polls         Polls
	Drafts        Drafts
	Reminders     Reminders
	Devices       Devices
	Files         Files
	Tasks         Tasks
	Communities   Communities
	Values        Values
	Streams       Streams
	Live          Live
	Feeds         Feeds
	Health        Health
	Conversations Conversations
	Broadcasts    Broadcasts
	Imports       Imports
}

// Health tells whether the core can work.
type Health interface {
	// Ready returns nil when the store answers and commands are accepted.
	Ready(ctx context.Context) error
}

// Check reports the first service that is missing.
func Check(c *Core) error {
	v := reflect.ValueOf(c).Elem()
	for i := range v.NumField() {
		if v.Field(i).IsNil() {
			return fmt.Errorf("core: service %s is missing", v.Type().Field(i).Name)
		}
	}
	return nil
}
