-- Who works on the database. Made once a cluster, by somebody who may; made again, nothing changes.
--
--   loopledger_owner      makes schemas and changes their tables: migrations, rebuilds
--   loopledger_projector  adds rows, moves the position, keeps loops up to date; removes nothing
--   loopledger_gateway    logs on for the HTTP API and sees no row of anybody's before it takes one of the next two
--   loopledger_reader     reads every row: an operator or a regulator asks
--   loopledger_party      reads the rows of the parties and programmes that the transaction names
--
-- The first three log on once somebody gives them a password. COPY into tables with policies needs BYPASSRLS.

DO $$
DECLARE
    made RECORD;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('loopledger roles', 0));
    FOR made IN SELECT * FROM (VALUES
        ('loopledger_owner', 'BYPASSRLS'),
        ('loopledger_projector', 'BYPASSRLS'),
        ('loopledger_gateway', 'NOINHERIT'),
        ('loopledger_reader', ''),
        ('loopledger_party', '')) AS roles (name, attributes)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = made.name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN %s', made.name, made.attributes);
        END IF;
    END LOOP;
    EXECUTE format('GRANT CREATE, CONNECT, TEMPORARY ON DATABASE %I TO loopledger_owner', current_database());
END
$$;

GRANT loopledger_reader, loopledger_party TO loopledger_gateway;
ALTER ROLE loopledger_gateway SET default_transaction_read_only = on;
ALTER ROLE loopledger_gateway SET statement_timeout = '60s';
