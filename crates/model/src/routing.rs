//! Which partition of its context a command belongs to.
//!
//! Rules compare things: a redemption its voucher with its invoice, an investment what its investor
//! has with what is held of its company. What shares a rule has to share a partition, since one
//! partition is decided without looking into another. So an id carries a *partition key*, the part
//! before its first `:` (all of an id that has none), and things that belong together are given the
//! same key: `nanning:cv-2025`, `nanning:v-17`, `nanning:in-3`.
//!
//! Invariant: the partition of a key is the SHA-256 of it, its first 8 bytes read as a big-endian
//! number, modulo the count of partitions. It never changes for a count, so neither may the count.
//! Invariant: a command names every id that a rule of its own context compares, its own new id
//! included; so what is unique or summed in one partition is so in all of them.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::context::{Context, Partition};
use crate::id::{CallId, ContractId, InvestmentId, InvoiceId, NavId, UsageId, ValuationId};
use crate::{allocation, fund, purchase, registry, voucher};

/// The most partitions of one context.
pub const MAX_PARTITIONS: u32 = 256;
const CONTEXTS: usize = Context::ALL.len();

/// A command that knows what has to lie in its partition.
pub trait Routed {
    /// At least one; the first one names the partition.
    fn keys(&self) -> Vec<&str>;
}

impl Routed for registry::Command {
    fn keys(&self) -> Vec<&str> {
        match self {
            Self::RegisterParty(party) => vec![party.id.as_str()],
            Self::RecordStake(stake) => vec![stake.owned.as_str(), stake.owner.as_str()],
            Self::PublishCardSpec(spec) => vec![spec.model.as_str()],
            Self::ObservePrice(price) => vec![price.model.as_str()],
            Self::StateCapability(capability) => vec![capability.model.as_str()],
            Self::StateControl(control) => vec![control.model.as_str()],
        }
    }
}

/// Budgets, caps and shares of a contract are summed per programme, which its vouchers lie with; an
/// invoice and a metered usage are claimed once. Numbers of evidence carry no key: they are unique
/// within a partition.
impl Routed for voucher::Command {
    fn keys(&self) -> Vec<&str> {
        match self {
            Self::DefineProgramme(programme) => vec![programme.id.as_str()],
            Self::AdmitProvider(admission) => vec![admission.programme.as_str()],
            Self::IssueVoucher(issue) => vec![issue.id.as_str(), issue.programme.as_str()],
            Self::LockVoucher(lock) => vec![lock.voucher.as_str(), lock.id.as_str()],
            Self::ReleaseLock(release) => vec![release.lock.as_str()],
            Self::RedeemVoucher(redeem) => {
                vec![redeem.voucher.as_str(), redeem.id.as_str(), redeem.invoice.as_str()]
            }
            Self::SettleRedemption(settle) => vec![settle.redemption.as_str(), settle.id.as_str()],
            Self::EndVoucher(end) => vec![end.voucher.as_str()],
            Self::DraftProgramme(programme) => vec![programme.id.as_str()],
            Self::ChangeProgramme(change) => vec![change.programme.as_str()],
            Self::ApplyForAdmission(asked) => vec![asked.programme.as_str()],
            Self::ChangeAdmission(change) => vec![change.programme.as_str()],
            Self::ApproveWaiver(waiver) => vec![waiver.programme.as_str()],
            Self::Apply(application) => {
                vec![application.programme.as_str(), application.id.as_str()]
            }
            Self::SubmitClaim(claim) => {
                let named = [claim.voucher.as_str(), claim.id.as_str(), claim.invoice.as_str()];
                let usage = claim.usage.iter().map(UsageId::as_str);
                let named = [claim.programme.as_str()].into_iter().chain(named);
                named.chain(usage).chain(numbers(&claim.evidence)).collect()
            }
            Self::Review(review) => match &review.subject {
                voucher::Subject::Application(application) => vec![application.as_str()],
                voucher::Subject::Claim(claim) => {
                    let mut keys = vec![claim.as_str()];
                    if let voucher::ReviewStep::Supply { evidence } = &review.step {
                        keys.extend(numbers(evidence));
                    }
                    keys
                }
            },
            Self::OrderPayment(order) => vec![order.redemption.as_str(), order.id.as_str()],
            Self::FailPayment(failure) => vec![failure.id.as_str()],
            Self::OpenClawback(clawback) => {
                vec![clawback.redemption.as_str(), clawback.id.as_str()]
            }
            Self::AssessClawback(clawback) => vec![clawback.clawback.as_str()],
            Self::RecordRecovery(recovery) => {
                vec![recovery.clawback.as_str(), recovery.id.as_str()]
            }
            Self::WriteOffClawback(clawback) => vec![clawback.clawback.as_str()],
        }
    }
}

