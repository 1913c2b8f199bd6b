//! Figures worked out by hand, and what holds for any pool.

use loopledger_model::purchase::ContractUnit;
use loopledger_model::{CardHours, Precision, Sparsity};
use loopledger_testkit::{at, id, period};
use proptest::prelude::*;

use super::*;
use crate::holdings::{Busy, Seen};
use crate::rows::{Allocation, CardSpec, Contract, Pool, PoolState, Stamp, Termination};

/// Rows in the order in which they are written down; every one is recorded when it took effect.
#[derive(Default)]
struct Book {
    holdings: Holdings,
    position: u64,
}

impl Book {
    fn stamp(&mut self, from: &str) -> Stamp {
        self.position += 1;
        Stamp { position: self.position, fact_index: 0, at: at(from), recorded_at: at(from) }
    }

    fn pool(
        mut self,
        name: &str,
        operator: &str,
        model: &str,
        from: &str,
        cards: u32,
        lit: u32,
    ) -> Self {
        let stamp = self.stamp(from);
        self.holdings.pools.push(Pool {
            stamp,
            id: id(name),
            operator: id(operator),
            site: id("somewhere"),
            model: id(model),
        });
        self.state(name, from, cards, lit)
    }

    fn state(mut self, pool: &str, from: &str, cards: u32, lit: u32) -> Self {
        let stamp = self.stamp(from);
        self.holdings.states.push(PoolState { stamp, pool: id(pool), cards, lit });
        self
    }

    fn spec(mut self, model: &str, precision: Precision, from: &str, p_per_card: &str) -> Self {
        let stamp = self.stamp(from);
        self.holdings.specs.push(CardSpec {
            stamp,
            model: id(model),
            precision,
            sparsity: Sparsity::Dense,
            p_per_card: id(p_per_card),
            tdp_w: None,
            source: None,
        });
        self
    }

    /// A contract that declares P; `change` makes it another one.
    fn contract(
        mut self,
        name: &str,
        seller: &str,
        (signed, from, to): (&str, &str, &str),
        p: &str,
        change: impl FnOnce(&mut Contract),
    ) -> Self {
        let mut contract = Contract {
            stamp: self.stamp(signed),
            id: id(name),
            buyer: id("buyer"),
            seller: id(seller),
            currency: id("CNY"),
            price_per_unit: id("1"),
            kind: None,
            unit: ContractUnit::PMonth,
            quantity: Some(id("1")),
            declared_p: Some(id(p)),
            rating: None,
            precision: Some(Precision::Bf16),
            sparsity: Some(Sparsity::Dense),
            model: None,
            cards: None,
            from_at: at(from),
            to_at: at(to),
            backing_contract: None,
            terms: None,
        };
        change(&mut contract);
        self.holdings.contracts.push(contract);
        self
    }

    fn terminated(mut self, contract: &str, when: &str) -> Self {
        let stamp = self.stamp(when);
        self.holdings.terminations.push(Termination {
            stamp,
            contract: id(contract),
            buyer: id("buyer"),
            seller: id("seller"),
            reason: id("breach"),
            refund: None,
            currency: None,
            side: None,
            penalty: None,
        });
        self
    }

    fn allocation(
        mut self,
        name: &str,
        pool: &str,
        contract: &str,
        cards: u32,
        (from, to): (&str, &str),
    ) -> Self {
        let stamp = self.stamp(from);
        self.holdings.allocations.push(Allocation {
            stamp,
            id: id(name),
            pool: id(pool),
            contract: id(contract),
            cards,
            to_at: at(to),
            class: None,
        });
        self
    }

    fn usage(mut self, allocation: &str, (from, to): (&str, &str), card_hours: &str) -> Self {
        self.stamp(to);
        let given = self.holdings.allocations.iter().find(|given| given.id == id(allocation));
        let given = given.expect("an allocation").clone();
        let window = Span::of(at(from), at(to));
        let metered: CardHours = id(card_hours);
        self.holdings.busy.push(Busy {
            pool: given.pool.clone(),
            window,
            card_hours: figures::exact(metered.value()),
        });
        self.holdings.seen.push(Seen { pool: given.pool, allocation: given.id, window });
        self
    }

    fn of(&self, pool: &str, from: &str, to: &str) -> PoolFigures {
        let answer = self.holdings.utilization(9, period(from, to), Some(&id(pool)));
        answer.pools.into_iter().next().expect("the pool").figures
    }
}

/// One pool of a hundred cards that give 1 P each, all lit.
fn hundred_cards() -> Book {
    Book::default().spec("H200", Precision::Bf16, "2024-01-01", "1").pool(
        "p",
        "seller",
        "H200",
        "2025-01-01",
        100,
        100,
    )
}

