-- +goose Up
-- Where an event stands among all events of the database: see core.Stamp. The stamp of a message's
-- own event is the message's id, which needs no column.

ALTER TABLE events ADD COLUMN stamp INTEGER NOT NULL DEFAULT 0;
ALTER TABLE heads ADD COLUMN last_stamp INTEGER NOT NULL DEFAULT 0;

CREATE UNIQUE INDEX channels_by_alias ON channels (app, alias_no) WHERE alias_no IS NOT NULL;

-- What one person has to learn and no channel of theirs will tell.
CREATE TABLE boxes (
  app     INTEGER NOT NULL,
  user    TEXT NOT NULL,
  stamp   INTEGER NOT NULL,
  payload TEXT NOT NULL, -- JSON: the whole event
  PRIMARY KEY (app, user, stamp)
) WITHOUT ROWID;
