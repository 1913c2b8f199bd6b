//! W3C trace context, carried in NATS headers, commits and log lines so that one request can be followed.
//!
//! Invariant: what is decided, stored or answered does not depend on it.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

/// A `traceparent`: which trace something belongs to, and which span of it caused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    trace: u128,
    span: u64,
    /// The span that caused this one, where that is known here.
    parent: Option<u64>,
    sampled: bool,
}

/// Of spans that a collector is told, as `traced!` makes them; whoever makes others below one of those names it too.
pub const TARGET: &str = "loopledger::span";

/// A span of this context, kind and name, with the fields that follow as its attributes; none where the context is not
/// sampled or nothing is exported.
#[macro_export]
macro_rules! traced {
    ($context:expr, $kind:literal, $name:expr $(, $($fields:tt)*)?) => {{
        let context: $crate::trace::TraceContext = $context;
        if context.is_sampled() {
            ::tracing::trace_span!(
                target: "loopledger::span",
                parent: None,
                "span",
                otel.name = $name,
                otel.kind = $kind,
                ids.trace = context.ids().0,
                ids.span = context.ids().1,
                ids.parent = context.parent(),
                error = ::tracing::field::Empty,
                $($($fields)*)?
            )
        } else {
            ::tracing::Span::none()
        }
    }};
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no traceparent: 00-<32 hex digits>-<16 hex digits>-<2 hex digits>")]
pub struct NotATraceContext(pub String);

impl TraceContext {
    /// The first span of a new trace.
    pub fn start() -> Self {
        Self { trace: random_trace(), span: random_span(), parent: None, sampled: true }
    }

    /// A span of the same trace that this one causes.
    pub fn child(self) -> Self {
        Self { span: random_span(), parent: Some(self.span), ..self }
    }

    /// Whether its spans are told.
    pub const fn is_sampled(self) -> bool {
        self.sampled
    }

    /// Of the trace and of the span.
    pub const fn ids(self) -> (u128, u64) {
        (self.trace, self.span)
    }

    pub const fn parent(self) -> Option<u64> {
        self.parent
    }

    /// As log lines name the trace.
    pub fn trace_id(self) -> String {
        format!("{:032x}", self.trace)
    }
}

/// What an asker sent, or a new trace where it sent none or nonsense.
pub fn of_asker(traceparent: Option<&str>) -> TraceContext {
    traceparent
        .and_then(|text| text.parse().ok())
        .map_or_else(TraceContext::start, TraceContext::child)
}

/// Unlike any other, here and elsewhere: a start that the system's randomness gave, and a count.
pub(crate) fn random_span() -> u64 {
    static NEXT: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(seed()));
    // An odd step passes every number once before it comes round; the mixing hides the step.
    let mut number = NEXT.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
    number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (number ^ (number >> 31)).max(1)
}

fn random_trace() -> u128 {
    u128::from(random_span()) << 64 | u128::from(random_span())
}

#[expect(clippy::disallowed_methods, reason = "trace ids are random and decide nothing")]
fn seed() -> u64 {
    // A v7 UUID is random in its lower half, but for the two bits of its variant.
    let (_, random) = Uuid::now_v7().as_u64_pair();
    random
}

impl FromStr for TraceContext {
    type Err = NotATraceContext;

    fn from_str(text: &str) -> Result<Self, NotATraceContext> {
        let parse = || {
            let mut parts = text.split('-');
            let (version, trace, span, flags) =
                (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
            let plain = |part: &str, length| {
                part.len() == length
                    && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            };
            let well_formed = version == "00"
                && parts.next().is_none()
                && plain(trace, 32)
                && plain(span, 16)
                && plain(flags, 2);
            let trace = u128::from_str_radix(trace, 16).ok()?;
            let span = u64::from_str_radix(span, 16).ok()?;
            let sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
            (well_formed && trace != 0 && span != 0).then_some(Self {
                trace,
                span,
                parent: None,
                sampled,
            })
        };
        parse().ok_or_else(|| NotATraceContext(text.chars().take(60).collect()))
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, u8::from(self.sampled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_reads_as_it_is_written() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let context: TraceContext = text.parse().expect("well formed");
        assert_eq!(context.to_string(), text);
        assert_eq!(context.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
    }

    #[test]
    fn a_child_stays_in_its_trace() {
        let parent = TraceContext::start();
        let child = parent.child();
        assert_eq!(child.trace_id(), parent.trace_id());
        assert_ne!(child.ids(), parent.ids());
        assert_eq!(child.parent(), Some(parent.ids().1));
    }

    #[test]
    fn nonsense_from_an_asker_starts_a_new_trace() {
        for text in ["", "00-0-0-0", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"] {
            assert!(text.parse::<TraceContext>().is_err(), "{text}");
            assert_ne!(of_asker(Some(text)).trace, 0);
        }
    }
}
