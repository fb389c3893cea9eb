-- +goose Up
-- Times are milliseconds since 1970; 0 or NULL is "never". Text ids compare bytewise.

CREATE TABLE apps (
  id         INTEGER PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  settings   TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
);

CREATE TABLE users (
  app            INTEGER NOT NULL,
  id             TEXT NOT NULL,
  name           TEXT,
  image          TEXT,
  role           TEXT,
  language       TEXT,
  invisible      INTEGER NOT NULL DEFAULT 0,
  created_at     INTEGER,
  updated_at     INTEGER,
  last_active    INTEGER,
  deactivated_at INTEGER,
  deleted_at     INTEGER,
  revoked_before INTEGER,
  teams          TEXT, -- JSON array
  team_roles     TEXT, -- JSON object
  privacy        TEXT, -- JSON object
  extra          TEXT, -- JSON object
  ban            TEXT, -- JSON object
  PRIMARY KEY (app, id)
) WITHOUT ROWID;

-- A channel's counters are a table of their own: an append rewrites 30 bytes, not the profile.
CREATE TABLE channels (
  id              INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice: caches and cursors may outlive a channel
  app             INTEGER NOT NULL,
  key             TEXT NOT NULL,
  bare            TEXT NOT NULL, -- the key without its type
  type            TEXT NOT NULL,
  kind            INTEGER NOT NULL,
  name            TEXT,
  image           TEXT,
  team            TEXT,
  created_by      TEXT,
  frozen          INTEGER NOT NULL DEFAULT 0,
  disabled        INTEGER NOT NULL DEFAULT 0,
  cooldown        INTEGER NOT NULL DEFAULT 0,
  overrides       TEXT, -- JSON object
  tags            TEXT, -- JSON array
  extra           TEXT, -- JSON object
  member_count    INTEGER NOT NULL DEFAULT 0,
  created_at      INTEGER NOT NULL,
  updated_at      INTEGER NOT NULL,
  truncated_at    INTEGER,
  truncated_by    TEXT,
  truncated_up_to INTEGER,
  deleted_at      INTEGER,
  alias_no        INTEGER,
  UNIQUE (app, key)
);
CREATE INDEX channels_by_bare ON channels (app, bare);

CREATE TABLE heads (
  ch            INTEGER PRIMARY KEY,
  last_seq      INTEGER NOT NULL,
  last_ev       INTEGER NOT NULL,
  message_count INTEGER NOT NULL,
  last_at       INTEGER NOT NULL
);

CREATE TABLE members (
  ch            INTEGER NOT NULL,
  user          TEXT NOT NULL,
  app           INTEGER NOT NULL,
  read_seq      INTEGER NOT NULL DEFAULT 0,
  read_at       INTEGER,
  read_message  INTEGER,
  delivered_seq INTEGER NOT NULL DEFAULT 0,
  delivered_at  INTEGER,
  role          TEXT,
  channel_role  TEXT,
  created_at    INTEGER,
  updated_at    INTEGER,
  invited_at    INTEGER,
  accepted_at   INTEGER,
  rejected_at   INTEGER,
  hidden_at     INTEGER,
  hidden_up_to  INTEGER,
  pinned_at     INTEGER,
  archived_at   INTEGER,
  muted_at      INTEGER,
  muted_until   INTEGER,
  ban           TEXT, -- JSON object
  extra         TEXT, -- JSON object
  PRIMARY KEY (ch, user)
) WITHOUT ROWID;
CREATE INDEX members_by_user ON members (app, user);
CREATE INDEX members_hidden ON members (ch) WHERE hidden_at IS NOT NULL;

-- id is ch << 31 | seq: one clustered tree serves history, and the same number is the search row.
CREATE TABLE messages (
  id            INTEGER PRIMARY KEY,
  msg_id        INTEGER NOT NULL,
  app           INTEGER NOT NULL,
  user          TEXT NOT NULL,
  kind          TEXT, -- NULL is regular
  flags         INTEGER NOT NULL DEFAULT 0,
  created_at    INTEGER NOT NULL,
  updated_at    INTEGER, -- NULL is created_at
  text          TEXT,
  alias         TEXT,
  ev            INTEGER, -- number of its message.sent event, when that needs no row of its own
  parent        INTEGER, -- msg_id
  body          TEXT, -- JSON object of the rarer fields
  extra         TEXT, -- JSON object
  deleted_at    INTEGER,
  edited_at     INTEGER,
  reply_count   INTEGER,
  last_reply_at INTEGER,
  participants  TEXT, -- JSON array
  reactions     TEXT, -- JSON array
  pinned_ch     INTEGER, -- the channel, while pinned
  pinned_at     INTEGER
);
CREATE UNIQUE INDEX messages_by_id ON messages (msg_id, app);
CREATE UNIQUE INDEX messages_by_alias ON messages (alias, app) WHERE alias IS NOT NULL;
CREATE INDEX messages_by_parent ON messages (parent, id) WHERE parent IS NOT NULL;
CREATE INDEX messages_pinned ON messages (pinned_ch, id) WHERE pinned_ch IS NOT NULL;
CREATE INDEX messages_threads ON messages (app, last_reply_at) WHERE reply_count > 0;

-- Who ever wrote where, so that a person's messages are found without an index on every message.
CREATE TABLE authors (
  app  INTEGER NOT NULL,
  user TEXT NOT NULL,
  ch   INTEGER NOT NULL,
  PRIMARY KEY (app, user, ch)
) WITHOUT ROWID;

CREATE TABLE reactions (
  msg        INTEGER NOT NULL, -- msg_id
  app        INTEGER NOT NULL,
  user       TEXT NOT NULL,
  type       TEXT NOT NULL,
  ch         INTEGER NOT NULL,
  score      INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  extra      TEXT, -- JSON object
  PRIMARY KEY (msg, app, user, type)
) WITHOUT ROWID;

-- id is ch << 31 | ev. Most message.sent events say no more than the message: see messages.ev.
CREATE TABLE events (
  id      INTEGER PRIMARY KEY,
  kind    TEXT NOT NULL,
  at      INTEGER NOT NULL,
  actor   TEXT,
  message INTEGER,
  payload TEXT -- JSON
);

CREATE TABLE outbox (
  id      INTEGER PRIMARY KEY,
  app     INTEGER NOT NULL,
  event   INTEGER, -- ch << 31 | ev
  message INTEGER, -- msg_id, when the event has no row of its own
  payload TEXT -- JSON
);

CREATE TABLE records (
  app   INTEGER NOT NULL,
  space TEXT NOT NULL,
  key   TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (app, space, key)
) WITHOUT ROWID;

-- Rows of messages that the search index must look at again; new messages are found by msg_id.
CREATE TABLE reindex (
  stamp INTEGER PRIMARY KEY AUTOINCREMENT, -- a row that changes again gets a higher one
  row   INTEGER NOT NULL -- messages.id
);
