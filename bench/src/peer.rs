//! What a user would take instead, as the measurements see it: PostgreSQL behind one of three kinds of code.
//!
//! Invariant: every success is one committed transaction of an fsyncing server; nothing is batched across requests.

use std::future::Future;
use std::sync::Arc;

use crate::clients::{self, Load, Outcome, Taken};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    Redemptions,
    Payments,
}

/// Takes 1.00 from a voucher or an invoice.
#[derive(Debug)]
pub struct Ask {
    pub work: Work,
    pub id: String,
    /// Of voucher `v-..` and invoice `in-..`.
    pub account: String,
}

/// Beyond its cores a PostgreSQL server gains little from more connections: clients share them as a pool would.
pub const CONNECTIONS: usize = 48;

pub trait Peer: Sized + Send + Sync + 'static {
    const NAME: &'static str;

    /// Makes the tables, and vouchers and invoices 0 to `accounts` (exclusive) of 1,000,000.00 each.
    fn prepare(url: &str, accounts: u32) -> impl Future<Output = anyhow::Result<()>>;

    fn connect(url: &str, connections: usize) -> impl Future<Output = anyhow::Result<Self>>;

    /// One more voucher with its invoice.
    fn add(&self, account: &str, units: u64) -> impl Future<Output = anyhow::Result<()>>;

    /// Tried again until it is done or refused.
    fn take(&self, client: usize, ask: &Ask) -> impl Future<Output = anyhow::Result<Taken>> + Send;
}

/// The n-th request of a client: spread over all accounts, the same for every side.
pub fn account(client: usize, number: u32, accounts: u32) -> u64 {
    let spread = u64::from(number).wrapping_mul(2_654_435_761).wrapping_add(client as u64 * 7919);
    spread % u64::from(accounts)
}

pub async fn measure<P: Peer>(
    url: &str,
    work: Work,
    load: Load,
    round: usize,
    accounts: u32,
) -> anyhow::Result<Outcome> {
    let peer = Arc::new(P::connect(url, load.clients.min(CONNECTIONS)).await?);
    clients::run(load, |client| {
        let (peer, mut number) = (peer.clone(), 0_u32);
        move || {
            number += 1;
            let id = format!("{work:?}-{round}-{}-{client}-{number}", load.clients);
            let account = account(client, number, accounts).to_string();
            let (peer, ask) = (peer.clone(), Ask { work, id, account });
            async move {
                let taken = peer.take(client, &ask).await?;
                anyhow::ensure!(taken == Taken::Done, "{}: {} was refused", P::NAME, ask.id);
                Ok(1)
            }
        }
    })
    .await
}

pub async fn run_out<P: Peer>(
    url: &str,
    clients: usize,
    units: u64,
    round: usize,
) -> anyhow::Result<Outcome> {
    let peer = Arc::new(P::connect(url, clients.min(CONNECTIONS)).await?);
    let account = format!("hot-{round}");
    peer.add(&account, units).await?;
    clients::run_out(clients, |client| {
        let (peer, account, mut number) = (peer.clone(), account.clone(), 0_u32);
        move || {
            number += 1;
            let id = format!("{account}-{client}-{number}");
            let ask = Ask { work: Work::Redemptions, id, account: account.clone() };
            let peer = peer.clone();
            async move { peer.take(client, &ask).await }
        }
    })
    .await
}
