package remote

import (
	"time"

	"dragoman/core"
	"dragoman/core/remote/codec"
)

// request is a command on its way to a node.
type request[In any] struct {
	Actor  core.Actor
	Origin string // see core.WithOrigin
	In     In
	Script []line // what the caller's code has answered so far
}

// reply is the answer: the output, unless one of the others is set.
type reply[Out any] struct {
	Out     Out
	Failure *codec.Failure
	Asked   *question
}

// nothing is the output of commands that have none.
type nothing struct{}

// question is a call of the caller's code that the script has no answer to.
type question struct {
	Fn   int       // which code, by its place in the input
	Key  string    // names the arguments
	From time.Time // times from then on are the command's own and no part of Key
	Args [][]byte  // what the code is called with, pointers as what they point at
}

// line answers one question.
type line struct {
	Fn      int
	Key     string
	From    time.Time
	Args    []change // in the order of the arguments
	Results [][]byte // without the error: code that fails ends the command where it lives
}

// change is what code has made of one argument.
type change struct {
	Fields []changed // of a struct
	Whole  []byte    // of anything else; nil when it is as it was
}

// changed is one field that is not as it was.
type changed struct {
	Name string
	To   []byte
}
