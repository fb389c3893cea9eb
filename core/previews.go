package core

import "context"

// GetPreview asks for what a web page says about itself.
type GetPreview struct{ URL string }

// Preview is a page's own description, by the Open Graph protocol (https://ogp.me) where it has one.
type Preview struct {
	URL         string // as asked for
	Title       string
	Text        string
	Site        string
	Image       string
	Video       string
	Type        string // video, image or article
	ImageWidth  int
	ImageHeight int
}

// Previews describes web pages that messages link to.
type Previews interface {
	// Get fetches the page: http and https only, at most 1 MiB, three redirects, and no private
	// addresses unless the operator allows them. A page that cannot be read, or says nothing about
	// itself, answers resource.not_found.
	Get(ctx context.Context, by Actor, in GetPreview) (Preview, error)
}
