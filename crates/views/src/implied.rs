//! Answer: how many cards a contract's declared P comes to, by every published card specification.
//!
//! Invariant: P are divided only by P per card of the same precision and sparsity. What the
//! declared figure would come to were it counted on the other sparsity is told apart, as another reading.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_loops::BigRational;
use loopledger_model::{
    Basis, CardModel, ContractId, FactId, PartyId, Position, Precision, Sparsity, Text,
};
use num_traits::One;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::as_of::As;
use crate::error::Error;
use crate::figures::{self, whole};
use crate::rows::{CardSpec, Contract};
use crate::table::select;
use crate::views::Views;

const CARDS_PER_SERVER: u32 = 8;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Implied {
    pub position: Position,
    /// By id.
    pub contracts: Vec<DeclaredContract>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeclaredContract {
    pub contract: ContractId,
    pub buyer: PartyId,
    pub seller: PartyId,
    pub signed_at: Timestamp,
    pub event: FactId,
    pub declared_p: Option<String>,
    pub precision: Option<Precision>,
    pub sparsity: Option<Sparsity>,
    /// What the contract names itself.
    pub model: Option<CardModel>,
    pub cards: Option<u32>,
    /// On the contract's own basis: by model, then by date.
    pub implied: Vec<ImpliedCards>,
    /// Why `implied` is empty.
    pub reason: Option<String>,
    pub other_reading: Option<OtherReading>,
}

/// What the declared figure comes to if it is counted on the other sparsity: not a comparison, but
/// another assumption about what was declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OtherReading {
    pub sparsity: Sparsity,
    pub implied: Vec<ImpliedCards>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImpliedCards {
    pub model: CardModel,
    pub p_per_card: String,
    /// The specification's fact, its date and its source.
    pub spec: FactId,
    pub from: Timestamp,
    pub source: Option<Text>,
    /// Whether it was the latest of its model and basis when the contract was signed.
    pub in_force: bool,
    pub cards: String,
    /// Of eight cards.
    pub servers: String,
    /// The declared P is that of a whole number of cards.
    pub whole_cards: bool,
    /// The P of a server, without what is behind the point.
    pub server_p: String,
    /// How often `server_p` goes into the declared P without remainder: a hint that servers were
    /// counted; absent where it does not, or where it is less than 2 and so goes into any whole
    /// number.
    pub whole_servers: Option<String>,
}

impl Views {
    /// Of one contract; or of all that declare P and name no model.
    pub async fn implied(&self, contract: Option<&ContractId>, seen: As) -> Result<Implied, Error> {
        let mut connection = self.connection().await?;
        let (transaction, position) = self.snapshot(&mut connection).await?;
        let seen = seen.in_rows();
        let times = [&seen.of as _, &seen.known as _];
        let specs: Vec<CardSpec> = select(&transaction, As::CONDITION, &times).await?;
        let wanted = format!(
            "{} AND CASE WHEN $3::TEXT IS NULL THEN declared_p IS NOT NULL AND model IS NULL \
             ELSE id = $3 END",
            As::CONDITION
        );
        let id = contract.map(ContractId::as_str);
        let times = [&seen.of as _, &seen.known as _, &id as _];
        let contracts: Vec<Contract> = select(&transaction, &wanted, &times).await?;
        let specs = Specs::of(&specs);
        let mut contracts: Vec<_> = contracts.iter().map(|row| specs.implied(row)).collect();
        contracts.sort_by(|a, b| a.contract.cmp(&b.contract));
        Ok(Implied { position, contracts })
    }
}

/// Specifications by basis and model, in the order of their dates, then of recording.
struct Specs<'a>(BTreeMap<Basis, BTreeMap<&'a CardModel, Vec<&'a CardSpec>>>);

impl<'a> Specs<'a> {
    fn of(rows: &'a [CardSpec]) -> Self {
        let mut by_date: Vec<_> = rows.iter().collect();
        by_date.sort_by_key(|spec| spec.stamp.at);
        let mut specs: BTreeMap<Basis, BTreeMap<_, Vec<_>>> = BTreeMap::new();
        for spec in by_date {
            let basis = Basis { precision: spec.precision, sparsity: spec.sparsity };
            specs.entry(basis).or_default().entry(&spec.model).or_default().push(spec);
        }
        Self(specs)
    }

    fn implied(&self, contract: &Contract) -> DeclaredContract {
        let (implied, reason, other_reading) = match (contract.declared_p, contract.basis()) {
            (Some(_), Some(_)) if contract.is_measured() => {
                let reason = "the contract's P was measured, what is published of cards is rated; \
                     unlike P are not compared";
                (Vec::new(), Some(reason.to_owned()), None)
            }
            (Some(declared), Some(basis)) => {
                let declared = figures::exact(declared.value());
                let implied = self.on_basis(&declared, basis, contract);
                let reason = implied.is_empty().then(|| {
                    format!("no card's P is published on {basis}; P on other bases is not compared")
                });
                let sparsity = match basis.sparsity {
                    Sparsity::Dense => Sparsity::Sparse,
                    Sparsity::Sparse => Sparsity::Dense,
                };
                let other = Basis { sparsity, ..basis };
                let other = self.on_basis(&declared, other, contract);
                let other =
                    (!other.is_empty()).then_some(OtherReading { sparsity, implied: other });
                (implied, reason, other)
            }
            _ => (Vec::new(), Some("the contract declares no P".to_owned()), None),
        };
        DeclaredContract {
            contract: contract.id.clone(),
            buyer: contract.buyer.clone(),
            seller: contract.seller.clone(),
            signed_at: contract.stamp.at,
            event: contract.stamp.fact(),
            declared_p: contract.declared_p.map(|p| p.to_string()),
            precision: contract.precision,
            sparsity: contract.sparsity,
            model: contract.model.clone(),
            cards: contract.cards,
            implied,
            reason,
            other_reading,
        }
    }

    fn on_basis(
        &self,
        declared: &BigRational,
        basis: Basis,
        contract: &Contract,
    ) -> Vec<ImpliedCards> {
        let models = self.0.get(&basis).into_iter().flat_map(BTreeMap::values);
        let of_model = |specs: &Vec<&CardSpec>| {
            let signed = specs.partition_point(|spec| spec.stamp.at <= contract.stamp.at);
            let cards = |(place, spec): (usize, &&CardSpec)| {
                ImpliedCards::of(declared, spec, place + 1 == signed)
            };
            specs.iter().enumerate().map(cards).collect::<Vec<_>>()
        };
        models.flat_map(of_model).collect()
    }
}

impl ImpliedCards {
    fn of(declared: &BigRational, spec: &CardSpec, in_force: bool) -> Self {
        let per_card = figures::exact(spec.p_per_card.value());
        let cards = declared / &per_card;
        let servers = &cards / whole(CARDS_PER_SERVER);
        let server_p = (&per_card * whole(CARDS_PER_SERVER)).floor();
        let hints = server_p > BigRational::one();
        let whole_servers = if hints { Some(declared / &server_p) } else { None };
        let whole_servers = whole_servers.filter(BigRational::is_integer);
        Self {
            model: spec.model.clone(),
            p_per_card: spec.p_per_card.to_string(),
            spec: spec.stamp.fact(),
            from: spec.stamp.at,
            source: spec.source.clone(),
            in_force,
            cards: figures::quantity(&cards),
            servers: figures::quantity(&servers),
            whole_cards: cards.is_integer(),
            server_p: figures::quantity(&server_p),
            whole_servers: whole_servers.as_ref().map(figures::quantity),
        }
    }
}

#[cfg(test)]
mod tests;
