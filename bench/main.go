// Command bench measures the server as a client meets it: the real binary in a process of its own,
// durable, over real sockets on this machine. Rates move with the machine and with who else uses
// it; the server's processor time per operation does not, so both are printed, with the load.
//
// Every figure is the median of several rounds. The load generator runs in this process and shares
// the processors with the server.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// options are what a run was asked for.
type options struct {
	sections string        // letters of the sections to run
	rounds   int           // medians are taken over this many
	span     time.Duration // of one measurement
	watchers int           // sockets of the fan-out
	idle     int           // sockets of the memory measurement
}

// section is one line of questions.
type section struct {
	letter string
	title  string
	run    func(*report, options) error
}

var sections = []section{
	{"a", "messages acknowledged over REST", benchSend},
	{"b", "send to the other client's socket, by dialect", benchLatency},
	{"c", "one sender to many watching sockets", benchFanout},
	{"d", "idle sockets", benchIdle},
	{"e", "decode, core, encode over a store that costs nothing", benchPath},
	{"f", "cold start", benchStart},
	{"g", "errors translated, and their tables read", benchErrors},
	{"h", "coming back to 10,000 missed messages, over Agora's MSync", benchCatchUp},
	{"v", "calls and live links passed on to a vendor", benchFront},
	{"w", "a light app beside the flood of another on one hot channel", benchBeside},
	{"x", "a text from one vendor's SDK to another's, all sixteen pairs", benchCross},
	{"p", "durable appends to PostgreSQL, beside what it does for the same rows", benchScale},
}

// peers are what this program is instead when it starts itself to be compared with.
var peers = map[string]func() error{bareFlag: serveBare, bareHTTPFlag: serveBareHTTP}

func main() {
	if peer := peers[strings.Join(os.Args[1:], " ")]; peer != nil {
		if err := peer(); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	var o options
	flag.StringVar(&o.sections, "only", "abcdefgh", "sections to run; p needs PostgreSQL installed, x the SDKs (npm ci in integration)")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds per figure; the median is printed")
	flag.DurationVar(&o.span, "span", 1500*time.Millisecond, "length of one measurement")
	flag.IntVar(&o.watchers, "watchers", 1000, "sockets that watch in section c")
	flag.IntVar(&o.idle, "idle", 5000, "idle sockets in section d")
	flag.Parse()
	if err := run(os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, o options) error {
	cleanup, err := buildServer()
	if err != nil {
		return err
	}
	defer cleanup()
	began := time.Now()
	fmt.Fprintf(w, "dragoman bench: %d processors, %s, medians of %d, load %s\n", runtime.NumCPU(), runtime.Version(), o.rounds, load())
	var failed error
	for _, s := range sections {
		if !strings.Contains(o.sections, s.letter) {
			continue
		}
		fmt.Fprintf(w, "\n(%s) %s\n", s.letter, s.title)
		r := &report{tab: tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
		err := s.run(r, o)
		_ = r.tab.Flush()
		if err != nil {
			fmt.Fprintf(w, "    failed: %v\n", err)
			failed = fmt.Errorf("section %s: %w", s.letter, err)
		}
	}
	fmt.Fprintf(w, "\n%.0f s, load %s\n", time.Since(began).Seconds(), load())
	return failed
}

// report collects the rows of one section.
type report struct{ tab *tabwriter.Writer }

// row prints one figure: what, how much, and what it took.
func (r *report) row(what, figure string, notes ...string) {
	fmt.Fprintf(r.tab, "    %s\t%s\t%s\tload %s\n", what, figure, strings.Join(notes, ", "), load())
}

// load is the machine's load average over one minute.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(b), " ")
	return first
}

// median of what a function gives over the rounds, by the key that matters.
func median[T any](rounds int, key func(T) float64, f func() (T, error)) (T, error) {
	var all []T
	for range rounds {
		v, err := f()
		if err != nil {
			var zero T
			return zero, err
		}
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b T) int {
		switch ka, kb := key(a), key(b); {
		case ka < kb:
			return -1
		case ka > kb:
			return 1
		}
		return 0
	})
	return all[len(all)/2], nil
}

// percentile of sorted durations.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(p*float64(len(sorted))))]
}

func micros(d time.Duration) string {
	return fmt.Sprintf("%.1f µs", float64(d.Nanoseconds())/1000)
}

func millis(d time.Duration) string { return fmt.Sprintf("%.3f ms", float64(d.Nanoseconds())/1e6) }
