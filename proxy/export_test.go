package proxy

// Table is the routing table, for its property test.
type Table struct{ t trie[string] }

// Add enters a route.
func (t *Table) Add(method, path, name string) error { return t.t.add(method, path, name, &name) }

// Find returns the name of the route, its parameters, and else the methods of the path.
func (t *Table) Find(method, path string) (name string, params map[string]string, allow []string) {
	var f found[string]
	if !t.t.find(method, path, &f) {
		return "", nil, f.allow
	}
	params = map[string]string{}
	for i, p := range f.leaf.params {
		params[p] = f.values[i]
	}
	return *f.leaf.value, params, nil
}

// Known is how many other nodes the server has heard of.
func (s *Server) Known() int {
	s.limits.mu.Lock()
	defer s.limits.mu.Unlock()
	return len(s.limits.nodes)
}

// Frames puts messages together, for its fuzz target.
func Frames(out func(text bool, data []byte)) func([]byte) {
	r := &frameReader{}
	return func(b []byte) { r.feed(b, out) }
}
