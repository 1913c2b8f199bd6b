//! fund's facts as rows: funds, commitments, NAVs and recognitions. The money that moved is in flows.

use loopledger_model::fund::{ChangeKind, Event};
use loopledger_model::{Money, PartyId};
use loopledger_views::micros;
use loopledger_views::rows::{Commitment, Fund, FundFact, Nav, Recognition, Rows, Stamp};

pub(crate) fn project(stamp: Stamp, event: &Event, rows: &mut Rows) {
    match event {
        Event::FundFormed(fund) => rows.funds.push(Fund {
            stamp,
            id: fund.id.clone(),
            manager: fund.manager.clone(),
            currency: fund.currency,
        }),
        Event::CommitmentMade(_)
        | Event::CommitmentChanged(_)
        | Event::CommitmentTransferred(_) => {
            rows.commitments.extend(promised(stamp, event));
        }
        Event::NavStruck(nav) => rows.navs.push(Nav {
            stamp,
            id: nav.id.clone(),
            fund: nav.fund.clone(),
            as_of_at: micros(nav.as_of),
            amount: nav.amount.amount(),
            currency: nav.amount.currency(),
            restates: nav.restates.clone(),
        }),
        Event::ReinvestmentRecognised(made) => rows.recognitions.push(Recognition {
            stamp,
            id: made.id.clone(),
            fund: made.fund.clone(),
            kind: made.kind,
            company: made.company.clone(),
            amount: made.amount.amount(),
            currency: made.amount.currency(),
            payment: made.payment.clone(),
        }),
        Event::ContributionReceived(_)
        | Event::InvestmentFunded(_)
        | Event::DistributionPaid(_)
        | Event::TransferRecorded(_)
        | Event::TermsSet(_)
        | Event::CapitalCalled(_)
        | Event::PartnerDefaulted(_)
        | Event::DefaultCured(_)
        | Event::ExcessReturned(_)
        | Event::DistributionRecalled(_)
        | Event::InvestmentExited(_)
        | Event::InvestmentValued(_)
        | Event::FeeAccrued(_)
        | Event::FeePaid(_)
        | Event::FeeReduced(_)
        | Event::ExpensePaid(_)
        | Event::CarryPaid(_)
        | Event::LineDrawn(_)
        | Event::LineRepaid(_)
        | Event::FundDissolved(_) => {}
    }
    if let Some(fund) = accounted(event) {
        rows.fund_facts.push(FundFact { stamp, fund: fund.clone(), event: event.clone() });
    }
}

fn promised(stamp: Stamp, event: &Event) -> Option<Commitment> {
    let row = |id: &str, fund: &PartyId, lp: &PartyId, amount: Money| Commitment {
        stamp,
        id: id.to_owned(),
        fund: fund.clone(),
        lp: lp.clone(),
        from_lp: None,
        amount: amount.amount(),
        currency: amount.currency(),
        priority_supplier: false,
    };
    if let Event::CommitmentMade(made) = event {
        let priority_supplier = made.priority_supplier;
        let row = row(made.id.as_str(), &made.fund, &made.lp, made.amount);
        Some(Commitment { priority_supplier, ..row })
    } else if let Event::CommitmentChanged(change) = event {
        let row = row(change.id.as_str(), &change.fund, &change.lp, change.amount);
        let amount = match change.change {
            ChangeKind::Increase => row.amount,
            ChangeKind::Reduce => -row.amount,
        };
        Some(Commitment { amount, ..row })
    } else if let Event::CommitmentTransferred(made) = event {
        let transfer = &made.transfer;
        let priority_supplier = transfer.priority_supplier;
        let row = row(transfer.id.as_str(), &transfer.fund, &transfer.to, transfer.amount);
        Some(Commitment { from_lp: Some(transfer.from.clone()), priority_supplier, ..row })
    } else {
        None
    }
}

/// The fund, or whoever else invested, whose accounts rest on a fact.
fn accounted(event: &Event) -> Option<&PartyId> {
    match event {
        Event::CommitmentMade(of) => Some(&of.fund),
        Event::CommitmentChanged(of) => Some(&of.fund),
        Event::CommitmentTransferred(of) => Some(&of.transfer.fund),
        Event::TermsSet(of) => Some(&of.fund),
        Event::CapitalCalled(of) => Some(&of.call.fund),
        Event::PartnerDefaulted(of) => Some(&of.default.fund),
        Event::DefaultCured(of) => Some(&of.fund),
        Event::ContributionReceived(of) => Some(&of.fund),
        Event::ExcessReturned(of) => Some(&of.fund),
        Event::DistributionPaid(of) => Some(&of.fund),
        Event::DistributionRecalled(of) => Some(&of.fund),
        Event::InvestmentFunded(of) => Some(&of.investor),
        Event::InvestmentExited(of) => Some(&of.investor),
        Event::InvestmentValued(of) => Some(&of.investor),
        Event::FeeAccrued(of) => Some(&of.accrual.fund),
        Event::FeePaid(of) => Some(&of.fund),
        Event::FeeReduced(of) => Some(&of.fund),
        Event::ExpensePaid(of) => Some(&of.fund),
        Event::CarryPaid(of) => Some(&of.fund),
        Event::LineDrawn(of) => Some(&of.fund),
        Event::LineRepaid(of) => Some(&of.fund),
        Event::FundDissolved(of) => Some(&of.fund),
        Event::FundFormed(_)
        | Event::TransferRecorded(_)
        | Event::NavStruck(_)
        | Event::ReinvestmentRecognised(_) => None,
    }
}
