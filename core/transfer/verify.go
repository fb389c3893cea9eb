package transfer

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Ours reports whether a file begins as an export of ours does.
func Ours(head []byte) bool {
	line, _, _ := bytes.Cut(head, []byte{'\n'})
	var it Item
	return json.Unmarshal(line, &it) == nil && it.Header != nil && it.Header.Format == Format
}

// Verify reads an export to its end and checks it against its manifest: a file that was cut off or
// changed is told before anything of it is taken.
func Verify(r io.Reader) (Manifest, error) {
	in := bufio.NewReaderSize(r, 1<<20)
	sum := sha256.New()
	var last []byte
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			sum.Write(last)
			last = line
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Manifest{}, fmt.Errorf("read the export: %w", err)
		}
	}
	var it Item
	if err := json.Unmarshal(last, &it); err != nil || it.Manifest == nil {
		return Manifest{}, errors.New("the export has no manifest: it was cut off")
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != it.Manifest.SHA256 {
		return *it.Manifest, fmt.Errorf("the export was changed: its SHA-256 is %s, its manifest says %s", got, it.Manifest.SHA256)
	}
	return *it.Manifest, nil
}
