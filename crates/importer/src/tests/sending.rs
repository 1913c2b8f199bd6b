//! Rows on their way to the services: order, refusals, and a world that does not answer.

use std::time::Duration;

use expect_test::expect;
use loopledger_model::{Context, Partition, Partitions};
use loopledger_service::protocol::{Answer, Request};

use super::ledger::{Ledger, Mishap};
use super::{Bundle, full, lp_loop, rows, with};
use crate::send::MOST_ROWS;
use crate::{
    Ask, ContextCommand, Failure, ImportError, Manner, OnRefusal, Patience, Progress, Report, Row,
    send,
};

const STOP: Manner = Manner {
    on_refusal: OnRefusal::Stop,
    patience: Patience {
        first: Duration::from_millis(50),
        longest: Duration::from_secs(2),
        limit: Duration::from_secs(60),
    },
};
const CONTINUE: Manner = Manner { on_refusal: OnRefusal::Continue, ..STOP };

async fn sent(rows: &[Row], ledger: &Ledger, manner: Manner) -> Report {
    send(rows, ledger, manner, |_| {}).await.expect("the world answers")
}

fn ledger(refused: &[&'static str], mishaps: &[Mishap]) -> Ledger {
    let ledger = Ledger::default();
    ledger.services().refused.extend(refused);
    ledger.services().mishaps.extend(mishaps.iter().rev());
    ledger
}

/// A bundle of so many transfers, one a day or all on one.
fn transfers(count: usize) -> Bundle {
    let line = |n| format!("tr-{n},A,C,1,CNY,2024-03-06,loan\n");
    let lines: String = (0..count).map(line).collect();
    with(full(), "transfers.csv", &format!("id,from,to,amount,currency,at,purpose\n{lines}"))
}

/// The rows of one file alone, so that they are of one context.
fn only(file: &str, bundle: &Bundle) -> Vec<Row> {
    rows(bundle).into_iter().filter(|row| row.file == file).collect()
}

#[tokio::test]
async fn rows_of_one_context_go_together_and_state_what_they_rest_on() {
    let ledger = Ledger::default();
    let report = sent(&rows(&lp_loop()), &ledger, STOP).await;
    assert_eq!((report.accepted, report.unchanged, report.exit_status()), (report.rows, 0, 0));
    let services = ledger.services();
    let line = |request: &super::ledger::Asked| {
        format!(
            "{} after {}: {} from {}\n",
            request.context,
            request.after,
            request.ids.len(),
            request.ids[0]
        )
    };
    expect![[r#"
        registry after 0: 9 from import:parties:city
        voucher after 1: 1 from import:programmes:cv-2025
        registry after 2: 3 from import:card_specs:a4c1dcd1506bdc1bfa1bb8a892b5671f
        fund after 3: 6 from import:funds:fund-b
        registry after 4: 1 from import:prices:529eda04c33c51a0831d8a19f7b2242c
        voucher after 5: 2 from import:admissions:08bced19b03b7eb1408b9a31f6e2680e
        allocation after 6: 2 from import:pools:pool-a1
        purchase after 7: 1 from import:contracts:k-1
        fund after 8: 1 from import:investments:iv-2
        voucher after 9: 2 from import:vouchers:v-c1
        allocation after 10: 1 from import:allocations:al-1
        fund after 11: 1 from import:investments:iv-3
        purchase after 12: 2 from import:contracts:k-2
        voucher after 13: 1 from import:vouchers:v-d1
        purchase after 14: 1 from import:contracts:k-4
        voucher after 15: 1 from import:locks:lk-2
        allocation after 16: 3 from import:allocations:al-2
        purchase after 17: 3 from import:contracts:k-5
        voucher after 18: 1 from import:redemptions:rd-1
        purchase after 19: 1 from import:terminations:k-5
        allocation after 20: 3 from import:pool_changes:08e20201fe313e90f2e0e2404f29a161
        purchase after 21: 4 from import:invoices:in-2
        voucher after 22: 1 from import:settlements:st-1
        purchase after 23: 3 from import:payments:pm-2
        voucher after 24: 2 from import:redemptions:rd-2
        purchase after 25: 1 from import:payments:pm-4
        voucher after 26: 1 from import:settlements:st-3
    "#]]
    .assert_eq(&services.requests.iter().map(line).collect::<String>());
}

#[tokio::test]
async fn rows_of_one_partition_go_together_and_the_order_of_rows_stays() {
    let ledger = Ledger {
        stated: "voucher=4,purchase=3,fund=4".parse().expect("counts"),
        ..Ledger::default()
    };
    let rows = rows(&lp_loop());
    let report = sent(&rows, &ledger, STOP).await;
    assert_eq!((report.accepted, report.exit_status()), (rows.len(), 0));
    let services = ledger.services();
    let sent: Vec<_> = services.requests.iter().flat_map(|request| &request.ids).collect();
    assert_eq!(sent, rows.iter().map(|row| &row.id).collect::<Vec<_>>());
    let used = |context: Context| {
        let of = services.requests.iter().filter(|request| request.context == context);
        of.map(|request| request.partition.number).collect::<std::collections::BTreeSet<_>>().len()
    };
    assert!(used(Context::Purchase) > 1 && used(Context::Fund) > 1 && used(Context::Registry) == 1);
    let pairs = services.requests.windows(2);
    assert!(pairs.into_iter().all(|pair| pair[0].partition != pair[1].partition));
}

#[tokio::test]
async fn no_request_is_longer_than_a_service_takes() {
    let ledger = Ledger::default();
    let rows = only("transfers.csv", &transfers(2 * MOST_ROWS + 1));
    sent(&rows, &ledger, STOP).await;
    let lengths: Vec<_> =
        ledger.services().requests.iter().map(|request| request.ids.len()).collect();
    assert_eq!(lengths, [MOST_ROWS, MOST_ROWS, 1]);
}

#[tokio::test]
async fn importing_again_changes_nothing() {
    let (ledger, rows) = (Ledger::default(), rows(&lp_loop()));
    let first = sent(&rows, &ledger, STOP).await;
    let recorded = ledger.services().recorded.clone();
    let second = sent(&rows, &ledger, STOP).await;
    assert_eq!((second.accepted, second.unchanged), (0, first.accepted));
    assert_eq!(second.position, first.position);
    assert_eq!(ledger.services().recorded, recorded);
}

#[tokio::test]
async fn a_refusal_stops_the_import_and_nothing_behind_it_is_recorded() {
    let ledger = ledger(&["redemptions:rd-3"], &[]);
    let rows = rows(&lp_loop());
    let report = sent(&rows, &ledger, STOP).await;
    expect![[r#"
        redemptions.csv line 4: refused (against_the_rules): the rules say no
        58 rows: 55 accepted, 0 unchanged, 1 refused, 2 not sent; position 25"#]]
    .assert_eq(&report.to_string());
    assert_eq!(report.exit_status(), 3);
    let refused = rows
        .iter()
        .position(|row| row.id.as_str() == "import:redemptions:rd-3")
        .expect("it is there");
    assert_eq!(ledger.services().recorded.len(), refused);
}

#[tokio::test]
async fn an_import_that_continues_records_everything_but_the_refused_rows() {
    let ledger = ledger(&["redemptions:rd-1", "redemptions:rd-3", "parties:city"], &[]);
    let report = sent(&rows(&lp_loop()), &ledger, CONTINUE).await;
    expect![[r#"
        parties.csv line 2: refused (against_the_rules): the rules say no
        redemptions.csv line 2: refused (against_the_rules): the rules say no
        redemptions.csv line 4: refused (against_the_rules): the rules say no
        58 rows: 55 accepted, 0 unchanged, 3 refused; position 31"#]]
    .assert_eq(&report.to_string());
    assert_eq!(report.settled(), report.rows);
    assert_eq!(ledger.services().recorded.len(), report.rows - 3);
}

#[tokio::test]
async fn rows_behind_a_refused_one_are_decided_in_order_and_once() {
    let rows = only("transfers.csv", &transfers(1_000));
    let ledger = ledger(&["transfers:tr-3", "transfers:tr-4", "transfers:tr-900"], &[]);
    let report = sent(&rows, &ledger, CONTINUE).await;
    let lines: Vec<_> = report.refused.iter().map(|refused| refused.line).collect();
    assert_eq!((lines, report.accepted), (vec![5, 6, 902], 997));
    let services = ledger.services();
    let position =
        |row: usize| services.recorded.get(&format!("transfers:tr-{row}")).map(|known| known.0);
    assert!((0..1_000).filter_map(position).is_sorted());
    assert!(services.requests.len() < 40, "{}", services.requests.len());
}

#[tokio::test]
async fn a_remembered_refusal_is_asked_again_so_that_a_cause_that_went_away_is_seen() {
    let ledger = ledger(&["locks:lk-1"], &[]);
    let rows = rows(&lp_loop());
    for _ in 0..3 {
        assert_eq!(sent(&rows, &ledger, STOP).await.refused[0].code, "against_the_rules");
    }
    ledger.services().refused.clear();
    let mended = sent(&rows, &ledger, STOP).await;
    assert_eq!((mended.refused.len(), mended.settled()), (0, rows.len()));
    let ids: Vec<_> =
        ledger.services().requests.iter().map(|request| request.ids[0].to_string()).collect();
    assert!(ids.contains(&"import.4:locks:lk-1".to_owned()));
    assert!(!ids.contains(&"import.5:locks:lk-1".to_owned()));
    let again = sent(&rows, &ledger, STOP).await;
    assert_eq!((again.accepted, again.unchanged), (0, rows.len()));
}

#[tokio::test]
async fn a_refused_row_can_be_put_right_under_its_own_id() {
    let ledger = ledger(&["transfers:tr-1"], &[]);
    let wrong = sent(&rows(&full()), &ledger, STOP).await;
    assert_eq!(wrong.refused.len(), 1);
    ledger.services().refused.clear();
    let text = "id,from,to,amount,currency,at,purpose\ntr-1,C,A,1,CNY,2024-03-06,loan\n";
    let right = rows(&with(full(), "transfers.csv", text));
    let report = sent(&right, &ledger, STOP).await;
    let first = right.iter().position(|row| row.id.as_str() == "import:transfers:tr-1");
    let behind = right.len() - first.expect("it is among them");
    assert_eq!((report.accepted, report.refused.len(), report.settled()), (behind, 0, right.len()));
}

#[tokio::test]
async fn a_recorded_row_cannot_be_changed_by_another_import() {
    let ledger = Ledger::default();
    sent(&rows(&full()), &ledger, STOP).await;
    let recorded = ledger.services().recorded.clone();
    let text = "id,from,to,amount,currency,at,purpose\ntr-1,C,A,1,CNY,2024-03-06,loan\n";
    let changed = rows(&with(full(), "transfers.csv", text));
    for _ in 0..2 {
        let report = sent(&changed, &ledger, CONTINUE).await;
        assert_eq!((report.accepted, report.refused[0].code.as_str()), (0, "exists"));
    }
    assert_eq!(ledger.services().recorded, recorded);
}

/// A service that takes every id for one that it has answered before.
struct Confused;

impl Ask for Confused {
    fn partitions(&self) -> Partitions {
        Partitions::default()
    }

    async fn ask(
        &self,
        _: Partition,
        request: &Request<&ContextCommand>,
    ) -> Result<Vec<Answer>, Failure> {
        Ok(vec![Answer::IdReused { message: "used".to_owned() }; request.commands.len()])
    }
}

#[tokio::test]
async fn a_service_that_knows_every_id_is_not_asked_for_ever() {
    let rows = only("transfers.csv", &full());
    let error = send(&rows, &Confused, STOP, |_| {}).await.expect_err("it never ends");
    assert!(matches!(error.failure, Failure::Lasting(_)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_world_that_fails_for_a_while_is_asked_again_and_nothing_happens_twice() {
    let mishaps =
        [Mishap::Lost, Mishap::AnswerLost, Mishap::Behind, Mishap::AnswerLost, Mishap::Lost];
    let (ledger, rows) = (ledger(&[], &mishaps), rows(&lp_loop()));
    let report = sent(&rows, &ledger, STOP).await;
    assert_eq!((report.settled(), report.refused.len()), (rows.len(), 0));
    assert_eq!(ledger.services().recorded.len(), rows.len());
}

#[tokio::test(start_paused = true)]
async fn an_import_gives_up_when_nothing_is_answered_for_too_long() {
    for mishap in [Mishap::Lost, Mishap::Behind] {
        let (ledger, rows) = (ledger(&[], &[]), rows(&lp_loop()));
        sent(&rows[..3], &ledger, STOP).await;
        ledger.services().mishaps = vec![mishap; 1_000];
        let error = send(&rows, &ledger, STOP, |_| {}).await.expect_err("nobody answers");
        assert!(matches!(error.failure, Failure::Passing(_)), "{error}");
        assert_eq!((error.file, error.line, error.report.settled()), ("parties.csv", 2, 0));
        assert!(ledger.services().mishaps.len() > 900);
        assert_eq!(ImportError::from(error).exit_status(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_will_last_ends_the_import_at_once_and_it_can_go_on_later() {
    let mishaps = [Mishap::AnswerLost, Mishap::Forbidden];
    let (ledger, rows) = (ledger(&[], &mishaps), rows(&lp_loop()));
    let error = send(&rows, &ledger, STOP, |_| {}).await.expect_err("it is not allowed");
    expect!["the import stopped at parties.csv line 2, after 0 of 58 rows: not allowed; import the bundle again to go on"].assert_eq(&error.to_string());
    assert_eq!(ledger.services().requests.len(), 2);
    assert_eq!(sent(&rows, &ledger, STOP).await.settled(), rows.len());
}

#[tokio::test]
async fn progress_is_told_from_nothing_to_the_end() {
    let (ledger, rows) = (Ledger::default(), rows(&lp_loop()));
    let mut told = Vec::new();
    let sending = send(&rows, &ledger, STOP, |progress: Progress| told.push(progress));
    sending.await.expect("the world answers");
    assert!(told.iter().map(|progress| progress.settled).is_sorted());
    let ends = (told[0].settled, told.last().map(|progress| progress.settled));
    assert_eq!(ends, (0, Some(rows.len())));
    assert!(ledger.services().requests.iter().any(|request| request.context == Context::Fund));
}
