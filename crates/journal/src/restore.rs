//! Writing the log anew: a stream beside the one in use, which takes its place once it is whole.
//!
//! Invariant: a restored commit keeps its position; the server refuses it anywhere else.
//! Invariant: the stream in use is given up only for one that is whole, and is never deleted. In
//! between, no stream takes commits, and [`JetStreamJournal::open`] says so.

use async_nats::jetstream::{self, response::Response};
use loopledger_model::{Partition, Partitions, Position};
use serde_json::{Value, json};

use crate::commit::encode_restored;
use crate::contract::{
    Generations, SUBJECTS, Setback, compare, create, partitions_in, read_back, terms, unanswered,
};
use crate::jetstream::context;
use crate::{Commit, Config, ContractError, JetStreamJournal, Nats};

/// Why the log is not restored. What is in use is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error(transparent)]
    Contract(#[from] ContractError),
    #[error("the server does not restore the log ({cause}); run `loopledger repair` again")]
    Failed { cause: String },
    #[error("commit {position} was not stored at its position ({cause}); run the repair again")]
    NotStored { position: Position, cause: String },
    #[error(
        "commit {position} is of {partition}, and {count} partitions of it are recorded: start the \
         repair with as many as the ledger had, as in --partitions {context}=4",
        context = partition.context
    )]
    OutsidePartitions { position: Position, partition: Partition, count: u32 },
    #[error("{stream} still takes commits: stop the services, then run the repair again")]
    StillWritten { stream: String },
}

impl From<String> for RestoreError {
    fn from(cause: String) -> Self {
        Self::Failed { cause }
    }
}

impl From<Setback> for RestoreError {
    fn from(setback: Setback) -> Self {
        match setback {
            Setback::Passing(cause) => Self::Failed { cause },
            Setback::Final(error) => Self::Contract(error),
        }
    }
}

/// A log that is being written anew.
#[derive(Debug)]
pub struct Restoration {
    journal: JetStreamJournal,
    /// The stream in use, and its last position when the restoration began.
    current: Option<(String, Position)>,
}

/// Which stream is the log now, and under which name the one before it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swapped {
    pub current: String,
    pub kept: Option<String>,
}

impl Restoration {
    /// One that was interrupted when no stream was in use any more, so that it may be whole.
    pub async fn unfinished(nats: &Nats, config: Config) -> Result<Option<Self>, RestoreError> {
        let context = context(nats);
        let Generations { current: None, unfinished: Some(stream), .. } =
            Generations::of(&context).await?
        else {
            return Ok(None);
        };
        let partitions = recorded(&context, &stream).await?;
        let journal =
            JetStreamJournal::on(nats.clone(), context, config, stream, partitions).await?;
        Ok(Some(Self { journal, current: None }))
    }

    /// Begins with nothing; one that was interrupted is discarded.
    pub async fn begin(nats: &Nats, config: Config) -> Result<Self, RestoreError> {
        let context = context(nats);
        let Generations { current, unfinished, .. } = Generations::of(&context).await?;
        if let Some(stream) = unfinished {
            ask(&context, &format!("STREAM.DELETE.{stream}"), &json!({})).await?;
        }
        let current = match current {
            Some(stream) => {
                let last = last_of(&context, &stream).await?;
                Some((stream, last))
            }
            None => None,
        };
        // A stream that holds nothing may have been made because the ledger's own was lost, so what
        // it records counts less than what somebody states.
        let partitions = match &current {
            Some((stream, last)) => {
                let recorded = recorded(&context, stream).await?;
                if *last == 0 { config.partitions.over(recorded) } else { recorded }
            }
            None => config.partitions.over(Partitions::default()),
        };
        let stream = Generations::of(&context).await?.next;
        let mut terms = terms(&stream, config.replicas);
        for (field, value) in &mut terms {
            match *field {
                "subjects" => *value = json!([format!("restore.{stream}.>")]),
                "subject_transform" => {
                    *value = json!({ "src": format!("restore.{stream}.>"), "dest": SUBJECTS });
                }
                _ => {}
            }
        }
        create(&context, &stream, &terms, partitions).await?;
        let journal =
            JetStreamJournal::on(nats.clone(), context, config, stream, partitions).await?;
        Ok(Self { journal, current })
    }

