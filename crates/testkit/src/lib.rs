//! What tests share: given/when/then for deciders and short ways to write down values.

mod split;
mod story;
mod values;

pub use split::decided_apart_as_together;
pub use story::{Outcome, Story, given};
pub use values::{at, cny, fact, id, money, period};
