//! Whether a context that is split decides as the whole one does.
//!
//! Invariant: a decider whose commands name every id that its rules compare passes for every count of partitions.

use std::fmt::Debug;

use loopledger_model::{Partitions, Routed, StatedPartitions};
use loopledger_service::Decider;

/// Decides commands twice, all in one place and each in its own of so many partitions, and compares the outcomes.
/// Commands whose ids lie in several partitions are left out of both. Answers how many were compared.
///
/// # Panics
/// When a partition decides otherwise than the whole.
pub fn decided_apart_as_together<D>(
    count: u32,
    facts: &D::Facts,
    commands: impl IntoIterator<Item = D::Command>,
) -> usize
where
    D: Decider<Command: Debug, Event: PartialEq + Debug, Refusal: PartialEq + Debug>,
{
    let stated: StatedPartitions = format!("{}={count}", D::CONTEXT).parse().expect("a count");
    let partitions = stated.over(Partitions::default());
    let mut whole = D::State::default();
    let mut parts: Vec<D::State> = partitions.of(D::CONTEXT).map(|_| D::State::default()).collect();
    let mut compared = 0;
    for command in commands {
        assert!(!command.keys().is_empty(), "{command:?} names no id");
        let Ok(partition) = partitions.place(D::CONTEXT, &command) else { continue };
        let part = &mut parts[partition.number as usize];
        let together = D::decide(&whole, facts, &command).map(|decision| decision.events);
        let apart = D::decide(part, facts, &command).map(|decision| decision.events);
        assert_eq!(apart, together, "{command:?} in {partition} of {count}");
        for event in together.into_iter().flatten() {
            D::evolve(&mut whole, &event);
            D::evolve(part, &event);
        }
        compared += 1;
    }
    compared
}