    /// Writes the next commit.
    pub async fn write(&mut self, commit: &Commit) -> Result<(), RestoreError> {
        let JetStreamJournal { nats, stream, config, partitions, .. } = &self.journal;
        let Commit { position, partition, .. } = *commit;
        if !partitions.has(partition) {
            let count = partitions.count(partition.context);
            return Err(RestoreError::OutsidePartitions { position, partition, count });
        }
        let not_stored = |cause: String| RestoreError::NotStored { position, cause };
        let subject = format!("restore.{stream}.{}", commit.partition);
        let request = async_nats::Request::new()
            .headers(encode_restored(commit))
            .payload(commit.body.clone())
            .timeout(Some(config.give_up_after));
        let answer = nats.client.send_request(subject, request).await;
        let answer = answer.map_err(|error| not_stored(error.to_string()))?;
        let answer: Response<Value> = serde_json::from_slice(&answer.payload)
            .map_err(|error| not_stored(format!("an answer that cannot be read: {error}")))?;
        match answer {
            Response::Ok(ack) if ack["seq"].as_u64() == Some(position) => Ok(()),
            Response::Ok(ack) => Err(not_stored(format!("it became {}", ack["seq"]))),
            Response::Err { error } => Err(not_stored(error.to_string())),
        }
    }

    /// What has been written so far, to be read.
    pub const fn journal(&self) -> &JetStreamJournal {
        &self.journal
    }

    /// Makes the restored stream the log.
    pub async fn swap(self) -> Result<Swapped, RestoreError> {
        let JetStreamJournal { context, stream, config, .. } = self.journal;
        let mut kept = None;
        if let Some((old, last)) = self.current {
            if last_of(&context, &old).await? != last {
                return Err(RestoreError::StillWritten { stream: old });
            }
            take(&context, &old, &format!("retired.{old}.>")).await?;
            kept = Some(old);
        }
        take(&context, &stream, SUBJECTS).await?;
        let config_now = read_back(&context, &stream).await?.unwrap_or_default();
        compare(&stream, &terms(&stream, config.replicas), &config_now)?;
        Ok(Swapped { current: stream, kept })
    }
}

/// Lets a stream take these subjects only, as they are.
async fn take(context: &jetstream::Context, stream: &str, subjects: &str) -> Result<(), String> {
    let config = read_back(context, stream).await?;
    let mut config = config.ok_or_else(|| format!("stream {stream} is gone"))?;
    config["subjects"] = json!([subjects]);
    if let Some(fields) = config.as_object_mut() {
        fields.remove("subject_transform");
    }
    ask(context, &format!("STREAM.UPDATE.{stream}"), &config).await.map(drop)
}

async fn recorded(context: &jetstream::Context, stream: &str) -> Result<Partitions, RestoreError> {
    let config = read_back(context, stream).await?;
    let config = config.ok_or_else(|| format!("stream {stream} is gone"))?;
    Ok(partitions_in(stream, &config)?)
}

async fn last_of(context: &jetstream::Context, stream: &str) -> Result<Position, String> {
    let info = ask(context, &format!("STREAM.INFO.{stream}"), &json!({})).await?;
    info["state"]["last_seq"].as_u64().ok_or_else(|| format!("{stream} does not tell its end"))
}

async fn ask(context: &jetstream::Context, question: &str, body: &Value) -> Result<Value, String> {
    match context.request(question.to_owned(), body).await {
        Ok(Response::Ok::<Value>(answer)) => Ok(answer),
        Ok(Response::Err { error }) => Err(format!("{question}: {error}")),
        Err(error) => Err(format!("{question}: {}", unanswered(&error))),
    }
}
