//! Usages on their way: each is answered for good once, whatever befalls the requests.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Mutex;
use std::time::Duration;

use loopledger_importer::{Ask, ContextCommand, Failure, Patience};
use loopledger_model::{CommandId, Partition, Partitions};
use loopledger_service::protocol::{Answer, Refused, Request};
use tokio::time::sleep;

use super::super::send::MOST;
use super::super::{MeterError, MeterReport, import};
use super::{Format, file};

const UNBROKEN: &str = "no test panics while it holds the lock";

/// Answers requests as it is told: `mishaps` befall the next ones, the last one first.
#[derive(Default)]
struct Service {
    mishaps: Mutex<Vec<Mishap>>,
    decided: Mutex<BTreeMap<CommandId, u32>>,
    /// Refused under its first id, in an earlier import.
    refused: bool,
    /// Requests that are under way, and the most that ever were.
    under_way: Mutex<(usize, usize)>,
}

#[derive(Clone, Copy)]
enum Mishap {
    Lost,
    AnswerLost,
    Behind,
    Forbidden,
}

impl Service {
    fn answers(&self, request: &Request<&ContextCommand>) -> Vec<Answer> {
        let mut decided = self.decided.lock().expect(UNBROKEN);
        let answer = |id: &CommandId| {
            if self.refused && id.as_str().starts_with("import:") {
                let (code, message) = ("beyond".to_owned(), "beyond".to_owned());
                let refusal = Refused { code, message, fields: serde_json::Value::Null };
                return Answer::Refused { position: 1, refusal, repeated: true };
            }
            let times = decided.entry(id.clone()).or_default();
            *times += 1;
            Answer::Accepted { position: 7, events: 1, repeated: *times > 1 }
        };
        request.commands.iter().map(|asked| &asked.id).map(answer).collect()
    }
}

impl Ask for Service {
    fn partitions(&self) -> Partitions {
        Partitions::default()
    }

    async fn ask(
        &self,
        _: Partition,
        request: &Request<&ContextCommand>,
    ) -> Result<Vec<Answer>, Failure> {
        {
            let (now, most) = &mut *self.under_way.lock().expect(UNBROKEN);
            *now += 1;
            *most = (*most).max(*now);
        }
        sleep(Duration::from_millis(5)).await;
        self.under_way.lock().expect(UNBROKEN).0 -= 1;
        let passing = || Err(Failure::Passing("nobody answers".to_owned()));
        match self.mishaps.lock().expect(UNBROKEN).pop() {
            None => Ok(self.answers(request)),
            Some(Mishap::Lost) => passing(),
            Some(Mishap::AnswerLost) => {
                self.answers(request);
                passing()
            }
            Some(Mishap::Behind) => {
                let behind = |_| Answer::NotCaughtUp { after: 9, reached: 8 };
                Ok(request.commands.iter().map(behind).collect())
            }
            Some(Mishap::Forbidden) => Err(Failure::Lasting("nobody may ask".to_owned())),
        }
    }
}

/// Imports so many runs, each in a line of its own behind the header.
async fn imported(runs: usize, service: &Service) -> Result<MeterReport, MeterError> {
    let header = "JobIDRaw|Start|End|ElapsedRaw|AllocTRES|State\n";
    let run =
        |job| format!("{job}|2025-03-01T08:00:00|2025-03-01T09:00:00|3600|gres/gpu=1|COMPLETED\n");
    let text = header.to_owned() + &(0..runs).map(run).collect::<String>();
    let mut asked = file(Format::Sacct, "").zone(8).asked;
    let mut kept = tempfile::NamedTempFile::new().expect("a temporary file");
    kept.write_all(text.as_bytes()).expect("our own file");
    asked.file = kept.path().to_owned();
    asked.allocation = Some("al-1".parse().expect("an id"));
    import(&asked, service, Patience::default(), |_| {}).await
}

fn service(mishaps: &[Mishap]) -> Service {
    Service { mishaps: Mutex::new(mishaps.iter().rev().copied().collect()), ..Service::default() }
}

#[tokio::test(start_paused = true)]
async fn requests_are_under_way_together_and_no_more_than_so_many() {
    let service = service(&[]);
    let report = imported(MOST * 20 + 1, &service).await.expect("everybody answers");
    assert_eq!((report.usages, report.accepted), (8_001, 8_001));
    assert_eq!(*service.under_way.lock().expect(UNBROKEN), (0, 8));
}

#[tokio::test(start_paused = true)]
async fn whatever_is_lost_is_asked_for_again_under_its_id_and_counts_once() {
    use Mishap::{AnswerLost, Behind, Lost};
    let service = service(&[Lost, AnswerLost, Behind, AnswerLost, Lost]);
    let report = imported(MOST * 3 + 7, &service).await.expect("somebody answers in the end");
    assert_eq!(report.accepted + report.unchanged, 1_207);
    assert_eq!(service.decided.lock().expect(UNBROKEN).len(), 1_207);
    assert!(report.unchanged > 0, "the answers that were lost");
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_import_was_refused_is_asked_under_its_next_id() {
    let service = Service { refused: true, ..Service::default() };
    let report = imported(MOST + 1, &service).await.expect("everybody answers");
    assert_eq!((report.accepted, report.refused), (401, 0));
    let decided = service.decided.lock().expect(UNBROKEN);
    assert!(decided.keys().all(|id| id.as_str().starts_with("import.2:meter:")));
}

#[tokio::test(start_paused = true)]
async fn an_import_that_may_not_ask_or_that_nobody_answers_stops_at_a_line() {
    let forbidden = imported(2, &service(&[Mishap::Forbidden])).await;
    let text = forbidden.expect_err("nobody may ask").to_string();
    assert!(text.starts_with("the import stopped at line 2: nobody may ask; "), "{text}");
    let silence = imported(2, &service(&[Mishap::Lost; 1_000])).await;
    let text = silence.expect_err("nobody answers").to_string();
    assert!(text.starts_with("the import stopped at line 2: nobody answers; "), "{text}");
}
