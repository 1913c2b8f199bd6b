//! Whatever is sold, valued, accrued, borrowed and paid: the plain sums hold.

use loopledger_model::Period;
use loopledger_model::fund::{
    AccrueFee, FeeBasis, LinePart, Phase, PhaseFee, Reduction, RepayLine, Waterfall,
};

use super::*;

/// fund-1's terms, with a fee in each of its phases, of which one ends on day 5.
pub fn terms_with_all() -> SetTerms {
    let fee = |phase, basis| PhaseFee { phase, percent_a_year: id("73"), basis };
    SetTerms {
        investment_ends: day(5),
        exit_ends: day(12),
        fees: vec![
            fee(Phase::Investment, FeeBasis::Commitments),
            fee(Phase::Exit, FeeBasis::InvestedCost),
        ],
        waterfall: Some(Waterfall {
            preferred_percent_a_year: Some(id("36.5")),
            catch_up_percent: Some(id("50")),
            carry_percent: id("20"),
        }),
        ..terms()
    }
}

pub fn any() -> impl Strategy<Value = Command> {
    let numbers = (0..12u32, 0..12u32, 0..10u32);
    (numbers, up_to(60), up_to(60), party(), fund(), when()).prop_map(
        |((number, other, which), amount, second, party, fund, at)| {
            let named = |kind: &str| format!("{kind}-{number}");
            let fee = || id(&format!("f-{}", other % 4));
            match which {
                0 | 1 => Command::ExitInvestment(ExitInvestment {
                    id: id(&named("x")),
                    investment: id(&format!("i-{other}")),
                    payer: party,
                    cost: amount,
                    proceeds: second,
                    stake_percent: (other % 2 == 0).then(|| id("5")),
                    at,
                }),
                2 => Command::ValueInvestment(ValueInvestment {
                    id: id(&named("va")),
                    investment: id(&format!("i-{other}")),
                    as_of: at,
                    amount,
                    at,
                    restates: None,
                }),
                3 => Command::AccrueFee(AccrueFee {
                    id: id(&format!("f-{}", number % 4)),
                    fund,
                    period: Period::new(day(other), day(other + 2)).expect("a period"),
                    at,
                }),
                4 => {
                    let id = id(&named("fp"));
                    Command::PayFee(PayFee { id, fund, fee: fee(), payee: party, amount, at })
                }
                5 => Command::ReduceFee(ReduceFee {
                    id: id(&named("fr")),
                    fund,
                    fee: fee(),
                    reduction: Reduction::Waived,
                    amount: cny("0.5"),
                    at,
                    note: None,
                }),
                6 => Command::PayExpense(PayExpense {
                    id: id(&named("e")),
                    fund,
                    payee: party,
                    amount,
                    at,
                    purpose: id("audit"),
                    related_party: false,
                }),
                7 => {
                    let id = id(&named("ca"));
                    Command::PayCarry(PayCarry { id, fund, payee: party, amount: cny("0.5"), at })
                }
                8 => {
                    let id = id(&named("ld"));
                    Command::DrawLine(DrawLine { id, fund, lender: party, amount, at })
                }
                _ => {
                    let part =
                        if other % 3 == 0 { LinePart::Interest } else { LinePart::Principal };
                    let id = id(&named("lr"));
                    Command::RepayLine(RepayLine { id, fund, lender: party, part, amount, at })
                }
            }
        },
    )
}

/// F5, summed up plainly: what a fund had put to work at the end of a day beyond what was paid in and lent, and what
/// its partners had promised.
fn put_to_work(events: &[Event], fund: &PartyId, today: Timestamp) -> (Decimal, Decimal) {
    let (mut recycled, mut committed) = (Decimal::ZERO, Decimal::ZERO);
    for event in events.iter().filter(|event| event.at() <= today) {
        let moved = movement(event);
        let paid = moved.as_ref().filter(|moved| moved.from == fund).map(|moved| moved.amount);
        let got = moved.as_ref().filter(|moved| moved.to == fund).map(|moved| moved.amount);
        let paid = paid.map_or(Decimal::ZERO, Money::amount);
        let got = got.map_or(Decimal::ZERO, Money::amount);
        if let Event::InvestmentFunded(_) | Event::ExcessReturned(_) = event {
            recycled += paid;
        } else if let Event::ContributionReceived(_) | Event::DistributionRecalled(_) = event {
            recycled += paid - got;
        } else if let Event::LineDrawn(_) = event {
            recycled -= got;
        } else if let Event::LineRepaid(it) = event
            && it.part == LinePart::Principal
        {
            recycled += paid;
        } else if let Event::CommitmentMade(it) = event
            && it.fund == *fund
        {
            committed += it.amount.amount();
        } else if let Event::CommitmentChanged(it) = event
            && it.fund == *fund
        {
            committed += changed(it);
        }
    }
    (recycled, committed)
}

