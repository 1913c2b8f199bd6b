//! What is kept of things of which only one question will ever be asked again: was it the same?
//!
//! Invariant: the same content gives the same fingerprint; 128 bits of SHA-256 keep unlike contents
//! apart.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "u128", into = "u128")]
pub struct Fingerprint([u8; 16]);

impl From<Fingerprint> for u128 {
    fn from(fingerprint: Fingerprint) -> Self {
        Self::from_be_bytes(fingerprint.0)
    }
}

impl From<u128> for Fingerprint {
    fn from(number: u128) -> Self {
        Self(number.to_be_bytes())
    }
}

impl Fingerprint {
    pub fn of(content: &impl Serialize) -> Self {
        let json = serde_json::to_vec(content).expect("ids, decimals and instants are JSON");
        let hash = Sha256::digest(json);
        Self(*hash.first_chunk().expect("SHA-256 is longer than 16 bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_content_has_the_same_fingerprint() {
        assert_eq!(Fingerprint::of(&("a", 1)), Fingerprint::of(&("a", 1)));
        assert_ne!(Fingerprint::of(&("a", 1)), Fingerprint::of(&("a", 2)));
        assert_ne!(Fingerprint::of(&("a", "bc")), Fingerprint::of(&("ab", "c")));
    }
}
