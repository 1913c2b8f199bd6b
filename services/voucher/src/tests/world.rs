//! The small world that the stories share: a city that pays, two providers, two buyers.
//!
//! Its programme pays 30 %. Company C bought 1,000 of compute from provider A (contract k-1) and
//! was invoiced 200 for February and 200 for March. Company D bought 1,000 card-hours from
//! provider X (contract k-2) and was invoiced 100 of them for March.

use loopledger_model::purchase::{Contract, ContractTerminated, ContractUnit, InvoiceIssued};
use loopledger_model::registry::{Party, PartyKind};
use loopledger_model::voucher::{
    Admission, Affiliation, Command, EndVoucher, Ending, IssueVoucher, LockVoucher, Programme,
    RedeemVoucher, ReleaseLock, Rules, SettleRedemption, SettlementRules,
};
use loopledger_model::{
    Event, Fact, FactId, Money, Period, Rounding, RoundingMode, allocation, purchase, registry,
};
use loopledger_testkit::{Story, at, cny, fact, given, id, period};

use crate::Vouchers;

pub fn party(position: u64, name: &str, kind: PartyKind) -> Fact {
    let party = Party {
        id: id(name),
        at: at("2024-01-01"),
        name: id(name),
        kind,
        country: None,
        uscc: None,
        lei: None,
    };
    fact(position, Event::Registry(registry::Event::PartyRegistered(party)))
}

/// 100 P-months at 10 CNY, signed on 2025-01-10, from February to July 2025.
pub fn contract(name: &str, buyer: &str, seller: &str) -> Contract {
    Contract {
        id: id(name),
        buyer: id(buyer),
        seller: id(seller),
        currency: id("CNY"),
        kind: None,
        price_per_unit: id("10"),
        unit: ContractUnit::PMonth,
        quantity: Some(id("100")),
        declared_p: None,
        rating: None,
        basis: None,
        model: None,
        cards: None,
        at: at("2025-01-10"),
        term: period("2025-02-01", "2025-08-01"),
        backing_contract: None,
        terms: Box::default(),
    }
}

pub fn signed(position: u64, contract: Contract) -> Fact {
    fact(position, Event::Purchase(purchase::Event::ContractSigned(contract)))
}

/// Issued on the 5th day after the service.
pub fn invoice(
    position: u64,
    name: &str,
    contract: &Contract,
    service: Period,
    quantity: &str,
    amount: Money,
) -> Fact {
    let invoice = InvoiceIssued {
        id: id(name),
        contract: contract.id.clone(),
        buyer: contract.buyer.clone(),
        seller: contract.seller.clone(),
        service,
        quantity: id(quantity),
        amount,
        at: service.to() + jiff::SignedDuration::from_hours(4 * 24),
    };
    fact(position, Event::Purchase(purchase::Event::InvoiceIssued(invoice)))
}

pub fn terminated(
    position: u64,
    contract: &Contract,
    when: &str,
    reason: purchase::TerminationReason,
) -> Fact {
    let end = ContractTerminated {
        contract: contract.id.clone(),
        buyer: contract.buyer.clone(),
        seller: contract.seller.clone(),
        at: at(when),
        reason,
        refund: None,
        by: None,
        penalty: None,
    };
    fact(position, Event::Purchase(purchase::Event::ContractTerminated(end)))
}

pub fn usage(position: u64, contract: &str, window: Period, card_hours: &str) -> Fact {
    let usage = allocation::UsageMetered {
        id: id(&format!("us-{position}")),
        allocation: id("al-1"),
        pool: id("pool-1"),
        contract: id(contract),
        window,
        card_hours: id(card_hours),
        source: id("slurm"),
        evidence: None,
        class: None,
    };
    fact(position, Event::Allocation(allocation::Event::UsageMetered(usage)))
}

/// Registered with as many cards as are lit.
pub fn pool(position: u64, lit: u32, when: &str) -> Fact {
    let pool = allocation::Pool {
        id: id("pool-1"),
        operator: id("provider-a"),
        site: id("north"),
        model: id("H100 SXM"),
        cards: lit,
        lit,
        at: at(when),
    };
    fact(position, Event::Allocation(allocation::Event::PoolRegistered(pool)))
}

pub fn changed(position: u64, lit: u32, when: &str) -> Fact {
    let change = allocation::PoolChanged { pool: id("pool-1"), at: at(when), cards: 1, lit };
    fact(position, Event::Allocation(allocation::Event::PoolChanged(change)))
}

pub const fn named(position: u64) -> FactId {
    FactId { position, index: 0 }
}

pub fn february() -> Period {
    period("2025-02-01", "2025-03-01")
}

pub fn march() -> Period {
    period("2025-03-01", "2025-04-01")
}

pub fn k1() -> Contract {
    contract("k-1", "company-c", "provider-a")
}

pub fn k2() -> Contract {
    let (price, hours) = (id("1"), id("1000"));
    let per_hour = contract("k-2", "company-d", "provider-x");
    Contract {
        unit: ContractUnit::CardHour,
        price_per_unit: price,
        quantity: Some(hours),
        ..per_hour
    }
}

