//! What a loop is and what its figures mean, in the words of every report.

pub const MEANING: &str = "
A loop is capital that left a party and can have come back to it as payment for compute. That it is
found says that the payments happened, not why.
";

/// What each figure of how much came back means.
pub const READING: [(&str, &str); 4] = [
    ("at least", "true whatever one believes about whose money was spent"),
    ("first in, first out", "each party spends the money it has had longest first"),
    ("pro rata", "each payment carries the capital's share of the payer's balance"),
    ("at most", "the most that can have come back, given every balance on the way"),
];
