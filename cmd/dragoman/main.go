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

// The exit codes. Scripts rely on them.
const (
	exitOK      = 0
	exitFailure = 1 // something went wrong while working
	exitUsage   = 2 // the command line or the configuration is wrong
)

// streams is what a command reads and writes, so that tests can stand in.
type streams struct {
	out, err io.Writer
	environ  []string
}

// cli is the command line. Its tags are the help text.
type cli struct {
	Serve   serveCmd   `cmd:"" help:"Run the server."`
	Config  configCmd  `cmd:"" help:"Check or explain the configuration."`
	Codes   codesCmd   `cmd:"" help:"Look up vendor errors: what they mean, what other vendors call them."`
	Token   tokenCmd   `cmd:"" help:"Print a token for a person, as the vendor's own backend would."`
	Export  exportCmd  `cmd:"" help:"Write everything of an app as JSON lines."`
	Import  importCmd  `cmd:"" help:"Read an export, or a file of another chat service, into an app."`
	Shadow  shadowCmd  `cmd:"" help:"Ask a running server how its core and the vendor behind it agree."`
	Ping    pingCmd    `cmd:"" help:"Ask a running server on this machine whether it lives; for container health checks."`
	Version versionCmd `cmd:"" help:"Print the version."`
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
	exit := -1
	parser, err := kong.New(&c,
		kong.Name("dragoman"),
		kong.Description("A chat server that speaks the wire dialects of chat vendors. Change the host in the vendor's official SDK, keep the app.\n\nTry it: dragoman serve --demo"),
		kong.Writers(s.out, s.err),
		kong.Exit(func(code int) { exit = code }),
		kong.Bind(s),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		fmt.Fprintln(s.err, "dragoman:", err)
		return exitFailure
	}
	ctx, err := parser.Parse(args)
	if exit >= 0 { // --help has printed its page
		return exit
	}
	if err != nil {
		fmt.Fprintln(s.err, "dragoman:", err)
		fmt.Fprintln(s.err, "Run \"dragoman --help\" for the commands.")
		return exitUsage
	}
	return code(s.err, ctx.Run())
}

// code reports an error, if any, and turns it into an exit code.
func code(w io.Writer, err error) int {
	var usage *usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		fmt.Fprintln(w, usage.text)
		return exitUsage
	default:
		fmt.Fprintln(w, "dragoman:", err)
		return exitFailure
	}
}
