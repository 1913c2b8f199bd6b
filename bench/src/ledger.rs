//! The ledger under load: its registry and purchase services on a real NATS server, asked as the importer asks them.

use loopledger_journal::{Config, JetStreamJournal, Nats};
use loopledger_model::{Context, Money, Partition, Period, parse_instant, purchase, registry};
use loopledger_purchase::Purchase;
use loopledger_registry::Registry;
use loopledger_service::protocol::{Answer, Asked, Request};
use loopledger_service::trace::TraceContext;
use loopledger_service::{Asker, Decider, Options, RunError, Status};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::clients::{self, Load, Outcome};
use crate::handwritten::invoice;

/// Clients share so many connections, as clients of one program would.
const CONNECTIONS: usize = 4;

pub struct Ledger {
    askers: Vec<Asker>,
    services: Vec<JoinHandle<Result<(), RunError>>>,
    shutdown: CancellationToken,
    invoices: std::sync::atomic::AtomicU32,
}

impl Ledger {
    pub async fn start(url: &str) -> anyhow::Result<Self> {
        let nats = Nats::connect(url, "bench services").await?;
        let journal = JetStreamJournal::open(nats.clone(), Config::default()).await?;
        let shutdown = CancellationToken::new();
        let services = vec![
            serve::<Registry>(&nats, &journal, &shutdown).await?,
            serve::<Purchase>(&nats, &journal, &shutdown).await?,
        ];
        let mut askers = Vec::new();
        for n in 0..CONNECTIONS {
            askers.push(Asker::new(Nats::connect(url, &format!("bench client {n}")).await?));
        }
        Ok(Self { askers, services, shutdown, invoices: 0.into() })
    }

    /// A buyer, a seller, one contract and the invoices.
    pub async fn prepare(&self, invoices: u32) -> anyhow::Result<()> {
        let at = parse_instant("2025-01-01")?;
        let party = |id: &str, kind| {
            anyhow::Ok(registry::Command::RegisterParty(registry::Party {
                id: id.parse()?,
                at,
                name: id.parse()?,
                kind,
                country: None,
                uscc: None,
                lei: None,
            }))
        };
        let parties = vec![
            party("buyer", registry::PartyKind::Company)?,
            party("seller", registry::PartyKind::Provider)?,
        ];
        let position = self.accepted(Context::Registry, "party", 0, parties).await?;
        let term = Period::new(at, parse_instant("2030-01-01")?)?;
        let contract = purchase::Contract {
            id: "k".parse()?,
            buyer: "buyer".parse()?,
            seller: "seller".parse()?,
            currency: "CNY".parse()?,
            price_per_unit: "1000000".parse()?,
            unit: purchase::ContractUnit::CardHour,
            quantity: "100000000".parse()?,
            declared_p: None,
            basis: None,
            model: None,
            cards: None,
            at,
            term,
            backing_contract: None,
        };
        let contract = vec![purchase::Command::SignContract(contract)];
        self.accepted(Context::Purchase, "contract", position, contract).await?;
        for first in (0..invoices).step_by(500) {
            let issue = |n: u32| {
                anyhow::Ok(purchase::Command::IssueInvoice(purchase::IssueInvoice {
                    id: format!("in-{n}").parse()?,
                    contract: "k".parse()?,
                    service: term,
                    quantity: "1".parse()?,
                    amount: Money::parse("1000000", "CNY".parse()?)?,
                    at,
                }))
            };
            let batch: Vec<_> =
                (first..(first + 500).min(invoices)).map(issue).collect::<Result<_, _>>()?;
            self.accepted(Context::Purchase, &format!("invoices-{first}"), 0, batch).await?;
        }
        self.invoices.store(invoices, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }

    async fn accepted<C: serde::Serialize>(
        &self,
        context: Context,
        name: &str,
        after: u64,
        commands: Vec<C>,
    ) -> anyhow::Result<u64> {
        ask(&self.askers[0], context, name, after, commands).await
    }

    /// Payments of 1.00, so many in each request.
    pub async fn pay(&self, load: Load, bulk: usize, round: usize) -> anyhow::Result<Outcome> {
        let invoices = self.invoices.load(std::sync::atomic::Ordering::Relaxed);
        let at = parse_instant("2025-03-20")?;
        let amount = Money::parse("1", "CNY".parse()?)?;
        clients::run(load, |client| {
            let asker = self.askers[client % self.askers.len()].clone();
            let mut number = 0_u32;
            move || {
                let name = format!("p-{round}-{}-{bulk}-{client}-{number}", load.clients);
                let payment = |n: usize| {
                    number += 1;
                    anyhow::Ok(purchase::Command::RecordPayment(purchase::RecordPayment {
                        id: format!("{name}-{n}").parse()?,
                        invoice: invoice(client, number, invoices).parse()?,
                        amount,
                        at,
                        reference: Some("bank-0001".parse()?),
                    }))
                };
                let payments: anyhow::Result<Vec<_>> = (0..bulk).map(payment).collect();
                let asker = asker.clone();
                async move {
                    ask(&asker, Context::Purchase, &name, 0, payments?).await?;
                    Ok(bulk as u64)
                }
            }
        })
        .await
    }

    pub async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.cancel();
        for service in self.services {
            service.await??;
        }
        Ok(())
    }
}

/// Asks for all of them in one request; anything but accepted is a mistake of the benchmark.
async fn ask<C: serde::Serialize>(
    asker: &Asker,
    context: Context,
    name: &str,
    after: u64,
    commands: Vec<C>,
) -> anyhow::Result<u64> {
    let asked = |(n, command)| {
        anyhow::Ok(Asked {
            id: format!("{name}-{n}").parse()?,
            by: "bench".parse()?,
            after,
            command,
        })
    };
    let commands: Vec<_> = commands.into_iter().enumerate().map(asked).collect::<Result<_, _>>()?;
    let request = Request { commands, stop_at_refusal: false };
    let response = asker.ask(Partition::first(context), &request, TraceContext::start()).await?;
    let mut last = 0;
    for answer in response.answers {
        let Answer::Accepted { position, repeated: false, .. } = answer else {
            anyhow::bail!("{name}: {answer:?}");
        };
        last = position;
    }
    Ok(last)
}

async fn serve<D: Decider>(
    nats: &Nats,
    journal: &JetStreamJournal,
    shutdown: &CancellationToken,
) -> anyhow::Result<JoinHandle<Result<(), RunError>>> {
    let (sender, mut status) = watch::channel(Status::Loading);
    let options = Options::new(Partition::first(D::CONTEXT), "bench");
    let (nats, journal, shutdown) = (nats.clone(), journal.clone(), shutdown.clone());
    let service = tokio::spawn(async move {
        loopledger_service::run::<D, _>(&nats, journal, options, sender, shutdown).await
    });
    status.wait_for(|status| matches!(status, Status::Ready { .. })).await?;
    Ok(service)
}
