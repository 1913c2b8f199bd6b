//! Given these facts and events, when this command comes, then this is the answer.
//!
//! Invariant: every answer is that of a state and of facts that a snapshot has given back.

use std::fmt::Debug;

use loopledger_model::Fact;
use loopledger_service::{Decider, Decision};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A decider's past, and what it is asked next.
pub struct Story<D: Decider> {
    pub state: D::State,
    pub facts: D::Facts,
}

/// What the decider answered.
pub struct Outcome<D: Decider>(pub Result<Decision<D::Event>, D::Refusal>);

/// A story that starts with these events of the decider's own context.
pub fn given<D: Decider>(events: impl IntoIterator<Item = D::Event>) -> Story<D> {
    let mut story = Story { state: D::State::default(), facts: D::Facts::default() };
    for event in events {
        D::evolve(&mut story.state, &event);
    }
    story
}

impl<D: Decider> Story<D> {
    /// Facts of other contexts that the decider has heard of.
    pub fn knowing(mut self, facts: impl IntoIterator<Item = Fact>) -> Self {
        for fact in facts {
            D::learn(&mut self.facts, &fact);
        }
        self
    }

    /// Commands that are accepted before the one in question.
    pub fn after(mut self, commands: impl IntoIterator<Item = D::Command>) -> Self
    where
        D::Refusal: Debug,
    {
        for command in commands {
            let decision = D::decide(&self.state, &self.facts, &command);
            for event in decision.expect("what came before was accepted").events {
                D::evolve(&mut self.state, &event);
            }
        }
        self
    }

    #[expect(clippy::needless_pass_by_value, reason = "a story reads better without `&`")]
    pub fn when(&self, command: D::Command) -> Outcome<D>
    where
        D::State: PartialEq,
        D::Facts: PartialEq,
    {
        Outcome(D::decide(&restored(&self.state), &restored(&self.facts), &command))
    }
}

/// What comes out of a snapshot.
fn restored<T: PartialEq + Serialize + DeserializeOwned>(known: &T) -> T {
    let saved = minicbor_serde::to_vec(known).expect("state and facts can be saved");
    let restored = minicbor_serde::from_slice(&saved).expect("what was saved can be read");
    assert!(*known == restored, "a snapshot gives back what was saved");
    restored
}

impl<D: Decider> Outcome<D>
where
    D::Event: Debug + PartialEq,
    D::Refusal: Debug + PartialEq,
{
    #[track_caller]
    pub fn then(self, events: impl IntoIterator<Item = D::Event>) {
        let expected: Vec<_> = events.into_iter().collect();
        assert_eq!(self.0.map(|decision| decision.events), Ok(expected));
    }

    /// The command's effect is there already.
    #[track_caller]
    pub fn then_nothing(self) {
        self.then([]);
    }

    #[track_caller]
    pub fn then_refused(self, refusal: D::Refusal) {
        assert_eq!(self.0.map(|decision| decision.events), Err(refusal));
    }
}
