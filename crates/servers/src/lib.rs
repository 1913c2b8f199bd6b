//! Private servers for the local stack: a `nats-server` and a PostgreSQL server that are found,
//! started, watched and stopped as child processes, with all they keep in one data folder.
//!
//! Invariants:
//! - servers run only on a data folder whose [`Lock`] is held;
//! - both listen on loopback only and let nobody in without a password;
//! - with [`Durability::Fsync`] neither acknowledges what a power failure could take back;
//! - what an earlier run left running on the folder is stopped before anything starts.

mod account;
mod child;
mod error;
mod find;
mod folder;
mod nats;
mod orphans;
mod postgres;
mod secret;
mod users;

pub use child::Stop;
pub use error::Error;
pub use find::{Places, Version};
pub use folder::{Claim, Description, Held, Holder, Lock, LockError, Purpose, claim};
pub use users::User;

use nats::Nats;
use postgres::Postgres;
use std::fmt;
use std::time::Duration;

/// When the servers write to the disk for good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Before every acknowledgement.
    #[default]
    Fsync,
    /// Some time later: for tests. What was acknowledged outlives the servers' death, not the
    /// machine's.
    Lazy,
}

#[derive(Clone, Debug)]
pub struct Options {
    pub durability: Durability,
    /// How long each server may take until it accepts connections, its recovery included.
    pub ready_within: Duration,
    pub places: Places,
    /// Address of a NATS server to use instead of a private one.
    pub nats_url: Option<String>,
    /// Address of a database to use instead of a private one.
    pub database_url: Option<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            durability: Durability::default(),
            ready_within: Duration::from_secs(30),
            places: Places::of_this_process(),
            nats_url: None,
            database_url: None,
        }
    }
}

/// Both servers, private ones running, others as given. Dropped without [`Servers::stop`] private ones
/// are made to end, which blocks for up to a second each.
#[must_use]
pub struct Servers {
    nats: Server<Nats>,
    postgres: Server<Postgres>,
}

/// A child of this process, or the address of somebody else's server.
enum Server<S> {
    Private(S),
    Given(String),
}

/// What it took to stop each private server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    pub nats: Option<Stop>,
    pub postgres: Option<Stop>,
}

impl Servers {
    /// Starts what is not given, at the same time, on the lock's data folder; returns when it accepts
    /// connections. If one server fails, the other is made to end.
    pub async fn start(lock: &Lock, options: &Options) -> Result<Servers, Error> {
        let data = lock.folder();
        let (nats_program, postgres_program) = tokio::try_join!(
            unless_given(options.nats_url.as_ref(), || find::nats_server(&options.places)),
            unless_given(options.database_url.as_ref(), || find::postgres(&options.places)),
        )?;
        let (nats_folder, postgres_folder) = (data.join("nats"), data.join("postgres"));
        let nats = async {
            Ok::<_, Error>(match nats_program {
                Server::Private(program) => {
                    Server::Private(nats::start(&program, &nats_folder, options).await?)
                }
                Server::Given(url) => Server::Given(url),
            })
        };
        let postgres = async {
            Ok::<_, Error>(match postgres_program {
                Server::Private(program) => {
                    Server::Private(postgres::start(&program, &postgres_folder, options).await?)
                }
                Server::Given(url) => Server::Given(url),
            })
        };
        let (nats, postgres) = tokio::try_join!(nats, postgres)?;
        Ok(Servers { nats, postgres })
    }

    /// Address with user and password of the account that owns the ledger.
    pub fn nats_url(&self) -> &str {
        match &self.nats {
            Server::Private(nats) => &nats.url,
            Server::Given(url) => url,
        }
    }

    /// The same for one service's user, which may use its own subjects only; of a server that is given, its one address.
    pub fn nats_url_of(&self, user: User) -> &str {
        match &self.nats {
            Server::Private(nats) => &nats.urls[&user],
            Server::Given(url) => url,
        }
    }

    /// Address with user and password of a private NATS's system account: what the server says about itself.
    pub fn nats_system_url(&self) -> Option<&str> {
        self.nats.private().map(|nats| nats.system_url.as_str())
    }

    /// Address with user and password of the database, which this user may make schemas in.
    pub fn database_url(&self) -> &str {
        match &self.postgres {
            Server::Private(postgres) => &postgres.url,
            Server::Given(url) => url,
        }
    }

    /// The same for one of the users that keep or ask the views of a private server, as it gets once it may log on; of a
    /// database that is given, its one address.
    pub fn database_url_of(&self, user: User) -> &str {
        match &self.postgres {
            Server::Private(postgres) => postgres.urls.get(&user).unwrap_or(&postgres.url),
            Server::Given(url) => url,
        }
    }

    /// Whether the database is a private one.
    pub const fn database_is_private(&self) -> bool {
        self.postgres.private().is_some()
    }

    /// Waits until a private server ends by itself and tells which, how, and the end of its log. May be cancelled.
    pub async fn failed(&mut self) -> Error {
        let nats = async {
            match &mut self.nats {
                Server::Private(nats) => nats.child.died().await,
                Server::Given(_) => std::future::pending().await,
            }
        };
        let postgres = async {
            match &mut self.postgres {
                Server::Private(postgres) => postgres.child.died().await,
                Server::Given(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            error = nats => error,
            error = postgres => error,
        }
    }

    /// Stops the private servers at the same time; one that does not stop as asked is killed after seconds.
    pub async fn stop(self) -> Stopped {
        let nats = async {
            match self.nats {
                Server::Private(nats) => Some(nats.child.stop().await),
                Server::Given(_) => None,
            }
        };
        let postgres = async {
            match self.postgres {
                Server::Private(postgres) => Some(postgres.child.stop().await),
                Server::Given(_) => None,
            }
        };
        let (nats, postgres) = tokio::join!(nats, postgres);
        Stopped { nats, postgres }
    }
}

impl<S> Server<S> {
    const fn private(&self) -> Option<&S> {
        match self {
            Self::Private(server) => Some(server),
            Self::Given(_) => None,
        }
    }
}

/// A server that is given needs no program to be found.
async fn unless_given<P>(
    url: Option<&String>,
    find: impl AsyncFnOnce() -> Result<P, Error>,
) -> Result<Server<P>, Error> {
    match url {
        Some(url) => Ok(Server::Given(url.clone())),
        None => Ok(Server::Private(find().await?)),
    }
}

/// Leaves the addresses out: they hold passwords.
impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Servers")
            .field("nats", &self.nats.private().map(|nats| &nats.child))
            .field("postgres", &self.postgres.private().map(|postgres| &postgres.child))
            .finish()
    }
}
