-- registry: one row per fact, named by its commit's position and its place there, and never
-- changed. at is when it took effect, recorded_at when the ledger learned of it; both to the
-- microsecond.

CREATE TABLE parties (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('government', 'provider', 'fund', 'company', 'other')),
    country TEXT,
    uscc TEXT,
    lei TEXT,
    PRIMARY KEY (position, fact_index)
);

CREATE TABLE stakes (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    owner TEXT NOT NULL,
    owned TEXT NOT NULL,
    percent NUMERIC NOT NULL CHECK (percent > 0 AND percent <= 100),
    to_at TIMESTAMPTZ,
    PRIMARY KEY (position, fact_index),
    CHECK (owner <> owned),
    CHECK (to_at >= at)
);
CREATE INDEX ON stakes (owned, at);

CREATE TABLE card_specs (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    model TEXT NOT NULL,
    precision TEXT NOT NULL,
    sparsity TEXT NOT NULL CHECK (sparsity IN ('dense', 'sparse')),
    p_per_card NUMERIC NOT NULL CHECK (p_per_card > 0),
    tdp_w NUMERIC CHECK (tdp_w > 0),
    source TEXT,
    PRIMARY KEY (position, fact_index)
);

CREATE TABLE prices (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    model TEXT NOT NULL,
    unit TEXT NOT NULL,
    price NUMERIC NOT NULL CHECK (price > 0),
    currency TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (position, fact_index)
);

-- Classes of workload apart by blanks.
CREATE TABLE capabilities (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    model TEXT NOT NULL,
    workloads TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (position, fact_index)
);

CREATE TABLE controls (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    model TEXT NOT NULL,
    destination TEXT NOT NULL,
    status TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (position, fact_index)
);
