//! What is sold of each pool against the cards that stand behind it, at the worst instant of a
//! stretch of time.
//!
//! A contract in force claims its P from the pools that it was given cards of, by allocated card
//! time over its whole life; without any allocation it claims from all of its seller's pools, by
//! physical P. A resale claims nothing: the contract that backs it does.
//!
//! Invariant: P on unlike bases are never added or compared; only shares of what there is on each
//! basis are.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use loopledger_loops::BigRational;
use loopledger_model::{Basis, CardModel, ContractId, PartyId, PoolId, Precision, Sparsity};
use num_traits::{One, Zero};
use serde::{Deserialize, Serialize};

use crate::figures::{self, whole};
use crate::holdings::Holdings;
use crate::meters::grouped;
use crate::rows::{Allocation, Contract, Pool};
use crate::steps::{Span, Steps};

/// What is sold on one basis, and what there is on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasisShare {
    pub precision: Precision,
    pub sparsity: Sparsity,
    pub sold_p: String,
    /// Absent where no source says what the pool's cards give on this basis.
    pub physical_p: Option<String>,
}

/// What is told of a pool's worst instant.
pub(crate) struct Sales {
    pub(crate) at: Timestamp,
    pub(crate) sold_p: Option<String>,
    pub(crate) physical_p: Option<String>,
    pub(crate) oversold: Option<bool>,
    pub(crate) by_basis: Vec<BasisShare>,
    pub(crate) contracts_without_p: usize,
}

struct Stock<'a> {
    pool: &'a Pool,
    steps: Steps,
}

/// How much of a contract's P it claims from a pool.
enum Share {
    Allocated(BigRational),
    /// By physical P among the seller's pools.
    Spread,
}

struct Claim<'a> {
    contract: &'a Contract,
    in_force: Span,
    share: Share,
}

/// A model's P per card on one basis, from instants on; of two the later recorded holds.
type Published = Vec<(i64, BigRational)>;

pub(crate) struct Market<'a> {
    span: Span,
    stocks: BTreeMap<&'a PoolId, Stock<'a>>,
    pools_of: BTreeMap<&'a PartyId, Vec<&'a PoolId>>,
    published: BTreeMap<(&'a CardModel, Basis), Published>,
    /// The basis of the first figure that was published for a model.
    first_basis: BTreeMap<&'a CardModel, Basis>,
    claims: BTreeMap<&'a PoolId, Vec<Claim<'a>>>,
    contracts_without_pool: Vec<ContractId>,
}

/// What is sold of a pool at an instant, by basis.
struct Level {
    at: i64,
    sold: BTreeMap<Basis, BigRational>,
}

/// How bad a level is, from best to worst. What may be oversold is worse than what is surely not.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    /// Nothing is sold; there may be nothing either.
    Unsold {
        has_cards: bool,
    },
    Within(BigRational),
    Unknown,
    Oversold(BigRational),
    /// Sold without any cards.
    Boundless,
}

