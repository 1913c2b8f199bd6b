//! fund's facts as rows: funds, commitments, NAVs and recognitions. The money that moved is in flows.

use loopledger_model::fund::Event;
use loopledger_views::micros;
use loopledger_views::rows::{Commitment, Fund, Nav, Recognition, Rows, Stamp};

pub(crate) fn project(stamp: Stamp, event: &Event, rows: &mut Rows) {
    match event {
        Event::FundFormed(fund) => rows.funds.push(Fund {
            stamp,
            id: fund.id.clone(),
            manager: fund.manager.clone(),
            currency: fund.currency,
        }),
        Event::CommitmentMade(commitment) => rows.commitments.push(Commitment {
            stamp,
            id: commitment.id.clone(),
            fund: commitment.fund.clone(),
            lp: commitment.lp.clone(),
            amount: commitment.amount.amount(),
            currency: commitment.amount.currency(),
            priority_supplier: commitment.priority_supplier,
        }),
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
        | Event::TransferRecorded(_) => {}
    }
}
