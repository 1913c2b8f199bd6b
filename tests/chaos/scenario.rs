//! What can go wrong in a run; its seed chooses.

use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// The program and its servers are killed and stopped.
    Kills,
    /// The same with two writers for two of the contexts.
    Rivals,
    /// NATS is reached through a network that delays, repeats and cuts.
    Network,
    /// The journal's file is cut short or has a bit changed while nothing runs.
    Damage,
    /// The journal's disk is full for a while.
    Disk,
    /// The database is an older one than it was.
    Older,
    /// Three NATS servers keep the journal, one after the other is killed or stopped.
    Cluster,
}

/// The seed's scenario is the one at its number, counted round and round.
const BY_SEED: [Scenario; 8] = [
    Scenario::Kills,
    Scenario::Network,
    Scenario::Cluster,
    Scenario::Damage,
    Scenario::Rivals,
    Scenario::Disk,
    Scenario::Network,
    Scenario::Older,
];

impl Scenario {
    pub fn of_seed(seed: u64) -> Self {
        let number = usize::try_from(seed.wrapping_sub(1) % 8).expect("below 8");
        BY_SEED[number]
    }

    /// The one of this name.
    pub fn named(name: &str) -> Self {
        let mut all = BY_SEED.into_iter();
        let found = all.find(|scenario| scenario.to_string() == name);
        found.unwrap_or_else(|| panic!("`{name}` is none of the scenarios {BY_SEED:?}"))
    }

    pub const fn has_rivals(self) -> bool {
        matches!(self, Self::Rivals | Self::Network | Self::Cluster)
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}
