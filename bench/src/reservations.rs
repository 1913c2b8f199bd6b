//! Reservations of one busy pool: how long the rules take to decide one, against a table whose exclusion constraint
//! keeps cards from being reserved twice.
//!
//! Invariant: both sides hold the same number of live reservations while they are measured, and what is not decided is
//! an error, never a figure.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use loopledger_allocation::Allocation;
use loopledger_model::allocation::{
    Command, EndReservation, Event, Pool, Refusal, Reservation, ReservationEnding,
};
use loopledger_model::registry::{self, Party, PartyKind};
use loopledger_model::{Event as AnyEvent, Period};
use loopledger_service::Decider;
use loopledger_testkit::{at, fact, id};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls, Statement};

/// A pool whose cards are mostly taken.
const LIT: u32 = 3_600;
const YEARS: i64 = 10;
const MOST_CARDS: u64 = 8;
const MOST_HOURS: u64 = 60 * 24;
/// Reservations that PostgreSQL makes in one transaction where its fsync is shared.
const SHARED: usize = 1_000;

pub struct Reservations {
    live: usize,
    reserved: Timed,
    refused: u64,
    released: Timed,
    single: Timed,
    single_refused: u64,
    shared: Timed,
    shared_refused: u64,
}

/// How long each of many things took.
#[derive(Default)]
struct Timed(Vec<Duration>);

impl Timed {
    fn micros(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
        sorted.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e6)
    }

    fn mean(&self) -> f64 {
        let sum: Duration = self.0.iter().sum();
        sum.as_secs_f64() * 1e6 / self.0.len().max(1) as f64
    }
}

/// Numbers that look random and are the same in every run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    /// A stretch of whole hours somewhere in the years.
    fn hours(&mut self) -> (i64, i64) {
        let from = self.below((YEARS * 365 * 24).unsigned_abs()).cast_signed();
        (from, from + 1 + self.below(MOST_HOURS).cast_signed())
    }
}

fn hour(number: i64) -> Timestamp {
    at("2025-01-01") + SignedDuration::from_hours(number)
}

/// `count` reservations in all, of which `live` are held at once.
pub async fn measure(url: &str, count: usize, live: usize) -> anyhow::Result<Reservations> {
    eprintln!("reservations: {count} of which {live} are held");
    let mut measured = decided(count, live)?;
    eprintln!("reservations: PostgreSQL");
    let peer = Peer::prepare(url, live).await?;
    (measured.single, measured.single_refused) = peer.measure(count / 40, 1).await?;
    (measured.shared, measured.shared_refused) = peer.measure(count / 4, SHARED).await?;
    Ok(measured)
}

/// The rules alone: what they say, and folding it into the state that the next one sees.
fn decided(count: usize, live: usize) -> anyhow::Result<Reservations> {
    let (mut state, mut facts) = (<Allocation as Decider>::State::default(), Default::default());
    let party = registry::Event::PartyRegistered(Party {
        id: id("A"),
        at: at("2024-01-01"),
        name: id("A"),
        kind: PartyKind::Provider,
        country: None,
        uscc: None,
        lei: None,
    });
    Allocation::learn(&mut facts, &fact(1, AnyEvent::Registry(party)));
    let mut ask = |command: Command| -> Result<(Vec<Event>, Duration), Refusal> {
        let begun = Instant::now();
        let decision = Allocation::decide(&state, &facts, &command)?;
        for event in &decision.events {
            Allocation::evolve(&mut state, event);
        }
        Ok((decision.events, begun.elapsed()))
    };
    ask(Command::RegisterPool(Pool {
        id: id("p"),
        operator: id("A"),
        site: id("Guizhou 2"),
        model: id("H200"),
        cards: LIT,
        lit: LIT,
        at: at("2025-01-01"),
    }))?;
    let (mut draw, mut held) = (Draw(1), VecDeque::new());
    let (mut reserved, mut released, mut refused) = (Timed::default(), Timed::default(), 0);
    let mut number = 0_u64;
    while reserved.0.len() < count {
        number += 1;
        let (from, to) = draw.hours();
        let name = format!("r-{number}");
        let begun = Instant::now();
        let asked = ask(Command::Reserve(Reservation {
            id: id(&name),
            pool: id("p"),
            cards: u32::try_from(1 + draw.below(MOST_CARDS))?,
            period: Period::new(hour(from), hour(to))?,
            at: at("2024-12-01"),
            held_until: hour(to) - SignedDuration::from_mins(30),
            contract: None,
            class: None,
        }));
        match asked {
            Ok((events, time)) => {
                anyhow::ensure!(events.len() == 1, "{name} was there already");
                reserved.0.push(time);
                held.push_back(name);
            }
            Err(Refusal::AboveLit { .. }) => {
                refused += 1;
                reserved.0.push(begun.elapsed());
            }
            Err(other) => anyhow::bail!("{name}: {other}"),
        }
        if held.len() > live
            && let Some(oldest) = held.pop_front()
        {
            let (_, time) = ask(Command::EndReservation(EndReservation {
                reservation: id(&oldest),
                ending: ReservationEnding::Released,
                at: at("2024-12-02"),
            }))?;
            released.0.push(time);
        }
    }
    let none = Timed::default;
    Ok(Reservations {
        live,
        reserved,
        refused,
        released,
        single: none(),
        single_refused: 0,
        shared: none(),
        shared_refused: 0,
    })
}

