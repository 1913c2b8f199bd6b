//! The connection to NATS: how it is made, kept up and watched.
//!
//! Invariant: it reconnects for ever; whoever waits for something bounds the wait itself.
//! Invariant: what the server says outside of an answer (a forbidden subject, a slow consumer) is
//! logged and counted, since to the caller it looks like a timeout.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{
    Client, ClientError, ConnectErrorKind, ConnectOptions, Event, ServerAddr, ServerError,
};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::commit::percent_decode;
use crate::desk::Desk;

/// A half-open connection is noticed after about two of these.
const PING_INTERVAL: Duration = Duration::from_secs(5);
const RECONNECT_DELAY_MAX: Duration = Duration::from_secs(1);
/// How often a wait looks at the connection's state, beside being told of changes.
const STATE_POLL: Duration = Duration::from_millis(20);

/// Where to connect, and as whom.
#[derive(Debug, Clone)]
pub struct NatsConfig {
    /// `nats://user:password@host:port`, or `tls://`; several of a cluster with commas between.
    pub url: String,
    /// What the server's monitoring calls this client.
    pub name: String,
    /// Where answers are received; `_INBOX_` and the user's name unless told, `_INBOX` where the
    /// address names none.
    pub inbox_prefix: Option<String>,
    /// How long the first connection may take.
    pub connect_within: Duration,
}

impl NatsConfig {
    pub fn new(url: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            name: name.into(),
            inbox_prefix: None,
            connect_within: Duration::from_secs(15),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("the NATS address is wrong: {0}; write nats://user:password@host:port")]
    Address(#[source] io::Error),
    #[error("the NATS address has a user name or password that is badly percent-encoded")]
    Credentials,
    #[error(
        "NATS at {servers} refuses the connection: {cause}; \
         correct the URL's user, password or scheme"
    )]
    Refused { servers: String, cause: String },
    #[error("no NATS server at {servers} within {within:?} ({cause}); start it or correct the URL")]
    Unreachable { servers: String, within: Duration, cause: String },
}

/// A connection. Clones share it; it closes with the last of them.
#[derive(Debug, Clone)]
pub struct Nats {
    pub(crate) client: Client,
    link: Arc<Link>,
    /// Where services of this process are asked, and sit.
    pub(crate) desk: Option<Desk>,
}

/// What has happened on the connection since it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    pub connected: bool,
    /// How often the connection was lost.
    pub losses: u64,
    /// Subjects that this user tried to use and may not: a mistake in the server's permissions.
    pub permission_violations: u64,
    /// Messages dropped because this process did not take them fast enough.
    pub slow_consumers: u64,
    pub last_error: Option<String>,
}

/// Whether trying again would change nothing.
fn is_final(kind: ConnectErrorKind) -> bool {
    match kind {
        ConnectErrorKind::ServerParse
        | ConnectErrorKind::Authentication
        | ConnectErrorKind::AuthorizationViolation
        | ConnectErrorKind::Tls => true,
        ConnectErrorKind::Dns
        | ConnectErrorKind::TimedOut
        | ConnectErrorKind::Io
        | ConnectErrorKind::MaxReconnects => false,
    }
}

fn options(
    config: &NatsConfig,
    addresses: &[ServerAddr],
    link: Arc<Link>,
) -> Result<ConnectOptions, ConnectError> {
    let mut options = ConnectOptions::new()
        .name(&config.name)
        .ping_interval(PING_INTERVAL)
        .reconnect_delay_callback(|attempts| {
            let doubled = u32::try_from(attempts).unwrap_or(u32::MAX);
            Duration::from_millis(2_u64.saturating_pow(doubled)).min(RECONNECT_DELAY_MAX)
        })
        .event_callback(move |event| {
            link.note(&event);
            async {}
        });
    let user = addresses.iter().find_map(|server| Some((server.username()?, server.password())));
    if let Some((user, password)) = user {
        let decoded = |text| percent_decode(text).ok_or(ConnectError::Credentials);
        let password = password.map_or_else(|| Ok(String::new()), decoded)?;
        let user = decoded(user)?;
        // Others must not hear its answers, so it is allowed an inbox of its own only.
        if user.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_')) {
            options = options.custom_inbox_prefix(format!("_INBOX_{user}"));
        }
        options = options.user_and_password(user, password);
    }
    if let Some(prefix) = &config.inbox_prefix {
        options = options.custom_inbox_prefix(prefix);
    }
    Ok(options)
}

#[derive(Debug)]
struct Link {
    losses: watch::Sender<u64>,
    permission_violations: AtomicU64,
    slow_consumers: AtomicU64,
    last_error: Mutex<Option<String>>,
}

impl Nats {
    /// Connects with the defaults of [`NatsConfig`].
    pub async fn connect(url: &str, name: &str) -> Result<Self, ConnectError> {
        Self::connect_with(NatsConfig::new(url, name)).await
    }

