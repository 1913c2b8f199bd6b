-- allocation: pools, the cards in them over time, who was given which and what was metered.

CREATE TABLE pools (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    id TEXT NOT NULL UNIQUE,
    operator TEXT NOT NULL,
    site TEXT NOT NULL,
    model TEXT NOT NULL,
    PRIMARY KEY (position, fact_index)
);

-- The totals of a pool from at on, until a later row's at.
CREATE TABLE pool_states (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    pool TEXT NOT NULL,
    cards BIGINT NOT NULL,
    lit BIGINT NOT NULL,
    PRIMARY KEY (position, fact_index),
    CHECK (0 <= lit AND lit <= cards)
);
CREATE INDEX ON pool_states (pool);

CREATE TABLE pool_shortfalls (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    pool TEXT NOT NULL,
    lit BIGINT NOT NULL,
    allocated BIGINT NOT NULL,
    PRIMARY KEY (position, fact_index),
    CHECK (0 <= lit AND lit < allocated)
);

-- From at to to_at.
CREATE TABLE allocations (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    id TEXT NOT NULL UNIQUE,
    pool TEXT NOT NULL,
    contract TEXT NOT NULL,
    cards BIGINT NOT NULL CHECK (cards > 0),
    to_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (position, fact_index),
    CHECK (at <= to_at)
);
CREATE INDEX ON allocations (contract);
CREATE INDEX ON allocations (pool);

-- From at on the cards are free again.
CREATE TABLE allocation_ends (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    allocation TEXT NOT NULL UNIQUE,
    pool TEXT NOT NULL,
    contract TEXT NOT NULL,
    PRIMARY KEY (position, fact_index)
);

-- From from_at to at. Most events are of these and nobody asks for one by its id, which the log
-- has once: so there is no index of it.
CREATE TABLE usages (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    id TEXT NOT NULL,
    allocation TEXT NOT NULL,
    pool TEXT NOT NULL,
    contract TEXT NOT NULL,
    from_at TIMESTAMPTZ NOT NULL,
    card_hours NUMERIC NOT NULL CHECK (card_hours >= 0),
    source TEXT NOT NULL,
    PRIMARY KEY (position, fact_index),
    CHECK (from_at <= at)
);
CREATE INDEX ON usages (pool, at, from_at);
-- For a stretch of time over all pools: meters report more or less in order.
CREATE INDEX ON usages USING brin (at, from_at)
    WITH (pages_per_range = 32, autosummarize = on);
