//! Takes as many commits from the journal as are there, up to a limit, without waiting for more.

use futures::{FutureExt, StreamExt};
use loopledger_journal::{Commit, Commits, ReadError};

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
    /// Long ones, so that it is soon over.
    pub const REBUILD: Self = Self { commits: 20_000, bytes: 16 * 1024 * 1024 };
}

pub(crate) struct Reader {
    commits: Commits,
    limits: Limits,
    /// What ended the stream behind commits that were still to be handed out.
    failed: Option<ReadError>,
}

impl Reader {
    pub(crate) const fn new(commits: Commits, limits: Limits) -> Self {
        Self { commits, limits, failed: None }
    }

    /// Waits for the next commit and takes what is there behind it; nothing when the stream has
    /// ended.
    pub(crate) async fn next(&mut self) -> Result<Vec<Commit>, ReadError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let Some(first) = self.commits.next().await.transpose()? else { return Ok(Vec::new()) };
        let mut bytes = first.body.len();
        let mut gathered = vec![first];
        while gathered.len() < self.limits.commits && bytes < self.limits.bytes {
            match self.commits.next().now_or_never().flatten() {
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
