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
    class TEXT,
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

-- From from_at to at. Most events are of these, so what their allocations know of them, pool and contract, stands there
-- alone; and nobody asks for one by its id, which the log has once: so there is no index of it.
CREATE TABLE usages (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    id TEXT NOT NULL,
    allocation TEXT NOT NULL,
    from_at TIMESTAMPTZ NOT NULL,
    card_hours NUMERIC NOT NULL CHECK (card_hours >= 0),
    source TEXT NOT NULL,
    class TEXT,
    PRIMARY KEY (position, fact_index),
    CHECK (from_at <= at)
);
-- Questions about a pool or a contract ask for its allocations first.
CREATE INDEX ON usages (allocation);
-- For a stretch of time: meters report more or less in order.
CREATE INDEX ON usages USING brin (at, from_at)
    WITH (pages_per_range = 32, autosummarize = on);

-- From from_at to to_at so many times the lit cards may be sold.
CREATE TABLE oversells (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    pool TEXT NOT NULL,
    factor NUMERIC NOT NULL CHECK (factor > 1),
    from_at TIMESTAMPTZ NOT NULL,
    to_at TIMESTAMPTZ NOT NULL,
    by_person TEXT NOT NULL,
    of_party TEXT NOT NULL,
    PRIMARY KEY (position, fact_index),
    CHECK (from_at <= to_at)
);
CREATE INDEX ON oversells (pool);

-- Made at at, of cards from from_at to to_at.
CREATE TABLE reservations (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    id TEXT NOT NULL UNIQUE,
    pool TEXT NOT NULL,
    cards BIGINT NOT NULL CHECK (cards > 0),
    from_at TIMESTAMPTZ NOT NULL,
    to_at TIMESTAMPTZ NOT NULL,
    held_until_at TIMESTAMPTZ NOT NULL,
    contract TEXT,
    class TEXT,
    PRIMARY KEY (position, fact_index),
    CHECK (from_at <= to_at),
    CHECK (at <= held_until_at)
);
CREATE INDEX ON reservations (pool);

-- A reservation is confirmed or ends, once.
CREATE TABLE reservation_confirmations (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    reservation TEXT NOT NULL UNIQUE,
    allocation TEXT NOT NULL UNIQUE,
    pool TEXT NOT NULL,
    PRIMARY KEY (position, fact_index)
);

CREATE TABLE reservation_ends (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    reservation TEXT NOT NULL UNIQUE,
    pool TEXT NOT NULL,
    ending TEXT NOT NULL,
    PRIMARY KEY (position, fact_index)
);

CREATE TABLE pool_stages (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    pool TEXT NOT NULL,
    stage TEXT NOT NULL,
    source TEXT,
    PRIMARY KEY (position, fact_index)
);
CREATE INDEX ON pool_stages (pool);

-- A card is in a pool from at on, until a change says that it is not.
CREATE TABLE card_placings (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    pool TEXT NOT NULL,
    serial TEXT NOT NULL,
    owner TEXT,
    PRIMARY KEY (position, fact_index)
);
CREATE INDEX ON card_placings (serial);
CREATE INDEX ON card_placings (pool);

CREATE TABLE card_changes (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    pool TEXT NOT NULL,
    serial TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    PRIMARY KEY (position, fact_index)
);
CREATE INDEX ON card_changes (serial);
CREATE INDEX ON card_changes (pool);

CREATE TABLE card_counts (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    pool TEXT NOT NULL,
    state TEXT NOT NULL,
    cards BIGINT NOT NULL CHECK (cards >= 0),
    PRIMARY KEY (position, fact_index)
);
CREATE INDEX ON card_counts (pool);

-- Of one card, or of all of a pool where it names none.
CREATE TABLE provenances (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    pool TEXT NOT NULL,
    serial TEXT,
    supplier TEXT NOT NULL,
    document TEXT,
    source TEXT NOT NULL,
    PRIMARY KEY (position, fact_index)
);
CREATE INDEX ON provenances (pool);

-- From from_at to at.
CREATE TABLE electricity (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    id TEXT NOT NULL UNIQUE,
    pool TEXT NOT NULL,
    from_at TIMESTAMPTZ NOT NULL,
    kwh NUMERIC NOT NULL CHECK (kwh >= 0),
    source TEXT NOT NULL,
    PRIMARY KEY (position, fact_index),
    CHECK (from_at <= at)
);
CREATE INDEX ON electricity (pool);
