//! Legal identifiers whose check digits this ledger verifies.
//!
//! Invariant: a `Uscc` or `Lei` that exists has a correct check character.

use std::fmt;
use std::str::FromStr;

/// China's unified social credit code (GB 32100-2015): 18 characters, the last one a check character.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uscc([u8; 18]);

/// Legal entity identifier (ISO 17442): 20 characters, the last two check digits (ISO 7064 MOD 97-10).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lei([u8; 20]);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotALegalId {
    #[error("`{text}` is no {what}: {form}")]
    Form { what: &'static str, text: String, form: &'static str },
    #[error("`{text}` is no {what}: its check digits should be `{expected}`")]
    CheckDigits { what: &'static str, text: String, expected: String },
}

/// The characters of a USCC in the order of their values 0 to 30.
const USCC_ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

impl FromStr for Uscc {
    type Err = NotALegalId;

    fn from_str(text: &str) -> Result<Self, NotALegalId> {
        const WHAT: &str = "unified social credit code";
        let form = || NotALegalId::Form {
            what: WHAT,
            text: text.chars().take(40).collect(),
            form: "write 18 digits and capital letters without I, O, S, V, Z",
        };
        let bytes: [u8; 18] = text.as_bytes().try_into().map_err(|_| form())?;
        let (mut sum, mut weight) = (0, 1);
        for byte in &bytes[..17] {
            let value = USCC_ALPHABET.iter().position(|c| c == byte).ok_or_else(form)?;
            sum += value * weight;
            weight = weight * 3 % 31;
        }
        let expected = USCC_ALPHABET[(31 - sum % 31) % 31];
        if bytes[17] == expected {
            return Ok(Self(bytes));
        }
        if !USCC_ALPHABET.contains(&bytes[17]) {
            return Err(form());
        }
        let expected = char::from(expected).to_string();
        Err(NotALegalId::CheckDigits { what: WHAT, text: text.to_owned(), expected })
    }
}

impl FromStr for Lei {
    type Err = NotALegalId;

    fn from_str(text: &str) -> Result<Self, NotALegalId> {
        const WHAT: &str = "LEI";
        let form = || NotALegalId::Form {
            what: WHAT,
            text: text.chars().take(40).collect(),
            form: "write 18 digits and capital letters and two check digits",
        };
        let bytes: [u8; 20] = text.as_bytes().try_into().map_err(|_| form())?;
        let mut remainder = 0_u32;
        for byte in &bytes[..18] {
            remainder = match byte {
                b'0'..=b'9' => (remainder * 10 + u32::from(byte - b'0')) % 97,
                b'A'..=b'Z' => (remainder * 100 + u32::from(byte - b'A') + 10) % 97,
                _ => return Err(form()),
            };
        }
        if !bytes[18..].iter().all(u8::is_ascii_digit) {
            return Err(form());
        }
        let expected = format!("{:02}", 98 - remainder * 100 % 97);
        if bytes[18..] == *expected.as_bytes() {
            return Ok(Self(bytes));
        }
        Err(NotALegalId::CheckDigits { what: WHAT, text: text.to_owned(), expected })
    }
}

impl fmt::Display for Uscc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.0).expect("a USCC is ASCII"))
    }
}

impl fmt::Display for Lei {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.0).expect("an LEI is ASCII"))
    }
}

crate::text::serde_as_text!(Uscc, "Uscc", "^[0-9A-HJ-NPQRTUWXY]{18}$");
crate::text::serde_as_text!(Lei, "Lei", "^[0-9A-Z]{18}[0-9]{2}$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uscc_with_its_check_character_is_read() {
        for text in ["91350100M000100Y43", "11320000MB151840XJ"] {
            assert_eq!(text.parse::<Uscc>().expect("valid").to_string(), text);
        }
    }

    #[test]
    fn any_single_wrong_character_of_a_uscc_is_found() {
        let right = *b"91350100M000100Y43";
        for place in 0..right.len() {
            for character in USCC_ALPHABET {
                let mut wrong = right;
                wrong[place] = *character;
                let text = std::str::from_utf8(&wrong).expect("ASCII");
                assert_eq!(text.parse::<Uscc>().is_ok(), wrong == right, "{text}");
            }
        }
    }

    #[test]
    fn a_wrong_check_character_is_named_with_the_right_one() {
        let error = "91350100M000100Y4Z".parse::<Uscc>().expect_err("Z is not in the alphabet");
        assert!(matches!(error, NotALegalId::Form { .. }));
        let error = "91350100M000100Y44".parse::<Uscc>().expect_err("wrong check character");
        assert!(error.to_string().ends_with("should be `3`"), "{error}");
    }

    #[test]
    fn an_lei_is_checked_modulo_97() {
        assert!("5493001KJTIIGC8Y1R12".parse::<Lei>().is_ok());
        assert!("5493001KJTIIGC8Y1R13".parse::<Lei>().is_err());
        assert!("5493001KJTIIGC8Y1R1".parse::<Lei>().is_err());
        assert!("5493001kJTIIGC8Y1R12".parse::<Lei>().is_err());
    }
}
