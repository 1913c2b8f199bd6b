-- purchase: contracts as announced, signed, ordered from, delivered, invoiced and settled, and how they ended. Whatever
-- moved of money is in flows.

CREATE TABLE contracts (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    id TEXT NOT NULL UNIQUE,
    buyer TEXT NOT NULL,
    seller TEXT NOT NULL,
    currency TEXT NOT NULL,
    kind TEXT CHECK (kind IN ('lease', 'service', 'framework', 'resale')),
    price_per_unit NUMERIC NOT NULL CHECK (price_per_unit > 0),
    unit TEXT NOT NULL CHECK (unit IN ('p_month', 'card_hour')),
    quantity NUMERIC CHECK (quantity > 0),
    declared_p NUMERIC CHECK (declared_p > 0),
    rating TEXT CHECK (rating IN ('rated', 'measured')),
    precision TEXT,
    sparsity TEXT CHECK (sparsity IN ('dense', 'sparse')),
    model TEXT,
    cards BIGINT,
    from_at TIMESTAMPTZ NOT NULL,
    to_at TIMESTAMPTZ NOT NULL,
    backing_contract TEXT,
    terms TEXT,
    PRIMARY KEY (position, fact_index),
    CHECK (buyer <> seller),
    CHECK ((quantity IS NULL) = (kind IS NOT DISTINCT FROM 'framework')),
    CHECK (kind IS DISTINCT FROM 'resale' OR backing_contract IS NOT NULL),
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
    side TEXT CHECK (side IN ('buyer', 'seller')),
    penalty NUMERIC CHECK (penalty > 0),
    PRIMARY KEY (position, fact_index),
    CHECK ((refund IS NULL AND penalty IS NULL) = (currency IS NULL)),
    CHECK (penalty IS NULL OR side IS NOT NULL)
);

CREATE TABLE orders (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    id TEXT NOT NULL UNIQUE,
    contract TEXT NOT NULL,
    from_at TIMESTAMPTZ NOT NULL,
    to_at TIMESTAMPTZ NOT NULL,
    quantity NUMERIC NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (position, fact_index),
    CHECK (from_at <= to_at)
);
CREATE INDEX ON orders (contract);

-- Each is a flow too.
CREATE TABLE advances (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    id TEXT NOT NULL UNIQUE,
    contract TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('prepayment', 'deposit')),
    amount NUMERIC NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    PRIMARY KEY (position, fact_index)
);
CREATE INDEX ON advances (contract);

-- What an advance was set against; without an invoice it is the buyer's penalty. No money moved then.
CREATE TABLE advance_uses (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    id TEXT NOT NULL UNIQUE,
    contract TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('prepayment', 'deposit')),
    invoice TEXT,
    amount NUMERIC NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    PRIMARY KEY (position, fact_index)
);
CREATE INDEX ON advance_uses (contract);

-- Each is a flow too; what goes back with a termination is there.
CREATE TABLE refunds (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    id TEXT NOT NULL UNIQUE,
    contract TEXT NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('invoices', 'prepayment', 'deposit')),
    amount NUMERIC NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    PRIMARY KEY (position, fact_index)
);
CREATE INDEX ON refunds (contract);

CREATE TABLE credits (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    id TEXT NOT NULL UNIQUE,
    invoice TEXT NOT NULL,
    contract TEXT NOT NULL,
    reason TEXT NOT NULL CHECK (reason IN ('availability', 'late_delivery', 'correction', 'goodwill')),
    availability NUMERIC,
    amount NUMERIC NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    PRIMARY KEY (position, fact_index),
    CHECK ((reason = 'availability') = (availability IS NOT NULL))
);
CREATE INDEX ON credits (contract);

CREATE TABLE disputes (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    id TEXT NOT NULL UNIQUE,
    invoice TEXT NOT NULL,
    contract TEXT NOT NULL,
    amount NUMERIC NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (position, fact_index)
);
CREATE INDEX ON disputes (contract);

CREATE TABLE dispute_ends (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    dispute TEXT NOT NULL UNIQUE,
    invoice TEXT NOT NULL,
    contract TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('settled', 'withdrawn', 'dismissed')),
    PRIMARY KEY (position, fact_index)
);
CREATE INDEX ON dispute_ends (contract);
