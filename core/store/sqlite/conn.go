package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
	"unsafe"

	"modernc.org/libc"
	_ "modernc.org/sqlite" // readies the library and gives the migrations their connection
	lib "modernc.org/sqlite/lib"

	"dragoman/core/store"
	"dragoman/core/store/codec"
)

// maxStatements bounds the prepared statements a connection keeps: filters make many texts.
const maxStatements = 400

// conn is one SQLite connection, used by one goroutine at a time. It speaks to the library without
// database/sql: no boxing of values, no allocation per bound parameter.
type conn struct {
	tls   *libc.TLS
	db    uintptr
	stmts map[string]*stmt
}

// stmt is a prepared statement: bind in order, step, read columns, reset.
type stmt struct {
	c    *conn
	p    uintptr
	next int32 // index of the last parameter bound
	buf  uintptr
	size int // of buf
	used int
	old  []uintptr // outgrown buffers, freed by reset
	err  error     // first bind error, reported by step
}

// openConn opens path. The caller serialises use, so the library's own mutex is left out.
func openConn(path string, pragmas ...string) (*conn, error) {
	c := &conn{tls: libc.NewTLS(), stmts: map[string]*stmt{}}
	name, err := libc.CString(path)
	if err != nil {
		c.tls.Close()
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	defer libc.Xfree(c.tls, name)
	out := libc.Xcalloc(c.tls, 1, 8)
	defer libc.Xfree(c.tls, out)
	flags := int32(lib.SQLITE_OPEN_READWRITE | lib.SQLITE_OPEN_CREATE | lib.SQLITE_OPEN_NOMUTEX)
	rc := lib.Xsqlite3_open_v2(c.tls, name, out, flags, 0)
	c.db = *(*uintptr)(pointer(out))
	if rc != lib.SQLITE_OK {
		err := c.failure(rc)
		c.close()
		return nil, err
	}
	lib.Xsqlite3_extended_result_codes(c.tls, c.db, 1)
	lib.Xsqlite3_busy_timeout(c.tls, c.db, 5000)
	c.keepPlans()
	for _, p := range pragmas {
		if err := c.exec(p); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}

// keepPlans stops the library from planning a statement again for the values bound to it. It would do
// so on every call of any statement with "LIMIT ?", and planning costs more than most reads do.
func (c *conn) keepPlans() {
	args := libc.Xcalloc(c.tls, 2, 8)
	lib.Xsqlite3_db_config(c.tls, c.db, lib.SQLITE_DBCONFIG_ENABLE_QPSG, libc.VaList(args, int32(1), uintptr(0)))
	libc.Xfree(c.tls, args)
}

// pointer turns an address in the library's memory, which the collector does not move, into a pointer.
func pointer(p uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }

// close frees the statements and the connection.
func (c *conn) close() {
	for _, s := range c.stmts {
		s.free()
	}
	c.stmts = nil
	if c.db != 0 {
		lib.Xsqlite3_close_v2(c.tls, c.db)
		c.db = 0
	}
	c.tls.Close()
}

// codeError is a failure the library reported.
type codeError struct {
	code int32
	msg  string
}

// Error names the code too, for the library's own documentation.
func (e *codeError) Error() string { return fmt.Sprintf("sqlite: %s (%d)", e.msg, e.code) }

// Unwrap makes failures of the machine store.ErrUnavailable; the rest are mistakes.
func (e *codeError) Unwrap() error {
	switch e.code & 0xff {
	case lib.SQLITE_FULL, lib.SQLITE_IOERR, lib.SQLITE_BUSY, lib.SQLITE_LOCKED, lib.SQLITE_CANTOPEN, lib.SQLITE_READONLY,
		lib.SQLITE_NOMEM, lib.SQLITE_INTERRUPT, lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB, lib.SQLITE_PROTOCOL:
		return store.ErrUnavailable
	}
	return nil
}

// constraint reports whether err is a violated constraint.
func constraint(err error) bool {
	var ce *codeError
	return errors.As(err, &ce) && ce.code&0xff == lib.SQLITE_CONSTRAINT
}

// failure describes the last failure of the connection.
func (c *conn) failure(rc int32) error {
	msg := "cannot open"
	if c.db != 0 {
		msg = libc.GoString(lib.Xsqlite3_errmsg(c.tls, c.db))
	}
	return &codeError{code: rc, msg: msg}
}

// changes counts the rows changed since the connection was opened.
func (c *conn) changes() int64 { return lib.Xsqlite3_total_changes64(c.tls, c.db) }

// changed counts the rows the last statement changed.
func (c *conn) changed() int64 { return lib.Xsqlite3_changes64(c.tls, c.db) }

// inserted is the rowid of the last insert.
func (c *conn) inserted() int64 { return lib.Xsqlite3_last_insert_rowid(c.tls, c.db) }

// interruptOn stops the running statement when ctx ends. The returned func must be called after the
// last step; it waits for an interrupt under way, so that the next statement is not hit.
func (c *conn) interruptOn(ctx context.Context) func() {
	if ctx.Done() == nil {
		return func() {}
	}
	finished, fired := make(chan struct{}), make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(fired)
		again := time.NewTicker(5 * time.Millisecond) // an interrupt between two statements is forgotten
		defer again.Stop()
		for {
			lib.Xsqlite3_interrupt(nil, c.db)
			select {
			case <-finished:
				return
			case <-again.C:
			}
		}
	})
	return func() {
		close(finished)
		if !stop() {
			<-fired
		}
	}
}

