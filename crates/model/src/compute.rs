//! Compute quantities and the basis without which they mean nothing.
//!
//! Invariant: P of unlike precision or sparsity are never added or compared.

use std::fmt;
use std::str::FromStr;

use arcstr::ArcStr;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decimal::PFlops;
use crate::text::names;

/// The number format in which operations are counted.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    Fp64,
    Fp32,
    Tf32,
    Bf16,
    Fp16,
    Fp8,
    Fp6,
    Fp4,
    Int8,
    Int4,
}

/// Whether structured sparsity is counted; vendors print sparse figures twice as high as dense ones.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Sparsity {
    Dense,
    Sparse,
}

names!(Precision, "precision": Fp64 = "fp64", Fp32 = "fp32", Tf32 = "tf32", Bf16 = "bf16", Fp16 = "fp16",
    Fp8 = "fp8", Fp6 = "fp6", Fp4 = "fp4", Int8 = "int8", Int4 = "int4");
names!(Sparsity, "sparsity": Dense = "dense", Sparse = "sparse");

/// What cards are used for, which not every card can do well.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum WorkloadClass {
    PreTraining,
    FineTuning,
    Inference,
    Other,
}

names!(WorkloadClass, "class of workload": PreTraining = "pre_training", FineTuning = "fine_tuning",
    Inference = "inference", Other = "other");

/// What makes one P comparable with another.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Basis {
    pub precision: Precision,
    pub sparsity: Sparsity,
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.precision, self.sparsity)
    }
}

/// An amount of P (10^15 operations per second) on a stated basis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Compute {
    pub p: PFlops,
    pub basis: Basis,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComputeError {
    #[error("P on {left} and P on {right} are different things and cannot be put together")]
    UnlikeBases { left: Basis, right: Basis },
    #[error("the sum of {left} P and {right} P is beyond what this ledger counts")]
    TooLarge { left: PFlops, right: PFlops },
}

impl Compute {
    pub fn checked_add(self, other: Self) -> Result<Self, ComputeError> {
        if self.basis != other.basis {
            return Err(ComputeError::UnlikeBases { left: self.basis, right: other.basis });
        }
        let sum = PFlops::new(self.p.value() + other.p.value());
        let p = sum.map_err(|_| ComputeError::TooLarge { left: self.p, right: other.p })?;
        Ok(Self { p, basis: self.basis })
    }
}

impl fmt::Display for Compute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} P {}", self.p, self.basis)
    }
}

/// The name of a card model, as its maker writes it: `H200`, `RTX 4090`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CardModel(ArcStr);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no card model: write 1 to 64 printable ASCII characters, as in H200")]
pub struct NotACardModel(pub String);

impl CardModel {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CardModel {
    type Err = NotACardModel;

    fn from_str(text: &str) -> Result<Self, NotACardModel> {
        let printable = |b: u8| b.is_ascii_graphic() || b == b' ';
        if !(1..=64).contains(&text.len()) || !text.bytes().all(printable) || text.trim() != text {
            return Err(NotACardModel(text.chars().take(80).collect()));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for CardModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CardModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

crate::text::serde_as_text!(CardModel, "CardModel", "^[ -~]{1,64}$", as_str);

#[cfg(test)]
mod tests {
    use super::*;

    fn p(amount: &str, precision: Precision, sparsity: Sparsity) -> Compute {
        Compute { p: amount.parse().expect("P"), basis: Basis { precision, sparsity } }
    }

    #[test]
    fn p_on_one_basis_adds_up() {
        let sum = p("600", Precision::Bf16, Sparsity::Dense).checked_add(p(
            "200.5",
            Precision::Bf16,
            Sparsity::Dense,
        ));
        assert_eq!(sum, Ok(p("800.5", Precision::Bf16, Sparsity::Dense)));
    }

    #[test]
    fn p_on_unlike_bases_does_not_add() {
        let dense = p("1", Precision::Bf16, Sparsity::Dense);
        assert!(dense.checked_add(p("1", Precision::Bf16, Sparsity::Sparse)).is_err());
        assert!(dense.checked_add(p("1", Precision::Fp16, Sparsity::Dense)).is_err());
    }
}
