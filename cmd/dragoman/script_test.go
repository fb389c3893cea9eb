package main

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"dragoman/config"
)

// readyWithin is how long a server may take to live on a busy machine.
const readyWithin = 30 * time.Second

// block chooses a free block of ports: $PORT is its first, $OPS the operations listener.
func block(ts *testscript.TestScript, _ bool, _ []string) {
	p, err := findBlock()
	ts.Check(err)
	ts.Setenv("PORT", strconv.Itoa(p))
	ts.Setenv("OPS", "127.0.0.1:"+strconv.Itoa(p+config.PortOps))
}

// configure puts the block's ports into a file, in place of PORT0, PORT1 and PORT10.
func configure(ts *testscript.TestScript, _ bool, args []string) {
	p, err := strconv.Atoi(ts.Getenv("PORT"))
	ts.Check(err)
	path := ts.MkAbs(args[0])
	text := ts.ReadFile(args[0])
	for _, off := range []int{config.PortOps, config.PortStream, config.PortMain} { // the longest name first
		text = strings.ReplaceAll(text, "PORT"+strconv.Itoa(off), strconv.Itoa(p+off))
	}
	ts.Check(os.WriteFile(path, []byte(text), 0o600))
}

// await waits until a server lives at the address.
func await(ts *testscript.TestScript, _ bool, args []string) {
	for end := time.Now().Add(readyWithin); ; {
		var out bytes.Buffer
		if run([]string{"ping", "--addr", args[0]}, streams{out: &out, err: &out}) == exitOK {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("no server at %s: %s", args[0], out.String())
		}
		time.Sleep(10 * time.Millisecond) // between two questions, not instead of one
	}
}

// emptydir checks that a folder has nothing in it.
func emptydir(ts *testscript.TestScript, neg bool, args []string) {
	list, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	if (len(list) == 0) == neg {
		ts.Fatalf("%s holds %d things", args[0], len(list))
	}
}
