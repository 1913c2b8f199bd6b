//! Every answer says which position it rests on.

use loopledger_model::Position;

use crate::{
    Caps, Claims, Contracts, Findings, Flows, FundReport, Implied, Loops, LpAccount, Owners,
    Parties, Pools, PriceTests, ProgrammeAnswer, Registered, Reservations, Reviews, Statement,
    Utilization, Vouchers,
};

pub trait Rests {
    /// The journal position that the answer rests on.
    fn position(&self) -> Position;
}

macro_rules! rests {
    ($($answer:ty),*) => {$(
        impl Rests for $answer {
            fn position(&self) -> Position {
                self.position
            }
        }
    )*};
}

rests!(
    Caps,
    Claims,
    Contracts,
    Findings,
    Flows,
    FundReport,
    Implied,
    Loops,
    LpAccount,
    Owners,
    Parties,
    Pools,
    PriceTests,
    Reservations,
    ProgrammeAnswer,
    Registered,
    Reviews,
    Statement,
    Utilization,
    Vouchers
);
