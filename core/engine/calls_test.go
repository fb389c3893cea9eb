package engine_test

import (
	"testing"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
)

// dialling is a world of calls.
type dialling struct {
	*world
	t *testing.T
}

func (d dialling) start(by core.UserID, key core.ChannelKey) (core.Called, error) {
	return d.core().Calls.Start(d.t.Context(), d.as(by), core.StartCall{Key: key, Kind: "video"})
}

func (d dialling) move(by core.UserID, session string, to core.CallStatus) error {
	_, err := d.core().Calls.Move(d.t.Context(), d.as(by), core.MoveCall{Session: session, Status: to})
	return err
}

func TestCallBetweenTwo(t *testing.T) {
	d := dialling{single(t, "ann", "bob", "cid"), t}
	ab, cb := direct(t, d.world, "ann", "bob"), direct(t, d.world, "cid", "bob")
	bob := d.listen(0, "bob")
	d.watch(0, bob, ab)
	out, err := d.start("ann", ab)
	if err != nil {
		t.Fatal(err)
	}
	s := out.Call.Session
	if ev := bob.next(core.MessageSent).Event; ev.Message.Notice == nil || ev.Message.Notice.Call == nil || ev.Message.Notice.Call.Status != core.CallInitiated {
		t.Errorf("bob is rung with %+v", ev.Message.Notice)
	}
	_, err = d.start("ann", ab)
	wants(t, "calling twice", err, fault.CallBusy, "self")
	_, err = d.start("cid", cb)
	wants(t, "calling the busy", err, fault.CallBusy, "peer")
	wants(t, "ending what was not answered", d.move("bob", s, core.CallEndedState), fault.CallInvalidTransition, "initiated_to_ended")
	wants(t, "back to the start", d.move("bob", s, core.CallInitiated), fault.CallInvalidTransition, "to_initiated")
	wants(t, "somebody else", d.move("cid", s, core.CallOngoing), fault.CallNotParticipant, "")
	wants(t, "no such call", d.move("cid", "none", core.CallOngoing), fault.CallNotFound, "")
	wants(t, "answering", d.move("bob", s, core.CallOngoing), nil, "")
	wants(t, "answering twice", d.move("bob", s, core.CallOngoing), fault.CallAlreadyJoined, "user")
	wants(t, "busy while talking", d.move("bob", s, core.CallBusyStatus), fault.CallInvalidTransition, "from_ongoing")
	wants(t, "hanging up", d.move("ann", s, core.CallEndedState), nil, "")
	wants(t, "hanging up twice", d.move("bob", s, core.CallEndedState), fault.CallEnded, "")
	if _, err = d.start("cid", cb); err != nil {
		t.Errorf("bob is still busy: %v", err)
	}
	if list, err := d.core().Calls.List(t.Context(), d.as("bob"), core.ListCalls{}); err != nil || len(list) != 2 {
		t.Errorf("bob's calls are %v (%v)", list, err)
	}
	d.clock.Add(3 * time.Minute)
	if _, err = d.start("ann", ab); err != nil {
		t.Errorf("a call nobody answered holds bob: %v", err)
	}
}

func TestCallOfGroup(t *testing.T) {
	d := dialling{single(t, "ann", "bob", "cid", "eve"), t}
	key := d.group("g", "ann", "bob", "cid")
	out, err := d.start("ann", key)
	if err != nil {
		t.Fatal(err)
	}
	s := out.Call.Session
	_, err = d.start("bob", key)
	wants(t, "a second call", err, fault.CallBusy, "group")
	_, err = d.start("eve", key)
	wants(t, "a stranger", err, fault.GroupNotMember, "self")
	wants(t, "busy", d.move("bob", s, core.CallBusyStatus), fault.CallInvalidTransition, "group_status")
	wants(t, "one refuses", d.move("cid", s, core.CallRejected), nil, "")
	wants(t, "one joins", d.move("bob", s, core.CallOngoing), nil, "")
	wants(t, "joining twice", d.move("bob", s, core.CallOngoing), fault.CallAlreadyJoined, "group")
	wants(t, "leaving", d.move("bob", s, core.CallEndedState), nil, "")
	wants(t, "leaving twice", d.move("bob", s, core.CallEndedState), fault.CallAlreadyLeft, "")
	if c, err := d.core().Calls.Get(t.Context(), d.as("cid"), core.GetCall{Session: s}); err != nil || c.Status != core.CallOngoing {
		t.Errorf("the call is %s (%v)", c.Status, err)
	}
	wants(t, "the last one leaves", d.move("ann", s, core.CallEndedState), nil, "")
	if c, _ := d.core().Calls.Get(t.Context(), d.as("cid"), core.GetCall{Session: s}); c.Status != core.CallEndedState {
		t.Errorf("the call is %s", c.Status)
	}
}
