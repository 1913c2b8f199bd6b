//! The ledger under load: its services as processes of their own on a real NATS server, asked as the importer asks.
//!
//! Invariant: an answer other than the expected one stops the measurement.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use loopledger_journal::{AskError, Nats};
use loopledger_model::voucher::{Affiliation, Rules};
use loopledger_model::{
    Context, Money, Partition, Period, Position, Rounding, RoundingMode, parse_instant, purchase,
    registry, voucher,
};
use loopledger_service::protocol::{Answer, Asked, Request};
use loopledger_service::trace::TraceContext;
use loopledger_service::{AskFailure, Asker};
use rustix::process::{Pid, Signal};
use tokio::process::{Child, Command};

use crate::clients::{self, Load, Outcome, Taken};
use crate::peer::{Work, account};

/// Clients share so many connections, as clients of one program would.
const CONNECTIONS: usize = 4;
/// How long a service may take until it answers.
const PATIENCE: Duration = Duration::from_secs(120);
const NOT_A_LIMIT: &str = "1000000000000000";

/// A service's process, killed with this program.
pub struct Service {
    child: Child,
}

impl Service {
    /// Starts this very program as the service of a context; what it remembers is kept in the folder.
    pub fn start(url: &str, context: Context, folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let log = folder.join(format!("{context}.log"));
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
        let child = Command::new(std::env::current_exe()?)
            .args(["service", context.name()])
            .env("NATS_URL", url)
            .env("SNAPSHOT_DIR", folder)
            .env("LOG_FORMAT", "text")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self { child })
    }

    pub fn id(&self) -> anyhow::Result<u32> {
        self.child.id().ok_or_else(|| anyhow::anyhow!("a service has ended; see its log"))
    }

    pub async fn stop(mut self) -> anyhow::Result<()> {
        let pid = Pid::from_raw(self.id()?.cast_signed());
        let pid = pid.ok_or_else(|| anyhow::anyhow!("a process has a number"))?;
        rustix::process::kill_process(pid, Signal::TERM)?;
        let ended = self.child.wait().await?;
        anyhow::ensure!(ended.success(), "a service ended with {ended}");
        Ok(())
    }

    pub async fn kill(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }
}

pub struct Ledger {
    url: String,
    folder: PathBuf,
    askers: Vec<Asker>,
    accounts: u32,
}

impl Ledger {
    pub async fn connect(url: &str, folder: PathBuf, accounts: u32) -> anyhow::Result<Self> {
        let mut askers = Vec::new();
        for n in 0..CONNECTIONS {
            askers.push(Asker::new(Nats::connect(url, &format!("bench client {n}")).await?));
        }
        Ok(Self { url: url.to_owned(), folder, askers, accounts })
    }