// exec runs one statement without parameters or rows to read.
func (c *conn) exec(sql string) error {
	s, err := c.prepare(sql)
	if err != nil {
		return err
	}
	return s.run()
}

// prepare returns the statement for the text, from the cache when it was used before.
func (c *conn) prepare(sql string) (*stmt, error) {
	if s, ok := c.stmts[sql]; ok {
		return s, nil
	}
	if len(c.stmts) >= maxStatements {
		for k, s := range c.stmts { // any quarter of them
			s.free()
			delete(c.stmts, k)
			if len(c.stmts) < maxStatements*3/4 {
				break
			}
		}
	}
	text, err := libc.CString(sql)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	defer libc.Xfree(c.tls, text)
	out := libc.Xcalloc(c.tls, 1, 8)
	defer libc.Xfree(c.tls, out)
	if rc := lib.Xsqlite3_prepare_v3(c.tls, c.db, text, int32(len(sql)), lib.SQLITE_PREPARE_PERSISTENT, out, 0); rc != lib.SQLITE_OK {
		return nil, fmt.Errorf("%w in %s", c.failure(rc), sql)
	}
	s := &stmt{c: c, p: *(*uintptr)(pointer(out))}
	c.stmts[sql] = s
	return s, nil
}

// free finalizes the statement.
func (s *stmt) free() {
	lib.Xsqlite3_finalize(s.c.tls, s.p)
	s.p = 0
	s.freeOld()
	if s.buf != 0 {
		libc.Xfree(s.c.tls, s.buf)
		s.buf = 0
	}
}

// freeOld frees the buffers that were outgrown.
func (s *stmt) freeOld() {
	for _, p := range s.old {
		libc.Xfree(s.c.tls, p)
	}
	s.old = s.old[:0]
}

// room copies b where the library can read it until reset.
func (s *stmt) room(b string) uintptr {
	if s.used+len(b) > s.size || s.buf == 0 {
		if s.buf != 0 {
			s.old = append(s.old, s.buf)
		}
		s.size = max(256, 2*s.size, 2*len(b))
		s.buf = libc.Xmalloc(s.c.tls, libc.Tsize_t(s.size))
		s.used = 0
	}
	p := s.buf + uintptr(s.used)
	copy(unsafe.Slice((*byte)(pointer(p)), len(b)), b)
	s.used += len(b)
	return p
}

// bound keeps the first failure to bind, for step to report.
func (s *stmt) bound(rc int32) *stmt {
	if rc != lib.SQLITE_OK && s.err == nil {
		s.err = s.c.failure(rc)
	}
	return s
}

// int binds the next parameter.
func (s *stmt) int(v int64) *stmt {
	s.next++
	return s.bound(lib.Xsqlite3_bind_int64(s.c.tls, s.p, s.next, v))
}

