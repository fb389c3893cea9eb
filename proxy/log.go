package proxy

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/valyala/fasthttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"dragoman/core"
)

// finish counts and logs an answered request, once: at error for failures of ours, at info for
// other errors and slow requests, at debug for the rest. Query, headers and bodies are never logged.
func (x *exchange) finish(fc *fasthttp.RequestCtx) {
	took := time.Since(x.start)
	x.l.s.met.count(x, took)
	level := zapcore.DebugLevel
	switch {
	case x.stack != nil:
		level = zapcore.ErrorLevel
	case x.problem != nil && x.problem.Loggable() && !alive[x.problem.Reason]:
		level = zapcore.WarnLevel
	case x.status >= 400, took >= x.l.s.opt.SlowRequest && (x.t == nil || x.t.route == nil || !x.t.route.Slow):
		level = zapcore.InfoLevel
	}
	line := x.l.s.log.Check(level, "request answered")
	if line == nil {
		return
	}
	f := make([]zap.Field, 0, 16)
	f = append(f, zap.String("request_id", x.rq.ID), zap.String("listener", x.l.name))
	if x.app != nil {
		f = append(f, zap.String("app", x.app.Name))
	}
	if x.m != nil {
		f = append(f, zap.String("dialect", x.m.name))
	}
	if x.t != nil {
		f = append(f, zap.String("route", x.t.name))
	}
	if x.by.User != "" {
		f = append(f, zap.String("user_id_hash", hashUser(x.by.App, x.by.User)))
	}
	f = append(f, zap.String("method", printable(x.rq.Method)), zap.Int("status", x.status),
		zap.Duration("duration", took), zap.Int("bytes_in", max(fc.Request.Header.ContentLength(), 0)), zap.Int("bytes_out", x.out))
	if x.problem != nil {
		f = append(f, zap.String("reason", x.problem.Code), zap.String("vendor_code", vendorCode(x)))
		if x.problem.TraceID != "" {
			f = append(f, zap.String("trace_id", x.problem.TraceID))
		}
	}
	if x.fault != nil && level >= zapcore.WarnLevel && x.fault.Err != nil {
		f = append(f, zap.String("cause", x.fault.Error()))
	}
	if x.stack != nil {
		f = append(f, zap.ByteString("stack", x.stack))
	}
	line.Write(f...)
}

// hashUser names a user in logs without telling who it is.
func hashUser(app core.AppID, user core.UserID) string {
	sum := sha256.Sum256(append([]byte{byte(app), byte(app >> 8), byte(app >> 16), byte(app >> 24)}, user...))
	return hex.EncodeToString(sum[:8])
}

// printable keeps a made-up method from filling the log.
func printable(method string) string {
	if len(method) > 16 {
		return method[:16]
	}
	return method
}
