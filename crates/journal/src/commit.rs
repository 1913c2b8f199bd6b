//! One commit, and its form as a NATS message: a CloudEvent 1.0 in binary mode.
//!
//! Invariant: decoding what was encoded gives the same commit; anything else is an error.

use std::fmt;
use std::str::FromStr;

use async_nats::HeaderMap;
use async_nats::header::{
    NATS_EXPECTED_LAST_SEQUENCE, NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_MESSAGE_ID,
};
use bytes::Bytes;
use jiff::Timestamp;
use loopledger_model::{Partition, Position};
use uuid::Uuid;

use crate::ReadError;
use crate::chain::{CommitHash, Head, Link};
use crate::filter::partition_of;

const SPEC_VERSION: &str = "1.0";
const TYPE: &str = "loopledger.commit.v1";
const CONTENT_TYPE: &str = "application/json";
const SOURCE_PREFIX: &str = "/loopledger/";

/// The name of one commit. It tells, after an unanswered append, whether the log holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(Uuid);

impl CommitId {
    #[expect(clippy::disallowed_methods, reason = "the one place where commit ids are made")]
    #[expect(clippy::new_without_default, reason = "no two are the same, so there is no default")]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no commit id: it is a UUID in lower case with hyphens")]
pub struct NotACommitId(pub String);

impl FromStr for CommitId {
    type Err = NotACommitId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let id = text.parse().map(Self).map_err(|_| NotACommitId(text.to_owned()))?;
        if id.to_string() == text { Ok(id) } else { Err(NotACommitId(text.to_owned())) }
    }
}

/// What a writer hands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCommit {
    pub id: CommitId,
    pub recorded_at: Timestamp,
    /// The writer: which instance of which service, as in `voucher@host-1`.
    pub by: String,
    /// The W3C trace context that the commit belongs to.
    pub traceparent: Option<String>,
    pub body: Bytes,
}

/// What is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub position: Position,
    pub partition: Partition,
    pub id: CommitId,
    pub recorded_at: Timestamp,
    pub by: String,
    pub traceparent: Option<String>,
    /// The hash of the commit before it in its partition.
    pub previous: CommitHash,
    pub body: Bytes,
}

impl Commit {
    pub(crate) fn stored(
        partition: Partition,
        position: Position,
        previous: CommitHash,
        new: NewCommit,
    ) -> Self {
        let NewCommit { id, recorded_at, by, traceparent, body } = new;
        Self { position, partition, id, recorded_at, by, traceparent, previous, body }
    }

    /// Whether this is what an earlier try to append `new` behind `after` has stored.
    pub(crate) fn is(&self, partition: Partition, after: Head, new: &NewCommit) -> bool {
        self.id == new.id
            && self.partition == partition
            && self.previous == after.hash
            && self.body == new.body
    }

    pub fn hash(&self) -> CommitHash {
        CommitHash::of(self)
    }

    /// Hashes the commit.
    pub fn link(&self) -> Link {
        Link { partition: self.partition, previous: self.previous, head: self.head() }
    }

    /// The end of the partition once this is its last commit.
    pub fn head(&self) -> Head {
        Head { position: self.position, hash: self.hash() }
    }
}

/// The headers that make a message this commit again, and make the server refuse it anywhere but
/// directly behind the stream's commit before it.
pub(crate) fn encode_restored(commit: &Commit) -> HeaderMap {
    let Commit { id, recorded_at, by, traceparent, body, .. } = commit.clone();
    let new = NewCommit { id, recorded_at, by, traceparent, body };
    let mut headers = encode_in(commit.partition, commit.previous, &new);
    headers.insert(NATS_EXPECTED_LAST_SEQUENCE, (commit.position - 1).to_string());
    headers
}

/// The headers that make a message this commit, and make the server refuse it anywhere but behind
/// `after`.
pub(crate) fn encode(partition: Partition, after: Head, commit: &NewCommit) -> HeaderMap {
    let mut headers = encode_in(partition, after.hash, commit);
    headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, after.position.to_string());
    headers
}

fn encode_in(partition: Partition, previous: CommitHash, commit: &NewCommit) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(NATS_MESSAGE_ID, commit.id.to_string());
    headers.insert("content-type", CONTENT_TYPE);
    headers.insert("ce-specversion", SPEC_VERSION);
    headers.insert("ce-type", TYPE);
    headers.insert("ce-source", format!("{SOURCE_PREFIX}{partition}"));
    headers.insert("ce-id", commit.id.to_string());
    headers.insert("ce-time", commit.recorded_at.to_string());
    headers.insert("ce-recordedby", percent_encode(&commit.by));
    headers.insert("ce-previoushash", previous.to_string());
    if let Some(traceparent) = &commit.traceparent {
        headers.insert("ce-traceparent", percent_encode(traceparent));
    }
    headers
}

pub(crate) fn decode(
    position: Position,
    subject: &str,
    headers: Option<&HeaderMap>,
    body: Bytes,
) -> Result<Commit, ReadError> {
    let undecodable = |reason| ReadError::Undecodable { position, reason };
    let partition = partition_of(subject)
        .ok_or_else(|| undecodable(format!("its subject `{subject}` names no partition")))?;
    let headers = Headers(headers);
    headers.expect("ce-specversion", SPEC_VERSION).map_err(undecodable)?;
    headers.expect("ce-type", TYPE).map_err(undecodable)?;
    headers.expect("content-type", CONTENT_TYPE).map_err(undecodable)?;
    headers.expect("ce-source", &format!("{SOURCE_PREFIX}{partition}")).map_err(undecodable)?;
    Ok(Commit {
        position,
        partition,
        id: headers.parse("ce-id").map_err(undecodable)?,
        recorded_at: headers.parse("ce-time").map_err(undecodable)?,
        by: headers.text("ce-recordedby").map_err(undecodable)?,
        traceparent: headers.optional_text("ce-traceparent").map_err(undecodable)?,
        previous: headers.parse("ce-previoushash").map_err(undecodable)?,
        body,
    })
}

