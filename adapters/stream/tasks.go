package stream

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"dragoman/adapters"
	"dragoman/adapters/wire"
	"dragoman/core"
)

// decodeGetTask reads which task.
func decodeGetTask(rq *adapters.Request) (core.GetTask, error) {
	return core.GetTask{ID: rq.Param("id")}, nil
}

// getTask reads a task: one that was done when it was handed out tells of itself by its id.
func (d *Dialect) getTask(ctx context.Context, by core.Actor, in core.GetTask) (core.Task, error) {
	if t, ok := finishedTask(in.ID); ok {
		return t, nil
	}
	return d.core.Tasks.Get(ctx, by, in)
}

// encodeTaskState answers how a long piece of work fares.
func encodeTaskState(w *wire.Writer, _ *adapters.Request, t core.Task) {
	w.Text("task_id", t.ID)
	w.Text("status", t.State)
	if len(t.Result) > 0 {
		w.Raw("result", t.Result)
	}
	if t.Failure != "" {
		w.Object("error")
		w.Text("type", "failed")
		w.Text("description", t.Failure)
		w.Close()
	}
	w.Time("created_at", t.CreatedAt)
	w.Time("updated_at", t.UpdatedAt)
}

// donePrefix marks the ids of tasks that were done before they were handed out.
const donePrefix = "done-"

// maxDoneID bounds such an id; the things are left out of a longer one.
const maxDoneID = 1500

// finished is the task of a piece of work that the vendor does in the background and that is done
// here already. Its id says when and on what, so nothing has to be kept to tell of it later.
func finished(at time.Time, things []string) core.Task {
	stamp := strconv.FormatInt(at.UnixMilli(), 36)
	list := base64.RawURLEncoding.EncodeToString([]byte(strings.Join(things, "\n")))
	if len(list) > maxDoneID {
		list = ""
	}
	t, _ := finishedTask(donePrefix + stamp + "-" + list)
	return t
}

// finishedTask reads the id of such a task; ok is false for any other id.
func finishedTask(id string) (t core.Task, ok bool) {
	rest, ok := strings.CutPrefix(id, donePrefix)
	stamp, list, ok2 := strings.Cut(rest, "-")
	if !ok || !ok2 || len(list) > maxDoneID {
		return t, false
	}
	ms, err := strconv.ParseInt(stamp, 36, 64)
	things, err2 := base64.RawURLEncoding.DecodeString(list)
	if err != nil || err2 != nil || ms < 0 {
		return t, false
	}
	w := wire.NewWriter(64 + 2*len(things))
	w.Open()
	for s := range strings.SplitSeq(string(things), "\n") {
		if s != "" {
			w.KeyOf(s)
			w.Open()
			w.Text("status", "ok")
			w.Close()
		}
	}
	w.Close()
	at := time.UnixMilli(ms).UTC()
	return core.Task{ID: id, State: "completed", Result: core.Extra(w.Bytes()), CreatedAt: at, UpdatedAt: at}, true
}
