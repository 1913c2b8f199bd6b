//! What shows where a fact was read: a file's digest and size, so that whoever keeps the file can prove that it is the one.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::hex::{self, Hex};

/// A SHA-256, written as 64 hex digits in lower case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256(pub [u8; 32]);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no SHA-256: write 64 hexadecimal digits in lower case")]
pub struct NotASha256(pub String);

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Hex(&self.0), f)
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sha256 {
    type Err = NotASha256;

    fn from_str(text: &str) -> Result<Self, NotASha256> {
        let bytes = hex::parse(text).map(Self);
        bytes.ok_or_else(|| NotASha256(text.chars().take(80).collect()))
    }
}

crate::text::serde_as_text!(Sha256, "Sha256", "^[0-9a-f]{64}$");

/// The file in which a fact was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    pub sha256: Sha256,
    /// Bytes.
    pub size: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_what_it_writes_and_nothing_else() {
        let digest = Sha256(std::array::from_fn(|n| u8::try_from(n * 8).expect("below 256")));
        assert_eq!(digest.to_string().parse(), Ok(digest));
        for text in ["", "0".repeat(63).as_str(), &"A".repeat(64), &"g".repeat(64), &"é".repeat(32)]
        {
            assert!(text.parse::<Sha256>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_sha256_is_64_hexadecimal_digits_in_lower_case() {
        let text = "0123456789abcdef".repeat(4);
        assert_eq!(text.parse::<Sha256>().expect("valid").to_string(), text);
        for wrong in ["", &text[1..], &text.to_uppercase(), &format!("{text}0"), &"é".repeat(32)] {
            assert!(wrong.parse::<Sha256>().is_err(), "{wrong}");
        }
    }
}
