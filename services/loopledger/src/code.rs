//! A voucher's signed code: what never changes of it as canonical JSON, and the issuer's Ed25519 signature over that.
//!
//! Invariants: the same facts give the same bytes; what is not exactly what the key signed is refused, whatever it
//! says; checking a code needs the issuer's public key and nothing else.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use loopledger_model::hex::Hex;
use loopledger_model::{Currency, PartyId, ProgrammeId, VoucherId};
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What stands before the 32 bytes of a private key in PKCS #8 (RFC 8410), and of a public one.
const PRIVATE: (&str, &[u8]) =
    ("PRIVATE KEY", &[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20]);
const PUBLIC: (&str, &[u8]) =
    ("PUBLIC KEY", &[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0]);

/// What a code states. The fields stand in the order of their names, which makes their JSON canonical.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stated {
    pub currency: Currency,
    pub expires_at: Option<Timestamp>,
    pub face: String,
    pub holder: PartyId,
    pub issued_at: Timestamp,
    pub issuer: PartyId,
    /// Of the public key that verifies it.
    pub key: String,
    pub programme: ProgrammeId,
    pub v: u8,
    pub voucher: VoucherId,
}

pub const VERSION: u8 = 1;

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("key file {}: {source}", file.display())]
    File { file: PathBuf, source: io::Error },
    #[error("key file {} holds no Ed25519 {kind} in PEM", file.display())]
    Unreadable { file: PathBuf, kind: &'static str },
    #[error("the system gives no random numbers")]
    NoRandomness,
}

/// Why a code is not taken for genuine.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotGenuine {
    #[error(
        "the code is cut short or has a character too many: it has to be CONTENT.SIGNATURE in base64url"
    )]
    Malformed,
    #[error("the code's content cannot be read: it was changed, or is no code of a voucher")]
    Unreadable,
    #[error("the code is of version {found}, and this program knows version {VERSION}")]
    Version { found: u8 },
    #[error(
        "the code names key {stated} and the public key given is {given}: ask the issuer for its key"
    )]
    OtherKey { stated: String, given: String },
    #[error(
        "the code states voucher {voucher} of {holder} over {face} {currency}, but key {key} did not sign that: \
         the content or the signature was changed"
    )]
    Changed { voucher: VoucherId, holder: PartyId, face: String, currency: Currency, key: String },
}

pub struct PrivateKey(Ed25519KeyPair);

impl PrivateKey {
    /// A new key in a new file that only its owner may read.
    pub fn create(file: &Path) -> Result<Self, KeyError> {
        let mut seed = [0; 32];
        SystemRandom::new().fill(&mut seed).map_err(|_| KeyError::NoRandomness)?;
        let failed = |source| KeyError::File { file: file.to_owned(), source };
        let mut options = OpenOptions::new();
        let opened = options.write(true).create_new(true).mode(0o600).open(file);
        let mut opened = opened.map_err(failed)?;
        let written = opened.write_all(pem(PRIVATE, &seed).as_bytes());
        written.and_then(|()| opened.sync_all()).map_err(failed)?;
        Ok(Self::of(&seed))
    }

    pub fn read(file: &Path) -> Result<Self, KeyError> {
        Ok(Self::of(&read_pem(file, PRIVATE)?))
    }

    fn of(seed: &[u8; 32]) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(seed).expect("any 32 bytes are a seed"))
    }

    pub fn public(&self) -> PublicKey {
        let bytes = self.0.public_key().as_ref();
        PublicKey(bytes.try_into().expect("a public key of Ed25519 has 32 bytes"))
    }

    pub fn sign_bytes(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).as_ref().to_vec()
    }

    pub fn sign(&self, stated: &Stated) -> String {
        let content = canonical(stated);
        let signature = self.0.sign(&content);
        let [content, signature] =
            [&content[..], signature.as_ref()].map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
        format!("{content}.{signature}")
    }
}

pub struct PublicKey([u8; 32]);

impl PublicKey {
    pub fn read(file: &Path) -> Result<Self, KeyError> {
        read_pem(file, PUBLIC).map(Self)
    }

    pub const fn bytes(&self) -> [u8; 32] {
        self.0
    }

    /// The first half of the key's SHA-256.
    pub fn id(&self) -> String {
        Hex(&Sha256::digest(self.0)[..16]).to_string()
    }

    pub fn check(&self, code: &str) -> Result<Stated, NotGenuine> {
        let (content, signature) = code.trim().split_once('.').ok_or(NotGenuine::Malformed)?;
        let decoded = [content, signature].map(|part| URL_SAFE_NO_PAD.decode(part));
        let [Ok(content), Ok(signature)] = decoded else { return Err(NotGenuine::Malformed) };
        let signed = UnparsedPublicKey::new(&ED25519, self.0).verify(&content, &signature);
        let stated: Stated =
            serde_json::from_slice(&content).map_err(|_| NotGenuine::Unreadable)?;
        if stated.v != VERSION {
            return Err(NotGenuine::Version { found: stated.v });
        }
        let given = self.id();
        if stated.key != given {
            return Err(NotGenuine::OtherKey { stated: stated.key, given });
        }
        if signed.is_err() || canonical(&stated) != content {
            let Stated { voucher, holder, face, currency, key, .. } = stated;
            return Err(NotGenuine::Changed { voucher, holder, face, currency, key });
        }
        Ok(stated)
    }
}

/// As PEM, which other programs read too.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(pem(PUBLIC, &self.0).trim_end())
    }
}

fn canonical(stated: &Stated) -> Vec<u8> {
    serde_json::to_vec(stated).expect("what a code states is JSON")
}

fn pem((kind, before): (&str, &[u8]), key: &[u8; 32]) -> String {
    let content = STANDARD.encode([before, key].concat());
    format!("-----BEGIN {kind}-----\n{content}\n-----END {kind}-----\n")
}

fn read_pem(file: &Path, (kind, before): (&'static str, &[u8])) -> Result<[u8; 32], KeyError> {
    let text = fs::read_to_string(file)
        .map_err(|source| KeyError::File { file: file.to_owned(), source })?;
    let key = || {
        let (begin, end) = (format!("-----BEGIN {kind}-----"), format!("-----END {kind}-----"));
        let content: String =
            text.trim().strip_prefix(&begin)?.strip_suffix(&end)?.split_whitespace().collect();
        STANDARD.decode(content).ok()?.strip_prefix(before)?.try_into().ok()
    };
    key().ok_or_else(|| KeyError::Unreadable { file: file.to_owned(), kind })
}

#[cfg(test)]
mod tests;
