//! The public keys that tokens are checked with, as RFC 7517 writes them.
//!
//! Invariants: a key checks signatures of its own algorithm only; a file is read again when it is old or lacks a
//! key, never more often than every few seconds, and what it said last counts on for an hour when it cannot be read.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

const OLD_AFTER: Duration = Duration::from_secs(300);
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(5);
const COUNTS_FOR: Duration = Duration::from_secs(3_600);

/// Where keys come from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// A JSON Web Key Set.
    File(PathBuf),
    /// One Ed25519 key, under its id.
    Fixed { id: String, public: [u8; 32] },
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum KeysError {
    #[error("the key set {file} cannot be read: {cause}")]
    File { file: String, cause: String },
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
    held: Mutex<Held>,
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
        Self { source, held: Mutex::new(Held::default()) }
    }

    /// The key of this id; nothing where there is none.
    pub async fn find(&self, id: &str) -> Result<Option<Key>, KeysError> {
        let file = match &self.source {
            KeySource::Fixed { id: own, public } => {
                return Ok((own == id).then(|| Key::Ed25519(public.to_vec())));
            }
            KeySource::File(file) => file,
        };
        let mut held = self.held.lock().await;
        let known = held.keys.get(id).cloned();
        if known.is_some() && within(held.read, OLD_AFTER) {
            return Ok(known);
        }
        if !within(held.tried, TRY_AGAIN_AFTER) {
            held.tried = Some(Instant::now());
            let text = tokio::fs::read(file).await.map_err(|error| error.to_string());
            match text.and_then(|text| parse(&text).map_err(|error| error.to_string())) {
                Ok(keys) => {
                    held.keys = keys;
                    held.read = held.tried;
                }
                Err(cause) => {
                    let file = file.display().to_string();
                    let error = KeysError::File { file, cause };
                    tracing::warn!(%error, "tokens are checked with the keys known before");
                    if !within(held.read, COUNTS_FOR) {
                        return Err(error);
                    }
                }
            }
        }
        if !within(held.read, COUNTS_FOR) {
            let cause = "it could not be read a moment ago".to_owned();
            return Err(KeysError::File { file: file.display().to_string(), cause });
        }
        Ok(held.keys.get(id).cloned())
    }
}
