//! What a context has to say for itself: how it decides and how its state follows from its events.
//!
//! Invariant: all of it is pure. The same events and facts, folded again, give the same answers.

use std::fmt::Display;

use loopledger_model::{Context, Fact, FactId, FromJson, Recorded, Routed};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The rules of one context. It is never instantiated: the shell holds state and facts, and asks.
pub trait Decider: Send + Sync + 'static {
    const CONTEXT: Context;
    /// The other contexts whose facts `learn` folds.
    const READS: &'static [Context];
    /// To be raised whenever the serialised form or the meaning of `State` or `Facts` changes: snapshots of another
    /// format are left aside.
    const STATE_FORMAT: u32;

    type Command: Routed + Serialize + FromJson + Send + Sync;
    type Event: Recorded<Refusal = Self::Refusal> + Clone + Send + Sync;
    type Refusal: Serialize + DeserializeOwned + Display + Clone + Send + Sync;
    /// What this context knows of itself: the fold of its own events.
    /// It is cloned for every snapshot, so what can be large of it is an `Index`, whose clones are cheap.
    type State: Default + Clone + Serialize + DeserializeOwned + Send + Sync;
    /// What this context knows of the others: the fold of their facts.
    type Facts: Default + Clone + Serialize + DeserializeOwned + Send + Sync;

    /// Nothing to do (`Decision::nothing()`) means that the command's effect is there already.
    fn decide(
        state: &Self::State,
        facts: &Self::Facts,
        command: &Self::Command,
    ) -> Result<Decision<Self::Event>, Self::Refusal>;

    /// Reads what deciding these commands will read of what is large, and decides nothing: see `Index::look_at`.
    fn look_ahead(_state: &Self::State, _facts: &Self::Facts, _commands: &[&Self::Command]) {}

    /// A recorded event always applies; one that cannot is a contradiction and panics.
    fn evolve(state: &mut Self::State, event: &Self::Event);

    /// Facts of contexts that are not read may arrive too and leave no trace.
    fn learn(facts: &mut Self::Facts, fact: &Fact);
}

/// What a command comes to: events, and the other contexts' facts that the decision relied on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<E> {
    pub events: Vec<E>,
    pub rests_on: Vec<FactId>,
}

impl<E> Decision<E> {
    pub const fn nothing() -> Self {
        Self { events: Vec::new(), rests_on: Vec::new() }
    }

    pub fn resting_on(mut self, facts: impl IntoIterator<Item = FactId>) -> Self {
        self.rests_on.extend(facts);
        self.rests_on.sort_unstable();
        self.rests_on.dedup();
        self
    }
}

impl<E> From<E> for Decision<E> {
    fn from(event: E) -> Self {
        Self { events: vec![event], rests_on: Vec::new() }
    }
}

impl<E> From<Vec<E>> for Decision<E> {
    fn from(events: Vec<E>) -> Self {
        Self { events, rests_on: Vec::new() }
    }
}
