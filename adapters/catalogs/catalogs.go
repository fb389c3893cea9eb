// Package catalogs lists the error tables of every vendor in one place. It is what the command
// line, the reference pages and the translator read; dialects import their own folder only.
package catalogs

import (
	"sync"

	"dragoman/adapters/agora"
	"dragoman/adapters/cometchat"
	"dragoman/adapters/nexconn"
	"dragoman/adapters/stream"
	"dragoman/normalize"
)

// All is the set of the five catalogues, parsed on first use.
var All = sync.OnceValue(func() *normalize.Set {
	return normalize.NewSet(
		stream.Vendor(), cometchat.Vendor(), agora.Vendor(), agora.SDKVendor(), nexconn.Vendor(),
	)
})
