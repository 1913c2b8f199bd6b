//! Rows of registry: parties, stakes, card specifications, reference prices, what cards can be used for and how their
//! export is controlled.

use jiff::Timestamp;
use loopledger_model::Basis;
use loopledger_model::registry::{
    Capability, CardSpec, Command, ControlStatement, Party, ReferencePrice, Stake,
};

use super::{Cells, Draft, whole};

pub(super) fn party(row: &mut Cells<'_>) -> Option<Draft> {
    let party = whole!(Party {
        id: row.one("id"),
        at: Some(Timestamp::UNIX_EPOCH),
        name: row.one("name"),
        kind: row.one("kind"),
        country: row.maybe("country"),
        uscc: row.maybe("uscc"),
        lei: row.maybe("lei"),
    })?;
    Some(Draft::undated(Command::RegisterParty(party)))
}

pub(super) fn stake(row: &mut Cells<'_>) -> Option<Draft> {
    let from = row.one("from");
    let stake = whole!(Stake {
        owner: row.one("owner"),
        owned: row.one("owned"),
        percent: row.one("percent"),
        at: from,
        to: row.maybe_end(from),
    })?;
    Some(Draft::dated(stake.at, Command::RecordStake(stake)))
}

pub(super) fn card_spec(row: &mut Cells<'_>) -> Option<Draft> {
    let from = row.maybe("from");
    let spec = whole!(CardSpec {
        model: row.one("model"),
        basis: whole!(Basis { precision: row.one("precision"), sparsity: row.one("sparsity") }),
        p_per_card: row.one("p_per_card"),
        tdp_w: row.maybe("tdp_w"),
        at: from.map(|from| from.unwrap_or(Timestamp::UNIX_EPOCH)),
        source: row.maybe("source"),
    })?;
    let command = Command::PublishCardSpec(spec);
    Some(match from? {
        Some(at) => Draft::dated(at, command),
        None => Draft::undated(command),
    })
}

pub(super) fn price(row: &mut Cells<'_>) -> Option<Draft> {
    let price = whole!(ReferencePrice {
        model: row.one("model"),
        unit: row.one("unit"),
        price: row.one("price"),
        currency: row.one("currency"),
        at: row.one("date"),
        source: row.one("source"),
    })?;
    Some(Draft::dated(price.at, Command::ObservePrice(price)))
}

pub(super) fn capability(row: &mut Cells<'_>) -> Option<Draft> {
    let capability = whole!(Capability {
        model: row.one("model"),
        workloads: row.one("workloads"),
        at: row.one("from"),
        source: row.one("source"),
    })?;
    Some(Draft::dated(capability.at, Command::StateCapability(capability)))
}

pub(super) fn control(row: &mut Cells<'_>) -> Option<Draft> {
    let control = whole!(ControlStatement {
        model: row.one("model"),
        destination: row.one("destination"),
        status: row.one("status"),
        at: row.one("date"),
        source: row.one("source"),
    })?;
    Some(Draft::dated(control.at, Command::StateControl(control)))
}
