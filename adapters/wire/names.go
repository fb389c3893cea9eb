package wire

// Names is a set of member names.
type Names map[string]struct{}

// NamesOf builds a set.
func NamesOf(names ...string) Names {
	n := make(Names, len(names))
	for _, s := range names {
		n[s] = struct{}{}
	}
	return n
}

// And returns the set with more names.
func (n Names) And(more ...string) Names {
	out := make(Names, len(n)+len(more))
	for s := range n {
		out[s] = struct{}{}
	}
	for _, s := range more {
		out[s] = struct{}{}
	}
	return out
}

// Has reports whether the name is in the set.
func (n Names) Has(name string) bool {
	_, ok := n[name]
	return ok
}