const TERM: (&str, &str, &str) = ("2025-01-01", "2025-01-01", "2026-01-01");
const YEAR: (&str, &str) = ("2025-01-01", "2026-01-01");

fn declared(_: &mut Contract) {}

fn lp_loop() -> Book {
    let half_year = ("2025-01-10", "2025-02-01", "2025-08-01");
    let reseller = ("2025-02-20", "2025-03-01", "2025-09-01");
    Book::default()
        .spec("H200", Precision::Bf16, "2024-01-01", "0.989")
        .spec("910B", Precision::Fp16, "2024-01-01", "0.320")
        .pool("pool-a1", "provider-a", "H200", "2025-01-01", 2048, 900)
        .pool("pool-x1", "provider-x", "910B", "2025-01-01", 4096, 1600)
        .state("pool-a1", "2025-04-01", 2048, 1100)
        .contract("k-1", "provider-a", half_year, "600", declared)
        .contract(
            "k-2",
            "provider-x",
            ("2025-02-15", "2025-03-01", "2025-06-09"),
            "1",
            |contract| {
                contract.declared_p = None;
                contract.precision = Some(Precision::Fp16);
                (contract.model, contract.cards) = (Some(id("910B")), Some(256));
            },
        )
        .contract("k-3", "provider-a", reseller, "200", declared)
        .contract(
            "k-4",
            "reseller-r",
            ("2025-02-25", "2025-03-01", "2025-09-01"),
            "100",
            |resale| {
                resale.backing_contract = Some(id("k-3"));
            },
        )
        .contract("k-5", "provider-a", ("2025-03-05", "2025-04-01", "2025-10-01"), "1500", declared)
        .terminated("k-5", "2025-03-28")
        .allocation("al-1", "pool-a1", "k-1", 606, ("2025-02-01", "2025-08-01"))
        .allocation("al-2", "pool-x1", "k-2", 256, ("2025-03-01", "2025-06-09"))
        .allocation("al-3", "pool-a1", "k-3", 202, ("2025-03-01", "2025-09-01"))
        .usage("al-1", ("2025-02-01", "2025-03-01"), "240000")
        .usage("al-1", ("2025-03-01", "2025-04-01"), "251000")
        .usage("al-2", ("2025-03-01", "2025-04-01"), "150000")
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn a_month_with_one_contract_comes_to_what_was_worked_out_by_hand() {
    let february = lp_loop().of("pool-a1", "2025-02-01", "2025-03-01");
    assert_eq!(february.installed_card_hours, "1376256");
    assert_eq!(february.lit_card_hours, "604800");
    assert_eq!(february.allocated_card_hours, "407232");
    assert_eq!(february.busy_card_hours, "240000");
    assert_eq!(february.lighting_rate, some("0.439453"));
    assert_eq!(february.allocation_rate, some("0.673333"));
    assert_eq!(february.busy_rate, some("0.396825"));
    assert_eq!(february.coverage, some("1.000000"));
    assert_eq!((february.sold_p, february.physical_p), (some("600"), some("2025.472")));
    assert_eq!(february.oversold, Some(false));
}

#[test]
fn a_resale_does_not_count_beside_its_backing_and_a_gap_lowers_the_coverage() {
    let march = lp_loop().of("pool-a1", "2025-03-01", "2025-04-01");
    assert_eq!(march.installed_card_hours, "1523712");
    assert_eq!(march.lit_card_hours, "669600");
    assert_eq!(march.allocated_card_hours, "601152");
    assert_eq!(march.busy_card_hours, "251000");
    assert_eq!(march.allocation_rate, some("0.897778"));
    assert_eq!(march.busy_rate, some("0.374851"));
    assert_eq!(march.coverage, some("0.750000"));
    assert_eq!((march.sold_p, march.physical_p), (some("800"), some("2025.472")));
    assert_eq!(march.oversold, Some(false));
}

#[test]
fn cards_of_a_model_count_by_the_figure_that_is_published_for_it() {
    let march = lp_loop().of("pool-x1", "2025-03-01", "2025-04-01");
    assert_eq!((march.sold_p, march.physical_p), (some("81.92"), some("1310.72")));
    assert_eq!(march.oversold, Some(false));
    assert_eq!(march.contracts_without_p, 0);
}

#[test]
fn a_contract_that_ended_before_its_term_began_is_never_in_force() {
    let april = lp_loop().of("pool-a1", "2025-04-01", "2025-05-01");
    assert_eq!(april.sold_p, some("800"));
    assert_eq!(april.lit_card_hours, "792000");
}

#[test]
fn pools_are_told_by_id_and_a_pool_that_is_not_there_is_not_told() {
    let year = period("2025-01-01", "2026-01-01");
    let all = lp_loop().holdings.utilization(9, year, None);
    assert_eq!(
        all.pools.iter().map(|pool| pool.pool.as_str()).collect::<Vec<_>>(),
        ["pool-a1", "pool-x1"]
    );
    assert_eq!(all.position, 9);
    let none = lp_loop().holdings.utilization(9, year, Some(&id("pool-z")));
    assert_eq!(none.pools, []);
}

#[test]
fn a_period_at_either_end_of_time_is_answered() {
    let (first, last) = ("-009999-01-03T00:00:00Z", "9999-12-30T22:00:00.999Z");
    assert_eq!(hundred_cards().of("p", first, last).oversold, Some(false));
    assert_eq!(hundred_cards().of("p", "9999-12-30T22:00:00.5Z", last).busy_card_hours, "0");
}

#[test]
fn nothing_is_divided_by_nothing() {
    let before = hundred_cards().of("p", "2024-01-01", "2024-02-01");
    let rates = [before.lighting_rate, before.allocation_rate, before.busy_rate, before.coverage];
    assert_eq!(rates, [None, None, None, None]);
    assert_eq!(before.installed_card_hours, "0");
    assert_eq!((before.sold_p, before.physical_p), (some("0"), some("0")));
    assert_eq!(before.oversold, Some(false));
}

#[test]
fn without_a_contract_the_models_first_published_figure_stands() {
    let book = hundred_cards().spec("H200", Precision::Fp8, "2024-06-01", "2");
    let idle = book.of("p", "2025-02-01", "2025-03-01");
    assert_eq!((idle.sold_p, idle.physical_p), (some("0"), some("100")));
    assert_eq!((idle.oversold, idle.by_basis), (Some(false), vec![]));
    let unpublished = Book::default().pool("p", "seller", "Q1", "2025-01-01", 100, 100);
    let idle = unpublished.of("p", "2025-02-01", "2025-03-01");
    assert_eq!((idle.sold_p, idle.physical_p, idle.oversold), (some("0"), None, Some(false)));
}

#[test]
fn the_worst_instant_is_told_and_the_earliest_of_equals() {
    let book = hundred_cards()
        .contract("k-1", "seller", ("2025-01-01", "2025-01-01", "2025-06-01"), "60", declared)
        .contract("k-2", "seller", ("2025-01-01", "2025-03-01", "2025-04-01"), "60", declared)
        .contract("k-3", "seller", ("2025-01-01", "2025-05-01", "2025-05-02"), "60", declared);
    let year = book.of("p", "2025-01-01", "2026-01-01");
    assert_eq!((year.sold_p, year.physical_p), (some("120"), some("100")));
    assert_eq!((year.oversold, year.worst_at), (Some(true), at("2025-03-01")));
    let april = book.of("p", "2025-04-01", "2025-05-01");
    assert_eq!((april.sold_p, april.oversold), (some("60"), Some(false)));
}

#[test]
fn a_pool_that_loses_cards_is_oversold_from_then_on() {
    let book = hundred_cards().contract("k-1", "seller", TERM, "60", declared).state(
        "p",
        "2025-05-01",
        50,
        50,
    );
    let worst = book.of("p", "2025-04-01", "2025-06-01");
    assert_eq!((worst.sold_p, worst.physical_p), (some("60"), some("50")));
    assert_eq!((worst.oversold, worst.worst_at), (Some(true), at("2025-05-01")));
    let gone = book.state("p", "2025-05-20", 0, 0).of("p", "2025-04-01", "2025-06-01");
    assert_eq!((gone.physical_p, gone.oversold), (some("0"), Some(true)));
}

#[test]
fn of_several_figures_in_force_the_latest_dated_counts_and_then_the_latest_recorded() {
    let book = hundred_cards()
        .contract("k-1", "seller", TERM, "60", declared)
        .spec("H200", Precision::Bf16, "2025-03-01", "0.5")
        .spec("H200", Precision::Bf16, "2025-03-01", "0.7")
        .spec("H200", Precision::Bf16, "2024-02-01", "9");
    let physical = |from, to| book.of("p", from, to).physical_p;
    assert_eq!(physical("2025-02-01", "2025-03-01"), some("900"));
    assert_eq!(physical("2025-03-01", "2025-04-01"), some("70"));
}

#[test]
fn a_contract_claims_from_the_pools_that_it_was_given_cards_of() {
    let book = hundred_cards()
        .pool("q", "seller", "H200", "2025-01-01", 100, 100)
        .pool("r", "other", "H200", "2025-01-01", 100, 100)
        .contract("k-1", "seller", TERM, "90", declared)
        .allocation("a-1", "p", "k-1", 20, YEAR)
        .allocation("a-2", "r", "k-1", 10, YEAR);
    let sold = |pool| book.of(pool, "2025-02-01", "2025-03-01").sold_p;
    assert_eq!([sold("p"), sold("q"), sold("r")], [some("60"), some("0"), some("30")]);
}

#[test]
fn without_allocations_a_contract_claims_by_physical_p() {
    let book = hundred_cards()
        .pool("q", "seller", "H200", "2025-01-01", 50, 50)
        .pool("r", "seller", "Q1", "2025-01-01", 1000, 1000)
        .contract("k-1", "seller", TERM, "90", declared);
    let sold = |pool| book.of(pool, "2025-02-01", "2025-03-01").sold_p;
    assert_eq!([sold("p"), sold("q"), sold("r")], [some("60"), some("30"), some("0")]);
    let unpublished = Book::default()
        .pool("p", "seller", "Q1", "2025-01-01", 30, 30)
        .pool("q", "seller", "Q1", "2025-01-01", 10, 10)
        .contract("k-1", "seller", TERM, "90", declared);
    let worst = unpublished.of("p", "2025-02-01", "2025-03-01");
    assert_eq!((worst.sold_p, worst.physical_p, worst.oversold), (some("67.5"), None, None));
}

#[test]
fn unlike_bases_are_told_apart_and_only_their_shares_are_added() {
    let on_fp8 = |contract: &mut Contract| contract.precision = Some(Precision::Fp8);
    let book = hundred_cards()
        .spec("H200", Precision::Fp8, "2024-01-01", "2")
        .contract("k-1", "seller", TERM, "60", declared)
        .contract("k-2", "seller", TERM, "90", on_fp8);
    let worst = book.of("p", "2025-02-01", "2025-03-01");
    assert_eq!((worst.sold_p, worst.physical_p, worst.oversold), (None, None, Some(true)));
    let told =
        |share: &BasisShare| (share.precision, share.sold_p.clone(), share.physical_p.clone());
    let by_basis: Vec<_> = worst.by_basis.iter().map(told).collect();
    assert_eq!(
        by_basis,
        [
            (Precision::Bf16, "60".to_owned(), some("100")),
            (Precision::Fp8, "90".to_owned(), some("200")),
        ]
    );
}

#[test]
fn what_is_sold_on_a_basis_without_figures_may_be_oversold_or_not() {
    let on_fp4 = |contract: &mut Contract| contract.precision = Some(Precision::Fp4);
    let unknown = hundred_cards().contract("k-1", "seller", TERM, "60", on_fp4);
    let worst = unknown.of("p", "2025-02-01", "2025-03-01");
    assert_eq!((worst.sold_p, worst.physical_p, worst.oversold), (some("60"), None, None));
    let beside = unknown.contract("k-2", "seller", TERM, "101", declared);
    assert_eq!(beside.of("p", "2025-02-01", "2025-03-01").oversold, Some(true));
}

#[test]
fn a_contract_that_hides_its_p_is_counted() {
    let book = hundred_cards().contract("k-1", "seller", TERM, "60", |contract| {
        (contract.declared_p, contract.precision, contract.sparsity) = (None, None, None);
    });
    let worst = book.of("p", "2025-02-01", "2025-03-01");
    assert_eq!((worst.sold_p, worst.contracts_without_p), (some("0"), 1));
}

#[test]
fn a_contract_whose_seller_has_no_pool_is_named() {
    let book = lp_loop().contract("k-9", "nobody", TERM, "60", declared);
    let year = period("2025-01-01", "2026-01-01");
    let named = |pool| book.holdings.utilization(9, year, pool).contracts_without_pool;
    assert_eq!(named(None), [id("k-9")]);
    assert_eq!(named(Some(&id("pool-a1"))), []);
}

#[test]
fn a_window_that_is_partly_outside_counts_by_its_time_inside() {
    let book = hundred_cards()
        .contract("k-1", "seller", TERM, "60", declared)
        .allocation("a-1", "p", "k-1", 10, ("2025-01-01", "2025-01-04"))
        .usage("a-1", ("2025-01-01", "2025-01-04"), "100");
    let first = book.of("p", "2025-01-01", "2025-01-02");
    assert_eq!(first.busy_card_hours, "33.333333");
    assert_eq!(first.busy_rate, some("0.013889"));
    assert_eq!(first.coverage, some("1.000000"));
}

#[test]
fn days_are_told_by_themselves_and_cut_to_the_period() {
    let book = lp_loop();
    let days = ByDay::new(period("2025-03-30T12:00:00Z", "2025-04-02")).expect("four days");
    let pool = book.holdings.utilization_by_day(9, days, Some(&id("pool-a1"))).pools.remove(0);
    let told = |day: &PoolDay| {
        let PoolFigures { lit_card_hours, allocated_card_hours, busy_card_hours, .. } =
            day.figures.clone();
        (day.day.to_string(), lit_card_hours, allocated_card_hours, busy_card_hours)
    };
    let row = |day: &str, lit: &str, allocated: &str, busy: &str| {
        (day.to_owned(), lit.to_owned(), allocated.to_owned(), busy.to_owned())
    };
    let days = pool.days.expect("asked for by day");
    assert_eq!(
        days.iter().map(told).collect::<Vec<_>>(),
        [
            row("2025-03-30", "10800", "9696", "4048.387097"),
            row("2025-03-31", "21600", "19392", "8096.774194"),
            row("2025-04-01", "26400", "19392", "0"),
        ]
    );
    let coverage: Vec<_> = days.iter().map(|day| day.figures.coverage.clone()).collect();
    assert_eq!(coverage, [some("0.750000"), some("0.750000"), some("0.000000")]);
    let sold: Vec<_> = days.iter().map(|day| day.figures.sold_p.clone()).collect();
    assert_eq!(sold, [some("800"), some("800"), some("800")]);
    let whole = book.of("pool-a1", "2025-03-30T12:00:00Z", "2025-04-02");
    assert_eq!(pool.figures, whole);
    assert_eq!(whole.busy_card_hours, "12145.16129");
}

#[test]
fn a_day_on_which_more_is_sold_than_there_is_is_oversold_and_its_neighbours_are_not() {
    let book = hundred_cards().contract("k-1", "seller", TERM, "60", declared).contract(
        "k-2",
        "seller",
        ("2025-01-01", "2025-03-02", "2025-03-03"),
        "60",
        declared,
    );
    let days = ByDay::new(period("2025-03-01", "2025-03-04")).expect("three days");
    let pool = book.holdings.utilization_by_day(9, days, None).pools.remove(0);
    let oversold: Vec<_> =
        pool.days.expect("by day").iter().map(|day| day.figures.oversold).collect();
    assert_eq!(oversold, [Some(false), Some(true), Some(false)]);
    assert_eq!(pool.figures.worst_at, at("2025-03-02"));
}

#[test]
fn ten_years_can_be_told_by_day_and_more_cannot() {
    assert!(ByDay::new(period("2015-01-01", "2025-01-01")).is_ok());
    let error = ByDay::new(period("2015-01-01", "2025-01-10")).expect_err("3662 days");
    assert!(error.to_string().contains("3660 days"), "{error}");
}

/// Seconds of one day, as timestamps.
fn second(of_day: u32) -> String {
    format!("2025-01-01T{:02}:{:02}:{:02}Z", of_day / 3600, of_day / 60 % 60, of_day % 60)
}

proptest! {
    #[test]
    fn the_hours_of_two_halves_are_those_of_the_whole(
        cuts in proptest::collection::btree_set(1u32..86_399, 5..9),
        cards in 1u32..1000,
        hours in 0u32..100_000,
    ) {
        let cuts: Vec<String> = cuts.into_iter().map(second).collect();
        let [start, change, from, middle, to, ..] = cuts.as_slice() else {
            unreachable!("five at least")
        };
        let last = cuts.last().expect("five at least");
        let book = Book::default()
            .pool("p", "seller", "H200", start, cards, cards / 2)
            .state("p", change, cards + 7, cards)
            .contract("k-1", "seller", TERM, "1", declared)
            .allocation("a-1", "p", "k-1", cards, (start, last))
            .usage("a-1", (start, last), &hours.to_string());
        let meters = |from: &str, to: &str| {
            let span = Span::of(at(from), at(to));
            Meters::of(&book.holdings).series(&id("p"), &[span]).remove(0)
        };
        let (left, right, whole) = (meters(from, middle), meters(middle, to), meters(from, to));
        prop_assert_eq!(&left.installed + &right.installed, whole.installed);
        prop_assert_eq!(&left.lit + &right.lit, whole.lit);
        prop_assert_eq!(&left.allocated + &right.allocated, whole.allocated.clone());
        prop_assert_eq!(&left.busy + &right.busy, whole.busy);
        prop_assert_eq!(&left.covered + &right.covered, whole.covered.clone());
        prop_assert_eq!(whole.covered, whole.allocated);
    }
}
