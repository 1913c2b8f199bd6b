//! Commits on their way into the archive and back.
//!
//! Invariant: what comes back out is the commit that went in, or an error that says what is wrong.

use bytes::Bytes;
use loopledger_journal::{Commit, CommitHash};
use loopledger_model::Position;
use loopledger_views::{ArchivedCommit, PackedBody};

/// What the archive holds at a position is not what was put there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the archive's commit {position} is damaged: {reason}")]
pub struct Damaged {
    pub position: Position,
    pub reason: String,
}

/// A commit, which has this hash, as the archive keeps it.
pub fn archived(commit: &Commit, hash: CommitHash) -> ArchivedCommit {
    ArchivedCommit {
        position: commit.position,
        partition: commit.partition.to_string(),
        commit_id: commit.id.to_string(),
        recorded_at: commit.recorded_at.to_string(),
        recorded_by: commit.by.clone(),
        traceparent: commit.traceparent.clone(),
        previous_hash: commit.previous.as_bytes().to_vec(),
        hash: hash.as_bytes().to_vec(),
        body: PackedBody::pack(&commit.body),
    }
}

/// The commit that was archived, checked against its hash.
pub fn restored(archived: &ArchivedCommit) -> Result<Commit, Damaged> {
    let position = archived.position;
    let commit = read(archived).map_err(|reason| Damaged { position, reason })?;
    if commit.hash().as_bytes() != &archived.hash[..] {
        let reason = format!("its hash is {} and should be another", commit.hash());
        return Err(Damaged { position, reason });
    }
    Ok(commit)
}

fn read(archived: &ArchivedCommit) -> Result<Commit, String> {
    let wrong = |what: &str, error: &dyn std::error::Error| format!("its {what}: {error}");
    Ok(Commit {
        position: archived.position,
        partition: archived.partition.parse().map_err(|error| wrong("partition", &error))?,
        id: archived.commit_id.parse().map_err(|error| wrong("id", &error))?,
        recorded_at: archived.recorded_at.parse().map_err(|error| wrong("time", &error))?,
        by: archived.recorded_by.clone(),
        traceparent: archived.traceparent.clone(),
        previous: CommitHash::from_bytes(&archived.previous_hash)
            .ok_or("its previous hash is not 32 bytes")?,
        body: Bytes::from(archived.body.unpack().map_err(|error| error.to_string())?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use loopledger_journal::CommitId;
    use loopledger_model::{Context, Partition};

    #[test]
    fn an_archived_commit_comes_back_and_a_changed_one_is_damaged() {
        let commit = Commit {
            position: 3,
            partition: Partition::first(Context::Fund),
            id: CommitId::new(),
            recorded_at: "2026-03-01T09:00:00.123456789Z".parse().expect("an instant"),
            by: "fund@一号".to_owned(),
            traceparent: None,
            previous: CommitHash::NONE,
            body: Bytes::from_static(br#"{"entries":[]}"#),
        };
        let row = archived(&commit, commit.hash());
        assert_eq!(restored(&row), Ok(commit.clone()));
        let other = Commit { by: "x".to_owned(), ..commit };
        for changed in [
            ArchivedCommit { partition: "nowhere.0".to_owned(), ..row.clone() },
            ArchivedCommit { commit_id: "1".to_owned(), ..row.clone() },
            ArchivedCommit { recorded_at: "now".to_owned(), ..row.clone() },
            ArchivedCommit { recorded_by: "somebody".to_owned(), ..row.clone() },
            ArchivedCommit { traceparent: Some(String::new()), ..row.clone() },
            ArchivedCommit { previous_hash: vec![1], ..row.clone() },
            ArchivedCommit { hash: other.hash().as_bytes().to_vec(), ..row.clone() },
            ArchivedCommit { body: PackedBody::pack(b"{}"), ..row.clone() },
        ] {
            assert!(restored(&changed).is_err_and(|error| error.position == 3), "{changed:?}");
        }
    }
}
