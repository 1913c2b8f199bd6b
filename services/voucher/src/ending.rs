//! Ending a voucher: it expires, is revoked or is surrendered, and what was not redeemed is gone.
//!
//! Invariant: a voucher ends once. One that is used up may still be ended, which is recorded though
//! nothing of it is left to go.

use loopledger_model::voucher::{EndVoucher, Ending, Event, Refusal, VoucherEnded};
use loopledger_service::Decision;

use crate::decider::Answer;
use crate::state::State;
use crate::voucher::Voucher;

pub(crate) fn end(state: &State, asked: &EndVoucher) -> Answer {
    let (voucher, _) = state.issued(&asked.voucher)?;
    if voucher.ended() == Some((asked.ending, asked.at)) {
        return Ok(Decision::nothing());
    }
    voucher.is_live(&asked.voucher, asked.at)?;
    state.nothing_pends_on(&asked.voucher, |_| true)?;
    may_end(voucher, asked)?;
    Ok(Decision::from(Event::VoucherEnded(VoucherEnded {
        voucher: asked.voucher.clone(),
        programme: voucher.programme.clone(),
        ending: asked.ending,
        free: voucher.free(),
        locked: voucher.locked(),
        funding: voucher.borne().to_vec(),
        at: asked.at,
    })))
}

fn may_end(voucher: &Voucher, asked: &EndVoucher) -> Result<(), Refusal> {
    let (id, at) = (asked.voucher.clone(), asked.at);
    match asked.ending {
        Ending::Expired => match voucher.expires_at() {
            Some(expires_at) if at > expires_at => Ok(()),
            Some(expires_at) => Err(Refusal::NotExpired { voucher: id, expires_at, at }),
            None => Err(Refusal::NeverExpires { voucher: id }),
        },
        Ending::Revoked => Ok(()),
        Ending::Surrendered => {
            let locked = voucher.locked();
            if locked.is_zero() {
                return Ok(());
            }
            Err(Refusal::StillLocked { voucher: id, locked })
        }
    }
}
