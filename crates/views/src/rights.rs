//! Who may read and write which rows: roles of the database, and policies on the rows that belong to somebody.
//!
//! Invariants: a table without a line below is read by readers of everything alone. Rights are a schema's, made with
//! its tables, so those that a rebuild makes have them too. Nobody but the owner removes a row.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use tokio_postgres::Client;

use crate::archive::ArchivedCommit;
use crate::database::{Database, Schema};
use crate::error::Error;
use crate::rows::Rows;
use crate::table::TableRow as _;

const ROLES: &str = include_str!("../../../schemas/rights/roles.sql");
/// What belongs to whom, as the conditions below name it.
const OWN: &str = include_str!("../../../schemas/rights/own.sql");

const PARTY: &str = "= ANY ((SELECT own_parties())::TEXT[])";
const PROGRAMME: &str = "= ANY ((SELECT own_programmes())::TEXT[])";
const POOL: &str = "= ANY ((SELECT own_pools())::TEXT[])";
const CONTRACT: &str = "= ANY ((SELECT own_contracts())::TEXT[])";
const CLAIM: &str = "= ANY ((SELECT own_claims())::TEXT[])";
const VOUCHER: &str = "= ANY ((SELECT own_vouchers())::TEXT[])";
const FUND: &str = "= ANY ((SELECT own_funds())::TEXT[])";
const LEG: &str = "= ANY ((SELECT own_legs())::TEXT[])";
/// One that the table of allocations shows to them.
const SEEN_ALLOCATION: &str = "IN (SELECT id FROM allocations)";

/// Whose a table's rows are: what of them belongs to whom, any of it being enough.
#[derive(Debug, Clone, Copy)]
enum Whose {
    /// A public register: whoever may ask at all may see it.
    Everybodys,
    Of(&'static [(&'static str, &'static str)]),
    /// Told to readers of everything only.
    Nobodys,
}

const PARTIES_OF_A_FUND: Whose = Whose::Of(&[("fund", FUND)]);
const OF_A_POOL: Whose = Whose::Of(&[("pool", POOL)]);
const OF_A_CONTRACT: Whose = Whose::Of(&[("contract", CONTRACT)]);
const OF_POOL_AND_CONTRACT: Whose = Whose::Of(&[("pool", POOL), ("contract", CONTRACT)]);

/// Every table's, by name.
const ROWS: &[(&str, Whose)] = &[
    ("capabilities", Whose::Everybodys),
    ("card_changes", OF_A_POOL),
    ("card_counts", OF_A_POOL),
    ("card_placings", OF_A_POOL),
    ("controls", Whose::Everybodys),
    ("electricity", OF_A_POOL),
    ("oversells", OF_A_POOL),
    ("pool_stages", OF_A_POOL),
    ("provenances", OF_A_POOL),
    ("reservation_confirmations", OF_A_POOL),
    ("reservation_ends", OF_A_POOL),
    ("reservations", OF_POOL_AND_CONTRACT),
    ("admissions", Whose::Of(&[("programme", PROGRAMME), ("provider", PARTY)])),
    ("advance_uses", OF_A_CONTRACT),
    ("advances", OF_A_CONTRACT),
    ("allocation_ends", OF_POOL_AND_CONTRACT),
    ("allocations", OF_POOL_AND_CONTRACT),
    ("announcements", Whose::Of(&[("buyer", PARTY), ("seller", PARTY), ("contract", CONTRACT)])),
    ("card_specs", Whose::Everybodys),
    ("commitments", Whose::Of(&[("fund", PARTY), ("lp", PARTY), ("from_lp", PARTY)])),
    ("commits", Whose::Nobodys),
    ("contracts", Whose::Of(&[("id", CONTRACT)])),
    ("credits", OF_A_CONTRACT),
    ("cut_searches", Whose::Everybodys),
    ("deliveries", OF_A_CONTRACT),
    ("dispute_ends", OF_A_CONTRACT),
    ("disputes", OF_A_CONTRACT),
    (
        "flows",
        Whose::Of(&[
            ("from_party", PARTY),
            ("to_party", PARTY),
            ("buyer", PARTY),
            ("coalesce(buyer, from_party) || ' ' || to_party", LEG),
        ]),
    ),
    ("fund_facts", Whose::Of(&[("fund", PARTY)])),
    ("funds", Whose::Of(&[("id", FUND)])),
    ("invoices", Whose::Of(&[("buyer", PARTY), ("seller", PARTY)])),
    ("loops", Whose::Of(&[("parties", "&& (SELECT own_parties())")])),
    ("navs", PARTIES_OF_A_FUND),
    ("orders", OF_A_CONTRACT),
    ("parties", Whose::Everybodys),
    ("pool_shortfalls", OF_A_POOL),
    ("pool_states", OF_A_POOL),
    ("pools", Whose::Of(&[("operator", PARTY)])),
    ("prices", Whose::Everybodys),
    ("programmes", Whose::Of(&[("id", PROGRAMME)])),
    ("recognitions", Whose::Of(&[("fund", PARTY), ("company", PARTY)])),
    ("refunds", OF_A_CONTRACT),
    ("stakes", Whose::Of(&[("owner", PARTY), ("owned", PARTY)])),
    ("terminations", OF_A_CONTRACT),
    ("usages", Whose::Of(&[("allocation", SEEN_ALLOCATION)])),
    (
        "voucher_facts",
        Whose::Of(&[("programme", PROGRAMME), ("provider", PARTY), ("claim", CLAIM)]),
    ),
    (
        "voucher_moves",
        Whose::Of(&[("programme", PROGRAMME), ("provider", PARTY), ("voucher", VOUCHER)]),
    ),
    ("vouchers", Whose::Of(&[("programme", PROGRAMME), ("holder", PARTY)])),
];

/// The tables whose rows change; in all others they are only added.
const CHANGING: &str = "progress, loops";

fn tables() -> impl Iterator<Item = &'static str> {
    let copied = [&ArchivedCommit::TABLE].into_iter().chain(Rows::TABLES);
    copied.map(|table| table.name).chain(["loops"])
}

