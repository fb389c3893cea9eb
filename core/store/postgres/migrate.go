package postgres

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// oldest is the first version of the server that is supported, as the server numbers itself.
const oldest = 150000

// migrate brings the schema up to date. Of several nodes that start together one does it, the
// others wait for its lock.
func migrate(ctx context.Context, cfg *pgx.ConnConfig) error {
	own := cfg.Copy()
	own.RuntimeParams["statement_timeout"] = "0" // an index over many messages takes its time
	delete(own.RuntimeParams, "idle_in_transaction_session_timeout")
	db := stdlib.OpenDB(*own)
	defer db.Close()
	var number string
	if err := db.QueryRowContext(ctx, "SHOW server_version_num").Scan(&number); err != nil {
		return fmt.Errorf("postgres: cannot connect: %w", failure(err))
	}
	if n, _ := strconv.Atoi(number); n < oldest {
		return fmt.Errorf("postgres: the server has version %s, but 15 or later is needed", number)
	}
	var encoding string
	if err := db.QueryRowContext(ctx, "SHOW server_encoding").Scan(&encoding); err != nil {
		return fmt.Errorf("postgres: %w", failure(err))
	}
	if encoding != "UTF8" {
		return fmt.Errorf("postgres: the database has the encoding %s; create it with ENCODING 'UTF8'", encoding)
	}
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
	if err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, dir, goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("postgres: cannot migrate: %w", failure(err))
	}
	return nil
}
