//! What a contract's P and units count.
//!
//! Invariant: P on unlike precisions or sparsities, or rated here and measured there, are never compared; nor are
//! hours of cards of unlike models.

use loopledger_model::purchase::{ContractUnit, Rating};
use loopledger_model::{Basis, PFlops};

use crate::rows::Contract;

impl Contract {
    pub(crate) fn basis(&self) -> Option<Basis> {
        Some(Basis { precision: self.precision?, sparsity: self.sparsity? })
    }

    /// The basis on which its P can be held against what sources publish of cards, which is rated.
    pub(crate) fn published_basis(&self) -> Option<Basis> {
        self.basis().filter(|_| !self.is_measured())
    }

    /// What it declares, unless that was measured.
    pub(crate) fn rated_p(&self) -> Option<PFlops> {
        self.declared_p.filter(|_| !self.is_measured())
    }

    pub(crate) fn is_measured(&self) -> bool {
        self.rating == Some(Rating::Measured)
    }

    /// Whether a unit of this contract is one of the other, and priced in its currency.
    pub(crate) fn counts_like(&self, other: &Self) -> bool {
        let alike = match self.unit {
            ContractUnit::PMonth => {
                let of = |contract: &Self| Some((contract.basis()?, contract.rating));
                of(self).is_some_and(|convention| of(other) == Some(convention))
            }
            ContractUnit::CardHour => {
                let models = self.model.as_ref().zip(other.model.as_ref());
                models.is_none_or(|(one, another)| one == another)
            }
        };
        alike && (self.unit, self.currency) == (other.unit, other.currency)
    }
}