fn whose(table: &str) -> Whose {
    ROWS.iter().find(|(name, _)| *name == table).map_or(Whose::Nobodys, |(_, whose)| *whose)
}

impl Whose {
    /// The rows that a party sees; nothing where it sees none.
    fn condition(self) -> Option<String> {
        match self {
            Self::Everybodys => Some("TRUE".to_owned()),
            Self::Nobodys => None,
            Self::Of(owned) => {
                let any = owned.iter().map(|(what, of)| format!("{what} {of}"));
                Some(any.collect::<Vec<_>>().join(" OR "))
            }
        }
    }
}

/// Everything that gives a schema's tables their rights, as often as one likes.
///
/// An owner is held to the policies too where they let it COPY nevertheless.
fn statements(schema: &Schema, owner_passes: bool) -> String {
    let force = if owner_passes { "FORCE" } else { "NO FORCE" };
    let all: Vec<&str> = tables().collect();
    let all = all.join(", ");
    let functions = "own_parties(), own_programmes(), own_pools(), own_contracts(), own_claims(), \
                     own_vouchers(), own_funds(), own_legs()";
    let mut text = format!(
        "{OWN}
        REVOKE ALL ON FUNCTION {functions} FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION {functions} TO loopledger_party;
        GRANT USAGE ON SCHEMA \"{schema}\" TO loopledger_projector, loopledger_gateway,
            loopledger_reader, loopledger_party;
        GRANT SELECT ON progress TO loopledger_gateway, loopledger_reader, loopledger_party;
        GRANT SELECT ON progress, refinery_schema_history, {all} TO loopledger_projector;
        GRANT INSERT ON {all} TO loopledger_projector;
        GRANT UPDATE ON {CHANGING} TO loopledger_projector;
        GRANT SELECT ON {all} TO loopledger_reader;\n"
    );
    for table in tables() {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
             ALTER TABLE {table} {force} ROW LEVEL SECURITY;
             DROP POLICY IF EXISTS every_row ON {table};
             CREATE POLICY every_row ON {table} FOR SELECT TO loopledger_reader USING (TRUE);
             DROP POLICY IF EXISTS own_rows ON {table};
             REVOKE ALL ON {table} FROM loopledger_party;\n"
        );
        if let Some(condition) = whose(table).condition() {
            let _ = write!(
                text,
                "GRANT SELECT ON {table} TO loopledger_party;
                 CREATE POLICY own_rows ON {table} FOR SELECT TO loopledger_party
                 USING ({condition});\n"
            );
        }
    }
    text
}

