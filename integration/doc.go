// Package integration runs vendors' SDKs, exactly as published, against the real server process
// over real sockets. Nothing here imports the server: what a test knows, an app knows too.
//
// interop/ has people with all four SDKs in one room: a process each, which the Go test tells what to do
// over lines of JSON, and a table of what the others have to be told.
//
// The JavaScript side lives beside it: stream/*.test.mjs and cometchat/*.test.mjs are written against
// the npm packages of the vendors and run under Node, react/ and cometchat/browser.test.mjs are pages
// driven in headless Chromium. `npm ci` in this
// folder installs what they need. On a machine without Node or Chromium the tests that need them
// are skipped, unless CI=true: then a missing tool is a failure.
package integration