/// The headers of a message that may have none; errors say what is wrong with which.
struct Headers<'a>(Option<&'a HeaderMap>);

impl Headers<'_> {
    fn get(&self, name: &'static str) -> Option<&str> {
        Some(self.0?.get(name)?.as_str())
    }

    fn optional_text(&self, name: &'static str) -> Result<Option<String>, String> {
        let decoded = self.get(name).map(|value| {
            percent_decode(value).ok_or_else(|| format!("its header {name} is badly encoded"))
        });
        decoded.transpose()
    }

    fn text(&self, name: &'static str) -> Result<String, String> {
        self.optional_text(name)?.ok_or_else(|| format!("it has no header {name}"))
    }

    fn parse<T: FromStr<Err: fmt::Display>>(&self, name: &'static str) -> Result<T, String> {
        self.text(name)?.parse().map_err(|error| format!("its header {name} is wrong: {error}"))
    }

    fn expect(&self, name: &'static str, value: &str) -> Result<(), String> {
        let found = self.text(name)?;
        if found == value {
            return Ok(());
        }
        Err(format!("its header {name} is `{found}` instead of `{value}`"))
    }
}

/// The CloudEvents rule for header values: what is not printable ASCII, and `"` and `%`, as `%XX`
/// of its UTF-8 bytes.
fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if matches!(byte, 0x21..=0x7e) && byte != b'"' && byte != b'%' {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

pub(crate) fn percent_decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            decoded.push(*first);
            continue;
        }
        let (digits, tail) = rest.split_at_checked(2)?;
        let [high, low] = [digits[0], digits[1]].map(|digit| char::from(digit).to_digit(16));
        decoded.push(u8::try_from(high? * 16 + low?).ok()?);
        rest = tail;
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails where its example is wrong")]

    use super::*;
    use crate::filter::subject_of;
    use loopledger_model::Context;
    use proptest::prelude::*;

    const PARTITION: Partition = Partition { context: Context::Fund, number: 3 };
    const AFTER: Head = Head { position: 41, hash: CommitHash::NONE };

    fn new_commit(by: &str, traceparent: Option<&str>) -> NewCommit {
        NewCommit {
            id: "0198c0de-0000-7000-8000-000000000001".parse().unwrap(),
            recorded_at: "2026-03-01T09:00:00.123456789Z".parse().unwrap(),
            by: by.to_owned(),
            traceparent: traceparent.map(str::to_owned),
            body: Bytes::from_static(b"{}"),
        }
    }

    fn undecodable(subject: &str, headers: &HeaderMap) -> String {
        match decode(9, subject, Some(headers), Bytes::new()) {
            Err(ReadError::Undecodable { position: 9, reason }) => reason,
            other => panic!("decoded as {other:?}"),
        }
    }

    #[test]
    fn a_commit_is_a_cloud_event_in_binary_mode() {
        let headers = encode(PARTITION, AFTER, &new_commit("基金@host 1", Some("00-ab-cd-01")));
        let value = |name: &str| headers.get(name).unwrap().as_str();
        assert_eq!(value("ce-specversion"), "1.0");
        assert_eq!(value("ce-type"), "loopledger.commit.v1");
        assert_eq!(value("ce-source"), "/loopledger/fund.3");
        assert_eq!(value("ce-id"), "0198c0de-0000-7000-8000-000000000001");
        assert_eq!(value("ce-time"), "2026-03-01T09:00:00.123456789Z");
        assert_eq!(value("ce-recordedby"), "%E5%9F%BA%E9%87%91@host%201");
        assert_eq!(value("ce-traceparent"), "00-ab-cd-01");
        assert_eq!(value("ce-previoushash"), AFTER.hash.to_string());
        assert_eq!(value("content-type"), "application/json");
        assert_eq!(value("Nats-Msg-Id"), "0198c0de-0000-7000-8000-000000000001");
        assert_eq!(value("Nats-Expected-Last-Subject-Sequence"), "41");
    }

    #[test]
    fn a_message_that_lacks_or_contradicts_a_header_is_no_commit() {
        let subject = subject_of(PARTITION);
        let good = encode(PARTITION, AFTER, &new_commit("fund", None));
        assert!(decode(9, &subject, Some(&good), Bytes::new()).is_ok());
        assert!(decode(9, &subject, None, Bytes::new()).is_err());
        assert!(undecodable("ledger.fund.03", &good).contains("names no partition"));
        assert!(undecodable("ledger.fund.4", &good).contains("ce-source"));
        for (name, wrong) in [
            ("ce-specversion", "0.3"),
            ("ce-type", "loopledger.commit.v2"),
            ("content-type", "text/plain"),
            ("ce-id", "7"),
            ("ce-time", "yesterday"),
            ("ce-recordedby", "%4"),
            ("ce-traceparent", "%FF"),
            ("ce-previoushash", "00"),
        ] {
            let mut headers = good.clone();
            headers.insert(name, wrong);
            assert!(undecodable(&subject, &headers).contains(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_writer_and_trace_come_back_as_they_were(
            by in ".*",
            trace in proptest::option::of(".*"),
        ) {
            let new = new_commit(&by, trace.as_deref());
            let (subject, headers) = (subject_of(PARTITION), encode(PARTITION, AFTER, &new));
            let commit = decode(9, &subject, Some(&headers), new.body.clone()).unwrap();
            prop_assert_eq!(commit, Commit::stored(PARTITION, 9, AFTER.hash, new));
        }
    }
}