/// Gives the tables of a schema their rights, unless they have them; nothing where the cluster has no such roles. The
/// client is the only one at the schema and owns it.
pub(crate) async fn give(client: &Client, schema: &Schema) -> Result<(), Error> {
    if !have_roles(client).await? {
        return Ok(());
    }
    let question = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user";
    let owner_passes = client.query_one(question, &[]).await?.try_get(0)?;
    let statements = statements(schema, owner_passes);
    // Of the schema's name too, but its rights go with it when it gets another.
    let mark = format!("rights {:x}", Sha256::digest(statements.replace(schema.as_str(), "")));
    let question =
        "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = $1";
    let row = client.query_one(question, &[&schema.as_str()]).await?;
    let given: Option<String> = row.try_get(0)?;
    if given.as_ref() != Some(&mark) {
        let all = format!("BEGIN; {statements} COMMENT ON SCHEMA \"{schema}\" IS '{mark}'; COMMIT");
        if let Err(error) = client.batch_execute(&all).await {
            client.batch_execute("ROLLBACK").await?;
            return Err(error.into());
        }
    }
    Ok(())
}

/// Lets the gateway add to the record of accesses, where there is a role for it.
pub(crate) async fn give_accesses(client: &Client, schema: &Schema) -> Result<(), Error> {
    if have_roles(client).await? {
        let grants = format!(
            "GRANT USAGE ON SCHEMA \"{schema}\" TO loopledger_gateway;
             GRANT INSERT ON \"{schema}\".accesses TO loopledger_gateway;"
        );
        client.batch_execute(&grants).await?;
    }
    Ok(())
}

async fn have_roles(client: &Client) -> Result<bool, Error> {
    let question = "SELECT count(*) = 5 FROM pg_roles WHERE rolname IN ('loopledger_owner', \
        'loopledger_projector', 'loopledger_gateway', 'loopledger_reader', 'loopledger_party')";
    Ok(client.query_one(question, &[]).await?.try_get(0)?)
}

/// Makes the roles in a database's cluster, and lets those log on that addresses are given of, by the passwords in
/// them. False where there are no roles and this user may not make any.
pub async fn make_roles(database: &Database, logins: &[&Database]) -> Result<bool, Error> {
    let client = database.connect(&Schema::default()).await?;
    let question = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user";
    let may: bool = client.query_one(question, &[]).await?.try_get(0)?;
    if !may {
        let question = "SELECT count(*) = 2 FROM pg_roles \
            WHERE rolname IN ('loopledger_reader', 'loopledger_party') AND pg_has_role(oid, 'MEMBER')";
        return Ok(client.query_one(question, &[]).await?.try_get(0)?);
    }
    client.batch_execute(&format!("BEGIN; {ROLES} COMMIT")).await?;
    for login in logins {
        client.batch_execute(&login.logging_on()).await?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_every_table_it_is_said_whose_its_rows_are() {
        for table in tables() {
            let said = ROWS.iter().any(|(name, _)| *name == table);
            assert!(said, "say in ROWS whose the rows of {table} are");
        }
        for (name, _) in ROWS {
            assert!(tables().any(|table| table == *name), "there is no table {name}");
        }
    }
}