// intOrNull binds zero as NULL.
func (s *stmt) intOrNull(v int64) *stmt {
	if v == 0 {
		return s.null()
	}
	return s.int(v)
}

// bool binds 1 or 0.
func (s *stmt) bool(v bool) *stmt {
	if v {
		return s.int(1)
	}
	return s.int(0)
}

// float binds a whole number as an integer, as JSON numbers compare.
func (s *stmt) float(v float64) *stmt {
	if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
		return s.int(int64(v))
	}
	s.next++
	return s.bound(lib.Xsqlite3_bind_double(s.c.tls, s.p, s.next, v))
}

// null skips a parameter.
func (s *stmt) null() *stmt {
	s.next++ // reset clears bindings, so an unbound parameter is NULL
	return s
}

// text binds a text; it may hold NUL.
func (s *stmt) text(v string) *stmt {
	s.next++
	return s.bound(lib.Xsqlite3_bind_text(s.c.tls, s.p, s.next, s.room(v), int32(len(v)), 0))
}

// textOrNull binds the empty text as NULL.
func (s *stmt) textOrNull(v string) *stmt {
	if v == "" {
		return s.null()
	}
	return s.text(v)
}

// json binds a JSON document, NULL when empty.
func (s *stmt) json(v []byte) *stmt {
	if len(v) == 0 {
		return s.null()
	}
	return s.text(unsafe.String(unsafe.SliceData(v), len(v)))
}

// step moves to the next row. After false or an error the statement is reset.
func (s *stmt) step() (bool, error) {
	if s.err != nil {
		err := s.err
		s.reset()
		return false, err
	}
	switch rc := lib.Xsqlite3_step(s.c.tls, s.p); rc {
	case lib.SQLITE_ROW:
		return true, nil
	case lib.SQLITE_DONE:
		s.reset()
		return false, nil
	default:
		err := s.c.failure(rc)
		s.reset()
		return false, err
	}
}

// run steps to the end.
func (s *stmt) run() error {
	for {
		more, err := s.step()
		if err != nil || !more {
			return err
		}
	}
}

// reset makes the statement ready for new parameters.
func (s *stmt) reset() {
	lib.Xsqlite3_reset(s.c.tls, s.p)
	if s.next > 0 {
		lib.Xsqlite3_clear_bindings(s.c.tls, s.p)
	}
	s.next, s.used, s.err = 0, 0, nil
	if len(s.old) > 0 {
		s.freeOld()
	}
}

// colInt reads a column of the current row; NULL is 0.
func (s *stmt) colInt(i int32) int64 { return lib.Xsqlite3_column_int64(s.c.tls, s.p, i) }

// isNull reports whether a column of the current row is NULL.
func (s *stmt) isNull(i int32) bool {
	return lib.Xsqlite3_column_type(s.c.tls, s.p, i) == lib.SQLITE_NULL
}

// colText reads a column of the current row; NULL is "".
func (s *stmt) colText(i int32) string {
	p := lib.Xsqlite3_column_text(s.c.tls, s.p, i)
	if p == 0 {
		return ""
	}
	n := lib.Xsqlite3_column_bytes(s.c.tls, s.p, i)
	return string(unsafe.Slice((*byte)(pointer(p)), n))
}

// colBytes reads a column of the current row; NULL is nil.
func (s *stmt) colBytes(i int32) []byte {
	p := lib.Xsqlite3_column_text(s.c.tls, s.p, i)
	if p == 0 {
		return nil
	}
	n := lib.Xsqlite3_column_bytes(s.c.tls, s.p, i)
	return append([]byte(nil), unsafe.Slice((*byte)(pointer(p)), n)...)
}

// colJSON reads a column of the current row as a JSON value.
func (s *stmt) colJSON(i int32) []byte {
	switch lib.Xsqlite3_column_type(s.c.tls, s.p, i) {
	case lib.SQLITE_INTEGER:
		return strconv.AppendInt(nil, s.colInt(i), 10)
	case lib.SQLITE_FLOAT:
		return strconv.AppendFloat(nil, lib.Xsqlite3_column_double(s.c.tls, s.p, i), 'g', -1, 64)
	default:
		return codec.AppendQuoted(nil, s.colText(i))
	}
}
