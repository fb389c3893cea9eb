package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"dragoman/core"
	"dragoman/core/fault"
	"dragoman/core/store"
)

type tasks struct{ e *Engine }

// The kinds of task.
const taskDeleteUsers = "users.delete"

// States of a task.
const (
	taskPending   = "pending"
	taskRunning   = "running"
	taskCompleted = "completed"
	taskFailed    = "failed"
)

// taskKinds says what each kind of task does. A task that a stop of the process interrupts is run
// again from its start, so each must cope with finding its work half done.
var taskKinds = map[string]func(ctx context.Context, e *Engine, app core.AppID, job json.RawMessage) (core.Extra, error){
	taskDeleteUsers: deleteUsers, taskBroadcast: sendBroadcast, taskUnbroadcast: deleteBroadcast,
	taskCloseThread: deleteReplies,
}

// storedTask is a task and what it needs to run.
type storedTask struct {
	core.Task
	Kind string          `json:"kind"`
	Job  json.RawMessage `json:"job"`
}

// taskPoll is how often the worker looks for tasks it was not told of.
const (
	taskPoll       = 10 * time.Second
	taskPollShared = time.Second
)

// startTask records a task in the transaction of the command; the worker finds it after the commit.
func startTask[T any](t *txn, kind string, job *T) (core.Task, error) {
	b, err := json.Marshal(job)
	if err != nil {
		return core.Task{}, err
	}
	s := storedTask{Task: core.Task{ID: uuid(), State: taskPending, CreatedAt: t.e.now(), UpdatedAt: t.e.now()}, Kind: kind, Job: b}
	if err := putJSON(t, spaceTasks, s.ID, &s); err != nil {
		return s.Task, err
	}
	t.then(func() { kick(t.e.kit.tasks) })
	return s.Task, t.PutRecord(allApps, spaceTasksOpen, keyOf(strconv.FormatInt(int64(t.app), 10), s.ID), nothing)
}

// Get reads a task by id.
func (s tasks) Get(ctx context.Context, by core.Actor, in core.GetTask) (core.Task, error) {
	const op = "tasks.get"
	if err := serverOnly(by, "reading tasks"); err != nil {
		return core.Task{}, translate(op, err)
	}
	t, err := getJSON[storedTask](ctx, s.e.store, by.App, spaceTasks, in.ID)
	if errors.Is(err, store.ErrNotFound) {
		err = fault.ResourceNotFound.Error(fmt.Sprintf("task %q does not exist", in.ID))
	}
	return t.Task, translate(op, err)
}

// runTasks works on open tasks, one after the other, until ctx ends.
func (e *Engine) runTasks(ctx context.Context) {
	poll := taskPoll
	if e.opts.Shared { // another node may have been told of it
		poll = taskPollShared
	}
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		if err := e.workTasks(ctx); err != nil && ctx.Err() == nil {
			e.opts.Report("background tasks cannot run", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-e.kit.tasks:
		}
	}
}

func (e *Engine) workTasks(ctx context.Context) error {
	if !e.lease.held() {
		return nil // another node's work
	}
	for after := ""; ; {
		rows, err := e.store.Records(ctx, allApps, spaceTasksOpen, "", after, false, 100)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, r := range rows {
			after = r.Key
			app, id, _ := strings.Cut(r.Key, "\x00")
			n, err := strconv.ParseInt(app, 10, 64)
			if err != nil {
				continue
			}
			if err := e.workTask(ctx, core.AppID(n), id, r.Key); err != nil {
				return err
			}
		}
	}
}

// workTask runs one task to its end. Failures of the store leave it open, to be tried again.
func (e *Engine) workTask(ctx context.Context, app core.AppID, id, open string) error {
	s, err := getJSON[storedTask](ctx, e.store, app, spaceTasks, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err == nil {
		s.State, s.UpdatedAt = taskRunning, e.now()
		if err := e.update(ctx, s.Kind, app, 0, func(t *txn) error { return putJSON(t, spaceTasks, id, &s) }); err != nil {
			return err
		}
		run := taskKinds[s.Kind]
		if run == nil {
			s.State, s.Failure = taskFailed, "this version does not know the kind of task"
		} else if s.Result, err = run(ctx, e, app, s.Job); err == nil {
			s.State = taskCompleted
		} else if ctx.Err() != nil || errors.Is(err, store.ErrUnavailable) || fault.IsReason(err, fault.StorageUnavailable) {
			return err
		} else {
			s.State, s.Failure = taskFailed, fault.From(err).Message()
			e.opts.Report("a background task failed", err)
		}
		s.UpdatedAt = e.now()
	}
	return e.update(ctx, "tasks.finish", app, 0, func(t *txn) error {
		if s.ID != "" {
			if err := putJSON(t, spaceTasks, id, &s); err != nil {
				return err
			}
		}
		return t.DeleteRecord(allApps, spaceTasksOpen, open)
	})
}
