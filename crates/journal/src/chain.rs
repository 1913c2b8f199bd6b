//! The hash chain: each commit of a partition carries the hash of the one before it there.
//!
//! Invariant: a commit's hash covers everything that is stored of it and, by the previous hash, all
//! that came before it in its partition; only its position is the log's to say.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use loopledger_model::hex::{self, Hex};
use loopledger_model::{Partition, Position};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

use crate::{Commit, ReadError};

const DOMAIN: &[u8] = b"loopledger.commit.v1";

/// The SHA-256 of a commit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitHash([u8; 32]);

impl CommitHash {
    /// What stands for the hash of the commit before the first one.
    pub const NONE: Self = Self([0; 32]);

    /// Every part is preceded by its length, so no two commits are hashed as the same bytes.
    pub(crate) fn of(commit: &Commit) -> Self {
        let mut hash = Sha256::new();
        let mut add = |part: &[u8]| {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        };
        add(DOMAIN);
        add(commit.partition.to_string().as_bytes());
        add(commit.id.to_string().as_bytes());
        add(commit.recorded_at.to_string().as_bytes());
        add(commit.by.as_bytes());
        add(&[u8::from(commit.traceparent.is_some())]);
        add(commit.traceparent.as_deref().unwrap_or_default().as_bytes());
        add(&commit.previous.0);
        add(&commit.body);
        Self(hash.finalize().into())
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// `None` when these are not 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().map(Self).ok()
    }
}

impl fmt::Display for CommitHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Hex(&self.0), f)
    }
}

impl fmt::Debug for CommitHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no commit hash: it is 64 small hexadecimal digits")]
pub struct NotACommitHash(pub String);

impl FromStr for CommitHash {
    type Err = NotACommitHash;

    fn from_str(text: &str) -> Result<Self, NotACommitHash> {
        let hash = hex::parse(text).map(Self);
        hash.ok_or_else(|| NotACommitHash(text.chars().take(80).collect()))
    }
}

impl Serialize for CommitHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CommitHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The end of a partition: its last commit's position and hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub position: Position,
    pub hash: CommitHash,
}

impl Head {
    /// The end of an empty partition.
    pub const fn none() -> Self {
        Self { position: 0, hash: CommitHash::NONE }
    }

    /// The head that a partition's next commit makes, which has to name this one.
    pub fn followed_by(self, commit: &Commit) -> Result<Self, ReadError> {
        self.joined_by(&commit.link())
    }

    fn joined_by(self, link: &Link) -> Result<Self, ReadError> {
        let Link { partition, previous, head } = *link;
        if previous == self.hash {
            return Ok(head);
        }
        let position = head.position;
        Err(ReadError::BrokenChain { position, partition, after: self, names: previous })
    }
}

/// What a commit is to the chain: the hash that it names, and the head that it makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    pub partition: Partition,
    pub previous: CommitHash,
    pub head: Head,
}

/// The ends of all partitions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heads(BTreeMap<Partition, Head>);

impl Heads {
    pub fn of(&self, partition: Partition) -> Head {
        self.0.get(&partition).copied().unwrap_or(Head::none())
    }

    /// Takes the log's next commit in.
    pub fn follow(&mut self, commit: &Commit) -> Result<(), ReadError> {
        self.join(&commit.link())
    }

    /// The same for a commit that is hashed already.
    pub fn join(&mut self, link: &Link) -> Result<(), ReadError> {
        let head = self.of(link.partition).joined_by(link)?;
        self.0.insert(link.partition, head);
        Ok(())
    }

    /// Takes the commit for the end of its partition, whatever came before.
    pub fn set(&mut self, commit: &Commit) {
        self.0.insert(commit.partition, commit.head());
    }

    pub fn iter(&self) -> impl Iterator<Item = (Partition, Head)> {
        self.0.iter().map(|(partition, head)| (*partition, *head))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails where its example is wrong")]

    use super::*;
    use bytes::Bytes;
    use loopledger_model::Context;

    fn commit() -> Commit {
        Commit {
            position: 7,
            partition: Partition::first(Context::Fund),
            id: "0198c0de-0000-7000-8000-000000000001".parse().unwrap(),
            recorded_at: "2026-03-01T09:00:00.123456789Z".parse().unwrap(),
            by: "fund@host".to_owned(),
            traceparent: Some(String::new()),
            previous: CommitHash::NONE,
            body: Bytes::from_static(b"{}"),
        }
    }

    #[test]
    fn a_hash_changes_with_everything_but_the_position() {
        let hash = commit().hash();
        assert_eq!(Commit { position: 8, ..commit() }.hash(), hash);
        let other = [
            Commit { partition: Partition::first(Context::Voucher), ..commit() },
            Commit { id: "0198c0de-0000-7000-8000-000000000002".parse().unwrap(), ..commit() },
            Commit { recorded_at: "2026-03-01T09:00:00.123456788Z".parse().unwrap(), ..commit() },
            Commit { by: "fund@hos".to_owned(), ..commit() },
            Commit { traceparent: None, ..commit() },
            Commit { traceparent: Some("t".to_owned()), by: "fund@hos".to_owned(), ..commit() },
            Commit { previous: hash, ..commit() },
            Commit { body: Bytes::from_static(b"[]"), ..commit() },
        ];
        let hashes: std::collections::BTreeSet<_> = other.iter().map(Commit::hash).collect();
        assert_eq!(hashes.len(), other.len());
        assert!(!hashes.contains(&hash));
    }

    #[test]
    fn a_hash_is_written_and_read_in_one_way() {
        let hash = commit().hash();
        assert_eq!(hash.to_string().parse(), Ok(hash));
        let head: Head =
            serde_json::from_str(&serde_json::to_string(&commit().head()).unwrap()).unwrap();
        assert_eq!(head, commit().head());
        for wrong in [
            "",
            "00",
            &hash.to_string()[1..],
            &hash.to_string().to_uppercase(),
            &"+0".repeat(32),
            &"é".repeat(32),
        ] {
            assert!(wrong.parse::<CommitHash>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_a_commit_that_names_the_end_of_its_partition_follows() {
        let mut heads = Heads::default();
        heads.follow(&commit()).unwrap();
        let next = Commit { position: 9, previous: commit().hash(), ..commit() };
        let elsewhere =
            Commit { position: 8, partition: Partition::first(Context::Voucher), ..commit() };
        heads.follow(&elsewhere).unwrap();
        let unlinked = Commit { previous: CommitHash::NONE, ..next.clone() };
        let broken = heads.follow(&unlinked).unwrap_err();
        assert!(matches!(broken, ReadError::BrokenChain { position: 9, .. }), "{broken}");
        heads.follow(&next).unwrap();
        assert_eq!(heads.of(next.partition), next.head());
    }
}
