//! Books of reviewed claims, kept from the recorded events alone.

use std::collections::{BTreeMap, BTreeSet};

use loopledger_model::voucher::*;
use loopledger_model::{InvoiceId, Money, PartyId, RedemptionId};

/// Minor units.
type Cents = i128;

/// What the recorded events say, and nothing else.
#[derive(Default)]
pub struct Books {
    claims: BTreeMap<RedemptionId, ClaimSubmitted>,
    live: BTreeMap<InvoiceId, RedemptionId>,
    verifiers: BTreeMap<RedemptionId, BTreeSet<String>>,
    redeemed: BTreeMap<RedemptionId, Cents>,
    paid: BTreeMap<RedemptionId, Cents>,
    clawed: BTreeMap<RedemptionId, Cents>,
    recovered: BTreeMap<String, (Cents, Cents)>,
    committed: BTreeMap<(String, PartyId), Cents>,
    by_year: BTreeMap<(String, PartyId), Cents>,
    let_go: BTreeSet<RedemptionId>,
}

impl Books {
    pub fn enter(&mut self, event: &Event) {
        match event {
            Event::VoucherIssued(issued) => self.commit(issued.programme.as_str(), issued),
            Event::VoucherEnded(ended) => {
                for part in &ended.funding {
                    let key = (ended.programme.to_string(), part.source.clone());
                    let committed = self.committed.get_mut(&key).expect("it was committed");
                    *committed -= part.amount.minor_units();
                    assert!(*committed >= 0, "V1: {key:?}");
                }
            }
            Event::ClaimSubmitted(made) => self.submit(made),
            Event::Reviewed(reviewed) => self.review(reviewed),
            Event::VoucherRedeemed(redeemed) => self.redeem(redeemed),
            Event::RedemptionSettled(settled) => {
                let paid = self.paid.entry(settled.redemption.clone()).or_default();
                *paid += settled.amount.minor_units();
                assert!(*paid <= self.redeemed[&settled.redemption], "paid what was redeemed");
                assert_parts(&settled.funding, settled.amount);
                let payee = settled.payee.as_ref().unwrap_or(&settled.provider);
                assert_eq!(*payee, self.claims[&settled.redemption].payee, "V8");
            }
            Event::ClawbackAssessed(assessed) => {
                let clawed = self.clawed.entry(assessed.redemption.clone()).or_default();
                *clawed += assessed.principal.minor_units();
                assert!(*clawed <= self.paid[&assessed.redemption], "V15");
                let owed = assessed.principal.minor_units() + assessed.interest.minor_units();
                self.recovered.insert(assessed.clawback.to_string(), (owed, 0));
            }
            Event::ClawbackRecovered(paid) => {
                let (owed, recovered) =
                    self.recovered.get_mut(paid.clawback.as_str()).expect("it was assessed");
                *recovered += paid.amount.minor_units();
                assert!(*recovered <= *owed, "no more is recovered than is owed");
                assert_parts(&paid.funding, paid.amount);
            }
            Event::ProgrammeDefined(_)
            | Event::ProgrammeDrafted(_)
            | Event::ProgrammeChanged(_)
            | Event::ProviderAdmitted(_)
            | Event::AdmissionAppliedFor(_)
            | Event::AdmissionChanged(_)
            | Event::WaiverApproved(_)
            | Event::VoucherLocked(_)
            | Event::LockReleased(_)
            | Event::ApplicationSubmitted(_)
            | Event::PaymentOrdered(_)
            | Event::PaymentFailed(_)
            | Event::ClawbackOpened(_)
            | Event::ClawbackWrittenOff(_) => {}
        }
    }

    fn commit(&mut self, programme: &str, issued: &VoucherIssued) {
        assert_parts(&issued.funding, issued.amount);
        for part in &issued.funding {
            let key = (programme.to_owned(), part.source.clone());
            let committed = self.committed.entry(key).or_default();
            *committed += part.amount.minor_units();
            // Two thirds and one third of 150.01.
            let most = if part.source.as_str() == "city" { 10_001 } else { 5_000 };
            assert!(*committed <= most, "V1: {} has {committed}", part.source);
        }
    }

