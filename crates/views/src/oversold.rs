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
use std::ops::Bound;

use jiff::Timestamp;
use loopledger_loops::BigRational;
use loopledger_model::{
    Basis, CardModel, ContractId, FactId, PartyId, PoolId, Precision, Sparsity,
};
use num_traits::{One, Zero};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figures::{self, whole};
use crate::holdings::Holdings;
use crate::levels::Levels;
use crate::meters::grouped;
use crate::rows::{Allocation, Contract, Pool};
use crate::steps::{Span, Steps};

/// What is sold on one basis, and what there is on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BasisShare {
    pub precision: Precision,
    pub sparsity: Sparsity,
    pub sold_p: String,
    /// Absent where no source says what the pool's cards give on this basis.
    pub physical_p: Option<String>,
    /// The specification by which cards are counted in P.
    pub spec: Option<FactId>,
}

/// What is told of a pool's worst instant.
pub(crate) struct Sales {
    pub(crate) at: Timestamp,
    pub(crate) sold_p: Option<String>,
    pub(crate) physical_p: Option<String>,
    pub(crate) physical_spec: Option<FactId>,
    pub(crate) oversold: Option<bool>,
    pub(crate) by_basis: Vec<BasisShare>,
    pub(crate) contracts_without_p: usize,
}

struct Stock<'a> {
    pool: &'a Pool,
    steps: Steps,
}

impl Stock<'_> {
    fn cards(&self, behind: Behind, at: i64) -> u32 {
        self.steps.at(at).map_or(0, |step| match behind {
            Behind::Installed => step.cards,
            Behind::Lit => step.lit,
        })
    }
}

/// How much of a contract's P it claims from a pool.
pub(crate) enum Share {
    Allocated(BigRational),
    /// By physical P among the seller's pools.
    Spread,
}

/// More is sold of a pool than there is behind it.
pub(crate) struct Excess<'a> {
    pub(crate) pool: &'a Pool,
    pub(crate) at: Timestamp,
    /// What is sold of what there is, added over the bases; absent where there is nothing.
    pub(crate) share: Option<BigRational>,
    /// What is sold and what there is.
    pub(crate) by_basis: Vec<(Basis, BigRational, Option<BigRational>)>,
    pub(crate) contracts: Vec<&'a Contract>,
    pub(crate) facts: BTreeSet<FactId>,
}

pub(crate) struct Claim<'a> {
    pub(crate) contract: &'a Contract,
    /// Some time of the market's span.
    pub(crate) in_force: Span,
    pub(crate) share: Share,
    given: Vec<FactId>,
}

/// Which of a pool's cards stand behind what is sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behind {
    Installed,
    Lit,
}

/// A model's P per card on one basis from an instant on, and the fact that says so.
struct Figure {
    at: i64,
    p_per_card: BigRational,
    fact: FactId,
}

/// Of two figures at one instant the later recorded holds.
type Published = Vec<Figure>;

