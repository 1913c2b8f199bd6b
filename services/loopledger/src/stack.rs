//! The local stack: servers, services, projector and HTTP API in one process, on one data folder.
//!
//! Invariant: what is started here is stopped here, in the order API, services, projector, servers.
//! Invariant: a command works on the stack that runs on its folder, or on one of its own for as long as it takes.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use loopledger_gateway::auth::Access;
use loopledger_gateway::expiry::Timer;
use loopledger_gateway::{Api, Limits as HttpLimits, OnNats};
use loopledger_journal::{Config, Desk, Filter, JetStreamJournal, Journal, Nats, check_fsync};
use loopledger_model::Position;
use loopledger_projector::Deps;
use loopledger_servers::{Claim, Description, Lock, Options, Purpose, Servers, User, claim};
use loopledger_service::{Asker, Memory, Service, Start, Status};
use loopledger_views::{Database, Schema, Views, make, make_roles};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::args::StackArgs;
use crate::verify;

/// How long a command waits for another command on the same folder, and for a starting stack.
const CLAIM_WITHIN: Duration = Duration::from_secs(120);
/// How long services, projector and API may take to start.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long they may take to stop; what has not ended by then is dropped, as a kill would do.
const STOPPED_WITHIN: Duration = Duration::from_secs(5);
/// How long it may take until the views have what was recorded before.
const FRESH_WITHIN: Duration = Duration::from_secs(30);
/// How long a projector waits for another one to end before it stands by for a while.
const STAND_BY: Duration = Duration::from_secs(1);
const CONNECTIONS: usize = 8;

/// A ledger that commands can use.
pub struct Stack {
    nats: Nats,
    pub journal: JetStreamJournal,
    pub views: Views,
    own: Option<Own>,
}

/// What this process has started.
struct Own {
    lock: Lock,
    servers: Servers,
    /// Where this process's services are asked without a server in between.
    desk: Desk,
    tasks: JoinSet<anyhow::Result<()>>,
    shutdown: CancellationToken,
    pub http: Option<SocketAddr>,
}

impl Stack {
    /// The stack that runs on the folder, or one of this command's own.
    pub async fn reach(args: &StackArgs) -> anyhow::Result<Self> {
        match claim(args.data(), Purpose::Command, CLAIM_WITHIN).await? {
            Claim::Guest(Description { nats_url, database_url, .. }) => {
                Self::connect(args.journal(), &nats_url, &database_url, None).await
            }
            Claim::Owner(lock) => Self::start(args, lock, Purpose::Command, None).await,
        }
    }

    /// A stack that other commands may use; it serves HTTP.
    pub async fn up(args: &StackArgs, http: SocketAddr, access: Access) -> anyhow::Result<Self> {
        let lock = Lock::acquire(args.data(), Purpose::Up)?;
        let listener = TcpListener::bind(http).await.with_context(|| {
            format!("the HTTP API cannot listen on {http}: choose another address with --http")
        })?;
        Self::start(args, lock, Purpose::Up, Some((listener, access))).await
    }

    async fn connect(
        config: Config,
        nats_url: &str,
        database_url: &str,
        own: Option<Own>,
    ) -> anyhow::Result<Self> {
        let mut nats = Nats::connect(nats_url, "loopledger").await?;
        if let Some(own) = &own {
            nats = nats.at(&own.desk);
        }
        let journal = JetStreamJournal::open(nats.clone(), config).await?;
        let database: Database = database_url.parse()?;
        let views = Views::new(&database, Schema::default(), CONNECTIONS);
        Ok(Self { nats, journal, views, own })
    }

    async fn start(
        args: &StackArgs,
        lock: Lock,
        purpose: Purpose,
        listener: Option<(TcpListener, Access)>,
    ) -> anyhow::Result<Self> {
        let http = listener.as_ref().map(|(listener, _)| listener.local_addr()).transpose()?;
        let own = Own::start(args, lock, http).await?;
        let (nats_url, database_url) = own.addresses();
        let mut stack = Self::connect(args.journal(), &nats_url, &database_url, Some(own)).await?;
        let started = match verify::check_ends(&stack.journal, &stack.views).await {
            Ok(()) => stack.start_tasks(listener).await,
            Err(error) => Err(error),
        };
        if let Err(error) = started {
            stack.close().await;
            return Err(error);
        }
        if let Some(own) = &stack.own {
            let http = own.http.map(|address| format!("http://{address}"));
            let pid = std::process::id();
            Description { pid, purpose, nats_url, database_url, http }.write(&own.lock)?;
        }
        Ok(stack)
    }