/// The numbers that support one claim and no other, wherever it is made.
fn numbers(evidence: &[voucher::Evidence]) -> impl Iterator<Item = &str> {
    let once = evidence.iter().filter(|item| item.kind.is_numbered_once());
    once.filter_map(|item| item.number.as_ref().map(crate::Text::as_str))
}

/// Whoever pays or is paid may be a fund, or become one, so a movement names both sides.
impl Routed for fund::Command {
    fn keys(&self) -> Vec<&str> {
        match self {
            Self::FormFund(fund) => vec![fund.id.as_str()],
            Self::Commit(commitment) => vec![commitment.fund.as_str(), commitment.id.as_str()],
            Self::Contribute(paid) => {
                let call = paid.call.iter().map(CallId::as_str);
                let named = [paid.fund.as_str(), paid.id.as_str(), paid.lp.as_str()];
                named.into_iter().chain(call).collect()
            }
            Self::ChangeCommitment(change) => vec![change.fund.as_str(), change.id.as_str()],
            Self::TransferCommitment(made) => vec![made.fund.as_str(), made.id.as_str()],
            Self::SetTerms(terms) => vec![terms.fund.as_str()],
            Self::CallCapital(call) => vec![call.fund.as_str(), call.id.as_str()],
            Self::DeclareDefault(default) => vec![default.fund.as_str(), default.call.as_str()],
            Self::CureDefault(cure) => vec![cure.fund.as_str(), cure.call.as_str()],
            Self::ReturnExcess(paid) => {
                let named = [paid.fund.as_str(), paid.id.as_str(), paid.lp.as_str()];
                named.into_iter().chain([paid.call.as_str()]).collect()
            }
            Self::RecallDistribution(paid) => {
                let named = [paid.fund.as_str(), paid.id.as_str(), paid.lp.as_str()];
                named.into_iter().chain([paid.distribution.as_str()]).collect()
            }
            Self::Invest(paid) => {
                let follows = paid.follows.iter().map(InvestmentId::as_str);
                let named = [paid.investor.as_str(), paid.id.as_str(), paid.company.as_str()];
                named.into_iter().chain(follows).collect()
            }
            Self::ExitInvestment(exit) => {
                vec![exit.investment.as_str(), exit.id.as_str(), exit.payer.as_str()]
            }
            Self::ValueInvestment(of) => {
                let restated = of.restates.iter().map(ValuationId::as_str);
                [of.investment.as_str(), of.id.as_str()].into_iter().chain(restated).collect()
            }
            Self::AccrueFee(fee) => vec![fee.fund.as_str(), fee.id.as_str()],
            Self::PayFee(paid) => {
                let named = [paid.fund.as_str(), paid.id.as_str(), paid.fee.as_str()];
                named.into_iter().chain([paid.payee.as_str()]).collect()
            }
            Self::ReduceFee(of) => vec![of.fund.as_str(), of.id.as_str(), of.fee.as_str()],
            Self::PayExpense(paid) => {
                vec![paid.fund.as_str(), paid.id.as_str(), paid.payee.as_str()]
            }
            Self::PayCarry(paid) => vec![paid.fund.as_str(), paid.id.as_str(), paid.payee.as_str()],
            Self::DrawLine(drawn) => {
                vec![drawn.fund.as_str(), drawn.id.as_str(), drawn.lender.as_str()]
            }
            Self::RepayLine(paid) => {
                vec![paid.fund.as_str(), paid.id.as_str(), paid.lender.as_str()]
            }
            Self::DissolveFund(end) => vec![end.fund.as_str()],
            Self::Distribute(paid) => vec![paid.fund.as_str(), paid.id.as_str(), paid.lp.as_str()],
            Self::RecogniseReinvestment(recognised) => {
                vec![recognised.fund.as_str(), recognised.id.as_str()]
            }
            Self::StrikeNav(nav) => {
                let restated = nav.restates.iter().map(NavId::as_str);
                [nav.fund.as_str(), nav.id.as_str()].into_iter().chain(restated).collect()
            }
            Self::RecordTransfer(paid) => {
                vec![paid.from.as_str(), paid.id.as_str(), paid.to.as_str()]
            }
        }
    }
}

