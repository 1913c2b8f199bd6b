//! What PostgreSQL reads for one page of a long list: the page's rows, and not those before or behind it.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use jiff::Timestamp;
use loopledger_servers::{Durability, Lock, Options, Purpose, Servers};
use serde_json::Value;
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

use crate::database::{Database, Schema};
use crate::table::in_order;
use crate::{claims, flows, rows, schema, vouchers};

const ROWS: i64 = 20_000;
const PAGE: i64 = 50;

const FILL: &str = "
    INSERT INTO flows (position, fact_index, at, recorded_at, id, from_party, to_party, kind, amount, currency)
        SELECT n, 0, '2025-01-01'::TIMESTAMPTZ + n * INTERVAL '1 minute', now(), 'f-' || n, 'a', 'b', 'transfer', 1, 'CNY'
        FROM generate_series(1, 20000) AS n;
    INSERT INTO vouchers (position, fact_index, at, recorded_at, id, programme, holder, face, currency)
        SELECT n, 0, '2025-01-01', now(), 'v-' || lpad(n::TEXT, 5, '0'), 'cv', 'a', 1, 'CNY'
        FROM generate_series(1, 20000) AS n;
    INSERT INTO voucher_facts (position, fact_index, at, recorded_at, programme, claim, provider, event)
        SELECT n, 0, '2025-01-01', now(), 'cv', 'c-' || n, 'a', '{\"claim_submitted\":{}}'
        FROM generate_series(1, 20000) AS n;
    ANALYZE";

/// How many rows of tables were looked at, those that were left out among them.
async fn read(client: &Client, query: &str, parameters: &[&(dyn ToSql + Sync)]) -> u64 {
    fn looked_at(node: &Value) -> u64 {
        let count = |name: &str| {
            node[name].as_f64().map_or(0, |count| format!("{count:.0}").parse().expect("a count"))
        };
        let own = count("Actual Rows") + count("Rows Removed by Filter");
        let own = if node["Relation Name"].is_string() { own * count("Actual Loops") } else { 0 };
        own + node["Plans"].as_array().into_iter().flatten().map(looked_at).sum::<u64>()
    }
    let query = format!("EXPLAIN (ANALYZE, FORMAT JSON) {query}");
    let row = client.query_one(&query, parameters).await.expect("a plan");
    let plan: Value = row.get(0);
    looked_at(&plan[0]["Plan"])
}

#[tokio::test]
async fn a_page_of_a_long_list_is_read_from_where_it_begins() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    set_permissions(folder.path(), Permissions::from_mode(0o711)).expect("our own folder");
    let lock = Lock::acquire(&folder.path().join("data"), Purpose::Command).expect("nobody else");
    let options = Options { durability: Durability::Lazy, ..Options::default() };
    let servers = Servers::start(&lock, &options).await.expect("servers");
    let database: Database = servers.database_url().parse().expect("an address");
    let name = Schema::default();
    schema::make(&database, &name, Duration::from_secs(5)).await.expect("a schema");
    let client = database.connect(&name).await.expect("a connection");
    client.batch_execute(FILL).await.expect("rows");

    let none = None::<Timestamp>;
    let (any, page): (Option<&str>, _) = (None, Some(PAGE));
    let middle: Timestamp = "2025-01-07T22:40:00Z".parse().expect("an instant");
    let (position, index) = (Some(10_000_i64), Some(0_i32));
    let query = in_order::<rows::Flow>(&flows::wanted(), flows::ORDER);
    let of =
        |at: &Option<Timestamp>, most: &Option<i64>| (*at, at.and(position), at.and(index), *most);
    for (from, most, expected) in
        [(None, page, PAGE), (Some(middle), page, PAGE), (None, None, ROWS)]
    {
        let (at, position, index, most) = of(&from, &most);
        let asked: [&(dyn ToSql + Sync); 10] =
            [&none, &none, &any, &any, &none, &none, &at, &position, &index, &most];
        let read = read(&client, &query, &asked).await;
        assert!(read.abs_diff(expected.unsigned_abs()) <= 5, "{read} flows from {from:?}");
    }
    let query = in_order::<rows::Voucher>(&vouchers::wanted(), vouchers::ORDER);
    for from in [None, Some("v-10000")] {
        let programme = from.map(|_| "cv");
        let asked: [&(dyn ToSql + Sync); 6] = [&none, &none, &any, &programme, &from, &page];
        let read = read(&client, &query, &asked).await;
        assert!(read <= PAGE.unsigned_abs() + 5, "{read} vouchers from {from:?}");
    }
    let query = claims::beginnings(&claims::wanted());
    for position in [None, position] {
        let index = position.and(index);
        let asked: [&(dyn ToSql + Sync); 7] = [&none, &none, &any, &any, &position, &index, &page];
        let read = read(&client, &query, &asked).await;
        assert!(read <= PAGE.unsigned_abs() + 5, "{read} beginnings from {position:?}");
    }
    drop(client);
    servers.stop().await;
}
