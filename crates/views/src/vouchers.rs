//! Answer: what became of programmes' budgets and of each voucher.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loopledger_model::voucher::Ending;
use loopledger_model::{Currency, PartyId, Position, ProgrammeId, VoucherId};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_postgres::Transaction;
use tokio_postgres::types::ToSql;

use crate::as_of::As;
use crate::error::Error;
use crate::figures;
use crate::rows::{self, MoveKind};
use crate::spans::asked;
use crate::table::{cell, limit, select, select_in_order};
use crate::views::Views;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Vouchers {
    pub position: Position,
    /// By id.
    pub programmes: Vec<ProgrammeTotals>,
    /// By programme, then by id.
    pub vouchers: Vec<VoucherState>,
}

/// Amounts of all vouchers of a programme. `locked` is what is locked now; `remaining` is what may
/// still be issued: what expired, was revoked or surrendered is there again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProgrammeTotals {
    pub programme: ProgrammeId,
    pub issuer: PartyId,
    pub currency: Currency,
    pub opens_at: Timestamp,
    pub closes_at: Timestamp,
    pub budget: String,
    pub issued: String,
    pub locked: String,
    pub redeemed: String,
    pub paid: String,
    pub expired: String,
    pub revoked: String,
    pub surrendered: String,
    pub remaining: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VoucherState {
    pub voucher: VoucherId,
    pub programme: ProgrammeId,
    pub holder: PartyId,
    pub currency: Currency,
    pub issued_at: Timestamp,
    pub face: String,
    pub locked: String,
    pub redeemed: String,
    pub paid: String,
    pub free: String,
    pub status: VoucherStatus,
    pub expires_at: Option<Timestamp>,
}

/// Exhausted first, then how it ended, then how far it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VoucherStatus {
    Issued,
    /// Something is locked and nothing redeemed yet.
    Locked,
    /// Something is redeemed and something left.
    PartiallyRedeemed,
    /// All of it is redeemed.
    Exhausted,
    Expired,
    Revoked,
    Surrendered,
}

/// So many of the vouchers in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoucherPart {
    pub most: usize,
    /// The first one; nothing is found where that is no voucher.
    pub from: Option<VoucherId>,
}

