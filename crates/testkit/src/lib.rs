//! What tests share: given/when/then for deciders, short ways to write down values, and histories
//! of any length.

pub mod history;
pub mod market;
mod split;
mod story;
mod values;

pub use split::decided_apart_as_together;
pub use story::{Outcome, Story, given};
pub use values::{at, cny, fact, id, money, period};
