-- voucher: programmes, admitted providers, vouchers and every change of what is free or locked on
-- one.

CREATE TABLE programmes (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    id TEXT NOT NULL UNIQUE,
    issuer TEXT NOT NULL,
    name TEXT NOT NULL,
    currency TEXT NOT NULL,
    budget NUMERIC NOT NULL CHECK (budget > 0),
    closes_at TIMESTAMPTZ NOT NULL,
    ratio NUMERIC NOT NULL CHECK (ratio > 0 AND ratio <= 1),
    cap_voucher NUMERIC CHECK (cap_voucher > 0),
    cap_holder_year NUMERIC CHECK (cap_holder_year > 0),
    validity_days BIGINT,
    affiliation TEXT NOT NULL,
    affiliation_percent NUMERIC CHECK (affiliation_percent > 0 AND affiliation_percent <= 100),
    funding_link_months BIGINT,
    metering_required BOOLEAN NOT NULL,
    rounding_digits BIGINT NOT NULL,
    rounding_mode TEXT NOT NULL CHECK (rounding_mode IN ('truncate', 'half_up', 'half_even')),
    PRIMARY KEY (position, fact_index),
    CHECK (closes_at >= at)
);

CREATE TABLE admissions (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    programme TEXT NOT NULL,
    provider TEXT NOT NULL,
    to_at TIMESTAMPTZ,
    PRIMARY KEY (position, fact_index),
    CHECK (to_at >= at)
);

CREATE TABLE vouchers (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    id TEXT NOT NULL UNIQUE,
    programme TEXT NOT NULL,
    holder TEXT NOT NULL,
    face NUMERIC NOT NULL CHECK (face > 0),
    currency TEXT NOT NULL,
    expires_at TIMESTAMPTZ,
    PRIMARY KEY (position, fact_index)
);
CREATE INDEX ON vouchers (programme);
-- In the order of the list, which is had page by page.
CREATE INDEX ON vouchers (programme COLLATE "C", id COLLATE "C");

-- free and locked of a voucher are its face and zero plus the changes; what is neither is redeemed
-- or gone.
CREATE TABLE voucher_moves (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    voucher TEXT NOT NULL,
    programme TEXT NOT NULL,
    kind TEXT NOT NULL,
    amount NUMERIC NOT NULL CHECK (amount >= 0),
    free_change NUMERIC NOT NULL,
    locked_change NUMERIC NOT NULL,
    currency TEXT NOT NULL,
    lock TEXT,
    redemption TEXT,
    settlement TEXT,
    contract TEXT,
    invoice TEXT,
    provider TEXT,
    PRIMARY KEY (position, fact_index),
    CHECK (CASE kind
        WHEN 'locked' THEN
            amount > 0 AND free_change = -amount AND locked_change = amount AND lock IS NOT NULL
        WHEN 'released' THEN
            amount > 0 AND free_change = amount AND locked_change = -amount AND lock IS NOT NULL
        WHEN 'redeemed' THEN
            amount > 0 AND free_change = 0 AND locked_change = -amount
            AND redemption IS NOT NULL AND invoice IS NOT NULL
        WHEN 'paid' THEN
            amount > 0 AND free_change = 0 AND locked_change = 0
            AND settlement IS NOT NULL AND redemption IS NOT NULL
        WHEN 'expired' THEN
            free_change <= 0 AND locked_change <= 0 AND free_change + locked_change = -amount
        WHEN 'revoked' THEN
            free_change <= 0 AND locked_change <= 0 AND free_change + locked_change = -amount
        WHEN 'surrendered' THEN
            free_change = -amount AND locked_change = 0
        ELSE FALSE
    END)
);
CREATE INDEX ON voucher_moves (voucher);

-- Every fact of the context, whole: what programmes, claims and statements are told from.
CREATE TABLE voucher_facts (
    position BIGINT NOT NULL,
    fact_index INT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    programme TEXT NOT NULL,
    claim TEXT,
    provider TEXT,
    event TEXT NOT NULL,
    PRIMARY KEY (position, fact_index)
);
CREATE INDEX ON voucher_facts (programme);
CREATE INDEX ON voucher_facts (claim) WHERE claim IS NOT NULL;
CREATE INDEX ON voucher_facts (provider) WHERE provider IS NOT NULL;
