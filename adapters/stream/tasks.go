package stream

import (
	"context"

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