pub fn parties() -> [Fact; 5] {
    [
        party(1, "city", PartyKind::Government),
        party(2, "provider-a", PartyKind::Provider),
        party(3, "provider-x", PartyKind::Provider),
        party(4, "company-c", PartyKind::Company),
        party(5, "company-d", PartyKind::Company),
    ]
}

pub fn facts() -> Vec<Fact> {
    let purchases = [
        signed(11, k1()),
        signed(12, k2()),
        invoice(21, "in-1", &k1(), february(), "20", cny("200")),
        invoice(22, "in-2", &k1(), march(), "20", cny("200")),
        invoice(23, "in-3", &k2(), march(), "100", cny("100")),
    ];
    parties().into_iter().chain(purchases).collect()
}

/// Programme `cv` of 2025: 30 % of compute, truncated to cents, within a budget of 1,000.
pub fn programme() -> Programme {
    Programme {
        id: id("cv"),
        version: 1,
        issuer: id("city"),
        name: id("Compute vouchers"),
        currency: id("CNY"),
        budget: cny("1000"),
        budgets: Vec::new(),
        funding: Vec::new(),
        at: at("2025-01-01"),
        closes: at("2025-12-31"),
        rules: Rules {
            ratio: id("0.3"),
            cap_voucher: None,
            cap_holder_year: None,
            validity_days: None,
            affiliation: Affiliation::Allow,
            affiliation_percent: None,
            funding_link_months: None,
            metering_required: false,
            rounding: Rounding { digits: 2, mode: RoundingMode::Truncate },
            amount: Box::default(),
            eligibility: Box::default(),
            settlement: SettlementRules::default(),
            application_review: None,
            claim_review: None,
            waiver: None,
            clawback: None,
        },
    }
}

/// The programme with other rules.
pub fn ruled(change: impl FnOnce(&mut Rules)) -> Programme {
    let mut programme = programme();
    change(&mut programme.rules);
    programme
}

pub fn define(programme: Programme) -> Command {
    Command::DefineProgramme(programme)
}

pub fn admit(provider: &str, from: &str, to: Option<&str>) -> Command {
    let (programme, provider) = (id("cv"), id(provider));
    Command::AdmitProvider(Admission {
        programme,
        provider,
        at: at(from),
        to: to.map(at),
        qualification: None,
    })
}

pub fn issue(voucher: &str, holder: &str, amount: &str, when: &str) -> Command {
    Command::IssueVoucher(IssueVoucher {
        id: id(voucher),
        programme: id("cv"),
        holder: id(holder),
        amount: cny(amount),
        at: at(when),
        application: None,
        tranche: None,
    })
}

pub fn lock(lock: &str, voucher: &str, contract: &str, amount: &str, when: &str) -> Command {
    Command::LockVoucher(LockVoucher {
        id: id(lock),
        voucher: id(voucher),
        contract: id(contract),
        amount: cny(amount),
        at: at(when),
    })
}

pub fn release(lock: &str, when: &str) -> Command {
    Command::ReleaseLock(ReleaseLock { lock: id(lock), at: at(when) })
}

pub fn redeem(name: &str, voucher: &str, invoice: &str, amount: &str, when: &str) -> Command {
    Command::RedeemVoucher(RedeemVoucher {
        id: id(name),
        voucher: id(voucher),
        invoice: id(invoice),
        amount: cny(amount),
        at: at(when),
    })
}

pub fn settle(name: &str, redemption: &str, amount: &str, when: &str) -> Command {
    Command::SettleRedemption(SettleRedemption {
        id: id(name),
        redemption: id(redemption),
        amount: cny(amount),
        at: at(when),
        reference: None,
    })
}

pub fn end(voucher: &str, ending: Ending, when: &str) -> Command {
    Command::EndVoucher(EndVoucher { voucher: id(voucher), ending, at: at(when) })
}

/// The world with this programme, which admits both providers for good.
pub fn opened(programme: Programme) -> Story<Vouchers> {
    given([]).knowing(facts()).after([
        define(programme),
        admit("provider-a", "2025-01-01", None),
        admit("provider-x", "2025-01-01", None),
    ])
}

/// Company C holds voucher v-1 of 100.
pub fn issued(programme: Programme) -> Story<Vouchers> {
    opened(programme).after([issue("v-1", "company-c", "100", "2025-01-20")])
}

/// 60 of it are locked to contract k-1, as lock l-1.
pub fn locked(programme: Programme) -> Story<Vouchers> {
    issued(programme).after([lock("l-1", "v-1", "k-1", "60", "2025-01-25")])
}

/// 40 of those are redeemed against the invoice for February, as redemption r-1.
pub fn redeemed(programme: Programme) -> Story<Vouchers> {
    locked(programme).after([redeem("r-1", "v-1", "in-1", "40", "2025-03-10")])
}

/// What of a voucher is free and what is locked.
#[track_caller]
pub fn assert_balances(story: &Story<Vouchers>, voucher: &str, free: &str, locked: &str) {
    let known = story.state.voucher(&id(voucher)).expect("the voucher is issued");
    assert_eq!((known.free(), known.locked()), (cny(free), cny(locked)), "{voucher}");
}