    async fn start_tasks(&mut self, listener: Option<(TcpListener, Access)>) -> anyhow::Result<()> {
        let (ledger, views) = (self.journal.clone(), self.views.clone());
        let own = self.own.as_mut().expect("a stack of our own is being started");
        let has_roles = own.prepare_database().await?;
        let (_, journal) = own.as_user(User::Projector, &ledger).await?;
        let mut statuses = vec![own.project(journal)?];
        for (service, user) in [
            (&loopledger_registry::SERVICE, User::Registry),
            (&loopledger_voucher::SERVICE, User::Voucher),
            (&loopledger_fund::SERVICE, User::Fund),
            (&loopledger_purchase::SERVICE, User::Purchase),
            (&loopledger_allocation::SERVICE, User::Allocation),
        ] {
            statuses.extend(own.service(service, user, &ledger).await?);
        }
        if let Some((listener, access)) = listener {
            if matches!(access, Access::Tokens(_)) {
                views.prepare_accesses().await?;
            }
            let (nats, journal) = own.as_user(User::Gateway, &ledger).await?;
            let views = if has_roles {
                let database = own.servers.database_url_of(User::Gateway).parse()?;
                Views::for_callers(&database, Schema::default(), CONNECTIONS)
            } else {
                views
            };
            let services = OnNats { asker: Asker::new(nats), partitions: journal.partitions() };
            let api = Api { views, journal, services, access, limits: HttpLimits::default() };
            let shutdown = own.shutdown.clone();
            own.tasks.spawn(async move {
                loopledger_gateway::run(listener, api, shutdown)
                    .await
                    .context("the HTTP API failed")
            });
        }
        let ready = async {
            for mut status in statuses {
                let ready = |status: &Status| matches!(status, Status::Ready { .. });
                status.wait_for(ready).await.context("a service ended while it was loading")?;
            }
            Ok::<(), anyhow::Error>(())
        };
        self.guard(async { tokio::time::timeout(READY_WITHIN, ready).await? }).await?;
        self.fresh_views().await
    }

    /// Ends overdue vouchers from time to time, as long as this stack runs.
    pub fn keep_expiring(&mut self, every: Duration) {
        let timer = self.timer();
        if let Some(own) = &mut self.own {
            let shutdown = own.shutdown.clone();
            own.tasks.spawn(async move {
                timer.keep(every, shutdown).await;
                Ok(())
            });
        }
    }

    /// Waits until the views rest on everything that is recorded now.
    pub async fn fresh_views(&mut self) -> anyhow::Result<()> {
        self.views_after(None, FRESH_WITHIN).await
    }

    /// Waits so long until the views rest on this position, or on everything that is recorded now.
    pub async fn views_after(
        &mut self,
        position: Option<Position>,
        within: Duration,
    ) -> anyhow::Result<()> {
        let (journal, views) = (self.journal.clone(), self.views.clone());
        let fresh = async move {
            let wanted = match position {
                Some(position) => position,
                None => journal.last(&Filter::all()).await?,
            };
            views.wait_for(wanted, within).await?;
            Ok(())
        };
        self.guard(fresh).await
    }

    /// Asks for the end of what is overdue.
    pub fn timer(&self) -> Timer {
        let (asker, partitions) = (self.asker(), self.journal.partitions());
        Timer { views: self.views.clone(), services: OnNats { asker, partitions } }
    }

    pub fn asker(&self) -> Asker {
        Asker::new(self.nats.clone())
    }

    /// Base address of the HTTP API that this process serves.
    pub fn http(&self) -> Option<SocketAddr> {
        self.own.as_ref().and_then(|own| own.http)
    }

    /// Does the work unless something that this process has started fails before it is done.
    pub async fn guard<T>(
        &mut self,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let Some(own) = &mut self.own else { return work.await };
        tokio::select! {
            done = work => done,
            failure = own.failed() => Err(failure),
        }
    }

    /// Stops what this process has started.
    pub async fn close(self) {
        let Self { nats, journal, views, own } = self;
        let Some(mut own) = own else { return };
        own.end_tasks().await;
        drop((nats, journal, views));
        own.stop().await;
    }
}