pub(crate) struct Market<'a> {
    span: Span,
    stocks: BTreeMap<&'a PoolId, Stock<'a>>,
    pools_of: BTreeMap<&'a PartyId, Vec<&'a PoolId>>,
    published: BTreeMap<&'a CardModel, BTreeMap<Basis, Published>>,
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
            let on_basis = self.published.entry(&spec.model).or_default();
            let figures = on_basis.entry(basis).or_default();
            let (at, fact) = (spec.stamp.at.as_microsecond(), spec.stamp.fact());
            figures.push(Figure { at, p_per_card, fact });
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
            let given = given.get(&contract.id).map_or(&[] as &[_], Vec::as_slice);
            let mut pools = shares(given);
            if pools.is_empty() {
                let of_seller = self.pools_of.get(&contract.seller).into_iter().flatten();
                pools = of_seller.map(|pool| (*pool, Share::Spread)).collect();
            }
            if pools.is_empty() {
                self.contracts_without_pool.push(contract.id.clone());
            }
            for (pool, share) in pools {
                let given = given.iter().map(|allocation| allocation.stamp.fact()).collect();
                let claim = Claim { contract, in_force, share, given };
                self.claims.entry(pool).or_default().push(claim);
            }
        }
        self.contracts_without_pool.sort_unstable();
    }

    pub(crate) fn contracts_without_pool(self) -> Vec<ContractId> {
        self.contracts_without_pool
    }

    /// The pool's worst instant in each of these spans, which are within the market's and follow
    /// each other without a gap.
    ///
    /// # Panics
    /// If the pool is none of the holdings'.
    pub(crate) fn series(&self, pool: &PoolId, spans: &[Span]) -> Vec<Sales> {
        let stock = &self.stocks[pool];
        let claims: &[Claim<'_>] = self.claims.get(pool).map_or(&[], Vec::as_slice);
        let instants = self.instants(stock, claims);
        let mut running = Levels::of(claims);
        let sales = |span: &Span| {
            let after = instants.range((Bound::Excluded(span.from), Bound::Unbounded)).copied();
            let instants = [span.from].into_iter().chain(after.take_while(|at| *at < span.to));
            let levels = instants.map(|at| self.level(stock, &mut running, at));
            let (standing, level) = self.worst_of(stock, Behind::Installed, levels);
            self.told(stock, &standing, &level, self.without_p(claims, *span))
        };
        spans.iter().map(sales).collect()
    }

    fn worst_of(
        &self,
        stock: &Stock<'_>,
        behind: Behind,
        levels: impl Iterator<Item = Level>,
    ) -> (Standing, Level) {
        let mut worst: Option<(Standing, Level)> = None;
        for level in levels {
            let standing = self.standing(stock, behind, &level);
            if worst.as_ref().is_none_or(|(known, _)| standing > *known) {
                worst = Some((standing, level));
            }
        }
        worst.expect("the instants include the start of the span")
    }

    /// The instant at which most is sold above the cards of the pool that are behind it, if there
    /// is one.
    pub(crate) fn excess(&self, pool: &PoolId, behind: Behind) -> Option<Excess<'_>> {
        let stock = &self.stocks[pool];
        let claims = self.claims.get(pool)?;
        let instants = self.instants(stock, claims).into_iter();
        let mut running = Levels::of(claims);
        let levels = instants.map(|at| self.level(stock, &mut running, at));
        let (standing, level) = self.worst_of(stock, behind, levels);
        let share = match standing {
            Standing::Oversold(share) => Some(share),
            Standing::Boundless => None,
            Standing::Unsold { .. } | Standing::Within(_) | Standing::Unknown => return None,
        };
        let at = level.at;
        let in_force = |claim: &&Claim<'_>| {
            claim.in_force.contains(at) && self.p_of(claim.contract, at).is_some()
        };
        let claims: Vec<&Claim<'_>> = claims.iter().filter(in_force).collect();
        let facts = self.facts(stock, &claims, level.sold.keys(), at);
        let physical = |basis| self.physical(stock, behind, basis, at);
        let by_basis =
            level.sold.into_iter().map(|(basis, sold)| (basis, sold, physical(basis))).collect();
        let contracts = claims.into_iter().map(|claim| claim.contract).collect();
        Some(Excess { pool: stock.pool, at: instant(at), share, by_basis, contracts, facts })
    }

    /// What a level rests on: the contracts with the allocations that say where they claim, the
    /// totals of the pools, and the specifications.
    fn facts<'b>(
        &self,
        stock: &Stock<'_>,
        claims: &[&Claim<'_>],
        bases: impl Iterator<Item = &'b Basis>,
        at: i64,
    ) -> BTreeSet<FactId> {
        let mut facts: BTreeSet<FactId> = bases
            .filter_map(|basis| self.figure(&stock.pool.model, *basis, at))
            .map(|f| f.fact)
            .collect();
        let mut pools = vec![&stock.pool.id];
        for claim in claims {
            facts.insert(claim.contract.stamp.fact());
            facts.extend(&claim.given);
            if claim.contract.rated_p().is_none() {
                facts.extend(self.figure_of(claim.contract, at).map(|figure| figure.fact));
            }
            if matches!(claim.share, Share::Spread) {
                pools.clone_from(&self.pools_of[&stock.pool.operator]);
            }
        }
        let totals = pools.into_iter().filter_map(|pool| self.stocks[pool].steps.at(at));
        facts.extend(totals.map(|step| step.fact));
        facts
    }

    fn figure_of(&self, contract: &Contract, at: i64) -> Option<&Figure> {
        let basis = contract.basis()?;
        self.figure(contract.model.as_ref()?, basis, at)
    }

    /// Every instant of the span at which something that matters to the pool changes, and the first
    /// one.
    fn instants(&self, stock: &Stock<'_>, claims: &[Claim<'_>]) -> BTreeSet<i64> {
        let starts_and_ends =
            claims.iter().flat_map(|claim| [claim.in_force.from, claim.in_force.to]);
        let published = self.published.values().flat_map(BTreeMap::values).flatten();
        let published = published.map(|figure| figure.at);
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

    /// At an instant that is not before the last one asked for.
    fn level(&self, stock: &Stock<'_>, running: &mut Levels<'_>, at: i64) -> Level {
        let mut sold: BTreeMap<Basis, BigRational> = BTreeMap::new();
        let mut spread: BTreeMap<Basis, BigRational> = BTreeMap::new();
        for (kind, amount) in running.at(at) {
            let basis = kind.basis;
            let p = match kind.model {
                None => amount.clone(),
                Some(model) => match self.p_per_card(model, basis, at) {
                    None => continue,
                    Some(per_card) => amount * per_card,
                },
            };
            let p = if kind.spread {
                let share = || self.spread(stock, basis, at);
                p * &*spread.entry(basis).or_insert_with(share)
            } else {
                p
            };
            *sold.entry(basis).or_insert_with(BigRational::zero) += p;
        }
        Level { at, sold }
    }

    /// How many of the claims are in force at some instant of the span at which their P is unknown.
    fn without_p(&self, claims: &[Claim<'_>], span: Span) -> usize {
        let unknown = |claim: &&Claim<'_>| {
            let shown = claim.in_force.within(span);
            // Once published, a figure is followed by others only.
            shown.length() > 0 && self.p_of(claim.contract, shown.from).is_none()
        };
        claims.iter().filter(unknown).count()
    }

    fn p_of(&self, contract: &Contract, at: i64) -> Option<(Basis, BigRational)> {
        let basis = contract.basis()?;
        if let Some(declared) = contract.rated_p() {
            return Some((basis, figures::exact(declared.value())));
        }
        let per_card = self.p_per_card(contract.model.as_ref()?, basis, at)?;
        Some((basis, whole(contract.cards?) * per_card))
    }

    /// The figure in force at an instant.
    fn p_per_card(&self, model: &CardModel, basis: Basis, at: i64) -> Option<BigRational> {
        self.figure(model, basis, at).map(|figure| figure.p_per_card.clone())
    }

    fn figure(&self, model: &CardModel, basis: Basis, at: i64) -> Option<&Figure> {
        let figures = self.published.get(model)?.get(&basis)?;
        let after = figures.partition_point(|figure| figure.at <= at);
        figures[..after].last()
    }

    fn physical(
        &self,
        stock: &Stock<'_>,
        behind: Behind,
        basis: Basis,
        at: i64,
    ) -> Option<BigRational> {
        let per_card = self.p_per_card(&stock.pool.model, basis, at)?;
        Some(whole(stock.cards(behind, at)) * per_card)
    }

    /// This pool's share among its operator's pools: by physical P; by cards where no pool has any;
    /// else evenly.
    fn spread(&self, stock: &Stock<'_>, basis: Basis, at: i64) -> BigRational {
        let physical = |of: &Stock<'_>| {
            self.physical(of, Behind::Installed, basis, at).unwrap_or_else(BigRational::zero)
        };
        let cards = |of: &Stock<'_>| whole(of.cards(Behind::Installed, at));
        let evenly = |_: &Stock<'_>| BigRational::one();
        let pools = &self.pools_of[&stock.pool.operator];
        let weights: [&dyn Fn(&Stock<'_>) -> BigRational; 3] = [&physical, &cards, &evenly];
        let share = |weight: &dyn Fn(&Stock<'_>) -> BigRational| {
            let all: BigRational = pools.iter().map(|pool| weight(&self.stocks[pool])).sum();
            (!all.is_zero()).then(|| weight(stock) / all)
        };
        weights.into_iter().find_map(share).expect("a pool is one of its operator's pools")
    }

    fn standing(&self, stock: &Stock<'_>, behind: Behind, level: &Level) -> Standing {
        if level.sold.is_empty() {
            return Standing::Unsold { has_cards: stock.cards(behind, level.at) > 0 };
        }
        let (mut share, mut unknown) = (BigRational::zero(), false);
        for (basis, sold) in &level.sold {
            match self.physical(stock, behind, *basis, level.at) {
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
        let physical = |basis| self.physical(stock, Behind::Installed, basis, level.at);
        let figure = |basis| self.figure(&stock.pool.model, basis, level.at);
        let spec = |basis| figure(basis).map(|figure| figure.fact);
        let by_basis = level.sold.iter().map(|(basis, sold)| BasisShare {
            precision: basis.precision,
            sparsity: basis.sparsity,
            sold_p: figures::quantity(sold),
            physical_p: physical(*basis).as_ref().map(figures::quantity),
            spec: spec(*basis),
        });
        let by_basis: Vec<BasisShare> = by_basis.collect();
        let (sold_p, physical_p, physical_spec) = match by_basis.as_slice() {
            [] => {
                let first = self.first_basis.get(&stock.pool.model);
                let there = first.and_then(|basis| physical(*basis));
                let spec = first.and_then(|basis| spec(*basis));
                (Some("0".to_owned()), there.as_ref().map(figures::quantity), spec)
            }
            [one] => (Some(one.sold_p.clone()), one.physical_p.clone(), one.spec),
            [_, ..] => (None, None, None),
        };
        let oversold = match standing {
            Standing::Unsold { .. } | Standing::Within(_) => Some(false),
            Standing::Unknown => None,
            Standing::Oversold(_) | Standing::Boundless => Some(true),
        };
        Sales {
            at: instant(level.at),
            sold_p,
            physical_p,
            physical_spec,
            oversold,
            by_basis,
            contracts_without_p,
        }
    }
}

fn instant(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros)
        .expect("the instants of a level are those of rows or of the period")
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
