package normalize

import "strconv"

// WholeBatch is the error of a batch whose every item failed for one reason: the batch is that
// error. It returns nil when an item succeeded or the reasons differ; answer per item then.
func WholeBatch(items []*Problem) *Problem {
	if len(items) == 0 || items[0] == nil {
		return nil
	}
	for _, p := range items[1:] {
		if p == nil || p.Code != items[0].Code || p.Variant != items[0].Variant {
			return nil
		}
	}
	return items[0]
}

// AppendBatch appends the unified form of a batch: each item's own outcome, nil for success.
func AppendBatch(b []byte, items []*Problem) []byte {
	b = append(b, `{"results":[`...)
	partial := false
	for i, p := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, `{"index":`...), int64(i), 10)
		if p == nil {
			b = append(b, `,"ok":true}`...)
			continue
		}
		partial = true
		b = append(p.AppendJSON(append(b, `,"ok":false,"error":`...)), '}')
	}
	return append(strconv.AppendBool(append(b, `],"partial":`...), partial), '}')
}