const OF_PROGRAMME: &str = " AND ($3::TEXT IS NULL OR programme = $3)";
const FROM: &str = "
    AND ($4::TEXT IS NULL OR (programme COLLATE \"C\", id COLLATE \"C\") >= ($4, $5::TEXT))";
/// An index has this order, so a part is read from where it begins.
pub(crate) const ORDER: &str = "programme COLLATE \"C\", id COLLATE \"C\" LIMIT $6";

/// Which vouchers of a part, by the parameters of its query.
pub(crate) fn wanted() -> String {
    format!("{}{OF_PROGRAMME}{FROM}", As::CONDITION)
}

impl Views {
    pub async fn vouchers(
        &self,
        programme: Option<&ProgrammeId>,
        seen: As,
    ) -> Result<Vouchers, Error> {
        let mut connection = self.connection().await?;
        let (transaction, position) = self.snapshot(&mut connection).await?;
        let seen = seen.in_rows();
        let programme = programme.map(ProgrammeId::as_str);
        let of_programme = format!("{}{OF_PROGRAMME}", As::CONDITION);
        let with_id = of_programme.replace("programme = $3", "id = $3");
        let programmes: Vec<rows::Programme> =
            select(&transaction, &with_id, &[&seen.of, &seen.known, &programme]).await?;
        let issued: Vec<rows::Voucher> =
            select(&transaction, &of_programme, &[&seen.of, &seen.known, &programme]).await?;
        let moves: Vec<rows::VoucherMove> =
            select(&transaction, &of_programme, &[&seen.of, &seen.known, &programme]).await?;
        Ok(told(position, programmes, issued, &moves))
    }
}

impl Views {
    /// A part of the vouchers, with the totals of all.
    pub async fn some_vouchers(
        &self,
        programme: Option<&ProgrammeId>,
        part: &VoucherPart,
        seen: As,
    ) -> Result<Vouchers, Error> {
        let mut connection = self.connection().await?;
        let (transaction, position) = self.snapshot(&mut connection).await?;
        let seen = seen.in_rows();
        let programme = programme.map(ProgrammeId::as_str);
        let of_programme = format!("{}{OF_PROGRAMME}", As::CONDITION);
        let with_id = of_programme.replace("programme = $3", "id = $3");
        let mut programmes: Vec<rows::Programme> =
            select(&transaction, &with_id, &[&seen.of, &seen.known, &programme]).await?;
        programmes.sort_by(|a, b| a.id.cmp(&b.id));
        let first: Vec<rows::Voucher> = match &part.from {
            Some(voucher) => select(&transaction, "id = $1", &[&voucher.as_str()]).await?,
            None => Vec::new(),
        };
        let first = first.first().map(|voucher| (voucher.programme.as_str(), voucher.id.as_str()));
        let (within, from) = (first.map(|(within, _)| within), first.map(|(_, from)| from));
        let issued: Vec<rows::Voucher> = if part.from.is_some() && first.is_none() {
            Vec::new()
        } else {
            let most = limit(Some(part.most));
            let parameters: [&(dyn ToSql + Sync); 6] =
                [&seen.of, &seen.known, &programme, &within, &from, &most];
            select_in_order(&transaction, &wanted(), ORDER, &parameters).await?
        };
        let ids: Vec<&str> = issued.iter().map(|voucher| voucher.id.as_str()).collect();
        let of_these = format!("{} AND voucher = ANY ($3)", As::CONDITION);
        let moves: Vec<rows::VoucherMove> =
            select(&transaction, &of_these, &[&seen.of, &seen.known, &ids]).await?;
        let sums = programme_sums(&transaction, &of_programme, (&seen, programme)).await?;
        let total = |programme: &rows::Programme| {
            let sums = sums.get(&programme.id).copied().unwrap_or_default();
            ProgrammeTotals::of(programme, &sums)
        };
        let programmes = programmes.iter().map(total).collect();
        Ok(Vouchers { programmes, ..told(position, Vec::new(), issued, &moves) })
    }
}

/// What happened to all vouchers of each programme.
async fn programme_sums(
    transaction: &Transaction<'_>,
    condition: &str,
    (seen, programme): (&As, Option<&str>),
) -> Result<BTreeMap<ProgrammeId, Sums>, Error> {
    let parameters: [&(dyn ToSql + Sync); 3] = [&seen.of, &seen.known, &programme];
    let mut sums: BTreeMap<ProgrammeId, Sums> = BTreeMap::new();
    let query =
        format!("SELECT programme, sum(face) FROM vouchers WHERE {condition} GROUP BY programme");
    for row in asked(&query, transaction.query(&query, &parameters)).await? {
        let programme = cell(&row, 0, "vouchers", "programme")?;
        sums.entry(programme).or_default().issue(cell(&row, 1, "vouchers", "face")?);
    }
    let query = format!(
        "SELECT programme, kind, sum(amount), sum(free_change), sum(locked_change) \
         FROM voucher_moves WHERE {condition} GROUP BY programme, kind"
    );
    for row in asked(&query, transaction.query(&query, &parameters)).await? {
        let column = |index, name| cell(&row, index, "voucher_moves", name);
        let programme = cell(&row, 0, "voucher_moves", "programme")?;
        let kind = cell(&row, 1, "voucher_moves", "kind")?;
        let (amount, free) = (column(2, "amount")?, column(3, "free_change")?);
        let locked = column(4, "locked_change")?;
        sums.entry(programme).or_default().add(kind, amount, (free, locked));
    }
    Ok(sums)
}

/// What never changes of a voucher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedVoucher {
    pub voucher: VoucherId,
    pub programme: ProgrammeId,
    pub issuer: PartyId,
    pub holder: PartyId,
    pub currency: Currency,
    pub face: String,
    pub issued_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

impl Views {
    pub async fn issued(&self, voucher: &VoucherId) -> Result<Option<IssuedVoucher>, Error> {
        let mut connection = self.connection().await?;
        let (transaction, _) = self.snapshot(&mut connection).await?;
        let found: Vec<rows::Voucher> =
            select(&transaction, "id = $1", &[&voucher.as_str()]).await?;
        let Some(found) = found.into_iter().next() else { return Ok(None) };
        let programmes: Vec<rows::Programme> =
            select(&transaction, "id = $1", &[&found.programme.as_str()]).await?;
        Ok(programmes.into_iter().next().map(|programme| IssuedVoucher {
            issuer: programme.issuer,
            face: figures::amount(found.face, found.currency),
            voucher: found.id,
            programme: found.programme,
            holder: found.holder,
            currency: found.currency,
            issued_at: found.stamp.at,
            expires_at: found.expires_at,
        }))
    }
}

/// What happened to one voucher, or to all of a programme.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    issued: Decimal,
    free: Decimal,
    locked: Decimal,
    redeemed: Decimal,
    paid: Decimal,
    expired: Decimal,
    revoked: Decimal,
    surrendered: Decimal,
    ending: Option<Ending>,
}

impl Sums {
    fn issue(&mut self, face: Decimal) {
        self.issued += face;
        self.free += face;
    }

    fn take(&mut self, change: &rows::VoucherMove) {
        self.add(change.kind, change.amount, (change.free_change, change.locked_change));
    }

    fn add(&mut self, kind: MoveKind, amount: Decimal, (free, locked): (Decimal, Decimal)) {
        self.free += free;
        self.locked += locked;
        match kind {
            MoveKind::Locked | MoveKind::Released => {}
            MoveKind::Redeemed => self.redeemed += amount,
            MoveKind::Paid => self.paid += amount,
            MoveKind::Ended(ending) => {
                self.ending = Some(ending);
                match ending {
                    Ending::Expired => self.expired += amount,
                    Ending::Revoked => self.revoked += amount,
                    Ending::Surrendered => self.surrendered += amount,
                }
            }
        }
    }

    fn status(&self) -> VoucherStatus {
        if self.redeemed == self.issued {
            return VoucherStatus::Exhausted;
        }
        match self.ending {
            Some(Ending::Expired) => VoucherStatus::Expired,
            Some(Ending::Revoked) => VoucherStatus::Revoked,
            Some(Ending::Surrendered) => VoucherStatus::Surrendered,
            None if !self.redeemed.is_zero() => VoucherStatus::PartiallyRedeemed,
            None if !self.locked.is_zero() => VoucherStatus::Locked,
            None => VoucherStatus::Issued,
        }
    }
}

fn told(
    position: Position,
    mut programmes: Vec<rows::Programme>,
    mut issued: Vec<rows::Voucher>,
    moves: &[rows::VoucherMove],
) -> Vouchers {
    let mut by_programme: BTreeMap<&ProgrammeId, Sums> = BTreeMap::new();
    let mut by_voucher: BTreeMap<&VoucherId, Sums> = BTreeMap::new();
    issued.sort_by(|a, b| (&a.programme, &a.id).cmp(&(&b.programme, &b.id)));
    for voucher in &issued {
        by_programme.entry(&voucher.programme).or_default().issue(voucher.face);
        by_voucher.entry(&voucher.id).or_default().issue(voucher.face);
    }
    for change in moves {
        by_programme.entry(&change.programme).or_default().take(change);
        by_voucher.entry(&change.voucher).or_default().take(change);
    }
    programmes.sort_by(|a, b| a.id.cmp(&b.id));
    let totals = |programme: &rows::Programme| {
        let sums = by_programme.get(&programme.id).copied().unwrap_or_default();
        ProgrammeTotals::of(programme, &sums)
    };
    let states = |voucher: &rows::Voucher| VoucherState::of(voucher, &by_voucher[&voucher.id]);
    Vouchers {
        position,
        programmes: programmes.iter().map(totals).collect(),
        vouchers: issued.iter().map(states).collect(),
    }
}

impl ProgrammeTotals {
    fn of(programme: &rows::Programme, sums: &Sums) -> Self {
        let money = |amount| figures::amount(amount, programme.currency);
        let gone = sums.expired + sums.revoked + sums.surrendered;
        Self {
            programme: programme.id.clone(),
            issuer: programme.issuer.clone(),
            currency: programme.currency,
            opens_at: programme.stamp.at,
            closes_at: programme.closes_at,
            budget: money(programme.budget),
            issued: money(sums.issued),
            locked: money(sums.locked),
            redeemed: money(sums.redeemed),
            paid: money(sums.paid),
            expired: money(sums.expired),
            revoked: money(sums.revoked),
            surrendered: money(sums.surrendered),
            remaining: money(programme.budget - (sums.issued - gone)),
        }
    }
}

impl VoucherState {
    fn of(voucher: &rows::Voucher, sums: &Sums) -> Self {
        let money = |amount| figures::amount(amount, voucher.currency);
        Self {
            voucher: voucher.id.clone(),
            programme: voucher.programme.clone(),
            holder: voucher.holder.clone(),
            currency: voucher.currency,
            issued_at: voucher.stamp.at,
            face: money(voucher.face),
            locked: money(sums.locked),
            redeemed: money(sums.redeemed),
            paid: money(sums.paid),
            free: money(sums.free),
            status: sums.status(),
            expires_at: voucher.expires_at,
        }
    }
}

#[cfg(test)]
mod tests;
