//! Values that are written as one string in JSON, and the checked free text among them.

use std::fmt;
use std::str::FromStr;

use arcstr::ArcStr;

/// Gives a `FromStr + Display` type its serde form (a string) and its JSON Schema (a string with a pattern). One that
/// has its text at hand (`as_str`) is written without being formatted.
macro_rules! serde_as_text {
    ($type:ty, $name:expr, $pattern:expr) => {
        $crate::text::serde_as_text!($type, $name, $pattern, collect_str, std::convert::identity);
    };
    ($type:ty, $name:expr, $pattern:expr, as_str) => {
        $crate::text::serde_as_text!($type, $name, $pattern, serialize_str, <$type>::as_str);
    };
    ($type:ty, $name:expr, $pattern:expr, $write:ident, $text:expr) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.$write($text(self))
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str($crate::text::Parsed(std::marker::PhantomData))
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    };
}
pub(crate) use serde_as_text;

/// Reads a string straight into the type it stands for.
#[doc(hidden)]
pub struct Parsed<T>(pub std::marker::PhantomData<T>);

impl<T: FromStr<Err: fmt::Display>> serde::de::Visitor<'_> for Parsed<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// Free text that a person wrote: a name, a source, a reference. Never empty, one line, at most 256 characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(ArcStr);

pub const MAX_TEXT_LENGTH: usize = 256;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no text: write 1 to {MAX_TEXT_LENGTH} characters on one line")]
pub struct NotText(pub String);

impl Text {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Text {
    type Err = NotText;

    fn from_str(text: &str) -> Result<Self, NotText> {
        let length = text.chars().count();
        if text.trim().is_empty() || length > MAX_TEXT_LENGTH || text.chars().any(char::is_control)
        {
            return Err(NotText(text.chars().filter(|c| !c.is_control()).take(80).collect()));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

serde_as_text!(Text, "Text", "^.{1,256}$", as_str);

/// ISO 3166-1 alpha-2 country code; its form is checked, not whether the country exists.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no country: write two capital letters (ISO 3166-1), as in CN")]
pub struct NotACountry(pub String);

impl FromStr for Country {
    type Err = NotACountry;

    fn from_str(text: &str) -> Result<Self, NotACountry> {
        match *text.as_bytes() {
            [a, b] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => Ok(Self([a, b])),
            _ => Err(NotACountry(text.chars().take(20).collect())),
        }
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", char::from(self.0[0]), char::from(self.0[1]))
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

serde_as_text!(Country, "Country", "^[A-Z]{2}$");

/// A word where one of a few names was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {what}: write one of {names}")]
pub struct NotAName {
    pub text: String,
    pub what: &'static str,
    pub names: &'static str,
}

/// Gives a plain enum its names, as text and from text; serde's `rename_all` has to agree with them.
macro_rules! names {
    ($type:ident, $what:literal: $($variant:ident = $name:literal),* $(,)?) => {
        impl $type {
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::NotAName;

            fn from_str(text: &str) -> Result<Self, $crate::NotAName> {
                match text {
                    $($name => Ok(Self::$variant),)*
                    _ => Err($crate::NotAName {
                        text: text.chars().take(40).collect(),
                        what: $what,
                        names: concat!($($name, " "),*).trim_ascii_end(),
                    }),
                }
            }
        }
    };
}
pub(crate) use names;
