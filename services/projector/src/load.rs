//! A schema filled from nothing, by all processors: commits are read and packed side by side,
//! checked in order, and copied over several connections, while the graph grows on a thread of its
//! own.
//!
//! Invariants: what comes out is what the live projector would have made of the same commits. What
//! is on its way is bounded, so memory does not grow with the journal, but for the graph.

use std::thread::available_parallelism;

use futures::future::try_join;
use futures::{StreamExt, TryFutureExt, TryStreamExt, stream};
use loopledger_journal::{Commit, Filter, Heads, Journal};
use loopledger_model::Position;
use loopledger_views::rows::{CutSearch, Flow};
use loopledger_views::{Copier, Deal, Load, PackedRows, Schema, StoredLoop};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet, spawn_blocking};

use crate::decode::Decoded;
use crate::error::Error;
use crate::gather::{Reader, up_to};
use crate::loops::Loops;
use crate::run::Deps;
use crate::session::{Ahead, Session, joined};

/// More of them stand in each other's way.
const CONNECTIONS: usize = 2;
/// Batches that wait for each connection, and for the graph: none stops while another sends what it has gathered.
const WAITING: usize = 8;

/// How far a load is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Loaded {
    pub position: Position,
    pub events: u64,
}

/// Fills a schema that is not there yet with what the journal holds up to a position, and goes on as
/// its writer.
pub(crate) async fn load<J: Journal>(
    deps: &Deps<J>,
    schema: Schema,
    until: Position,
    told: &mut (dyn FnMut(Loaded) + Send),
) -> Result<Session, Error> {
    let mut load = Load::begin(&deps.database, schema, CONNECTIONS).await?;
    let (flows, graph) = grow();
    let (copiers, deal) = load.take_copiers();
    let mut copying = Copying::start(copiers, deal);
    let reader = Reader::new(up_to(deps.journal.read(&Filter::all(), 1), until), deps.limits);
    let mut batches = stream::try_unfold(reader, next_batch)
        .map_ok(decoding)
        .try_buffered(2 * available_parallelism().map_or(1, usize::from))
        .boxed();
    let (mut heads, mut loaded) = (Heads::default(), Loaded::default());
    while let Some(decoded) = batches.try_next().await? {
        for link in &decoded.links {
            heads.join(link)?;
            loaded.position = link.head.position;
        }
        loaded.events += decoded.facts;
        let rows = decoded.rows.finish()?;
        let taken = flows.send(decoded.flows).await.is_ok();
        if !taken || !copying.send(rows).await {
            break;
        }
        told(loaded);
    }
    drop((batches, flows));
    let copiers = copying.finish().await?;
    let built = load.build(copiers);
    let (grown, ()) = try_join(async { joined(graph.await) }, built.err_into()).await?;
    let Grown { loops, changed, cut } = grown;
    let writer = load.finish(loaded.position, cut, changed).await?;
    let ahead = Ahead { loops, position: loaded.position, heads };
    Ok(Session { writer, ahead })
}

async fn next_batch(mut reader: Reader) -> Result<Option<(Vec<Commit>, Reader)>, Error> {
    let commits = reader.next_full().await?;
    Ok((!commits.is_empty()).then_some((commits, reader)))
}

async fn decoding(commits: Vec<Commit>) -> Result<Decoded, Error> {
    let decode = move || -> Result<_, Error> {
        let mut decoded = Decoded::default();
        for commit in &commits {
            decoded.add(commit, commit.link())?;
        }
        Ok(decoded)
    };
    joined(spawn_blocking(decode).await)
}

/// The graph of all flows, and what is to be stored of it.
struct Grown {
    loops: Loops,
    changed: Vec<StoredLoop>,
    cut: Vec<CutSearch>,
}

/// Takes flows in as long as somebody sends them, then works out the loops.
fn grow() -> (mpsc::Sender<Vec<Flow>>, JoinHandle<Result<Grown, Error>>) {
    let (sender, mut flows) = mpsc::channel::<Vec<Flow>>(WAITING);
    let grow = move || {
        let (mut loops, mut cut) = (Loops::default(), Vec::new());
        while let Some(flows) = flows.blocking_recv() {
            cut.extend(loops.add(&flows)?);
        }
        let changed = loops.changed();
        Ok(Grown { loops, changed, cut })
    };
    (sender, spawn_blocking(grow))
}

/// The connections at work, each with tables of its own.
struct Copying {
    senders: Vec<mpsc::Sender<PackedRows>>,
    tasks: JoinSet<Result<Copier, Error>>,
    deal: Deal,
}

impl Copying {
    fn start(copiers: Vec<Copier>, deal: Deal) -> Self {
        let (mut senders, mut tasks) = (Vec::new(), JoinSet::new());
        for mut copier in copiers {
            let (sender, mut rows) = mpsc::channel::<PackedRows>(WAITING);
            senders.push(sender);
            tasks.spawn(async move {
                while let Some(rows) = rows.recv().await {
                    copier.copy(rows).await?;
                }
                Ok(copier)
            });
        }
        Self { senders, tasks, deal }
    }

    /// False when a connection has failed.
    async fn send(&mut self, rows: PackedRows) -> bool {
        for (sender, part) in self.senders.iter().zip(self.deal.deal(rows)) {
            if sender.send(part).await.is_err() {
                return false;
            }
        }
        true
    }

    /// Waits until everything is copied.
    async fn finish(mut self) -> Result<Vec<Copier>, Error> {
        self.senders.clear();
        let mut copiers = Vec::new();
        while let Some(copier) = self.tasks.join_next().await {
            copiers.push(joined(copier)?);
        }
        Ok(copiers)
    }
}