/// Makes the journal, the database's roles and the tables, for services that may do none of that.
pub async fn prepare(
    config: Config,
    nats_url: &str,
    database_url: &str,
    logins: &[String],
) -> anyhow::Result<()> {
    let nats = Nats::connect(nats_url, "loopledger prepare").await?;
    JetStreamJournal::open(nats, config).await?;
    let database: Database = database_url.parse()?;
    let logins = logins.iter().map(|url| url.parse()).collect::<Result<Vec<Database>, _>>()?;
    if !make_roles(&database, &logins.iter().collect::<Vec<_>>()).await? {
        bail!("this database's user makes no roles: name a superuser in DATABASE_URL");
    }
    // A projector that runs has its tables already.
    match make(&database, &Schema::default(), STAND_BY).await {
        Err(loopledger_views::Error::AnotherProjector { .. }) => {
            tracing::info!("a projector is at work: its tables stay as they are");
        }
        made => made?,
    }
    Ok(Views::new(&database, Schema::default(), 1).prepare_accesses().await?)
}

/// A ledger with nothing at work on it but what others run: for checking and restoring its journal
/// and rebuilding its views.
pub struct Maintenance {
    pub nats: Nats,
    pub views: Views,
    pub config: Config,
    database: Database,
    own: Option<Own>,
}

impl Maintenance {
    /// The ledger of the stack that runs on the folder, or that of servers of this command's own.
    pub async fn reach(args: &StackArgs) -> anyhow::Result<Self> {
        match claim(args.data(), Purpose::Command, CLAIM_WITHIN).await? {
            Claim::Guest(Description { nats_url, database_url, .. }) => {
                Self::connect(args.journal(), &nats_url, &database_url, None).await
            }
            Claim::Owner(lock) => {
                let own = Own::start(args, lock, None).await?;
                let (nats_url, database_url) = own.addresses();
                Self::connect(args.journal(), &nats_url, &database_url, Some(own)).await
            }
        }
    }

    /// The same, unless a stack runs on the folder.
    pub async fn alone(args: &StackArgs) -> anyhow::Result<Self> {
        let ledger = Self::reach(args).await?;
        match &ledger.own {
            Some(_) => Ok(ledger),
            None => bail!("the ledger on {} is running: stop it first", args.data().display()),
        }
    }

    async fn connect(
        config: Config,
        nats_url: &str,
        database_url: &str,
        own: Option<Own>,
    ) -> anyhow::Result<Self> {
        let nats = Nats::connect(nats_url, "loopledger maintenance").await?;
        let database: Database = database_url.parse()?;
        let views = Views::new(&database, Schema::default(), CONNECTIONS);
        Ok(Self { nats, views, config, database, own })
    }

    /// What a projector of the live views works with.
    pub async fn deps(&self) -> anyhow::Result<Deps<JetStreamJournal>> {
        Ok(Deps::live(self.journal().await?, self.database.clone()))
    }

    pub async fn journal(&self) -> anyhow::Result<JetStreamJournal> {
        Ok(JetStreamJournal::open(self.nats.clone(), self.config).await?)
    }

    /// Where a projector runs, it is given time for what is recorded now.
    pub async fn let_the_archive_catch_up(&self, journal: &JetStreamJournal) -> anyhow::Result<()> {
        if self.own.is_none() {
            self.views.wait_for(journal.last(&Filter::all()).await?, FRESH_WITHIN).await?;
        }
        Ok(())
    }

    /// Stops what this process has started.
    pub async fn close(self) {
        let Self { nats, views, own, .. } = self;
        drop((nats, views));
        if let Some(own) = own {
            own.stop().await;
        }
    }
}

impl Own {
    /// Servers on the folder, or the ones that are named.
    async fn start(args: &StackArgs, lock: Lock, http: Option<SocketAddr>) -> anyhow::Result<Self> {
        let options = Options {
            nats_url: args.nats_url.clone(),
            database_url: args.database_url.clone(),
            ..Options::default()
        };
        let servers = Servers::start(&lock, &options).await?;
        if let Some(system) = servers.nats_system_url() {
            check_fsync(&Nats::connect(system, "loopledger start-up check").await?).await?;
        }
        let (tasks, shutdown) = (JoinSet::new(), CancellationToken::new());
        Ok(Self { lock, servers, desk: Desk::default(), tasks, shutdown, http })
    }