impl<'a> Market<'a> {
    pub(crate) fn of(holdings: &'a Holdings, span: Span) -> Self {
        let states = grouped(&holdings.states, |state| &state.pool);
        let stock = |pool: &'a Pool| {
            let steps = Steps::of(states.get(&pool.id).into_iter().flatten().copied());
            (&pool.id, Stock { pool, steps })
        };
        let mut pools_of: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for pool in &holdings.pools {
            pools_of.entry(&pool.operator).or_default().push(&pool.id);
        }
        let mut market = Self {
            span,
            stocks: holdings.pools.iter().map(stock).collect(),
            pools_of,
            published: BTreeMap::new(),
            first_basis: BTreeMap::new(),
            claims: BTreeMap::new(),
            contracts_without_pool: Vec::new(),
        };
        market.publish(holdings);
        market.claim(holdings);
        market
    }

    fn publish(&mut self, holdings: &'a Holdings) {
        let mut specs: Vec<_> = holdings.specs.iter().collect();
        specs.sort_by_key(|spec| spec.stamp.at);
        for spec in specs {
            let basis = Basis { precision: spec.precision, sparsity: spec.sparsity };
            let p_per_card = figures::exact(spec.p_per_card.value());
            let figures = self.published.entry((&spec.model, basis)).or_default();
            figures.push((spec.stamp.at.as_microsecond(), p_per_card));
            self.first_basis.entry(&spec.model).or_insert(basis);
        }
    }

    fn claim(&mut self, holdings: &'a Holdings) {
        let ends: BTreeMap<&ContractId, Timestamp> =
            holdings.terminations.iter().map(|row| (&row.contract, row.stamp.at)).collect();
        let given = grouped(&holdings.allocations, |allocation| &allocation.contract);
        let own = holdings.contracts.iter().filter(|contract| contract.backing_contract.is_none());
        for contract in own {
            let from = contract.from_at.max(contract.stamp.at);
            let end = ends.get(&contract.id).copied().unwrap_or(contract.to_at);
            let in_force = Span::of(from, contract.to_at.min(end));
            if in_force.within(self.span).length() == 0 {
                continue;
            }
            let mut pools = shares(given.get(&contract.id).map_or(&[], Vec::as_slice));
            if pools.is_empty() {
                let of_seller = self.pools_of.get(&contract.seller).into_iter().flatten();
                pools = of_seller.map(|pool| (*pool, Share::Spread)).collect();
            }
            if pools.is_empty() {
                self.contracts_without_pool.push(contract.id.clone());
            }
            for (pool, share) in pools {
                let claim = Claim { contract, in_force, share };
                self.claims.entry(pool).or_default().push(claim);
            }
        }
        self.contracts_without_pool.sort_unstable();
    }

    pub(crate) fn contracts_without_pool(self) -> Vec<ContractId> {
        self.contracts_without_pool
    }

    /// The pool's worst instant.
    ///
    /// # Panics
    /// If the pool is none of the holdings'.
    pub(crate) fn worst(&self, pool: &PoolId) -> Sales {
        let stock = &self.stocks[pool];
        let claims: &[Claim<'_>] = self.claims.get(pool).map_or(&[], Vec::as_slice);
        let mut without_p = BTreeSet::new();
        let mut worst: Option<(Standing, Level)> = None;
        for at in self.instants(stock, claims) {
            let level = self.level(stock, claims, at, &mut without_p);
            let standing = self.standing(stock, &level);
            if worst.as_ref().is_none_or(|(known, _)| standing > *known) {
                worst = Some((standing, level));
            }
        }
        let (standing, level) = worst.expect("the instants include the period's start");
        self.told(stock, &standing, &level, without_p.len())
    }

    /// Every instant of the span at which something that matters to the pool changes, and the first
    /// one.
    fn instants(&self, stock: &Stock<'_>, claims: &[Claim<'_>]) -> BTreeSet<i64> {
        let starts_and_ends =
            claims.iter().flat_map(|claim| [claim.in_force.from, claim.in_force.to]);
        let published = self.published.values().flatten().map(|(at, _)| *at);
        let mut instants: BTreeSet<i64> =
            starts_and_ends.chain(published).chain(stock.steps.changes()).collect();
        if claims.iter().any(|claim| matches!(claim.share, Share::Spread)) {
            let pools = &self.pools_of[&stock.pool.operator];
            instants.extend(pools.iter().flat_map(|pool| self.stocks[pool].steps.changes()));
        }
        instants.retain(|at| self.span.contains(*at));
        instants.insert(self.span.from);
        instants
    }

    fn level<'c>(
        &self,
        stock: &Stock<'_>,
        claims: &[Claim<'c>],
        at: i64,
        without_p: &mut BTreeSet<&'c ContractId>,
    ) -> Level {
        let mut sold: BTreeMap<Basis, BigRational> = BTreeMap::new();
        let mut spread: BTreeMap<Basis, BigRational> = BTreeMap::new();
        for claim in claims.iter().filter(|claim| claim.in_force.contains(at)) {
            let Some((basis, p)) = self.p_of(claim.contract, at) else {
                without_p.insert(&claim.contract.id);
                continue;
            };
            let share = match &claim.share {
                Share::Allocated(share) => share,
                Share::Spread => {
                    spread.entry(basis).or_insert_with(|| self.spread(stock, basis, at))
                }
            };
            *sold.entry(basis).or_insert_with(BigRational::zero) += p * share;
        }
        Level { at, sold }
    }

    fn p_of(&self, contract: &Contract, at: i64) -> Option<(Basis, BigRational)> {
        let basis = Basis { precision: contract.precision?, sparsity: contract.sparsity? };
        if let Some(declared) = contract.declared_p {
            return Some((basis, figures::exact(declared.value())));
        }
        let per_card = self.p_per_card(contract.model.as_ref()?, basis, at)?;
        Some((basis, whole(contract.cards?) * per_card))
    }

    /// The figure in force at an instant.
    fn p_per_card(&self, model: &CardModel, basis: Basis, at: i64) -> Option<BigRational> {
        let figures = self.published.get(&(model, basis))?;
        let after = figures.partition_point(|(from, _)| *from <= at);
        figures[..after].last().map(|(_, p)| p.clone())
    }

    fn physical(&self, stock: &Stock<'_>, basis: Basis, at: i64) -> Option<BigRational> {
        let per_card = self.p_per_card(&stock.pool.model, basis, at)?;
        Some(whole(stock.steps.cards_at(at)) * per_card)
    }

    /// This pool's share among its operator's pools: by physical P; by cards where no pool has any;
    /// else evenly.
    fn spread(&self, stock: &Stock<'_>, basis: Basis, at: i64) -> BigRational {
        let physical =
            |of: &Stock<'_>| self.physical(of, basis, at).unwrap_or_else(BigRational::zero);
        let cards = |of: &Stock<'_>| whole(of.steps.cards_at(at));
        let evenly = |_: &Stock<'_>| BigRational::one();
        let pools = &self.pools_of[&stock.pool.operator];
        let weights: [&dyn Fn(&Stock<'_>) -> BigRational; 3] = [&physical, &cards, &evenly];
        let share = |weight: &dyn Fn(&Stock<'_>) -> BigRational| {
            let all: BigRational = pools.iter().map(|pool| weight(&self.stocks[pool])).sum();
            (!all.is_zero()).then(|| weight(stock) / all)
        };
        weights.into_iter().find_map(share).expect("a pool is one of its operator's pools")
    }

    fn standing(&self, stock: &Stock<'_>, level: &Level) -> Standing {
        if level.sold.is_empty() {
            return Standing::Unsold { has_cards: stock.steps.cards_at(level.at) > 0 };
        }
        let (mut share, mut unknown) = (BigRational::zero(), false);
        for (basis, sold) in &level.sold {
            match self.physical(stock, *basis, level.at) {
                None => unknown = true,
                Some(physical) if physical.is_zero() => return Standing::Boundless,
                Some(physical) => share += sold / physical,
            }
        }
        if share > BigRational::one() {
            Standing::Oversold(share)
        } else if unknown {
            Standing::Unknown
        } else {
            Standing::Within(share)
        }
    }

    fn told(
        &self,
        stock: &Stock<'_>,
        standing: &Standing,
        level: &Level,
        contracts_without_p: usize,
    ) -> Sales {
        let physical = |basis: Basis| self.physical(stock, basis, level.at);
        let by_basis = level.sold.iter().map(|(basis, sold)| BasisShare {
            precision: basis.precision,
            sparsity: basis.sparsity,
            sold_p: figures::quantity(sold),
            physical_p: physical(*basis).as_ref().map(figures::quantity),
        });
        let by_basis: Vec<BasisShare> = by_basis.collect();
        let (sold_p, physical_p) = match by_basis.as_slice() {
            [] => {
                let first = self.first_basis.get(&stock.pool.model);
                let there = first.and_then(|basis| physical(*basis));
                (Some("0".to_owned()), there.as_ref().map(figures::quantity))
            }
            [one] => (Some(one.sold_p.clone()), one.physical_p.clone()),
            [_, ..] => (None, None),
        };
        let oversold = match standing {
            Standing::Unsold { .. } | Standing::Within(_) => Some(false),
            Standing::Unknown => None,
            Standing::Oversold(_) | Standing::Boundless => Some(true),
        };
        let at = Timestamp::from_microsecond(level.at)
            .expect("the instants of a level are those of rows or of the period");
        Sales { at, sold_p, physical_p, oversold, by_basis, contracts_without_p }
    }
}

/// The shares of a contract's allocated card time by pool; none where there is no such time.
fn shares<'a>(given: &[&'a Allocation]) -> Vec<(&'a PoolId, Share)> {
    let mut by_pool: BTreeMap<&PoolId, i128> = BTreeMap::new();
    for allocation in given {
        let time = Span::of(allocation.stamp.at, allocation.to_at).length();
        *by_pool.entry(&allocation.pool).or_default() +=
            i128::from(allocation.cards) * i128::from(time);
    }
    by_pool.retain(|_, card_time| *card_time > 0);
    let all: i128 = by_pool.values().sum();
    let share = |part: i128| Share::Allocated(BigRational::new(part.into(), all.into()));
    by_pool.into_iter().map(|(pool, card_time)| (pool, share(card_time))).collect()
}
