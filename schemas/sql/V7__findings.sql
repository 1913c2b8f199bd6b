-- What findings are looked up by. Findings themselves are worked out on reading.

CREATE INDEX ON flows (contract) WHERE contract IS NOT NULL;
CREATE INDEX ON flows (note) WHERE kind IN ('compute_payment', 'voucher_payment');
CREATE INDEX ON voucher_moves (contract) WHERE contract IS NOT NULL;
