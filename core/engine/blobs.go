package engine

import (
	"context"
	"io"
)

// Blobs keeps the content of uploads by name. Names are made by the engine: unguessable, of
// letters, digits, - and _.
type Blobs interface {
	// Put stores what r holds; nothing is left behind when it fails. It returns the size.
	Put(ctx context.Context, name string, r io.Reader) (int64, error)
	// Open reads a blob; an error that is fs.ErrNotExist if there is none.
	Open(ctx context.Context, name string) (io.ReadSeekCloser, error)
	// Remove deletes a blob; none there is not an error.
	Remove(ctx context.Context, name string) error
}
