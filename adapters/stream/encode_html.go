package stream

import (
	"strings"

	"dragoman/adapters/wire"
)

var htmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;")

// writeHTML writes the text as one paragraph of HTML, the value of a message's "html" member.
// Markup in the text is shown, not rendered.
func writeHTML(w *wire.Writer, text string) {
	if text == "" {
		w.Item("")
		return
	}
	if strings.ContainsAny(text, `&<>"'`) {
		text = htmlEscaper.Replace(text)
	}
	w.Items("<p>", text, "</p>\n")
}
