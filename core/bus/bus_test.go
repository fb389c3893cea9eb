package bus_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"dragoman/core/bus"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// take waits for one message.
func take(t *testing.T, c <-chan string) string {
	t.Helper()
	select {
	case s := <-c:
		return s
	case <-time.After(5 * time.Second):
		t.Fatal("no message came")
		return ""
	}
}

func TestNodesHearEachOtherByWildcard(t *testing.T) {
	a, b, err := bus.Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	defer b.Close()
	got := make(chan string, 8)
	if _, err := b.Subscribe("ev.*", func(subject string, data []byte) { got <- subject + " " + string(data) }); err != nil {
		t.Fatal(err)
	}
	if err := b.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"other.1", "ev.1", "ev.2"} {
		if err := a.Publish(s, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if x, y := take(t, got), take(t, got); x != "ev.1 x" || y != "ev.2 x" {
		t.Errorf("heard %q and %q", x, y)
	}
}

func TestCancelledSubscriptionIsSilent(t *testing.T) {
	b, err := bus.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	got := make(chan string, 8)
	hear := func(name string) func(string, []byte) {
		return func(string, []byte) { got <- name }
	}
	cancel, err := b.Subscribe("a", hear("first"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Subscribe("a", hear("second")); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := b.Publish("a", nil); err != nil {
		t.Fatal(err)
	}
	if s := take(t, got); s != "second" {
		t.Errorf("%s heard", s)
	}
}
