-- purchase: contracts as announced, signed, delivered and invoiced, and how they ended. Payments are in flows.

CREATE TABLE contracts (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    id TEXT NOT NULL UNIQUE,
    buyer TEXT NOT NULL,
    seller TEXT NOT NULL,
    currency TEXT NOT NULL,
    price_per_unit NUMERIC NOT NULL CHECK (price_per_unit > 0),
    unit TEXT NOT NULL CHECK (unit IN ('p_month', 'card_hour')),
    quantity NUMERIC NOT NULL CHECK (quantity > 0),
    declared_p NUMERIC CHECK (declared_p > 0),
    precision TEXT,
    sparsity TEXT CHECK (sparsity IN ('dense', 'sparse')),
    model TEXT,
    cards BIGINT,
    from_at TIMESTAMPTZ NOT NULL,
    to_at TIMESTAMPTZ NOT NULL,
    backing_contract TEXT,
    PRIMARY KEY (position, fact_index),
    CHECK (buyer <> seller),
    CHECK (declared_p IS NULL OR precision IS NOT NULL),
    CHECK ((precision IS NULL) = (sparsity IS NULL)),
    CHECK (from_at <= to_at)
);
CREATE INDEX ON contracts (seller);

CREATE TABLE invoices (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    id TEXT NOT NULL UNIQUE,
    contract TEXT NOT NULL,
    buyer TEXT NOT NULL,
    seller TEXT NOT NULL,
    from_at TIMESTAMPTZ NOT NULL,
    to_at TIMESTAMPTZ NOT NULL,
    quantity NUMERIC NOT NULL CHECK (quantity > 0),
    amount NUMERIC NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    PRIMARY KEY (position, fact_index),
    CHECK (from_at <= to_at)
);
CREATE INDEX ON invoices (contract);

CREATE TABLE announcements (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    contract TEXT NOT NULL UNIQUE,
    buyer TEXT NOT NULL,
    seller TEXT NOT NULL,
    amount NUMERIC NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (position, fact_index),
    CHECK (buyer <> seller)
);

CREATE TABLE deliveries (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    id TEXT NOT NULL UNIQUE,
    contract TEXT NOT NULL,
    from_at TIMESTAMPTZ NOT NULL,
    to_at TIMESTAMPTZ NOT NULL,
    quantity NUMERIC NOT NULL CHECK (quantity > 0),
    certificate TEXT NOT NULL,
    PRIMARY KEY (position, fact_index),
    CHECK (from_at <= to_at)
);
CREATE INDEX ON deliveries (contract);

CREATE TABLE terminations (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    contract TEXT NOT NULL UNIQUE,
    buyer TEXT NOT NULL,
    seller TEXT NOT NULL,
    reason TEXT NOT NULL CHECK (reason IN ('ended_early', 'never_executed', 'breach')),
    refund NUMERIC CHECK (refund > 0),
    currency TEXT,
    PRIMARY KEY (position, fact_index),
    CHECK ((refund IS NULL) = (currency IS NULL))
);
