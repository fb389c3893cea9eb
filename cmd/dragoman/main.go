// Command dragoman is a chat server that speaks the wire dialects of chat vendors: an app written
// against a vendor's official SDK changes its host and keeps working.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"
)

// streams is what a command reads and writes, so that tests can stand in.
type streams struct {
	out, err io.Writer
	environ  []string
}

// cli is the command line. Its tags are the help text.
type cli struct {
	Codes codesCmd `cmd:"" help:"Look up vendor errors: what they mean, what other vendors call them."`
}

// usageError is a mistake of the caller: exit code 2.
type usageError struct{ text string }

// Error returns the sentence for the terminal.
func (e *usageError) Error() string { return e.text }

// usagef makes a usage error.
func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

func main() { os.Exit(run(os.Args[1:], streams{os.Stdout, os.Stderr, os.Environ()})) }

// run is the program without the process around it: it returns the exit code.
func run(args []string, s streams) int {
	var c cli
	parser, err := kong.New(&c, kong.Name("dragoman"), kong.Writers(s.out, s.err), kong.Bind(s))
	if err != nil {
		fmt.Fprintln(s.err, "dragoman:", err)
		return 1
	}
	ctx, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintln(s.err, "dragoman:", err)
		return 2
	}
	var usage *usageError
	switch err := ctx.Run(); {
	case errors.As(err, &usage):
		fmt.Fprintln(s.err, usage.text)
		return 2
	case err != nil:
		fmt.Fprintln(s.err, "dragoman:", err)
		return 1
	}
	return 0
}
