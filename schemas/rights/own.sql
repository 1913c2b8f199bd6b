-- What the parties and programmes have that the transaction names, for the policies of loopledger_party. Each is worked
-- out once a question. They look past the policies, which would otherwise ask for each other without end.

CREATE OR REPLACE FUNCTION own_parties() RETURNS TEXT[] LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(string_to_array(nullif(current_setting('loopledger.parties', TRUE), ''), ','), '{}');

CREATE OR REPLACE FUNCTION own_programmes() RETURNS TEXT[] LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(string_to_array(nullif(current_setting('loopledger.programmes', TRUE), ''), ','), '{}');

CREATE OR REPLACE FUNCTION own_pools() RETURNS TEXT[] LANGUAGE sql STABLE SECURITY DEFINER
RETURN (SELECT coalesce(array_agg(id), '{}') FROM pools WHERE operator = ANY ((SELECT own_parties())::TEXT[]));

-- Those that they buy or sell by, those that are served by their pools, and what these rest on.
CREATE OR REPLACE FUNCTION own_contracts() RETURNS TEXT[] LANGUAGE sql STABLE SECURITY DEFINER
RETURN (
    WITH RECURSIVE own AS (
        SELECT id, backing_contract FROM contracts
        WHERE buyer = ANY ((SELECT own_parties())::TEXT[]) OR seller = ANY ((SELECT own_parties())::TEXT[]) OR id IN (
            SELECT contract FROM allocations WHERE pool = ANY ((SELECT own_pools())::TEXT[]))
        UNION
        SELECT backing.id, backing.backing_contract
        FROM own JOIN contracts AS backing ON backing.id = own.backing_contract
    )
    SELECT coalesce(array_agg(id), '{}') FROM own);

CREATE OR REPLACE FUNCTION own_claims() RETURNS TEXT[] LANGUAGE sql STABLE SECURITY DEFINER
RETURN (
    SELECT coalesce(array_agg(DISTINCT claim), '{}') FROM voucher_facts
    WHERE provider = ANY ((SELECT own_parties())::TEXT[]) AND claim IS NOT NULL);

CREATE OR REPLACE FUNCTION own_vouchers() RETURNS TEXT[] LANGUAGE sql STABLE SECURITY DEFINER
RETURN (SELECT coalesce(array_agg(id), '{}') FROM vouchers WHERE holder = ANY ((SELECT own_parties())::TEXT[]));

-- The funds that they are, manage or are partners of.
CREATE OR REPLACE FUNCTION own_funds() RETURNS TEXT[] LANGUAGE sql STABLE SECURITY DEFINER
RETURN (
    SELECT coalesce(array_agg(id), '{}') FROM funds
    WHERE id = ANY ((SELECT own_parties())::TEXT[]) OR manager = ANY ((SELECT own_parties())::TEXT[])
        OR id IN (SELECT fund FROM commitments WHERE lp = ANY ((SELECT own_parties())::TEXT[])));

-- Who pays whom on the loops that they are on: payer, a space, payee.
CREATE OR REPLACE FUNCTION own_legs() RETURNS TEXT[] LANGUAGE sql STABLE SECURITY DEFINER
RETURN (
    SELECT coalesce(array_agg(DISTINCT parties[i] || ' ' || parties[i % cardinality(parties) + 1]), '{}')
    FROM loops, generate_series(1, cardinality(parties)) AS i WHERE parties && (SELECT own_parties()));
