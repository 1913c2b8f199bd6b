//! The timer of vouchers: what is overdue is ended by a command, so that an expiry is a fact like any other.
//!
//! Invariant: the same voucher is asked for once a UTC day, whoever asks and however often; what is refused today, such
//! as a voucher with an undecided claim, is asked for again tomorrow.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::bail;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use loopledger_model::voucher::{Command, EndVoucher, Ending};
use loopledger_model::{Context, Money, Partition, Position, Text, VoucherId};
use loopledger_service::clock;
use loopledger_service::protocol::{Answer, Asked, Request};
use loopledger_service::trace::TraceContext;
use loopledger_views::Overdue;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::ledger::Ledger;

const AT_A_TIME: u32 = 100;

/// What a round came to.
#[derive(Debug, Default, Serialize)]
pub struct Expired {
    /// The last commit that it made; 0 where it made none.
    pub position: Position,
    pub vouchers: u64,
    /// What was free or locked on them.
    pub amounts: Vec<Money>,
    pub refused: Vec<Refused>,
}

#[derive(Debug, Serialize)]
pub struct Refused {
    pub voucher: VoucherId,
    pub code: String,
    pub message: String,
}

impl Expired {
    fn add(&mut self, left: Money) -> anyhow::Result<()> {
        self.vouchers += 1;
        match self.amounts.iter_mut().find(|sum| sum.currency() == left.currency()) {
            Some(sum) => *sum = sum.checked_add(left)?,
            None => self.amounts.push(left),
        }
        Ok(())
    }
}

/// Ends every voucher that was overdue at an instant.
pub async fn expire(ledger: &Ledger, at: Timestamp) -> anyhow::Result<Expired> {
    let (mut round, mut behind) = (Expired::default(), None);
    loop {
        let overdue = ledger.views.overdue(at, behind.as_ref(), AT_A_TIME).await?;
        let Some(last) = overdue.last() else { return Ok(round) };
        behind = Some(last.voucher.clone());
        let mut by_partition: BTreeMap<Partition, Vec<&Overdue>> = BTreeMap::new();
        for one in &overdue {
            let partition = ledger.partitions.route(Context::Voucher, &ending(one));
            by_partition.entry(partition).or_default().push(one);
        }
        for (partition, some) in by_partition {
            end(ledger, partition, &some, at, &mut round).await?;
        }
    }
}

async fn end(
    ledger: &Ledger,
    partition: Partition,
    overdue: &[&Overdue],
    at: Timestamp,
    round: &mut Expired,
) -> anyhow::Result<()> {
    let day = at.to_zoned(TimeZone::UTC).date();
    let asked = |one: &&Overdue| {
        anyhow::Ok(Asked {
            id: format!("expire:{}:{day}", one.voucher).parse()?,
            by: by(),
            after: 0,
            command: ending(one),
        })
    };
    let commands = overdue.iter().map(asked).collect::<Result<_, _>>()?;
    let request = Request { commands, stop_at_refusal: false, dry_run: false };
    let answered = ledger.asker.ask(partition, &request, TraceContext::start()).await?;
    for (one, answer) in overdue.iter().zip(answered.answers) {
        match answer {
            // Ended by this very command, now or, where the views have not seen it yet, before.
            Answer::Accepted { repeated: true, .. } | Answer::Accepted { events: 0, .. } => {}
            Answer::Accepted { position, .. } => {
                round.position = round.position.max(position);
                round.add(one.left)?;
            }
            Answer::Refused { refusal, .. } => {
                let (code, message) = (refusal.code, refusal.message);
                round.refused.push(Refused { voucher: one.voucher.clone(), code, message });
            }
            other @ (Answer::IdReused { .. }
            | Answer::Skipped
            | Answer::NotCaughtUp { .. }
            | Answer::WrongPartition { .. }
            | Answer::TooLarge { .. }
            | Answer::DryRun { .. }) => bail!("voucher {}: {other:?}", one.voucher),
        }
    }
    Ok(())
}

fn by() -> Text {
    "expiry timer".parse().expect("three words are a text")
}

/// The first instant at which it may be ended.
fn ending(overdue: &Overdue) -> Command {
    let at = overdue.expires_at + SignedDuration::from_micros(1);
    let (voucher, ending) = (overdue.voucher.clone(), Ending::Expired);
    Command::EndVoucher(EndVoucher { voucher, ending, at })
}

/// A round every so often, until `shutdown`; one that fails is told, and the next one tries again.
pub async fn keep(ledger: Ledger, every: Duration, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = shutdown.cancelled() => return,
        }
        match expire(&ledger, clock::now()).await {
            Ok(Expired { vouchers: 0, refused, .. }) if refused.is_empty() => {}
            Ok(Expired { position, vouchers, refused, .. }) => {
                tracing::info!(vouchers, refused = refused.len(), position, "vouchers expired");
            }
            Err(error) => tracing::warn!("vouchers could not be expired: {error:#}"),
        }
    }
}
