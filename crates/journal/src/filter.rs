//! Which partitions a reader sees, and the journal subjects that they are kept under.
//!
//! Invariant: a partition and its subject name each other in exactly one way.

use loopledger_model::{Context, Partition};

const PREFIX: &str = "ledger.";

/// What a reader is given of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter(Shape);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape {
    All,
    Contexts(Vec<Context>),
    Partition(Partition),
}

impl Filter {
    pub const fn all() -> Self {
        Self(Shape::All)
    }

    /// # Panics
    /// When no context is named: such a reader would wait for ever.
    pub fn contexts(contexts: &[Context]) -> Self {
        assert!(!contexts.is_empty(), "a filter names at least one context");
        let mut contexts = contexts.to_vec();
        contexts.sort_unstable();
        contexts.dedup();
        Self(Shape::Contexts(contexts))
    }

    pub const fn partition(partition: Partition) -> Self {
        Self(Shape::Partition(partition))
    }

    pub fn lets_through(&self, partition: Partition) -> bool {
        match &self.0 {
            Shape::All => true,
            Shape::Contexts(contexts) => contexts.contains(&partition.context),
            Shape::Partition(only) => *only == partition,
        }
    }

    /// Whether every position of the log is to be seen, so that a missing one is a loss.
    pub(crate) fn is_all(&self) -> bool {
        self.0 == Shape::All
    }

    /// Subjects that do not overlap, as a consumer and a look-up of the last message want them.
    pub(crate) fn subjects(&self) -> Vec<String> {
        match &self.0 {
            Shape::All => vec![format!("{PREFIX}>")],
            Shape::Contexts(contexts) => {
                contexts.iter().map(|context| format!("{PREFIX}{context}.>")).collect()
            }
            Shape::Partition(partition) => vec![subject_of(*partition)],
        }
    }
}

pub(crate) fn subject_of(partition: Partition) -> String {
    format!("{PREFIX}{partition}")
}

/// `None` for every subject that [`subject_of`] does not write, such as `ledger.voucher.00`.
pub(crate) fn partition_of(subject: &str) -> Option<Partition> {
    let partition = subject.strip_prefix(PREFIX)?.parse().ok()?;
    (subject_of(partition) == subject).then_some(partition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_names_its_partition_in_one_way_only() {
        let partition = Partition { context: Context::Voucher, number: 7 };
        assert_eq!(partition_of(&subject_of(partition)), Some(partition));
        for other in ["ledger.voucher.07", "ledger.voucher.+7", "ledger.voucher", "ledger.x.7", ""]
        {
            assert_eq!(partition_of(other), None, "{other}");
        }
    }

    #[test]
    fn contexts_named_twice_are_asked_for_once() {
        let of = Filter::contexts(&[Context::Fund, Context::Registry, Context::Fund]);
        assert_eq!(of.subjects(), ["ledger.registry.>", "ledger.fund.>"]);
        assert!(of.lets_through(Partition::first(Context::Fund)));
        assert!(!of.lets_through(Partition::first(Context::Voucher)));
    }
}
