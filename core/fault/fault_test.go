package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"dragoman/core/fault"
)

func TestTaxonomyHasEveryReasonOnce(t *testing.T) {
	if got := len(fault.All()); got != 136 {
		t.Fatalf("taxonomy holds %d reasons, want 136", got)
	}
	for _, r := range fault.All() {
		back, ok := fault.Lookup(r.Name())
		if !ok || back != r {
			t.Errorf("%s: lookup does not return the same reason", r)
		}
		if r.Title() == "" || r.Status() < 200 || r.Status() > 599 {
			t.Errorf("%s: title %q status %d", r, r.Title(), r.Status())
		}
	}
}

func TestFromClassifies(t *testing.T) {
	inner := fault.UserNotFound.Error("user bob does not exist")
	cases := []struct {
		name string
		err  error
		want *fault.Reason
	}{
		{"own error", inner, fault.UserNotFound},
		{"wrapped", fmt.Errorf("outer: %w", inner), fault.UserNotFound},
		{"deadline", fmt.Errorf("q: %w", context.DeadlineExceeded), fault.RequestTimeout},
		{"cancelled", context.Canceled, fault.RequestCancelled},
		{"foreign", errors.New("boom"), fault.ServerInternal},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := fault.From(c.err); got.Reason != c.want {
				t.Errorf("From(%v) = %v, want %v", c.err, got.Reason, c.want)
			}
		})
	}
	if fault.From(nil) != nil {
		t.Error("From(nil) is not nil")
	}
}

func TestMessageHidesServerDetail(t *testing.T) {
	e := fault.ServerInternal.Error("select failed on table users").Cause(errors.New("dsn secret"))
	if e.Message() != fault.ServerInternal.Title() {
		t.Errorf("server fault shows %q", e.Message())
	}
	if m := fault.UserNotFound.Error("user bob does not exist").Message(); m != "user bob does not exist" {
		t.Errorf("client fault shows %q", m)
	}
}
