//! The live read model is what a rebuild from the journal gives, and a delivery that comes twice changes nothing.

use loopledger_journal::{Config, Filter, JetStreamJournal, Journal, Nats};
use loopledger_projector::{Deps, Limits, rebuild};
use loopledger_servers::Description;
use loopledger_views::{Database, Digests, Schema, Views};

use crate::program::{Ledger, Up, scenario};

async fn digests(database: &Database, schema: &Schema) -> Digests {
    Views::new(database, schema.clone(), 1).digests().await.expect("the views can be read")
}

#[tokio::test]
async fn a_rebuilt_read_model_equals_the_live_one() {
    let ledger = Ledger::new();
    let up = Up::start(&ledger);
    ledger.import(&scenario("lp-loop")).succeeded();
    let description =
        Description::read(&ledger.data()).expect("it can be read").expect("it is there");
    let nats = Nats::connect(&description.nats_url, "test").await.expect("NATS is up");
    let journal =
        JetStreamJournal::open(nats, Config::default()).await.expect("the journal is there");
    let database: Database = description.database_url.parse().expect("an address");
    let live = digests(&database, &Schema::default()).await;
    let last = journal.last(&Filter::all()).await.expect("the journal answers");
    assert_eq!(live.position, last);
    assert!(live.tables.iter().any(|table| table.table == "loops" && table.rows == 3));

    for (name, limits) in [("rebuilt", Limits::REBUILD), ("rebuilt_again", Limits::LIVE)] {
        let schema: Schema = name.parse().expect("a schema's name");
        let deps = Deps {
            schema: schema.clone(),
            limits,
            ..Deps::live(journal.clone(), database.clone())
        };
        assert_eq!(rebuild(&deps, None).await.expect("the journal can be projected"), last);
        assert_eq!(digests(&database, &schema).await, live);
        // The same commits again: the projector knows how far it is.
        assert_eq!(rebuild(&deps, None).await.expect("nothing is left to do"), last);
        assert_eq!(digests(&database, &schema).await, live);
    }
    assert_eq!(up.interrupt(), Some(0));
}
