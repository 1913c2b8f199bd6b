-- How far the journal has been projected, and every commit up to there as it was recorded.
-- Both are written in the transaction that writes the rows. A new generation tells whoever writes
-- that other rows have taken the place of those that it knows.

CREATE TABLE progress (
    only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    position BIGINT NOT NULL CHECK (position >= 0),
    generation BIGINT NOT NULL DEFAULT 0
);
INSERT INTO progress (position) VALUES (0);

-- The archive. recorded_at is text because the journal counts nanoseconds; the hashes are SHA-256,
-- previous_hash that of the partition's commit before; body is its length in four bytes, the lowest
-- first, and then an LZ4 block.
CREATE TABLE commits (
    position BIGINT PRIMARY KEY CHECK (position > 0),
    partition TEXT NOT NULL,
    commit_id TEXT NOT NULL UNIQUE,
    recorded_at TEXT NOT NULL,
    recorded_by TEXT NOT NULL,
    traceparent TEXT,
    previous_hash BYTEA NOT NULL CHECK (length(previous_hash) = 32),
    hash BYTEA NOT NULL CHECK (length(hash) = 32),
    body BYTEA NOT NULL
);
ALTER TABLE commits ALTER COLUMN body SET STORAGE EXTERNAL;