    fn submit(&mut self, made: &ClaimSubmitted) {
        let invoice = made.claim.invoice.clone();
        assert!(self.live.insert(invoice, made.claim.id.clone()).is_none(), "V5: one per invoice");
        let live = self.live.values().map(|claim| self.claims.get(claim).unwrap_or(made));
        let supports = live.flat_map(|claim| {
            let numbers = claim.claim.evidence.iter().filter_map(|item| item.number.as_ref());
            let usage = claim.usage.iter().map(ToString::to_string);
            numbers.map(ToString::to_string).chain(usage).collect::<Vec<_>>()
        });
        let supports: Vec<_> = supports.collect();
        let distinct: BTreeSet<_> = supports.iter().collect();
        assert_eq!(distinct.len(), supports.len(), "V5: a number or usage supports two claims");
        self.claims.insert(made.claim.id.clone(), made.clone());
    }

    fn review(&mut self, reviewed: &Reviewed) {
        let Subject::Claim(claim) = &reviewed.subject else { panic!("only claims are reviewed") };
        let made = &self.claims[claim];
        let by_side = matches!(
            reviewed.step,
            ReviewStep::Supply { .. }
                | ReviewStep::Withdraw {}
                | ReviewStep::Appeal { .. }
                | ReviewStep::Object { .. }
        );
        if !by_side {
            let concerned = [&made.payee, &made.holder, &made.provider];
            assert!(!concerned.contains(&&reviewed.by.of), "V13: {reviewed:?}");
        }
        let verifiers = self.verifiers.entry(claim.clone()).or_default();
        match reviewed.step {
            ReviewStep::Verify {} => {
                assert!(verifiers.insert(reviewed.by.id.to_string()), "V13: L1 is not L2");
            }
            ReviewStep::Object { .. } | ReviewStep::Appeal { .. } => verifiers.clear(),
            ReviewStep::Approve { .. } => assert_eq!(verifiers.len(), 2, "both levels"),
            ReviewStep::Check {}
            | ReviewStep::RequestInformation { .. }
            | ReviewStep::Supply { .. }
            | ReviewStep::Publicise {}
            | ReviewStep::Reject { .. }
            | ReviewStep::Withdraw {}
            | ReviewStep::Close {} => {}
        }
        if matches!(reviewed.stage, ReviewStage::Closed | ReviewStage::Withdrawn) {
            assert!(self.let_go.insert(claim.clone()), "V14: let go once");
            assert_eq!(self.live.remove(&made.claim.invoice), Some(claim.clone()));
        }
    }

    fn redeem(&mut self, redeemed: &VoucherRedeemed) {
        let made = &self.claims[&redeemed.id];
        let amount = redeemed.amount.minor_units();
        assert!(amount <= made.amount.minor_units(), "never more than at submission");
        let share = match redeemed.invoice.as_str() {
            "in-1" | "in-2" => 6_000,
            "in-3" => 3_000,
            "in-4" => 4_500,
            _ => 2_999,
        };
        assert!(amount <= share, "V3: 30 % of the invoice");
        let last = redeemed.trace.last().expect("a claim's amount has a trace");
        let found: rust_decimal::Decimal = last.after.parse().expect("a decimal");
        assert_eq!(found, redeemed.amount.amount(), "the trace ends in the amount");
        let key = (redeemed.programme.to_string(), redeemed.holder.clone());
        let year = self.by_year.entry(key).or_default();
        *year += amount;
        assert!(*year <= 9_000, "V4: all claims are of 2025");
        assert_parts(&redeemed.funding, redeemed.amount);
        assert!(self.redeemed.insert(redeemed.id.clone(), amount).is_none(), "redeemed once");
    }
}

/// V12: what the sources bear is what moves.
fn assert_parts(parts: &[Funded], amount: Money) {
    assert!(parts.iter().all(|part| part.amount.minor_units() >= 0), "{parts:?}");
    let sum = parts.iter().map(|part| part.amount.minor_units()).sum::<Cents>();
    assert_eq!(sum, amount.minor_units(), "{parts:?}");
}
