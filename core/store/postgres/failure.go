package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"dragoman/core/store"
)

// errClosed is what everything answers after Close.
var errClosed = fmt.Errorf("%w: the store is closed", store.ErrUnavailable)

// SQLSTATE values told apart here.
const (
	stateUnique     = "23505"
	stateSerial     = "40001"
	stateDeadlock   = "40P01"
	stateReadOnly   = "25006"
	stateLockFailed = "55P03"
	stateTooComplex = "54001"
	stateDiskFull   = "53100"
)

// unavailable are the classes of SQLSTATE that mean the server, not the statement: connections,
// rollbacks for others' sake, resources, intervention, the system, corruption, credentials.
var unavailable = []string{"08", "40", "53", "57", "58", "XX", "28", "3D"}

// failure makes store.ErrUnavailable of what is the server's or the network's fault.
func failure(err error) error {
	if err == nil || errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrBadFilter) {
		return err
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		if pe.Code == stateReadOnly || pe.Code == stateLockFailed {
			return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
		}
		for _, class := range unavailable {
			if strings.HasPrefix(pe.Code, class) {
				return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
			}
		}
		return fmt.Errorf("postgres: %w", err)
	}
	if lost(err) {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return fmt.Errorf("postgres: %w", err)
}

// lost reports whether the connection is the cause.
func lost(err error) bool {
	var ce *pgconn.ConnectError
	var ne net.Error
	return errors.As(err, &ce) || errors.As(err, &ne) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || pgconn.Timeout(err) || pgconn.SafeToRetry(err) ||
		strings.Contains(err.Error(), "closed pool") || strings.Contains(err.Error(), "conn closed") || strings.Contains(err.Error(), "connection reset") || strings.Contains(err.Error(), "broken pipe")
}

// state is the SQLSTATE of an error, or "".
func state(err error) string {
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return pe.Code
	}
	return ""
}

// again reports whether the whole transaction may succeed when it is run once more.
func again(err error) bool {
	c := state(err)
	return c == stateSerial || c == stateDeadlock || errors.Is(err, errCrossed)
}

// ended is the error of work whose context ended before it began.
func ended(ctx context.Context) error {
	return fmt.Errorf("%w: %w", store.ErrUnavailable, context.Cause(ctx))
}

// names reports whether a DSN sets a parameter.
func names(dsn, param string) bool { return strings.Contains(dsn, param+"=") }
