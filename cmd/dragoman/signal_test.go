package main

import (
	"os"
	"slices"
	"syscall"
	"testing"
)

func TestSecondSignalEndsAtOnce(t *testing.T) {
	for _, tt := range []struct {
		name    string
		signals int
		want    []string
	}{
		{"one signal stops gracefully", 1, []string{"stop"}},
		{"two signals end at once", 2, []string{"stop", "abort"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			signals, done, ended := make(chan os.Signal), make(chan struct{}), make(chan struct{})
			var got []string
			go func() {
				defer close(ended)
				stopOnSignal(signals, done, func() { got = append(got, "stop") }, func() { got = append(got, "abort") })
			}()
			for range tt.signals {
				signals <- syscall.SIGTERM
			}
			if tt.signals < 2 {
				close(done) // the program has stopped by itself
			}
			<-ended
			if !slices.Equal(got, tt.want) {
				t.Errorf("did %v, want %v", got, tt.want)
			}
		})
	}
}
