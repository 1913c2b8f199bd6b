//! The live read model is what a rebuild from the journal gives; a rebuild takes its place while it
//! is asked, and does it no harm where it fails or is killed.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr};
use std::time::Duration;

use loopledger_journal::{Config, Filter, JetStreamJournal, Journal, Nats};
use loopledger_projector::{Deps, Limits, catch_up};
use loopledger_servers::{Description, Lock, Options, Purpose, Servers};
use loopledger_testkit::history::{History, Shape};
use loopledger_views::{Batch, Database, Digests, Schema, Views, Writer};
use rustix::process::Signal;

use crate::program::{Ledger, Up, scenario, signal};

async fn digests(database: &Database, schema: &Schema) -> Digests {
    Views::new(database, schema.clone(), 1).digests().await.expect("the views can be read")
}

/// The journal and the database of a running stack.
async fn reach(ledger: &Ledger) -> (JetStreamJournal, Database) {
    let description =
        Description::read(&ledger.data()).expect("it can be read").expect("it is there");
    let nats = Nats::connect(&description.nats_url, "test").await.expect("NATS is up");
    let journal =
        JetStreamJournal::open(nats, Config::default()).await.expect("the journal is there");
    (journal, description.database_url.parse().expect("an address"))
}

#[tokio::test]
async fn a_rebuilt_read_model_equals_the_live_one() {
    let ledger = Ledger::new();
    let up = Up::start(&ledger);
    ledger.import(&scenario("lp-loop")).succeeded();
    let (journal, database) = reach(&ledger).await;
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
        assert_eq!(catch_up(&deps, None).await.expect("the journal can be projected"), last);
        assert_eq!(digests(&database, &schema).await, live);
        // The same commits again: the projector knows how far it is.
        assert_eq!(catch_up(&deps, None).await.expect("nothing is left to do"), last);
        assert_eq!(digests(&database, &schema).await, live);
    }
    assert_eq!(up.interrupt(), Some(0));
}

#[test]
fn a_rebuild_and_a_rollback_change_no_answer_with_a_running_stack_and_without() {
    let ledger = Ledger::new();
    ledger.import(&scenario("lp-loop")).succeeded();
    let refused = ledger.run(&["rollback"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("nothing to roll back to"), "{}", refused.stderr);
    let before = ledger.everything();
    let position = before["loops"]["position"].as_u64().expect("a position");

    let rebuilt = ledger.query(&["rebuild"]);
    assert_eq!(
        (&rebuilt["same"], rebuilt["exchanged_at"].as_u64()),
        (&true.into(), Some(position))
    );
    let tables = rebuilt["tables"].as_array().expect("tables");
    assert!(tables.iter().any(|table| table["live"]["table"] == "loops"));
    for table in tables {
        assert_eq!(
            (&table["live"], table["live"]["digest"].as_str().map(str::len)),
            (&table["rebuilt"], Some(64))
        );
    }
    assert_eq!(ledger.everything(), before);

    let up = Up::start(&ledger);
    let told = ledger.run(&["rebuild"]).succeeded();
    assert!(told.stderr.contains(&format!("position {position} of {position}")), "{}", told.stderr);
    for part in ["flows", "the same", "events/s"] {
        assert!(told.stdout.contains(part), "{}", told.stdout);
    }
    assert_eq!(ledger.everything(), before);
    let back = ledger.run(&["rollback"]).succeeded();
    assert!(back.stdout.contains(&format!("at position {position}")), "{}", back.stdout);
    assert_eq!(ledger.everything(), before);
    assert_eq!(up.interrupt(), Some(0));
}

/// A rebuild that has told of its first rows.
fn begun(ledger: &Ledger) -> (Child, BufReader<ChildStderr>) {
    let mut process = ledger.command(&["rebuild"]).spawn().expect("the program starts");
    let mut lines = BufReader::new(process.stderr.take().expect("a pipe"));
    let mut line = String::new();
    lines.read_line(&mut line).expect("the program tells what it does");
    assert!(line.starts_with("rebuilding: position"), "{line}");
    (process, lines)
}

// With threads of its own, what this test has asked is over when it waits for the program.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_rebuild_does_no_harm_and_a_second_one_at_once_is_refused() {
    let ledger = Ledger::new();
    let up = Up::start(&ledger);
    let (journal, database) = reach(&ledger).await;
    let mut history = History::new(Shape { per_commit: 20, ..Shape::default() });
    let last = history.append(&journal, 8_000).await.expect("the journal takes them");
    let views = Views::new(&database, Schema::default(), 1);
    views.wait_for(last, Duration::from_secs(60)).await.expect("they are projected");
    let before = views.digests().await.expect("the views can be read");

    let (mut killed, _lines) = begun(&ledger);
    killed.kill().expect("our own child");
    killed.wait().expect("our own child");
    assert_eq!(views.digests().await.expect("the views can be read"), before);

    let (mut first, lines) = begun(&ledger);
    signal(&first, Signal::STOP);
    let second = ledger.run(&["rebuild"]);
    assert_eq!(second.code, Some(1));
    assert!(second.stderr.contains("being rebuilt"), "{}", second.stderr);
    let further = history.append(&journal, 1_000).await.expect("the journal takes them");
    views.wait_for(further, Duration::from_secs(60)).await.expect("the live projector goes on");
    signal(&first, Signal::CONT);
    let told: Vec<String> = lines.lines().map_while(Result::ok).collect();
    assert_eq!(first.wait().expect("our own child").code(), Some(0), "{told:?}");
    let after = views.digests().await.expect("the views can be read");
    assert_eq!((after.position, after.tables[0].rows), (further, further));
    drop(journal);
    assert_eq!(up.interrupt(), Some(0));
}

