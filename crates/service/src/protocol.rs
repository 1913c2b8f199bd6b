//! What is said on `cmd.<context>.<partition>`: commands in, one answer each, in the same order.
//!
//! Invariant: an answer rests on a commit that the journal has acknowledged, a dry run's on all before it and none behind.

use loopledger_model::{CommandId, FromJson, Position, Text};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The most commands in one request.
pub const MAX_COMMANDS: usize = 1_000;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request<C> {
    pub commands: Vec<Asked<C>>,
    /// After the first refusal the commands that follow it are skipped.
    #[serde(default)]
    pub stop_at_refusal: bool,
    /// Nothing is recorded: each command by itself is answered what it would come to now.
    #[serde(default)]
    pub dry_run: bool,
}

/// One command and who asks for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked<C> {
    pub id: CommandId,
    pub by: Text,
    /// The service waits, bounded, until it knows the other contexts' facts up to this position.
    #[serde(default)]
    pub after: Position,
    pub command: C,
}

impl<C: FromJson> Request<C> {
    pub(crate) fn read(json: &[u8]) -> Result<Self, serde_json::Error> {
        let Request { commands, stop_at_refusal, dry_run } = unread(json)?;
        let read = |Asked { id, by, after, command }: Asked<&RawValue>| {
            Ok(Asked { id, by, after, command: C::from_json(command.get())? })
        };
        let commands = commands.into_iter().map(read).collect::<Result<_, serde_json::Error>>()?;
        Ok(Self { commands, stop_at_refusal, dry_run })
    }
}

/// A request whose commands are read when it is known to be one.
fn unread(json: &[u8]) -> Result<Request<&RawValue>, serde_json::Error> {
    serde_json::from_slice(json)
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    pub answers: Vec<Answer>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// It is recorded at `position`; `events` counts what it made, 0 where the effect was there already.
    Accepted {
        position: Position,
        events: u32,
        /// The command had been answered before; this is that answer again.
        #[serde(default)]
        repeated: bool,
    },
    /// The rules say no, and that is recorded at `position`.
    Refused {
        position: Position,
        refusal: Refused,
        #[serde(default)]
        repeated: bool,
    },
    /// The id belongs to another command; nothing was decided.
    IdReused { message: String },
    /// A command before it in the request was refused, and the request said to stop there.
    Skipped,
    /// The facts up to `after` had not arrived in time; nothing was decided, ask again.
    NotCaughtUp { after: Position, reached: Position },
    /// Its ids lie in the context's partition `expected`, or in several; nothing was decided.
    WrongPartition {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expected: Option<u32>,
        message: String,
    },
    /// What it would record does not fit into one commit; nothing was decided.
    TooLarge { bytes: usize, limit: usize },
    /// A dry run: what it would come to behind the partition's commit `position`, with the other contexts' facts up
    /// to `facts_at`. Nothing was recorded, the id does not count as used.
    DryRun { position: Position, facts_at: Position, outcome: Outcome },
}

/// What a command would come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The events that would be recorded; none where the effect is there already.
    Events(Vec<serde_json::Value>),
    Refused(Refused),
}

impl Answer {
    /// The same answer, resting on the commit at this position.
    pub(crate) fn at(mut self, at: Position) -> Self {
        match &mut self {
            Self::Accepted { position, .. } | Self::Refused { position, .. } => *position = at,
            Self::IdReused { .. }
            | Self::Skipped
            | Self::NotCaughtUp { .. }
            | Self::WrongPartition { .. }
            | Self::TooLarge { .. }
            | Self::DryRun { .. } => {}
        }
        self
    }
}

/// A refusal as any asker can read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Its name in the context's closed list.
    pub code: String,
    /// A sentence for people.
    pub message: String,
    /// Everything it names, `code` included.
    pub fields: serde_json::Value,
}