    /// Connects, trying again until `connect_within` is over: the server may still be starting.
    pub async fn connect_with(config: NatsConfig) -> Result<Self, ConnectError> {
        let addresses = config.url.split(',').map(|url| url.trim().parse());
        let addresses: Vec<ServerAddr> =
            addresses.collect::<Result<_, _>>().map_err(ConnectError::Address)?;
        let servers: Vec<_> =
            addresses.iter().map(|server| format!("{}:{}", server.host(), server.port())).collect();
        let servers = servers.join(", ");
        let deadline = Instant::now() + config.connect_within;
        let mut pauses = Pauses::new();
        loop {
            let link = Arc::new(Link::new());
            let options = options(&config, &addresses, Arc::clone(&link))?;
            let tried = options.connect(addresses.as_slice());
            let cause = match timeout_at(deadline, tried).await {
                Ok(Ok(client)) => return Ok(Self { client, link, desk: None }),
                Ok(Err(error)) if is_final(error.kind()) => {
                    return Err(ConnectError::Refused { servers, cause: error.to_string() });
                }
                Ok(Err(error)) => error.to_string(),
                Err(_) => "no answer".to_owned(),
            };
            if !pauses.rest(deadline).await {
                let within = config.connect_within;
                return Err(ConnectError::Unreachable { servers, within, cause });
            }
        }
    }

    /// Requests on this connection to services at the desk are handed over there, and its own services sit there.
    #[must_use]
    pub fn at(self, desk: &Desk) -> Self {
        Self { desk: Some(desk.clone()), ..self }
    }

    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    pub fn health(&self) -> Health {
        Health {
            connected: self.is_connected(),
            losses: *self.link.losses.borrow(),
            permission_violations: self.link.permission_violations.load(Ordering::Relaxed),
            slow_consumers: self.link.slow_consumers.load(Ordering::Relaxed),
            last_error: self.link.last_error().clone(),
        }
    }

    /// Waits until everything published so far is handed to the network, such as the last answers
    /// of a service that stops. False when that does not happen within the time.
    pub async fn flush(&self, within: Duration) -> bool {
        matches!(timeout(within, self.client.flush()).await, Ok(Ok(())))
    }

    /// Waits for the connection; false when there is none at the deadline.
    pub(crate) async fn connected_by(&self, deadline: Instant) -> bool {
        while !self.is_connected() {
            if Instant::now() >= deadline {
                return false;
            }
            sleep(STATE_POLL).await;
        }
        true
    }

    /// Changes whenever the connection is lost from now on, and with it every answer on its way.
    pub(crate) fn losses(&self) -> watch::Receiver<u64> {
        self.link.losses.subscribe()
    }

    /// What the server last complained about, as the end of an error's text.
    pub(crate) fn complaint(&self) -> String {
        self.link.last_error().as_ref().map(|error| format!("; {error}")).unwrap_or_default()
    }
}

impl Link {
    fn new() -> Self {
        Self {
            losses: watch::Sender::new(0),
            permission_violations: AtomicU64::new(0),
            slow_consumers: AtomicU64::new(0),
            last_error: Mutex::new(None),
        }
    }

    fn last_error(&self) -> MutexGuard<'_, Option<String>> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, event: &Event) {
        match event {
            Event::Connected => {
                *self.last_error() = None;
                tracing::info!("connected to NATS");
            }
            Event::Disconnected => {
                self.losses.send_modify(|losses| *losses += 1);
                tracing::warn!("the NATS connection is lost; reconnecting");
            }
            Event::SlowConsumer(subscription) => self.note_slow_consumer(*subscription),
            Event::ServerError(ServerError::SlowConsumer(subscription)) => {
                self.note_slow_consumer(*subscription);
            }
            Event::ServerError(error @ ServerError::Other(text))
                if text.to_lowercase().contains("permissions violation") =>
            {
                self.permission_violations.fetch_add(1, Ordering::Relaxed);
                *self.last_error() = Some(error.to_string());
                tracing::error!(%error, "NATS forbids a subject to this user");
            }
            Event::ServerError(
                error @ (ServerError::AuthorizationViolation | ServerError::Other(_)),
            ) => {
                *self.last_error() = Some(error.to_string());
                tracing::error!(%error, "the NATS server reports an error");
            }
            Event::ClientError(
                error @ (ClientError::Other(_)
                | ClientError::MaxReconnects
                | ClientError::ServerNotInPool),
            ) => {
                *self.last_error() = Some(error.to_string());
                tracing::warn!(%error, "no connection to NATS");
            }
            Event::LameDuckMode => tracing::warn!("the NATS server is about to stop"),
            Event::Draining | Event::Closed => tracing::debug!(%event, "the NATS connection ends"),
        }
    }

    fn note_slow_consumer(&self, subscription: u64) {
        self.slow_consumers.fetch_add(1, Ordering::Relaxed);
        tracing::error!(subscription, "messages were dropped: this process takes them too slowly");
    }
}

/// The growing pauses between tries of one thing.
pub(crate) struct Pauses(Duration);

impl Pauses {
    const FIRST: Duration = Duration::from_millis(20);
    const LONGEST: Duration = Duration::from_secs(1);

    pub(crate) const fn new() -> Self {
        Self(Self::FIRST)
    }

    /// Waits before the next try; false at once when that would be after the deadline.
    pub(crate) async fn rest(&mut self, deadline: Instant) -> bool {
        if Instant::now() + self.0 >= deadline {
            return false;
        }
        sleep(self.0).await;
        self.0 = (self.0 * 2).min(Self::LONGEST);
        true
    }
}
