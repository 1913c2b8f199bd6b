//! The journal on NATS JetStream: one stream, one subject per partition.
//!
//! Invariant: an append without a clear answer is resolved by reading the log, never guessed. A
//! commit is stored only directly behind `after`, so what follows `after` on the subject
//! decides: nothing yet (send again), this commit (stored), or another one (fenced for ever).
//! Invariant: what decides is read from the stream's leader; a replica may be stale.

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::client::RequestErrorKind;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::stream::{RawMessageError, RawMessageErrorKind, Stream};
use async_nats::jetstream::{self, ErrorCode};
use loopledger_model::{Partition, Partitions, Position, StatedPartitions};
use tokio::time::{Instant, timeout_at};

use crate::commit::{self, NewCommit};
use crate::contract::establish;
use crate::feed::Feed;
use crate::filter::subject_of;
use crate::nats::{Nats, Pauses};
use crate::{AppendError, Commit, Commits, ContractError, Filter, Head, Journal, ReadError};

/// What the headers of a commit take at most, its writer's name being of sensible length.
const HEADER_ROOM: usize = 2048;
/// How long the leader may take to answer one question about the log.
const ANSWER_WAIT: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Copies of the log, on as many servers: 1, 3 or 5.
    pub replicas: usize,
    /// What a new log is created with, and what one that is there has to have been created with.
    pub partitions: StatedPartitions,
    /// How long one publish may stay unanswered before its outcome is looked up.
    pub ack_wait: Duration,
    /// How long an append, a look-up or a `read` without progress goes on before it is given up.
    pub give_up_after: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            replicas: 1,
            partitions: StatedPartitions::NONE,
            ack_wait: Duration::from_secs(5),
            give_up_after: Duration::from_secs(20),
        }
    }
}

#[derive(Debug, Clone)]
pub struct JetStreamJournal {
    pub(crate) nats: Nats,
    pub(crate) context: jetstream::Context,
    pub(crate) config: Config,
    /// The name of the stream that is the log.
    pub(crate) stream: String,
    pub(crate) partitions: Partitions,
    log: Stream<()>,
}

/// Why a try has not succeeded: for good, or perhaps only this time.
enum Setback {
    Final(AppendError),
    Unclear(String),
}

impl From<String> for Setback {
    fn from(cause: String) -> Self {
        Self::Unclear(cause)
    }
}

/// What the server says to a publish.
enum Ack {
    Stored(Position),
    /// It has seen this commit's id before, in the message at this position.
    Duplicate(Position),
    /// Another message than `after` is the subject's last.
    WrongLast,
}

/// Which commit a stored message is.
enum Found {
    This(Position),
    /// Another one under the same id.
    Namesake(Position),
    Other(Position),
}

/// A commit on its way.
struct Outgoing<'a> {
    partition: Partition,
    after: Head,
    commit: &'a NewCommit,
    subject: String,
    headers: HeaderMap,
}

impl JetStreamJournal {
    /// Checks the broker's side of the contract and creates the log when there is none.
    pub async fn open(nats: Nats, config: Config) -> Result<Self, ContractError> {
        let context = context(&nats);
        let established = establish(&nats, &context, config.replicas, config.partitions);
        let (stream, partitions) = established.await?;
        Self::on(nats, context, config, stream, partitions).await
    }

    /// The same log over another connection, such as that of a user who may do less.
    pub async fn over(&self, nats: Nats) -> Result<Self, ContractError> {
        let (config, stream, partitions) = (self.config, self.stream.clone(), self.partitions);
        Self::on(nats.clone(), context(&nats), config, stream, partitions).await
    }

    /// How many partitions each context has, as the log was created.
    pub const fn partitions(&self) -> Partitions {
        self.partitions
    }

    /// The log in a stream that is there.
    pub(crate) async fn on(
        nats: Nats,
        context: jetstream::Context,
        config: Config,
        stream: String,
        partitions: Partitions,
    ) -> Result<Self, ContractError> {
        let log = context
            .get_stream_no_info(&stream)
            .await
            .map_err(|error| ContractError::Unavailable { cause: error.to_string() })?;
        Ok(Self { nats, context, config, stream, partitions, log })
    }

