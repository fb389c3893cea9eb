package config

import (
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// lines tells on which line of the file a key stands, by path ("app[0].stream.api_key").
type lines map[string]int

// line finds the key, or the nearest table above it; 0 when none of them is in the file.
func (l lines) line(path string) int {
	for {
		if n, ok := l[path]; ok {
			return n
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return 0
		}
		path = path[:i]
	}
}

// indexLines reads the document once more for positions alone. A document that does not parse
// gives what came before the mistake.
func indexLines(doc []byte) lines {
	l, count := lines{}, map[string]int{}
	table := ""
	p := &unstable.Parser{}
	p.Reset(doc)
	for p.NextExpression() {
		e := p.Expression()
		switch e.Kind {
		case unstable.Table:
			table, _ = l.add(p, e, "", count)
		case unstable.ArrayTable:
			path, n := l.add(p, e, "", nil)
			table = path + "[" + strconv.Itoa(count[path]) + "]"
			count[path]++
			l[table] = n
		case unstable.KeyValue:
			l.add(p, e, table, nil)
		default:
		}
	}
	return l
}

// add notes the line of an expression's key below a table and returns its path. With count, the
// first key of a header that is an array of tables means its latest element.
func (l lines) add(p *unstable.Parser, e *unstable.Node, table string, count map[string]int) (string, int) {
	path, line := table, 0
	for it := e.Key(); it.Next(); {
		k := it.Node()
		line = p.Shape(k.Raw).Start.Line
		if path != "" {
			path += "."
		}
		path += string(k.Data)
		if n := count[path]; n > 0 {
			path += "[" + strconv.Itoa(n-1) + "]"
		}
	}
	if _, dup := l[path]; !dup {
		l[path] = line
	}
	return path, line
}
