//! Takes many commits at once from the journal, up to a limit: those that are there, or those that
//! come, too.

use futures::stream::Fuse;
use futures::{FutureExt, StreamExt, future};
use loopledger_journal::{Commit, Commits, ReadError};
use loopledger_model::Position;

/// The most that goes into one transaction. A single commit always fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub commits: usize,
    /// Of the commits' bodies.
    pub bytes: usize,
}

impl Limits {
    /// Short transactions, so that answers are fresh.
    pub const LIVE: Self = Self { commits: 500, bytes: 2 * 1024 * 1024 };
    /// Long ones, so that it is soon over. Of twice the size they are no faster.
    pub const REBUILD: Self = Self { commits: 20_000, bytes: 4 * 1024 * 1024 };
}

/// The commits as far as this position.
pub(crate) fn up_to(commits: Commits, until: Position) -> Commits {
    let wanted = move |commit: &Result<Commit, ReadError>| {
        future::ready(commit.as_ref().map_or(true, |commit| commit.position <= until))
    };
    commits.take_while(wanted).boxed()
}

pub(crate) struct Reader {
    commits: Fuse<Commits>,
    limits: Limits,
    /// What ended the stream behind commits that were still to be handed out.
    failed: Option<ReadError>,
}

impl Reader {
    pub(crate) fn new(commits: Commits, limits: Limits) -> Self {
        Self { commits: commits.fuse(), limits, failed: None }
    }

    /// Waits for the next commit and takes what is there behind it; nothing when the stream has
    /// ended.
    pub(crate) async fn next(&mut self) -> Result<Vec<Commit>, ReadError> {
        self.gather(false).await
    }

    /// Waits for as many commits as the limits allow; fewer, or none, when the stream has ended.
    pub(crate) async fn next_full(&mut self) -> Result<Vec<Commit>, ReadError> {
        self.gather(true).await
    }

    async fn gather(&mut self, waits: bool) -> Result<Vec<Commit>, ReadError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let Some(first) = self.commits.next().await.transpose()? else { return Ok(Vec::new()) };
        let mut bytes = first.body.len();
        let mut gathered = vec![first];
        while gathered.len() < self.limits.commits && bytes < self.limits.bytes {
            let next = if waits {
                self.commits.next().await
            } else {
                self.commits.next().now_or_never().flatten()
            };
            match next {
                Some(Ok(commit)) => {
                    bytes += commit.body.len();
                    gathered.push(commit);
                }
                Some(Err(error)) => {
                    self.failed = Some(error);
                    break;
                }
                None => break,
            }
        }
        Ok(gathered)
    }
}

#[cfg(test)]
mod tests;