impl Routed for purchase::Command {
    fn keys(&self) -> Vec<&str> {
        match self {
            Self::SignContract(contract) => {
                let backing = contract.backing_contract.iter().map(ContractId::as_str);
                std::iter::once(contract.id.as_str()).chain(backing).collect()
            }
            Self::IssueInvoice(invoice) => vec![invoice.contract.as_str(), invoice.id.as_str()],
            Self::RecordPayment(payment) => vec![payment.invoice.as_str(), payment.id.as_str()],
            Self::TerminateContract(end) => vec![end.contract.as_str()],
            Self::AnnounceContract(announced) => vec![announced.contract.as_str()],
            Self::AcceptDelivery(delivery) => {
                vec![delivery.contract.as_str(), delivery.id.as_str()]
            }
            Self::PlaceOrder(order) => vec![order.contract.as_str(), order.id.as_str()],
            Self::RecordAdvance(advance) => vec![advance.contract.as_str(), advance.id.as_str()],
            Self::ApplyAdvance(used) => {
                let invoice = used.invoice.iter().map(InvoiceId::as_str);
                [used.contract.as_str(), used.id.as_str()].into_iter().chain(invoice).collect()
            }
            Self::RecordRefund(refund) => vec![refund.contract.as_str(), refund.id.as_str()],
            Self::GrantCredit(credit) => vec![credit.invoice.as_str(), credit.id.as_str()],
            Self::DisputeInvoice(dispute) => vec![dispute.invoice.as_str(), dispute.id.as_str()],
            Self::ResolveDispute(resolution) => vec![resolution.dispute.as_str()],
        }
    }
}

impl Routed for allocation::Command {
    fn keys(&self) -> Vec<&str> {
        match self {
            Self::RegisterPool(pool) => vec![pool.id.as_str()],
            Self::ChangePool(change) => vec![change.pool.as_str()],
            Self::Allocate(allocation) => vec![allocation.pool.as_str(), allocation.id.as_str()],
            Self::EndAllocation(ended) => vec![ended.allocation.as_str()],
            Self::MeterUsage(usage) => vec![usage.allocation.as_str(), usage.id.as_str()],
            Self::PermitOversell(permitted) => vec![permitted.pool.as_str()],
            Self::Reserve(reserved) => vec![reserved.pool.as_str(), reserved.id.as_str()],
            Self::ConfirmReservation(confirmed) => {
                vec![confirmed.reservation.as_str(), confirmed.allocation.as_str()]
            }
            Self::EndReservation(ended) => vec![ended.reservation.as_str()],
            Self::RecordStage(reached) => vec![reached.pool.as_str()],
            Self::PlaceCard(placed) => vec![placed.pool.as_str()],
            Self::ChangeCard(changed) => vec![changed.pool.as_str()],
            Self::CountCards(counted) => vec![counted.pool.as_str()],
            Self::RecordProvenance(provenance) => vec![provenance.pool.as_str()],
            Self::ReadElectricity(reading) => vec![reading.pool.as_str(), reading.id.as_str()],
        }
    }
}

/// What decides an id's partition.
pub fn partition_key(id: &str) -> &str {
    id.split_once(':').map_or(id, |(key, _)| key)
}

/// How many partitions each context has; one unless told otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partitions([NonZeroU32; CONTEXTS]);

impl Default for Partitions {
    fn default() -> Self {
        Self([NonZeroU32::MIN; CONTEXTS])
    }
}

impl Partitions {
    pub const fn count(&self, context: Context) -> u32 {
        self.0[context as usize].get()
    }

    pub fn of(&self, context: Context) -> impl Iterator<Item = Partition> + use<> {
        (0..self.count(context)).map(move |number| Partition { context, number })
    }

    /// Whether the context has this partition.
    pub const fn has(&self, partition: Partition) -> bool {
        partition.number < self.count(partition.context)
    }

    /// The partition that the first of a command's ids lies in.
    pub fn route(&self, context: Context, command: &impl Routed) -> Partition {
        let number = match self.count(context) {
            1 => 0,
            _ => command.keys().first().map_or(0, |id| self.number(context, id)),
        };
        Partition { context, number }
    }

    /// The partition that all of a command's ids lie in.
    pub fn place(&self, context: Context, command: &impl Routed) -> Result<Partition, Apart> {
        let count = self.count(context);
        if count == 1 {
            return Ok(Partition::first(context));
        }
        let place = |id: &str| (id.to_owned(), self.number(context, id));
        let places: Vec<_> = command.keys().into_iter().map(place).collect();
        let number = places.first().map_or(0, |(_, number)| *number);
        if places.iter().all(|(_, other)| *other == number) {
            return Ok(Partition { context, number });
        }
        Err(Apart { context, count, places })
    }