#[tokio::test]
async fn rows_that_differ_are_named_and_stay_unless_that_is_accepted() {
    let ledger = Ledger::new();
    ledger.import(&scenario("lp-loop")).succeeded();
    let before = ledger.everything();
    let position = before["loops"]["position"].as_u64().expect("a position");
    {
        let lock = Lock::acquire(&ledger.data(), Purpose::Command).expect("nobody is there");
        let servers = Servers::start(&lock, &Options::default()).await.expect("servers");
        let database: Database = servers.database_url().parse().expect("an address");
        let mut writer =
            Writer::open(&database, Schema::default(), Duration::ZERO).await.expect("a writer");
        // The position goes back by one and the rows stay.
        let batch = Batch { after: position, position: position - 1, ..Batch::default() };
        writer.store(&batch).await.expect("the database is there");
        drop(writer);
        servers.stop().await;
    }
    let found = ledger.run(&["rebuild"]);
    assert_eq!(found.code, Some(1), "{}", found.text());
    for part in ["rows differ", "commits:", &format!("where live has `{position} |"), "no row"] {
        assert!(found.stderr.contains(part), "{part}: {}", found.stderr);
    }
    assert!(found.stdout.contains("different"), "{}", found.stdout);
    ledger.run(&["rebuild", "--accept-differences"]).succeeded();
    assert_eq!(ledger.everything(), before);
}

#[test]
fn a_query_waits_for_the_position_that_it_is_told_and_says_which_it_rests_on() {
    let ledger = Ledger::new();
    let up = Up::start(&ledger);
    let imported = ledger.import(&scenario("lp-loop")).succeeded();
    let (_, position) = imported.stdout.trim().rsplit_once("position ").expect("a position");
    let asked = ledger.run(&["flows", "--after", position]).succeeded();
    assert!(asked.stdout.trim_end().ends_with(&format!("position {position}")), "{}", asked.stdout);
    assert_eq!(ledger.query(&["loops", "--after", "1"])["position"].to_string(), position);
    let late = ledger.run(&["loops", "--after", "1000000", "--wait", "0"]);
    assert_eq!(late.code, Some(1));
    let reached =
        format!("position 1000000 was not reached within 0ns; the views are at {position}");
    assert!(late.stderr.contains(&reached), "{}", late.stderr);
    assert_eq!(up.interrupt(), Some(0));
}