    /// The same ledger, asked in another way.
    pub fn asked_by(&self, asker: Asker) -> Self {
        let Self { url, folder, accounts, .. } = self;
        let (url, folder, accounts) = (url.clone(), folder.clone(), *accounts);
        Self { url, folder, askers: vec![asker], accounts }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn serve(&self, context: Context) -> anyhow::Result<Service> {
        Service::start(&self.url, context, &self.folder)
    }

    /// Who takes part.
    pub async fn register(&self) -> anyhow::Result<Position> {
        use registry::PartyKind;
        let kinds = [
            ("buyer", PartyKind::Company),
            ("seller", PartyKind::Provider),
            ("city", PartyKind::Government),
        ];
        let party = |(id, kind): (&str, _)| {
            anyhow::Ok(registry::Command::RegisterParty(registry::Party {
                id: id.parse()?,
                at: parse_instant("2025-01-01")?,
                name: id.parse()?,
                kind,
                country: None,
                uscc: None,
                lei: None,
            }))
        };
        let parties = kinds.into_iter().map(party).collect::<Result<_, _>>()?;
        self.accepted(Context::Registry, "parties", 0, parties).await
    }

    /// One contract and the invoices, each of 1,000,000.00.
    pub async fn invoice(&self, registered: Position) -> anyhow::Result<Position> {
        let at = parse_instant("2025-01-01")?;
        let contract = purchase::Contract {
            id: "k".parse()?,
            buyer: "buyer".parse()?,
            seller: "seller".parse()?,
            currency: "CNY".parse()?,
            kind: None,
            price_per_unit: "1000000".parse()?,
            unit: purchase::ContractUnit::CardHour,
            quantity: Some("100000000".parse()?),
            declared_p: None,
            rating: None,
            basis: None,
            model: None,
            cards: None,
            at,
            term: Period::new(at, parse_instant("2030-01-01")?)?,
            backing_contract: None,
            terms: Box::default(),
        };
        let contract = vec![purchase::Command::SignContract(contract)];
        let mut last = self.accepted(Context::Purchase, "contract", registered, contract).await?;
        for first in (0..self.accounts).step_by(500) {
            let accounts = first..(first + 500).min(self.accounts);
            let all = accounts.map(|n| invoice(&n.to_string())).collect::<Result<_, _>>()?;
            last = self.accepted(Context::Purchase, &format!("invoices-{first}"), 0, all).await?;
        }
        Ok(last)
    }

    /// One programme, which admits the seller and caps what it can.
    pub async fn open_programme(&self, after: Position) -> anyhow::Result<Position> {
        let (at, closes) = (parse_instant("2025-01-01")?, parse_instant("2030-01-01")?);
        let currency = "CNY".parse()?;
        let limit = Money::parse(NOT_A_LIMIT, currency)?;
        let programme = voucher::Programme {
            id: "programme".parse()?,
            version: 1,
            budgets: Vec::new(),
            funding: Vec::new(),
            issuer: "city".parse()?,
            name: "programme".parse()?,
            currency,
            budget: limit,
            at,
            closes,
            rules: Rules {
                ratio: "1".parse()?,
                cap_voucher: Some(limit),
                cap_holder_year: Some(limit),
                validity_days: Some(365),
                affiliation: Affiliation::Allow,
                affiliation_percent: None,
                funding_link_months: None,
                metering_required: false,
                rounding: Rounding { digits: 2, mode: RoundingMode::HalfUp },
                amount: Box::default(),
                eligibility: Box::default(),
                settlement: voucher::SettlementRules::default(),
                application_review: None,
                claim_review: None,
                waiver: None,
                clawback: None,
            },
        };
        let admission = voucher::Admission {
            qualification: None,
            programme: "programme".parse()?,
            provider: "seller".parse()?,
            at,
            to: None,
        };
        let commands = vec![
            voucher::Command::DefineProgramme(programme),
            voucher::Command::AdmitProvider(admission),
        ];
        self.accepted(Context::Voucher, "programme", after, commands).await
    }

    /// A voucher for each invoice, locked to the contract.
    pub async fn issue_and_lock(&self) -> anyhow::Result<()> {
        for first in (0..self.accounts).step_by(250) {
            let mut commands = Vec::new();
            for n in first..(first + 250).min(self.accounts) {
                commands.push(issue(&n.to_string(), "1000000")?);
                commands.push(lock(&n.to_string(), "1000000")?);
            }
            self.accepted(Context::Voucher, &format!("vouchers-{first}"), 0, commands).await?;
        }
        Ok(())
    }

    /// Takes of 1.00, so many in each request.
    pub async fn measure(
        &self,
        work: Work,
        load: Load,
        bulk: usize,
        round: usize,
    ) -> anyhow::Result<Outcome> {
        let accounts = self.accounts;
        clients::run(load, |client| {
            let asker = self.askers[client % self.askers.len()].clone();
            let mut number = 0_u32;
            move || {
                let mut take = || {
                    number += 1;
                    let id = format!("{work:?}-{round}-{}-{bulk}-{client}-{number}", load.clients);
                    (id, account(client, number, accounts).to_string())
                };
                let takes: Vec<_> = (0..bulk).map(|_| take()).collect();
                let asker = asker.clone();
                async move {
                    match work {
                        Work::Redemptions => {
                            let commands = takes
                                .iter()
                                .map(|(id, account)| anyhow::Ok((id, redeem(id, account)?)));
                            let commands: Vec<_> = commands.collect::<Result<_, _>>()?;
                            all_new(&ask(&asker, Context::Voucher, 0, commands).await?)?;
                        }
                        Work::Payments => {
                            let commands = takes
                                .iter()
                                .map(|(id, account)| anyhow::Ok((id, pay(id, account)?)));
                            let commands: Vec<_> = commands.collect::<Result<_, _>>()?;
                            all_new(&ask(&asker, Context::Purchase, 0, commands).await?)?;
                        }
                    }
                    Ok(bulk as u64)
                }
            }
        })
        .await
    }

    /// One voucher of so many units, taken from by all clients until it is empty.
    pub async fn run_out(
        &self,
        clients: usize,
        units: u64,
        round: usize,
    ) -> anyhow::Result<Outcome> {
        let account = format!("hot-{round}");
        let billed = vec![invoice(&account)?];
        let after = self.accepted(Context::Purchase, &account, 0, billed).await?;
        let commands =
            vec![issue(&account, &units.to_string())?, lock(&account, &units.to_string())?];
        self.accepted(Context::Voucher, &account, after, commands).await?;
        clients::run_out(clients, |client| {
            let asker = self.askers[client % self.askers.len()].clone();
            let (account, mut number) = (account.clone(), 0_u32);
            move || {
                number += 1;
                let id = format!("{account}-{client}-{number}");
                let (asker, command) = (asker.clone(), redeem(&id, &account));
                async move {
                    let answers = ask(&asker, Context::Voucher, 0, vec![(&id, command?)]).await?;
                    match &answers[..] {
                        [Answer::Accepted { repeated: false, .. }] => Ok(Taken::Done),
                        [Answer::Refused { refusal, .. }] if refusal.code == "not_locked" => {
                            Ok(Taken::Refused)
                        }
                        other => anyhow::bail!("{id}: {other:?}"),
                    }
                }
            }
        })
        .await
    }

    /// Vouchers `b-..` of ten thousand holders, from several clients at once, a thousand a request.
    pub async fn issue_many(&self, vouchers: u32) -> anyhow::Result<()> {
        const BULK: u32 = 1000;
        let holders: Vec<u32> = (0..10_000).collect();
        for some in holders.chunks(500) {
            let parties = some.iter().map(|n| {
                anyhow::Ok(registry::Command::RegisterParty(registry::Party {
                    id: format!("holder-{n}").parse()?,
                    at: parse_instant("2025-01-01")?,
                    name: format!("holder {n}").parse()?,
                    kind: registry::PartyKind::Company,
                    country: None,
                    uscc: None,
                    lei: None,
                }))
            });
            let (name, parties) =
                (format!("holders-{}", some[0]), parties.collect::<Result<_, _>>()?);
            self.accepted(Context::Registry, &name, 0, parties).await?;
        }
        let registered = self.accepted(Context::Registry, "last", 0, vec![last_party()?]).await?;
        let mut tasks = tokio::task::JoinSet::new();
        for client in 0..8_u32 {
            let asker = self.askers[client as usize % self.askers.len()].clone();
            tasks.spawn(async move {
                for first in (0..vouchers).step_by(BULK as usize).skip(client as usize).step_by(8) {
                    let ids: Vec<_> = (first..(first + BULK).min(vouchers))
                        .map(|n| (format!("b-{n:07}"), n))
                        .collect();
                    let commands = ids.iter().map(|(id, n)| anyhow::Ok((id, many(id, *n)?)));
                    let commands: Vec<_> = commands.collect::<Result<_, _>>()?;
                    all_new(&ask(&asker, Context::Voucher, registered, commands).await?)?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(task) = tasks.join_next().await {
            task??;
        }
        Ok(())
    }

    /// Asks the voucher service for one more voucher, again and again until it answers.
    pub async fn first_answer(&self, id: &str) -> anyhow::Result<()> {
        let answers = ask(&self.askers[0], Context::Voucher, 0, vec![(id, many(id, 7)?)]).await?;
        all_new(&answers)
    }

    async fn accepted<C: serde::Serialize>(
        &self,
        context: Context,
        name: &str,
        after: Position,
        commands: Vec<C>,
    ) -> anyhow::Result<Position> {
        let named = commands.into_iter().enumerate();
        let named = named.map(|(n, command)| (format!("{name}-{n}"), command)).collect();
        let answers = ask(&self.askers[0], context, after, named).await?;
        all_new(&answers)?;
        Ok(answers.iter().filter_map(position).max().unwrap_or_default())
    }
}

const fn position(answer: &Answer) -> Option<Position> {
    if let Answer::Accepted { position, .. } = answer { Some(*position) } else { None }
}

fn all_new(answers: &[Answer]) -> anyhow::Result<()> {
    let other =
        answers.iter().find(|answer| !matches!(answer, Answer::Accepted { repeated: false, .. }));
    other.map_or(Ok(()), |other| Err(anyhow::anyhow!("{other:?}")))
}

/// Asks for all of them in one request, and again as long as nobody serves them.
async fn ask<I: AsRef<str>, C: serde::Serialize>(
    asker: &Asker,
    context: Context,
    after: Position,
    commands: Vec<(I, C)>,
) -> anyhow::Result<Vec<Answer>> {
    let asked = |(id, command): (I, C)| {
        anyhow::Ok(Asked { id: id.as_ref().parse()?, by: "bench".parse()?, after, command })
    };
    let commands: Vec<_> = commands.into_iter().map(asked).collect::<Result<_, _>>()?;
    let request = Request { commands, stop_at_refusal: false, dry_run: false };
    let deadline = Instant::now() + PATIENCE;
    loop {
        match asker.ask(Partition::first(context), &request, TraceContext::start()).await {
            Ok(response) => return Ok(response.answers),
            Err(AskFailure::Unanswered(AskError::NoService { .. }))
                if Instant::now() < deadline =>
            {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn last_party() -> anyhow::Result<registry::Command> {
    Ok(registry::Command::RegisterParty(registry::Party {
        id: "last".parse()?,
        at: parse_instant("2025-01-01")?,
        name: "last".parse()?,
        kind: registry::PartyKind::Company,
        country: None,
        uscc: None,
        lei: None,
    }))
}

fn invoice(account: &str) -> anyhow::Result<purchase::Command> {
    let at = parse_instant("2025-01-01")?;
    Ok(purchase::Command::IssueInvoice(purchase::IssueInvoice {
        id: format!("in-{account}").parse()?,
        contract: "k".parse()?,
        service: Period::new(at, parse_instant("2030-01-01")?)?,
        quantity: "1".parse()?,
        amount: Money::parse("1000000", "CNY".parse()?)?,
        at,
    }))
}

fn pay(id: &str, account: &str) -> anyhow::Result<purchase::Command> {
    Ok(purchase::Command::RecordPayment(purchase::RecordPayment {
        id: id.parse()?,
        invoice: format!("in-{account}").parse()?,
        amount: Money::parse("1", "CNY".parse()?)?,
        at: parse_instant("2025-03-20")?,
        reference: Some("bank-0001".parse()?),
    }))
}

pub fn many(id: &str, number: u32) -> anyhow::Result<voucher::Command> {
    Ok(voucher::Command::IssueVoucher(voucher::IssueVoucher {
        application: None,
        tranche: None,
        id: id.parse()?,
        programme: "programme".parse()?,
        holder: format!("holder-{}", number % 10_000).parse()?,
        amount: Money::parse("1000", "CNY".parse()?)?,
        at: parse_instant("2025-01-02")?,
    }))
}

fn issue(account: &str, amount: &str) -> anyhow::Result<voucher::Command> {
    Ok(voucher::Command::IssueVoucher(voucher::IssueVoucher {
        application: None,
        tranche: None,
        id: format!("v-{account}").parse()?,
        programme: "programme".parse()?,
        holder: "buyer".parse()?,
        amount: Money::parse(amount, "CNY".parse()?)?,
        at: parse_instant("2025-01-02")?,
    }))
}

fn lock(account: &str, amount: &str) -> anyhow::Result<voucher::Command> {
    Ok(voucher::Command::LockVoucher(voucher::LockVoucher {
        id: format!("l-{account}").parse()?,
        voucher: format!("v-{account}").parse()?,
        contract: "k".parse()?,
        amount: Money::parse(amount, "CNY".parse()?)?,
        at: parse_instant("2025-01-03")?,
    }))
}

fn redeem(id: &str, account: &str) -> anyhow::Result<voucher::Command> {
    Ok(voucher::Command::RedeemVoucher(voucher::RedeemVoucher {
        id: id.parse()?,
        voucher: format!("v-{account}").parse()?,
        invoice: format!("in-{account}").parse()?,
        amount: Money::parse("1", "CNY".parse()?)?,
        at: parse_instant("2025-03-20")?,
    }))
}
