package core

import (
	"context"
	"encoding/json"
	"io"
	"time"
)

// Draft is an unsent message of a person, one per channel and one per thread.
type Draft struct {
	User       UserID          `json:"user"`
	Channel    ChannelID       `json:"channel"`
	Key        ChannelKey      `json:"key"`
	Parent     string          `json:"parent,omitempty"` // name of the thread's first message
	Message    json.RawMessage `json:"message"`          // the client's message object as sent
	Quoted     string          `json:"quoted,omitempty"`
	CreatedAt  time.Time       `json:"created_at"`
	ChannelNow *Channel        `json:"channel_now,omitempty"` // filled when answering
	ParentNow  *Message        `json:"parent_now,omitempty"`
	QuotedNow  *Message        `json:"quoted_now,omitempty"`
}

// Commands of drafts.
type (
	PutDraft struct{ Draft Draft }
	GetDraft struct {
		Key    ChannelKey
		Parent string
	}
	DeleteDraft struct {
		Key    ChannelKey
		Parent string
	}
	// QueryDrafts: filter fields key, parent, created_at.
	QueryDrafts struct {
		Filter Filter
		Sort   []Sort
		Page   Page
	}
	DraftPage struct {
		Drafts     []Draft
		Next, Prev string
	}
)

// Drafts keeps unsent messages.
type Drafts interface {
	Put(ctx context.Context, by Actor, in PutDraft) (Draft, error)
	Get(ctx context.Context, by Actor, in GetDraft) (Draft, error)
	Delete(ctx context.Context, by Actor, in DeleteDraft) (Draft, error)
	Query(ctx context.Context, by Actor, in QueryDrafts) (DraftPage, error)
}

// Reminder brings a message back to a person's mind at a time, or bookmarks it (no time).
type Reminder struct {
	User       UserID     `json:"user"`
	Message    MessageID  `json:"message"`
	Alias      string     `json:"alias,omitempty"`
	Channel    ChannelID  `json:"channel"`
	Key        ChannelKey `json:"key"`
	RemindAt   time.Time  `json:"remind_at,omitzero"`
	FiredAt    time.Time  `json:"fired_at,omitzero"`
	CreatedAt  time.Time  `json:"created_at"`
	UpdatedAt  time.Time  `json:"updated_at"`
	Owner      *User      `json:"owner,omitempty"`
	MessageNow *Message   `json:"message_now,omitempty"`
	ChannelNow *Channel   `json:"channel_now,omitempty"`
}

// Commands of reminders. At most 250 per person, one per message.
type (
	PutReminder struct {
		Message  string
		RemindAt time.Time
		Create   bool
		Always   bool // also where the channel's type has reminders switched off: for dialects without that switch
	}
	DeleteReminder struct {
		Message string
		Always  bool
	}
	// QueryReminders: filter fields key, message, remind_at, created_at.
	QueryReminders struct {
		Filter Filter
		Sort   []Sort
		Page   Page
	}
	ReminderPage struct {
		Reminders  []Reminder
		Next, Prev string
	}
)

// Reminders keeps a person's reminders and tells them when due.
type Reminders interface {
	Put(ctx context.Context, by Actor, in PutReminder) (Reminder, error)
	Delete(ctx context.Context, by Actor, in DeleteReminder) (Reminder, error)
	Query(ctx context.Context, by Actor, in QueryReminders) (ReminderPage, error)
}

// Device is a push target. At most 25 per person.
type Device struct {
	ID           string    `json:"id"`
	User         UserID    `json:"user"`
	Provider     string    `json:"provider"`
	ProviderName string    `json:"provider_name,omitempty"`
	Voip         bool      `json:"voip,omitempty"`
	CreatedAt    time.Time `json:"created_at"`
}

// Commands of devices.
type (
	AddDevice    struct{ Device Device }
	RemoveDevice struct{ ID string }
	ListDevices  struct{}
)

// Devices manages push targets. Nothing is pushed yet: the list is kept and handed back.
type Devices interface {
	Add(ctx context.Context, by Actor, in AddDevice) (Device, error)
	Remove(ctx context.Context, by Actor, in RemoveDevice) (Device, error)
	List(ctx context.Context, by Actor, in ListDevices) ([]Device, error)
}

// UploadFile stores what Body holds. Size is the declared length or -1.
type UploadFile struct {
	Key   ChannelKey // empty means no channel
	Name  string
	Type  string // media type, sniffed when empty
	Image bool   // must be an image
	Size  int64
	Body  io.Reader
}

// File is an uploaded file.
type File struct {
	ID        string // unguessable; part of the URL
	Name      string
	Type      string
	Size      int64
	Width     int // images only
	Height    int
	Owner     UserID
	CreatedAt time.Time
}

// OpenFile reads a file by id. It needs no actor beyond the app: the id is the secret.
type OpenFile struct{ ID string }

// OpenedFile is a file with its content; the caller closes Body.
type OpenedFile struct {
	File File
	Body io.ReadSeekCloser
}

// RemoveFile deletes a file.
type RemoveFile struct {
	Key ChannelKey
	ID  string
}

// Files stores uploads.
type Files interface {
	Upload(ctx context.Context, by Actor, in UploadFile) (File, error)
	Open(ctx context.Context, by Actor, in OpenFile) (OpenedFile, error)
	Remove(ctx context.Context, by Actor, in RemoveFile) (File, error)
}

// Task is a long piece of work and its state: pending, running, completed or failed.
type Task struct {
	ID        string    `json:"id"`
	State     string    `json:"state"`
	Result    Extra     `json:"result,omitempty"`
	Failure   string    `json:"failure,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// GetTask reads a task by id.
type GetTask struct{ ID string }

// Tasks tells how long pieces of work fare.
type Tasks interface {
	Get(ctx context.Context, by Actor, in GetTask) (Task, error)
}
