//! voucher's facts as rows: programmes, admissions, vouchers and what moved on them.

use loopledger_model::voucher::{
    Event, LockReleased, Programme as Defined, RedemptionSettled, VoucherEnded, VoucherIssued,
    VoucherLocked, VoucherRedeemed,
};
use loopledger_model::{Money, ProgrammeId, VoucherId};
use loopledger_views::micros;
use loopledger_views::rows::{Admission, MoveKind, Programme, Rows, Stamp, Voucher, VoucherMove};
use rust_decimal::Decimal;

use crate::voucher_fact;

pub(crate) fn project(stamp: Stamp, event: Event, rows: &mut Rows) {
    match &event {
        Event::ProgrammeDefined(programme) => rows.programmes.push(defined(stamp, programme)),
        Event::ProviderAdmitted(admission) => rows.admissions.push(Admission {
            stamp,
            programme: admission.programme.clone(),
            provider: admission.provider.clone(),
            to_at: admission.to.map(micros),
        }),
        Event::VoucherIssued(voucher) => rows.vouchers.push(issued(stamp, voucher)),
        Event::VoucherLocked(lock) => rows.voucher_moves.push(locked(stamp, lock)),
        Event::LockReleased(release) => rows.voucher_moves.push(released(stamp, release)),
        Event::VoucherRedeemed(redemption) => rows.voucher_moves.push(redeemed(stamp, redemption)),
        Event::RedemptionSettled(payment) => rows.voucher_moves.push(paid(stamp, payment)),
        Event::VoucherEnded(end) => rows.voucher_moves.push(ended(stamp, end)),
        // A programme is one row; its first version is what the row shows.
        Event::ProgrammeDrafted(programme) if programme.version == 1 => {
            rows.programmes.push(defined(stamp, programme));
        }
        Event::ProgrammeDrafted(_)
        | Event::ProgrammeChanged(_)
        | Event::AdmissionAppliedFor(_)
        | Event::AdmissionChanged(_)
        | Event::WaiverApproved(_)
        | Event::ApplicationSubmitted(_)
        | Event::ClaimSubmitted(_)
        | Event::Reviewed(_)
        | Event::PaymentOrdered(_)
        | Event::PaymentFailed(_)
        | Event::ClawbackOpened(_)
        | Event::ClawbackAssessed(_)
        | Event::ClawbackRecovered(_)
        | Event::ClawbackWrittenOff(_) => {}
    }
    rows.voucher_facts.push(voucher_fact::of(stamp, event));
}

fn defined(stamp: Stamp, programme: &Defined) -> Programme {
    let Defined { id, issuer, name, currency, budget, closes, rules, .. } = programme;
    Programme {
        stamp,
        id: id.clone(),
        issuer: issuer.clone(),
        name: name.clone(),
        currency: *currency,
        budget: budget.amount(),
        closes_at: micros(*closes),
        ratio: rules.ratio,
        cap_voucher: rules.cap_voucher.map(Money::amount),
        cap_holder_year: rules.cap_holder_year.map(Money::amount),
        validity_days: rules.validity_days,
        affiliation: rules.affiliation,
        affiliation_percent: rules.affiliation_percent,
        funding_link_months: rules.funding_link_months,
        metering_required: rules.metering_required,
        rounding_digits: rules.rounding.digits,
        rounding_mode: rules.rounding.mode,
    }
}

fn issued(stamp: Stamp, voucher: &VoucherIssued) -> Voucher {
    Voucher {
        stamp,
        id: voucher.id.clone(),
        programme: voucher.programme.clone(),
        holder: voucher.holder.clone(),
        face: voucher.amount.amount(),
        currency: voucher.amount.currency(),
        expires_at: voucher.expires_at.map(micros),
    }
}

/// A move that changes neither what is free nor what is locked.
fn moved(
    stamp: Stamp,
    (voucher, programme): (&VoucherId, &ProgrammeId),
    kind: MoveKind,
    amount: Money,
) -> VoucherMove {
    VoucherMove {
        stamp,
        voucher: voucher.clone(),
        programme: programme.clone(),
        kind,
        amount: amount.amount(),
        free_change: Decimal::ZERO,
        locked_change: Decimal::ZERO,
        currency: amount.currency(),
        lock: None,
        redemption: None,
        settlement: None,
        contract: None,
        invoice: None,
        provider: None,
    }
}

fn locked(stamp: Stamp, lock: &VoucherLocked) -> VoucherMove {
    VoucherMove {
        free_change: -lock.amount.amount(),
        locked_change: lock.amount.amount(),
        lock: Some(lock.id.clone()),
        contract: Some(lock.contract.clone()),
        provider: Some(lock.provider.clone()),
        ..moved(stamp, (&lock.voucher, &lock.programme), MoveKind::Locked, lock.amount)
    }
}

fn released(stamp: Stamp, release: &LockReleased) -> VoucherMove {
    VoucherMove {
        free_change: release.amount.amount(),
        locked_change: -release.amount.amount(),
        lock: Some(release.lock.clone()),
        ..moved(stamp, (&release.voucher, &release.programme), MoveKind::Released, release.amount)
    }
}

/// What is redeemed was locked, so it is taken from there.
fn redeemed(stamp: Stamp, redemption: &VoucherRedeemed) -> VoucherMove {
    let of = (&redemption.voucher, &redemption.programme);
    VoucherMove {
        locked_change: -redemption.amount.amount(),
        redemption: Some(redemption.id.clone()),
        contract: Some(redemption.contract.clone()),
        invoice: Some(redemption.invoice.clone()),
        provider: Some(redemption.provider.clone()),
        ..moved(stamp, of, MoveKind::Redeemed, redemption.amount)
    }
}

fn paid(stamp: Stamp, payment: &RedemptionSettled) -> VoucherMove {
    VoucherMove {
        redemption: Some(payment.redemption.clone()),
        settlement: Some(payment.id.clone()),
        contract: Some(payment.contract.clone()),
        invoice: Some(payment.invoice.clone()),
        provider: Some(payment.provider.clone()),
        ..moved(stamp, (&payment.voucher, &payment.programme), MoveKind::Paid, payment.amount)
    }
}

fn ended(stamp: Stamp, end: &VoucherEnded) -> VoucherMove {
    let (free, locked) = (end.free.amount(), end.locked.amount());
    VoucherMove {
        amount: free + locked,
        free_change: -free,
        locked_change: -locked,
        ..moved(stamp, (&end.voucher, &end.programme), MoveKind::Ended(end.ending), end.free)
    }
}
