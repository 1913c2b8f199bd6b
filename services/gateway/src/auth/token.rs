//! Checking a JSON Web Token (RFC 7519): signature first, then issuer, audience and times, then who it is.
//!
//! Invariant: the key decides the algorithm and the token has to agree; there is no token without a signature.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::caller::Caller;
use super::keys::{Keys, KeysError};

const LONGEST: usize = 8_192;
/// How far the clocks of issuer and gateway may be apart.
const SKEW_S: i64 = 60;

/// Whose tokens count here.
#[derive(Debug, Clone)]
pub struct Terms {
    pub issuer: String,
    pub audience: String,
}

#[derive(Debug, thiserror::Error)]
pub enum NotAdmitted {
    #[error("the token is no signed JSON Web Token")]
    Malformed,
    #[error("the token is signed by key `{0}`, which is not known here")]
    UnknownKey(String),
    #[error("the token's signature does not fit its key")]
    Signature,
    #[error("the token is from another issuer than {0}")]
    Issuer(String),
    #[error("the token is not for {0}")]
    Audience(String),
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    Early,
    #[error("the token does not say who it is for: {0}")]
    Claims(String),
    #[error(transparent)]
    NoKeys(#[from] KeysError),
}

#[derive(Debug)]
pub struct Verifier {
    keys: Keys,
    terms: Terms,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    /// A number of seconds, which may have a fraction.
    exp: serde_json::Number,
    nbf: Option<serde_json::Number>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn has(&self, wanted: &str) -> bool {
        match self {
            Self::One(audience) => audience == wanted,
            Self::Several(audiences) => audiences.iter().any(|audience| audience == wanted),
        }
    }
}

impl Verifier {
    pub const fn new(keys: Keys, terms: Terms) -> Self {
        Self { keys, terms }
    }

    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Caller, NotAdmitted> {
        if token.len() > LONGEST {
            return Err(NotAdmitted::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(NotAdmitted::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(NotAdmitted::Malformed)?;
        let Header { alg, kid, crit } = decode(header)?;
        if crit.is_some() {
            return Err(NotAdmitted::Malformed);
        }
        let signature = bytes(signature)?;
        let key = self.keys.find(&kid).await?;
        let key = key.ok_or_else(|| NotAdmitted::UnknownKey(kid.chars().take(80).collect()))?;
        if alg != key.algorithm() || !key.has_signed(signed.as_bytes(), &signature) {
            return Err(NotAdmitted::Signature);
        }
        self.check(&decode(claims)?, now)?;
        let caller: Caller = serde_json::from_slice(&bytes(claims)?)
            .map_err(|error| NotAdmitted::Claims(error.to_string()))?;
        Ok(caller)
    }

    fn check(&self, claims: &Claims, now: Timestamp) -> Result<(), NotAdmitted> {
        let Terms { issuer, audience } = &self.terms;
        if claims.iss != *issuer {
            return Err(NotAdmitted::Issuer(issuer.clone()));
        }
        if !claims.aud.has(audience) {
            return Err(NotAdmitted::Audience(audience.clone()));
        }
        let now = now.as_second();
        if seconds(&claims.exp)?.saturating_add(SKEW_S) <= now {
            return Err(NotAdmitted::Expired);
        }
        if let Some(from) = &claims.nbf
            && seconds(from)?.saturating_sub(SKEW_S) > now
        {
            return Err(NotAdmitted::Early);
        }
        Ok(())
    }
}

/// Whole seconds; a fraction is cut.
fn seconds(number: &serde_json::Number) -> Result<i64, NotAdmitted> {
    let text = number.to_string();
    let whole = text.split_once('.').map_or(text.as_str(), |(whole, _)| whole);
    whole.parse().map_err(|_| NotAdmitted::Claims(format!("{text} is no time in seconds")))
}

fn bytes(text: &str) -> Result<Vec<u8>, NotAdmitted> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| NotAdmitted::Malformed)
}

fn decode<T: DeserializeOwned>(text: &str) -> Result<T, NotAdmitted> {
    serde_json::from_slice(&bytes(text)?).map_err(|_| NotAdmitted::Malformed)
}
