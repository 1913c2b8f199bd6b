-- fund, and all money that moved whichever context recorded it, with the loops that it makes.

CREATE TABLE funds (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    id TEXT NOT NULL UNIQUE,
    manager TEXT NOT NULL,
    currency TEXT NOT NULL,
    PRIMARY KEY (position, fact_index)
);

-- What a partner promised, or so much more or, below zero, less of it; or what went over to it from from_lp. id is that
-- of the commitment, the change or the transfer.
CREATE TABLE commitments (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    id TEXT NOT NULL,
    fund TEXT NOT NULL,
    lp TEXT NOT NULL,
    from_lp TEXT,
    amount NUMERIC NOT NULL CHECK (amount <> 0),
    currency TEXT NOT NULL,
    priority_supplier BOOLEAN NOT NULL,
    PRIMARY KEY (position, fact_index),
    CHECK (from_lp IS NULL OR (from_lp <> lp AND amount > 0))
);

-- The facts that a fund's accounts are worked out from, as they were recorded; fund is any party that invested.
CREATE TABLE fund_facts (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    fund TEXT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (position, fact_index)
);
CREATE INDEX ON fund_facts (fund);

-- What a fund was said to be worth as of as_of_at; of one date the latest row stands.
CREATE TABLE navs (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    id TEXT NOT NULL UNIQUE,
    fund TEXT NOT NULL,
    as_of_at TIMESTAMPTZ NOT NULL,
    amount NUMERIC NOT NULL,
    currency TEXT NOT NULL,
    restates TEXT UNIQUE,
    PRIMARY KEY (position, fact_index),
    CHECK (as_of_at <= at)
);

-- What was recognised as investment that a fund brought to its place; payment is that of a purchase.
CREATE TABLE recognitions (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    id TEXT NOT NULL UNIQUE,
    fund TEXT NOT NULL,
    kind TEXT NOT NULL,
    company TEXT NOT NULL,
    amount NUMERIC NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    payment TEXT,
    PRIMARY KEY (position, fact_index),
    UNIQUE (fund, payment),
    CHECK ((kind = 'local_purchase') = (payment IS NOT NULL))
);

-- id is that of the contribution, recall, investment, exit, distribution, payment, refund, settlement, recovery, transfer,
-- returned excess, expense or draw, or of the contract that was terminated with a refund. It is unique in the context that
-- gave it and among its kind of facts, not among flows: a refund and a recovery may have the same. note is a payment's
-- reference, a transfer's purpose, or what else the flow is.
CREATE TABLE flows (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    id TEXT NOT NULL,
    from_party TEXT NOT NULL,
    to_party TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('contribution', 'investment', 'distribution',
        'compute_payment', 'voucher_payment', 'refund', 'transfer')),
    amount NUMERIC NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL,
    contract TEXT,
    invoice TEXT,
    buyer TEXT,
    stake_percent NUMERIC CHECK (stake_percent > 0 AND stake_percent <= 100),
    note TEXT,
    PRIMARY KEY (position, fact_index),
    CHECK (from_party <> to_party OR kind = 'voucher_payment'),
    CHECK ((kind = 'voucher_payment') = (buyer IS NOT NULL)),
    CHECK ((kind IN ('compute_payment', 'voucher_payment', 'refund')) = (contract IS NOT NULL))
);
-- What was paid from one party to another is in the index whole: a loop's legs are read from it alone.
CREATE INDEX ON flows (from_party, to_party)
    INCLUDE (currency, kind, position, fact_index, at, amount);
CREATE INDEX ON flows (to_party, buyer);
-- In the order of the list, which is had page by page.
CREATE INDEX ON flows (at, position, fact_index);
-- An id is of few flows, so this is sorted by its beginning; of a kind are many.
CREATE INDEX ON flows (id, kind);

-- Derived from flows, and the only rows that change: a loop's as it stands at progress.position.
-- The first capital_legs legs carry capital, those from compute_from on, counted from 0, compute
-- payments: by these the flows of a loop are found. Amounts are rounded half up to the currency's minor unit, so the order of the four holds.
CREATE TABLE loops (
    parties TEXT[] NOT NULL CHECK (cardinality(parties) BETWEEN 2 AND 7),
    kind TEXT NOT NULL CHECK (kind IN ('direct', 'fund', 'fund_of_funds', 'resale')),
    currency TEXT NOT NULL,
    capital_out NUMERIC NOT NULL CHECK (capital_out > 0),
    returned_lower NUMERIC NOT NULL CHECK (returned_lower >= 0),
    returned_fifo NUMERIC NOT NULL CHECK (returned_fifo BETWEEN returned_lower AND returned_upper),
    returned_pro_rata NUMERIC NOT NULL
        CHECK (returned_pro_rata BETWEEN returned_lower AND returned_upper),
    returned_upper NUMERIC NOT NULL CHECK (returned_upper <= capital_out),
    ratio_pro_rata NUMERIC NOT NULL CHECK (ratio_pro_rata BETWEEN 0 AND 1),
    voucher_amount NUMERIC NOT NULL CHECK (voucher_amount >= 0),
    first_capital_at TIMESTAMPTZ NOT NULL,
    closed_at TIMESTAMPTZ NOT NULL,
    last_return_at TIMESTAMPTZ NOT NULL,
    lag_days BIGINT NOT NULL CHECK (lag_days >= 0),
    dwell_days NUMERIC CHECK (dwell_days >= 0),
    capital_legs BIGINT NOT NULL CHECK (capital_legs BETWEEN 1 AND cardinality(parties) - 1),
    compute_from BIGINT NOT NULL CHECK (compute_from BETWEEN 1 AND capital_legs),
    PRIMARY KEY (currency, parties),
    CHECK (first_capital_at <= closed_at AND closed_at <= last_return_at)
);
CREATE INDEX ON loops USING GIN (parties);

-- Flows whose search for loops ran out of steps: there may be loops through them that are not in
-- loops.
CREATE TABLE cut_searches (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (position, fact_index)
);
