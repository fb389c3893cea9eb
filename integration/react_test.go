package integration_test

import "testing"

// TestReactPage drives a page of the vendor's React kit in two headless browsers against the demo.
// The screenshots are kept in .out/.
func TestReactPage(t *testing.T) {
	t.Parallel() // waits more than it works
	node(t)
	browser := tool(t, "chromium", "chromium-browser", "google-chrome")
	s := start(t)
	runNode(t, "react/page.test.mjs", append(environ(s), "CHROMIUM="+browser)...)
}
