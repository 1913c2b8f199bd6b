//! The timer of vouchers and reservations: what is overdue is ended by a command, so that an expiry is a fact like any
//! other.
//!
//! Invariant: the same voucher or reservation is asked for once a UTC day, whoever asks and however often; what is
//! refused today, such as a voucher with an undecided claim, is asked for again tomorrow.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::bail;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use loopledger_model::allocation::{self, EndReservation, ReservationEnding};
use loopledger_model::voucher::{Command, EndVoucher, Ending};
use loopledger_model::{Context, Money, Partition, Position, ReservationId, Text, VoucherId};
use loopledger_service::clock;
use loopledger_service::protocol::{Answer, Asked, Request};
use loopledger_service::trace::TraceContext;
use loopledger_views::{Overdue, Reader, Views, reading_as};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::commands::OnNats;

/// How often what is overdue is ended where nobody says otherwise.
pub const EVERY: Duration = Duration::from_secs(3600);
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
    /// Whose hold ran out.
    pub reservations: u64,
    pub refused_reservations: Vec<RefusedReservation>,
}

#[derive(Debug, Serialize)]
pub struct Refused {
    pub voucher: VoucherId,
    pub code: String,
    pub message: String,
}

#[derive(Debug, Serialize)]
pub struct RefusedReservation {
    pub reservation: ReservationId,
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

/// Knows what is overdue, and asks for its end.
pub struct Timer {
    pub views: Views,
    pub services: OnNats,
}

impl Timer {
    /// Ends every voucher that was overdue at an instant, and every reservation whose hold had run out.
    pub async fn expire(&self, at: Timestamp) -> anyhow::Result<Expired> {
        let mut round = Expired::default();
        reading_as(Reader::Everything, async {
            expire_vouchers(self, at, &mut round).await?;
            expire_reservations(self, at, &mut round).await
        })
        .await?;
        Ok(round)
    }

    /// A round every so often, until `shutdown`; one that fails is told, and the next one tries again.
    pub async fn keep(self, every: Duration, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(every) => {}
                () = shutdown.cancelled() => return,
            }
            match self.expire(clock::now()).await {
                Ok(Expired { position: 0, refused, refused_reservations, .. })
                    if refused.is_empty() && refused_reservations.is_empty() => {}
                Ok(Expired {
                    position,
                    vouchers,
                    refused,
                    reservations,
                    refused_reservations,
                    ..
                }) => {
                    let refused = refused.len() + refused_reservations.len();
                    tracing::info!(
                        vouchers,
                        reservations,
                        refused,
                        position,
                        "vouchers and reservations expired"
                    );
                }
                Err(error) => tracing::warn!("what is overdue could not be expired: {error:#}"),
            }
        }
    }
}

async fn expire_reservations(
    timer: &Timer,
    at: Timestamp,
    round: &mut Expired,
) -> anyhow::Result<()> {
    let (day, mut behind) = (at.to_zoned(TimeZone::UTC).date(), None);
    loop {
        let overheld = timer.views.overheld(at, behind.as_ref(), AT_A_TIME).await?;
        let Some((last, _)) = overheld.last() else { return Ok(()) };
        behind = Some(last.clone());
        for (reservation, held_until) in overheld {
            let command = allocation::Command::EndReservation(EndReservation {
                reservation: reservation.clone(),
                ending: ReservationEnding::Expired,
                // The first instant of which rows know that it is over.
                at: held_until + SignedDuration::from_micros(1),
            });
            let partition = timer.services.partitions.route(Context::Allocation, &command);
            let id = format!("expire:{reservation}:{day}").parse()?;
            let asked = Asked { id, by: by(), after: 0, command };
            let request = Request { commands: vec![asked], stop_at_refusal: false, dry_run: false };
            let answered =
                timer.services.asker.ask(partition, &request, TraceContext::start()).await?;
            match answered.answers.into_iter().next() {
                Some(
                    Answer::Accepted { repeated: true, .. } | Answer::Accepted { events: 0, .. },
                ) => {}
                Some(Answer::Accepted { position, .. }) => {
                    round.position = round.position.max(position);
                    round.reservations += 1;
                }
                Some(Answer::Refused { refusal, .. }) => {
                    let (code, message) = (refusal.code, refusal.message);
                    let refused = RefusedReservation { reservation, code, message };
                    round.refused_reservations.push(refused);
                }
                other => bail!("reservation {reservation}: {other:?}"),
            }
        }
    }
}

async fn expire_vouchers(timer: &Timer, at: Timestamp, round: &mut Expired) -> anyhow::Result<()> {
    let mut behind = None;
    loop {
        let overdue = timer.views.overdue(at, behind.as_ref(), AT_A_TIME).await?;
        let Some(last) = overdue.last() else { return Ok(()) };
        behind = Some(last.voucher.clone());
        let mut by_partition: BTreeMap<Partition, Vec<&Overdue>> = BTreeMap::new();
        for one in &overdue {
            let partition = timer.services.partitions.route(Context::Voucher, &ending(one));
            by_partition.entry(partition).or_default().push(one);
        }
        for (partition, some) in by_partition {
            end(timer, partition, &some, at, round).await?;
        }
    }
}

async fn end(
    timer: &Timer,
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
    let answered = timer.services.asker.ask(partition, &request, TraceContext::start()).await?;
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