    fn number(&self, context: Context, id: &str) -> u32 {
        let hash = Sha256::digest(partition_key(id));
        let head = hash.first_chunk().expect("a SHA-256 has 32 bytes");
        let number = u64::from_be_bytes(*head) % u64::from(self.count(context));
        u32::try_from(number).expect("it is below the count")
    }
}

/// `registry=1,voucher=4,fund=1,purchase=2,allocation=1`: every context, in their order.
impl fmt::Display for Partitions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, context) in Context::ALL.into_iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{context}={}", self.count(context))?;
        }
        Ok(())
    }
}

/// A command whose ids lie in several partitions, so that no partition can decide it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apart {
    pub context: Context,
    pub count: u32,
    /// Each id and the number of its partition, the one that routes first.
    pub places: Vec<(String, u32)>,
}

impl std::error::Error for Apart {}

impl fmt::Display for Apart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { context, count, places } = self;
        write!(f, "no partition of {context} has all that this compares: of {count} partitions")?;
        for (index, (id, number)) in places.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma} {id} lies in {number}")?;
        }
        write!(f, "; give ids that belong together the same part before their first `:`")
    }
}

/// The counts of partitions that somebody states, for some contexts or none: `voucher=4,purchase=2`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StatedPartitions([Option<NonZeroU32>; CONTEXTS]);

/// A context is recorded with another number of partitions than is stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtherCount {
    pub context: Context,
    pub recorded: u32,
    pub stated: u32,
}

impl StatedPartitions {
    /// Nothing is stated of any context.
    pub const NONE: Self = Self([None; CONTEXTS]);

    /// The counts of a new ledger, or of one whose counts are recorded.
    pub fn over(self, recorded: Partitions) -> Partitions {
        let mut counts = recorded.0;
        for (count, stated) in counts.iter_mut().zip(self.0) {
            *count = stated.unwrap_or(*count);
        }
        Partitions(counts)
    }