proptest! {
    /// F5, of whatever puts more to work or gives back what was paid in or lent, as of when it was recorded.
    #[test]
    fn what_is_put_to_work_again_stays_within_the_cap(commands in commands()) {
        let mut story = blank();
        let mut events = Vec::new();
        for command in commands {
            let decided = FundDecider::decide(&story.state, &story.facts, &command);
            for event in &decided.map(|decision| decision.events).unwrap_or_default() {
                FundDecider::evolve(&mut story.state, event);
                events.push(event.clone());
                let (Event::InvestmentFunded(_)
                | Event::ContributionReceived(_)
                | Event::DistributionRecalled(_)
                | Event::ExcessReturned(_)
                | Event::LineRepaid(RepayLine { part: LinePart::Principal, .. })) = event
                else {
                    continue;
                };
                let payer = movement(event).expect("it is money that moved").from;
                let Some(account) = story.state.funds.get(payer) else { continue };
                let terms = account.terms_at(event.at());
                let Some(cap) = terms.and_then(|terms| terms.recycling_percent) else { continue };
                let (recycled, committed) = put_to_work(&events, payer, event.at());
                prop_assert!(recycled <= committed * cap.value() / Decimal::ONE_HUNDRED);
            }
        }
    }

    /// F7: a day's fee accrues once, on commitments in the investment period and on the cost of what is held after it;
    /// what is paid and waived of it is never more than it is.
    #[test]
    fn fees_rest_on_the_basis_of_their_phase(commands in commands()) {
        let mut story = blank();
        let (_, events) = run(&mut story, commands);
        let mut days = std::collections::BTreeSet::new();
        for event in &events {
            let Event::FeeAccrued(made) = event else { continue };
            let (period, fund) = (made.accrual.period, &made.accrual.fund);
            let is_investing = period.from() < day(5);
            prop_assert_eq!(made.basis == FeeBasis::Commitments, is_investing);
            prop_assert!(!is_investing || period.to() <= day(5));
            // 73 % a year are 0.2 % a day, and every period is of two days.
            let exact = made.base.amount() * Decimal::new(4, 3);
            let off = exact - made.amount.amount();
            prop_assert!(Decimal::ZERO <= off && off < Decimal::new(1, 2));
            for number in (0..16).filter(|number| period.contains(day(*number))) {
                prop_assert!(days.insert((fund.clone(), number)));
            }
            let mut due = made.amount.amount();
            for event in &events {
                if let Event::FeePaid(it) = event
                    && (&it.fund, &it.fee) == (fund, &made.accrual.id)
                {
                    due -= it.amount.amount();
                } else if let Event::FeeReduced(it) = event
                    && (&it.fund, &it.fee) == (fund, &made.accrual.id)
                {
                    due -= it.amount.amount();
                }
            }
            prop_assert!(due >= Decimal::ZERO);
            let account = &story.state.funds[fund];
            let kept = account.fees[&made.accrual.id].due.left().expect("countable");
            prop_assert_eq!(kept.amount(), due);
        }
    }

    /// F4 and F14: nothing that moves no money changes cash, no line is repaid beyond what was drawn of it at any time, and
    /// what is drawn is nobody's capital.
    #[test]
    fn a_line_is_never_repaid_beyond_its_draws(commands in commands()) {
        let mut story = blank();
        let (_, events) = run(&mut story, commands);
        for today in (0..12).map(day) {
            let mut owed: BTreeMap<(&PartyId, &PartyId), Decimal> = BTreeMap::new();
            for event in events.iter().filter(|event| event.at() <= today) {
                if let Event::LineDrawn(it) = event {
                    *owed.entry((&it.fund, &it.lender)).or_default() += it.amount.amount();
                } else if let Event::LineRepaid(it) = event
                    && it.part == LinePart::Principal
                {
                    *owed.entry((&it.fund, &it.lender)).or_default() -= it.amount.amount();
                }
            }
            for ((fund, lender), owed) in owed {
                prop_assert!(owed >= Decimal::ZERO);
                let line = &story.state.funds[fund].lines[lender];
                prop_assert_eq!(line.left_at(today).expect("countable").amount(), owed);
            }
        }
    }

    /// What is sold of an investment is never more than its cost.
    #[test]
    fn no_more_of_an_investment_is_sold_than_it_cost(commands in commands()) {
        let mut story = blank();
        let (_, events) = run(&mut story, commands);
        for (investment, holding) in &story.state.holdings {
            for today in (0..12).map(day) {
                let sold: Decimal = events
                    .iter()
                    .filter_map(|event| {
                        if let Event::InvestmentExited(it) = event { Some(&it.exit) } else { None }
                    })
                    .filter(|exit| exit.investment == *investment && exit.at <= today)
                    .map(|exit| exit.cost.amount())
                    .sum();
                prop_assert!(sold <= holding.investment.amount.amount());
            }
        }
    }
}
