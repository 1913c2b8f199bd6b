//! The public keys that tokens are checked with, as RFC 7517 writes them.
//!
//! Invariants: a key checks signatures of its own algorithm only; a set is read again when it is old or lacks a
//! key, never more often than every few seconds, and what it said last counts on for an hour when it cannot be read.
//! Where it is, the operator says; nothing in a token is ever asked for a key.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use loopledger_service::outbound::{Address, BadAddress};
use ring::signature::{
    ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

/// How long an issuer may take to answer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(3);

/// How long a set of keys counts.
#[derive(Debug, Clone, Copy)]
pub struct Spans {
    pub old_after: Duration,
    pub try_again_after: Duration,
    /// Where it cannot be read any more.
    pub counts_for: Duration,
}

impl Default for Spans {
    fn default() -> Self {
        let [old_after, try_again_after, counts_for] = [300, 5, 3_600].map(Duration::from_secs);
        Self { old_after, try_again_after, counts_for }
    }
}

/// Where keys come from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// A JSON Web Key Set.
    File(PathBuf),
    /// The same as its issuer serves it.
    Url(Address),
    /// One Ed25519 key, under its id.
    Fixed { id: String, public: [u8; 32] },
}

#[derive(Debug, Clone, thiserror::Error)]
#[error("the key set {place} cannot be read: {cause}")]
pub struct KeysError {
    pub place: String,
    pub cause: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSource {
    #[error(transparent)]
    Address(#[from] BadAddress),
    #[error("whoever is on the way to {0} can forge keys: name an https address")]
    Forgeable(Address),
}

impl FromStr for KeySource {
    type Err = BadSource;

    /// A file, or an address where nobody else can answer.
    fn from_str(text: &str) -> Result<Self, BadSource> {
        if !text.contains("://") {
            return Ok(Self::File(text.into()));
        }
        let address: Address = text.parse()?;
        if !address.is_trusted() {
            return Err(BadSource::Forgeable(address));
        }
        Ok(Self::Url(address))
    }
}

impl KeySource {
    async fn read(&self) -> Result<BTreeMap<String, Key>, KeysError> {
        let text = match self {
            Self::File(file) => tokio::fs::read(file).await.map_err(|error| error.to_string()),
            Self::Url(address) => match address.get(ANSWERED_WITHIN).await {
                Ok(text) => Ok(text.to_vec()),
                Err(error) => Err(error.to_string()),
            },
            Self::Fixed { id, public } => {
                return Ok(BTreeMap::from([(id.clone(), Key::Ed25519(public.to_vec()))]));
            }
        };
        let keys = text.and_then(|text| parse(&text).map_err(|error| error.to_string()));
        keys.map_err(|cause| self.unread(cause))
    }

    fn unread(&self, cause: String) -> KeysError {
        let place = match self {
            Self::File(file) => file.display().to_string(),
            Self::Url(address) => address.to_string(),
            Self::Fixed { id, .. } => id.clone(),
        };
        KeysError { place, cause }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    Ed25519(Vec<u8>),
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

impl Key {
    /// As a token's header names it.
    pub const fn algorithm(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "EdDSA",
            Self::Rsa { .. } => "RS256",
        }
    }

    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ed25519(public) => {
                UnparsedPublicKey::new(&ED25519, public).verify(message, signature).is_ok()
            }
            Self::Rsa { n, e } => RsaPublicKeyComponents { n, e }
                .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
                .is_ok(),
        }
    }
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Stated>,
}

#[derive(Deserialize)]
struct Stated {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    used_for: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl Stated {
    /// Nothing for a key of another kind or use: a set may have those.
    fn key(self) -> Option<(String, Key)> {
        let decoded = |text: Option<String>| URL_SAFE_NO_PAD.decode(text?).ok();
        // Some write the sign's zero byte before a modulus.
        let unsigned = |text| {
            let bytes = decoded(text)?.into_iter();
            Some(bytes.skip_while(|byte| *byte == 0).collect())
        };
        let key = match (self.kty.as_str(), self.crv.as_deref()) {
            ("OKP", Some("Ed25519")) => Key::Ed25519(decoded(self.x)?),
            ("RSA", None) => Key::Rsa { n: unsigned(self.n)?, e: unsigned(self.e)? },
            _ => return None,
        };
        let signs = self.used_for.as_deref().is_none_or(|used_for| used_for == "sig");
        let agrees = self.alg.as_deref().is_none_or(|alg| alg == key.algorithm());
        (signs && agrees).then_some((self.kid?, key))
    }
}

pub fn parse(text: &[u8]) -> Result<BTreeMap<String, Key>, serde_json::Error> {
    let KeySet { keys } = serde_json::from_slice(text)?;
    Ok(keys.into_iter().filter_map(Stated::key).collect())
}

#[derive(Debug)]
pub struct Keys {
    source: KeySource,
    spans: Spans,
    held: Mutex<Held>,
    /// One reads the set, the others wait or make do with what is known.
    turn: AsyncMutex<()>,
}

#[derive(Debug, Default)]
struct Held {
    keys: BTreeMap<String, Key>,
    read: Option<Instant>,
    tried: Option<Instant>,
}

fn within(since: Option<Instant>, span: Duration) -> bool {
    since.is_some_and(|since| since.elapsed() < span)
}

impl Keys {
    pub fn new(source: KeySource) -> Self {
        Self::counting(source, Spans::default())
    }

    pub fn counting(source: KeySource, spans: Spans) -> Self {
        Self { source, spans, held: Mutex::default(), turn: AsyncMutex::default() }
    }

    /// The key of this id; nothing where there is none.
    pub async fn find(&self, id: &str) -> Result<Option<Key>, KeysError> {
        let (known, is_new, counts) = self.known(id);
        if known.is_some() && is_new {
            return Ok(known);
        }
        let turn = match (known, self.turn.try_lock()) {
            (_, Ok(turn)) => turn,
            (Some(key), Err(_)) if counts => return Ok(Some(key)),
            (_, Err(_)) => self.turn.lock().await,
        };
        self.read_again().await?;
        drop(turn);
        let (known, _, counts) = self.known(id);
        if !counts {
            let cause = "it could not be read a moment ago".to_owned();
            return Err(self.source.unread(cause));
        }
        Ok(known)
    }

    /// The key that was read last, and whether that was lately, or lately enough to count.
    fn known(&self, id: &str) -> (Option<Key>, bool, bool) {
        let held = self.held();
        let is_within = |span| within(held.read, span);
        let Spans { old_after, counts_for, .. } = self.spans;
        (held.keys.get(id).cloned(), is_within(old_after), is_within(counts_for))
    }

    /// Unless that was tried a moment ago.
    async fn read_again(&self) -> Result<(), KeysError> {
        if within(self.held().tried, self.spans.try_again_after) {
            return Ok(());
        }
        self.held().tried = Some(Instant::now());
        match self.source.read().await {
            Ok(keys) => {
                let mut held = self.held();
                held.keys = keys;
                held.read = Some(Instant::now());
            }
            Err(error) => {
                tracing::warn!(%error, "tokens are checked with the keys known before");
                if !within(self.held().read, self.spans.counts_for) {
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
