-- +goose Up
-- Who may join a group by themself (NULL: as its kind has it), and labels of people.

ALTER TABLE channels ADD COLUMN admission TEXT;
ALTER TABLE users ADD COLUMN tags TEXT; -- JSON array
