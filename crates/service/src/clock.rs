//! The one clock: it tells when a commit is recorded, never when a fact took effect.

use jiff::Timestamp;

#[expect(clippy::disallowed_methods, reason = "the shell's clock, read once per commit")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