    async fn try_append(&self, outgoing: &Outgoing<'_>) -> Result<Position, Setback> {
        match self.publish(outgoing).await {
            Ok(Ack::Stored(position)) => Ok(position),
            Ok(Ack::Duplicate(position)) => self.resolve_duplicate(outgoing, position).await,
            Ok(Ack::WrongLast) => match self.resolve(outgoing).await? {
                Some(position) => Ok(position),
                None => Err(self.unseen_winner(outgoing).await?),
            },
            Err(Setback::Unclear(cause)) => {
                self.resolve(outgoing).await?.ok_or(Setback::Unclear(cause))
            }
            Err(definite) => Err(definite),
        }
    }

    async fn publish(&self, outgoing: &Outgoing<'_>) -> Result<Ack, Setback> {
        let unclear = |cause: String| Err(Setback::Unclear(cause));
        let mut losses = self.nats.losses();
        let request = async_nats::Request::new()
            .headers(outgoing.headers.clone())
            .payload(outgoing.commit.body.clone())
            .timeout(Some(self.config.ack_wait));
        let answer = tokio::select! {
            answer = self.nats.client.send_request(outgoing.subject.clone(), request) => answer,
            _ = losses.changed() => return unclear("the connection was lost".to_owned()),
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => match error.kind() {
                RequestErrorKind::MaxPayloadExceeded => {
                    return Err(Setback::Final(AppendError::TooLarge {
                        partition: outgoing.partition,
                        bytes: outgoing.commit.body.len(),
                        limit: self.body_limit(),
                    }));
                }
                RequestErrorKind::NoResponders => {
                    return unclear(format!("nobody serves stream {}", self.stream));
                }
                RequestErrorKind::TimedOut => {
                    let complaint = self.nats.complaint();
                    return unclear(format!("no answer in {:?}{complaint}", self.config.ack_wait));
                }
                RequestErrorKind::InvalidSubject | RequestErrorKind::Other => {
                    return unclear(error.to_string());
                }
            },
        };
        match serde_json::from_slice::<Response<PublishAck>>(&answer.payload) {
            Ok(Response::Ok(ack)) if ack.duplicate => Ok(Ack::Duplicate(ack.sequence)),
            Ok(Response::Ok(ack)) => Ok(Ack::Stored(ack.sequence)),
            Ok(Response::Err { error })
                if error.error_code() == ErrorCode::STREAM_WRONG_LAST_SEQUENCE =>
            {
                Ok(Ack::WrongLast)
            }
            Ok(Response::Err { error }) => unclear(error.to_string()),
            Err(error) => unclear(format!("an answer that is no acknowledgement: {error}")),
        }
    }

    /// Looks at what follows `after`; `None` when nothing does.
    async fn resolve(&self, outgoing: &Outgoing<'_>) -> Result<Option<Position>, Setback> {
        let next = outgoing.after.position + 1;
        let follower = self.log.get_first_raw_message_by_subject(&outgoing.subject, next).await;
        let Some(follower) = given(follower)? else { return Ok(None) };
        match outgoing.compare(follower) {
            Found::This(position) => Ok(Some(position)),
            Found::Namesake(position) => Err(outgoing.id_taken(position)),
            Found::Other(winner) => Err(Setback::Final(AppendError::Fenced {
                partition: outgoing.partition,
                expected: outgoing.after.position,
                winner,
            })),
        }
    }

    /// Looks at the message that the server takes this commit for: it compares ids only.
    async fn resolve_duplicate(
        &self,
        outgoing: &Outgoing<'_>,
        position: Position,
    ) -> Result<Position, Setback> {
        let Some(double) = given(self.log.get_raw_message(position).await)? else {
            return Err(Setback::Unclear(format!("its double {position} is not to be seen yet")));
        };
        match outgoing.compare(double) {
            Found::This(position) => Ok(position),
            Found::Namesake(position) | Found::Other(position) => Err(outgoing.id_taken(position)),
        }
    }

    /// The server calls `after` wrong, yet nothing follows it: either the replicas are still
    /// agreeing on what follows, or the log ends before `after`.
    async fn unseen_winner(&self, outgoing: &Outgoing<'_>) -> Result<Setback, Setback> {
        let last = self.last_of(&outgoing.subject).await?;
        if last < outgoing.after.position {
            return Ok(Setback::Final(AppendError::LogBehind {
                partition: outgoing.partition,
                expected: outgoing.after.position,
                last,
            }));
        }
        Ok(Setback::Unclear("another commit is being stored".to_owned()))
    }