    /// Of NATS and of the database.
    fn addresses(&self) -> (String, String) {
        (self.servers.nats_url().to_owned(), self.servers.database_url().to_owned())
    }

    async fn end_tasks(&mut self) {
        self.shutdown.cancel();
        let ended = async {
            while let Some(ended) = self.tasks.join_next().await {
                if let Ok(Err(error)) = ended {
                    tracing::warn!("while stopping: {error:#}");
                }
            }
        };
        if tokio::time::timeout(STOPPED_WITHIN, ended).await.is_err() {
            tracing::warn!("some tasks did not stop within {STOPPED_WITHIN:?}");
        }
    }

    async fn stop(self) {
        self.servers.stop().await;
        if let Err(error) = Description::remove(&self.lock) {
            tracing::warn!(%error, "the stack's description stays behind");
        }
    }

    /// The log as this user reaches it, on a connection of its own.
    async fn as_user(
        &self,
        user: User,
        ledger: &JetStreamJournal,
    ) -> anyhow::Result<(Nats, JetStreamJournal)> {
        let nats = Nats::connect(self.servers.nats_url_of(user), user.name()).await?.at(&self.desk);
        let journal = ledger.over(nats.clone()).await?;
        Ok((nats, journal))
    }

    /// All partitions of a context.
    async fn service(
        &mut self,
        service: &'static Service,
        user: User,
        ledger: &JetStreamJournal,
    ) -> anyhow::Result<Vec<watch::Receiver<Status>>> {
        let (nats, journal) = self.as_user(user, ledger).await?;
        let partitions = journal.partitions();
        let decide = |partition| {
            let (sender, status) = watch::channel(Status::Loading);
            let (nats, journal, shutdown) = (nats.clone(), journal.clone(), self.shutdown.clone());
            let instance = format!("local-{}", std::process::id());
            let mut options = loopledger_service::Options::new(partition, partitions, instance);
            options.memory = Memory::in_folder(Some(self.lock.folder().join("snapshots")));
            let start = Start { nats, journal, options, status: sender, shutdown };
            self.tasks.spawn(async move {
                let ended = service.run(start).await;
                ended.with_context(|| format!("the service of {partition} failed"))
            });
            status
        };
        Ok(partitions.of(service.context).map(decide).collect())
    }

    /// Roles for whoever works on the database, where this user may make them, and in a private one the tables. False
    /// where there are no roles: callers of the API are then kept apart by the API alone.
    async fn prepare_database(&self) -> anyhow::Result<bool> {
        let owner: Database = self.servers.database_url().parse()?;
        if self.servers.database_is_private() {
            let [projector, gateway] = [User::Projector, User::Gateway]
                .map(|user| self.servers.database_url_of(user).parse::<Database>());
            make_roles(&owner, &[&projector?, &gateway?]).await?;
            make(&owner, &Schema::default(), STAND_BY).await?;
            return Ok(true);
        }
        let has_roles = make_roles(&owner, &[]).await?;
        if !has_roles {
            tracing::warn!("this database's user makes no roles: rows have no policies");
        }
        Ok(has_roles)
    }

    /// Keeps the views, or stands by while somebody else's projector keeps them: a database that is given may have one.
    fn project(&mut self, journal: JetStreamJournal) -> anyhow::Result<watch::Receiver<Status>> {
        let database = self.servers.database_url_of(User::Projector).parse()?;
        let deps = Deps { patience: STAND_BY, ..Deps::live(journal, database) };
        let (sender, status) = watch::channel(Status::Loading);
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            loop {
                let (deps, sender) = (deps.clone(), sender.clone());
                match loopledger_projector::run(deps, sender.clone(), shutdown.clone()).await {
                    Err(error) if error.is_another_projector() => {
                        sender.send_replace(Status::Ready { position: 0, facts_at: 0 });
                    }
                    ended => return ended.context("the projector failed"),
                }
            }
        });
        Ok(status)
    }

    /// The first thing that fails; nothing that runs here ends by itself.
    async fn failed(&mut self) -> anyhow::Error {
        let tasks = async {
            match self.tasks.join_next().await {
                Some(Ok(Ok(()))) => anyhow!("a part of the stack ended by itself"),
                Some(Ok(Err(error))) => error,
                Some(Err(panic)) => anyhow!("a part of the stack broke down: {panic}"),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            error = self.servers.failed() => error.into(),
            error = tasks => error,
        }
    }
}
