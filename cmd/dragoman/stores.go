package main

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"dragoman/config"
	"dragoman/core/bus"
	"dragoman/core/store"
	"dragoman/core/store/postgres"
	"dragoman/core/store/sqlite"
)

// openStore opens the database that the configuration names.
func openStore(ctx context.Context, c *config.Config, log *zap.Logger) (store.Store, error) {
	report := func(msg string, err error) { log.Warn(msg, zap.Error(err)) }
	if c.Store.Kind == config.StorePostgres {
		st, err := postgres.Open(ctx, postgres.Options{DSN: c.Store.URL.Reveal(), Log: report})
		if err != nil {
			return nil, fmt.Errorf("open the store: %w", err)
		}
		return st, nil
	}
	st, err := sqlite.Open(ctx, sqlite.Options{Path: c.Store.DSN, Log: report})
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	return st, nil
}

// openBus starts the bus, or connects to it. changed is told when a server goes and comes back.
func openBus(c *config.Config, log *zap.Logger, changed func(up bool)) (bus.Bus, error) {
	if c.Bus.Kind != config.BusNATS {
		return bus.Embedded()
	}
	return bus.Connect(bus.Remote{URL: c.Bus.URL.Reveal(), Changed: func(up bool, err error) {
		if up && err == nil {
			log.Info("The bus is back")
		} else {
			log.Warn("The bus has a problem: events between nodes are late until it is solved", zap.Bool("connected", up), zap.Error(err))
		}
		changed(up)
	}})
}

// several reports whether other nodes may work on the same database.
func several(c *config.Config) bool { return c.Store.Kind == config.StorePostgres }