    /// The last position on a subject, which may have wildcards; 0 when there is none.
    async fn last_of(&self, subject: &str) -> Result<Position, String> {
        let last = self.log.raw_message_builder().last_by_subject(subject).send().await;
        Ok(given(last)?.map_or(0, |message| message.sequence))
    }

    pub(crate) async fn last_of_all(&self, of: &Filter) -> Result<Position, String> {
        let mut last = 0;
        for subject in of.subjects() {
            last = last.max(self.last_of(&subject).await?);
        }
        Ok(last)
    }
}

pub(crate) fn context(nats: &Nats) -> jetstream::Context {
    jetstream::context::ContextBuilder::new().timeout(ANSWER_WAIT).build(nats.client.clone())
}

/// A message that the leader was asked for: `None` is its word that there is no such message.
fn given(answer: Result<StreamMessage, RawMessageError>) -> Result<Option<StreamMessage>, String> {
    match answer {
        Ok(message) => Ok(Some(message)),
        Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => Err(format!("the log could not be asked: {error}")),
    }
}

impl Outgoing<'_> {
    fn compare(&self, message: StreamMessage) -> Found {
        let position = message.sequence;
        let headers = Some(&message.headers);
        match commit::decode(position, &message.subject, headers, message.payload) {
            Ok(stored) if stored.is(self.partition, self.after, self.commit) => {
                Found::This(position)
            }
            Ok(stored) if stored.id == self.commit.id => Found::Namesake(position),
            Ok(_) | Err(_) => Found::Other(position),
        }
    }

    fn id_taken(&self, position: Position) -> Setback {
        Setback::Final(AppendError::IdTaken { id: self.commit.id, position })
    }
}

impl Journal for JetStreamJournal {
    /// A try whose answer is lost, late or doubtful is resolved from the log and repeated under the
    /// same id and the same `after` until the deadline. A publish that the network still holds
    /// when the deadline has passed does no harm: see [`AppendError::Unavailable`].
    async fn append(
        &self,
        partition: Partition,
        after: Head,
        commit: NewCommit,
    ) -> Result<Head, AppendError> {
        let outgoing = Outgoing {
            partition,
            after,
            commit: &commit,
            subject: subject_of(partition),
            headers: commit::encode(partition, after, &commit),
        };
        let deadline = Instant::now() + self.config.give_up_after;
        let mut pauses = Pauses::new();
        loop {
            // A publish into a lost connection would only lie in this process until it is back.
            let connected = self.nats.connected_by(deadline).await;
            let outcome = if connected {
                timeout_at(deadline, self.try_append(&outgoing)).await
            } else {
                Ok(Err(Setback::Unclear(format!("not connected{}", self.nats.complaint()))))
            };
            let cause = match outcome {
                Ok(Ok(position)) => {
                    return Ok(Commit::stored(partition, position, after.hash, commit).head());
                }
                Ok(Err(Setback::Final(error))) => return Err(error),
                Ok(Err(Setback::Unclear(cause))) => cause,
                Err(_) => format!("no answer{}", self.nats.complaint()),
            };
            let expected = after.position;
            tracing::warn!(%partition, expected, id = %commit.id, cause, "append unanswered");
            if !pauses.rest(deadline).await {
                return Err(AppendError::Unavailable { partition, cause });
            }
        }
    }

    fn read(&self, of: &Filter, from: Position) -> Commits {
        Feed::to_the_last(self.clone(), of.clone(), from).commits()
    }

    fn follow(&self, of: &Filter, from: Position) -> Commits {
        Feed::without_end(self.clone(), of.clone(), from).commits()
    }

    async fn last(&self, of: &Filter) -> Result<Position, ReadError> {
        let deadline = Instant::now() + self.config.give_up_after;
        let mut pauses = Pauses::new();
        loop {
            let cause = match timeout_at(deadline, self.last_of_all(of)).await {
                Ok(Ok(last)) => return Ok(last),
                Ok(Err(cause)) => cause,
                Err(_) => "the leader does not answer".to_owned(),
            };
            if !pauses.rest(deadline).await {
                let cause = format!("{cause}{}", self.nats.complaint());
                return Err(ReadError::Unavailable { cause });
            }
        }
    }

    fn body_limit(&self) -> usize {
        self.nats.client.max_payload().saturating_sub(HEADER_ROOM)
    }
}