/// A reservation of one card, which whoever asks has picked: the constraint looks at this card only.
struct Peer {
    client: Client,
    or_error: Statement,
    or_nothing: Statement,
}

impl Peer {
    async fn prepare(url: &str, live: usize) -> anyhow::Result<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        client
            .batch_execute(
                "CREATE EXTENSION IF NOT EXISTS btree_gist;
                 CREATE TABLE reservations (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                    card INT NOT NULL, during INT4RANGE NOT NULL,
                    EXCLUDE USING gist (card WITH =, during WITH &&));",
            )
            .await
            .context("a table with an exclusion constraint (btree_gist)")?;
        let insert = "INSERT INTO reservations (card, during) VALUES ($1, int4range($2, $3))";
        let or_error = client.prepare(insert).await?;
        let or_nothing = client.prepare(&format!("{insert} ON CONFLICT DO NOTHING")).await?;
        let peer = Self { client, or_error, or_nothing };
        let mut draw = Draw(2);
        let mut held = 0;
        while held < live {
            peer.client.batch_execute("BEGIN").await?;
            for _ in 0..SHARED {
                held += usize::try_from(peer.reserve(&mut draw, true).await?)?;
            }
            peer.client.batch_execute("COMMIT").await?;
        }
        peer.client.batch_execute("ANALYZE reservations; CHECKPOINT").await?;
        Ok(peer)
    }

    /// How many rows it made. Within a transaction a conflict is passed over, since an error would end it.
    async fn reserve(&self, draw: &mut Draw, in_transaction: bool) -> anyhow::Result<u64> {
        let (from, to) = draw.hours();
        let card = i32::try_from(draw.below(LIT.into()))?;
        let (from, to) = (i32::try_from(from)?, i32::try_from(to)?);
        let insert = if in_transaction { &self.or_nothing } else { &self.or_error };
        match self.client.execute(insert, &[&card, &from, &to]).await {
            Ok(made) => Ok(made),
            Err(error) if error.code() == Some(&SqlState::EXCLUSION_VIOLATION) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// `count` reservations, so many a transaction; each that is made takes the place of the oldest, whose deletion
    /// is not timed.
    async fn measure(&self, count: usize, shared: usize) -> anyhow::Result<(Timed, u64)> {
        let mut draw = Draw(3 + shared as u64);
        let (mut timed, mut refused) = (Timed::default(), 0);
        while timed.0.len() < count {
            let begun = Instant::now();
            let mut made = 0;
            if shared == 1 {
                made = self.reserve(&mut draw, false).await?;
            } else {
                self.client.batch_execute("BEGIN").await?;
                for _ in 0..shared {
                    made += self.reserve(&mut draw, true).await?;
                }
                self.client.batch_execute("COMMIT").await?;
            }
            let each = begun.elapsed() / u32::try_from(shared)?;
            timed.0.extend(std::iter::repeat_n(each, shared));
            refused += shared as u64 - made;
            let oldest = "DELETE FROM reservations WHERE id IN \
                          (SELECT id FROM reservations ORDER BY id LIMIT $1)";
            self.client.execute(oldest, &[&i64::try_from(made)?]).await?;
        }
        Ok((timed, refused))
    }
}

impl fmt::Display for Reservations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { live, reserved, released, refused, .. } = self;
        let days = MOST_HOURS / 24;
        writeln!(
            f,
            "One pool of {LIT} lit cards; a reservation is for 1 hour to {days} days somewhere in {YEARS} years, and {live} are\n\
             held at once. The ledger reserves 1 to {MOST_CARDS} cards and looks at every instant of the period; its rules\n\
             are timed by themselves, in one process (`decide` and `evolve`), without journal or fsync. PostgreSQL reserves\n\
             one card, which whoever asks has picked at random: a row with `EXCLUDE USING gist (card WITH =, during WITH &&)`,\n\
             fsync on, over a connection, asked one after the other; and {SHARED} in a transaction, where one fsync is shared.\n"
        )?;
        writeln!(f, "| side | reservations | refused | mean µs | p50 µs | p99 µs | longest µs |")?;
        writeln!(f, "|---|---:|---:|---:|---:|---:|---:|")?;
        let mut line = |side: &str, timed: &Timed, refused: u64| {
            let count = timed.0.len();
            let [p50, p99, longest] = [0.5, 0.99, 1.0].map(|share| timed.micros(share));
            let mean = timed.mean();
            writeln!(
                f,
                "| {side} | {count} | {refused} | {mean:.2} | {p50:.2} | {p99:.2} | {longest:.2} |"
            )
        };
        line("loopledger's rules, reserved", reserved, *refused)?;
        line("loopledger's rules, released", released, 0)?;
        line("PostgreSQL, one a transaction", &self.single, self.single_refused)?;
        line(&format!("PostgreSQL, {SHARED} a transaction"), &self.shared, self.shared_refused)
    }
}