    /// The first context that is recorded otherwise than it is stated.
    pub fn differs_from(self, recorded: Partitions) -> Option<OtherCount> {
        let stated = self.over(recorded);
        let pairs = Context::ALL
            .into_iter()
            .map(|context| (context, recorded.count(context), stated.count(context)));
        let mut others = pairs.filter(|(_, recorded, stated)| recorded != stated);
        others.next().map(|(context, recorded, stated)| OtherCount { context, recorded, stated })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` states no partitions: write each context once, with 1 to {MAX_PARTITIONS}, as in \
     voucher=4,purchase=2"
)]
pub struct NotPartitions(pub String);

impl FromStr for StatedPartitions {
    type Err = NotPartitions;

    fn from_str(text: &str) -> Result<Self, NotPartitions> {
        let wrong = || NotPartitions(text.chars().take(120).collect());
        let mut stated = Self::default();
        for part in text.split(',').map(str::trim) {
            let (context, count) = part.split_once('=').ok_or_else(wrong)?;
            let context: Context = context.trim().parse().map_err(|_| wrong())?;
            let count: NonZeroU32 = count.trim().parse().map_err(|_| wrong())?;
            let place = &mut stated.0[context as usize];
            if place.is_some() || count.get() > MAX_PARTITIONS {
                return Err(wrong());
            }
            *place = Some(count);
        }
        Ok(stated)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn split(text: &str) -> Partitions {
        text.parse::<StatedPartitions>().expect("counts").over(Partitions::default())
    }

    fn command<C: serde::de::DeserializeOwned>(json: Value) -> C {
        serde_json::from_value(json).expect("a command")
    }

    #[test]
    fn the_partition_of_an_id_never_changes() {
        let numbers = |ids: &[&str], count: u32| -> Vec<u32> {
            let partitions = split(&format!("voucher={count}"));
            ids.iter().map(|id| partitions.number(Context::Voucher, id)).collect()
        };
        let ids = ["nanning:v-17", "nanning:in-3", "nanning", "v-1", "v-2", ":x", "a:b:c"];
        assert_eq!(numbers(&ids, 4), VECTORS_4);
        assert_eq!(numbers(&ids, 256), VECTORS_256);
        assert_eq!(numbers(&ids, 1), [0; 7]);
    }

    const VECTORS_4: [u32; 7] = [1, 1, 1, 0, 0, 0, 2];
    const VECTORS_256: [u32; 7] = [81, 81, 81, 56, 156, 20, 202];

    #[test]
    fn an_invoice_lies_with_the_voucher_that_claims_it_or_nothing_is_claimed() {
        let redeem = |voucher: &str, invoice: &str| -> voucher::Command {
            let amount = json!({ "amount": "1.00", "currency": "CNY" });
            command(json!({ "redeem_voucher": {
                "id": "north:rd-1", "voucher": voucher, "invoice": invoice, "amount": amount,
                "at": "2025-03-25T00:00:00Z",
            } }))
        };
        let partitions = split("voucher=4");
        let together = redeem("north:v-1", "north:in-1");
        let placed = partitions.place(Context::Voucher, &together).expect("one partition");
        assert_eq!(placed, partitions.route(Context::Voucher, &together));
        let other = (0..)
            .map(|n| format!("south-{n}:in-1"))
            .find(|id| partitions.number(Context::Voucher, id) != placed.number);
        let other = other.expect("some key lies elsewhere");
        let apart = redeem("north:v-1", &other);
        let error = partitions.place(Context::Voucher, &apart).expect_err("two partitions");
        let text = error.to_string();
        assert!(text.contains("north:v-1 lies in") && text.contains(&other), "{text}");
        assert_eq!(
            Partitions::default().place(Context::Voucher, &apart),
            Ok(Partition::first(Context::Voucher))
        );
    }

    #[test]
    fn a_document_s_number_lies_with_the_claim_that_it_supports_or_nothing_is_claimed() {
        let claim = |number: &str| -> voucher::Command {
            let evidence = json!([
                { "kind": "provider_invoice", "sha256": "0".repeat(64), "size": 1, "number": number },
                { "kind": "contract", "sha256": "0".repeat(64), "size": 1, "number": "any-17" },
            ]);
            command(json!({ "submit_claim": {
                "id": "north:rd-1", "programme": "north:p", "voucher": "north:v-1",
                "invoice": "north:in-1", "by": { "id": "a", "of": "provider-a" },
                "at": "2025-03-25T00:00:00Z", "evidence": evidence,
            } }))
        };
        let partitions = split("voucher=4");
        let placed = partitions.place(Context::Voucher, &claim("north:fp-1"));
        let placed = placed.expect("one partition");
        let other = (0..)
            .map(|n| format!("tax-office-{n}:fp-1"))
            .find(|number| partitions.number(Context::Voucher, number) != placed.number);
        let other = other.expect("some key lies elsewhere");
        let error = partitions.place(Context::Voucher, &claim(&other));
        let text = error.expect_err("two partitions").to_string();
        assert!(text.contains(&other) && !text.contains("any-17"), "{text}");
    }

    #[test]
    fn counts_are_stated_for_some_contexts_and_recorded_for_all() {
        let partitions = split("voucher=4, purchase=2");
        assert_eq!(partitions.to_string(), "registry=1,voucher=4,fund=1,purchase=2,allocation=1");
        assert_eq!(split(&partitions.to_string()), partitions);
        assert_eq!(partitions.of(Context::Purchase).count(), 2);
        let stated: StatedPartitions = "voucher=4,fund=3".parse().expect("counts");
        let other = OtherCount { context: Context::Fund, recorded: 1, stated: 3 };
        assert_eq!(stated.differs_from(partitions), Some(other));
        assert_eq!(StatedPartitions::default().differs_from(partitions), None);
    }

    #[test]
    fn counts_that_cannot_be_read_are_refused() {
        for text in ["", "voucher", "voucher=0", "voucher=257", "x=1", "voucher=1,voucher=1", "4"] {
            assert!(text.parse::<StatedPartitions>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn ids_of_one_key_lie_together_under_every_count(
            key in "[a-z0-9.-]{1,12}", tails in prop::collection::vec("[a-z0-9:.-]{0,12}", 1..6), count in 1..=MAX_PARTITIONS,
        ) {
            let partitions = split(&format!("purchase={count}"));
            let alone = partitions.number(Context::Purchase, &key);
            prop_assert!(alone < count);
            for tail in tails {
                let id = format!("{key}:{tail}");
                prop_assert_eq!(partitions.number(Context::Purchase, &id), alone);
            }
        }

        #[test]
        fn keys_spread_over_all_partitions(salt in any::<u32>(), count in 1..=16_u32) {
            let partitions = split(&format!("voucher={count}"));
            let mut used = vec![0_u32; count as usize];
            for n in 0..64 * count {
                used[partitions.number(Context::Voucher, &format!("{salt}-{n}:v")) as usize] += 1;
            }
            prop_assert!(used.iter().all(|ids| (16..=160).contains(ids)), "{:?}", used);
        }
    }
}
