//! What the rows of a bundle refer to: its other rows, or what earlier imports have left.
//!
//! Invariant: the bundle's own rows count first; the ledger is asked only for what is not in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use loopledger_model::{Currency, PartyId, Text};

use super::Failure;
use super::bundle::Sheet;
use super::rfc4180::Record;

/// What the ledger knows already.
pub trait Lookup: Sync {
    /// Which of these parties are registered.
    fn parties(
        &self,
        ids: &BTreeSet<PartyId>,
    ) -> impl Future<Output = Result<BTreeSet<PartyId>, Failure>> + Send;

    /// The currencies of those of these things that are recorded.
    fn currencies(
        &self,
        of: Thing,
        ids: &BTreeSet<String>,
    ) -> impl Future<Output = Result<BTreeMap<String, Currency>, Failure>> + Send;
}

/// What has a currency that rows of other files take over. A voucher has its programme's, a
/// redemption its voucher's, an invoice its contract's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    Fund,
    Programme,
    Contract,
    Voucher,
    Invoice,
    Redemption,
}

impl Thing {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "fund" => Self::Fund,
            "programme" => Self::Programme,
            "contract" => Self::Contract,
            "voucher" => Self::Voucher,
            "invoice" => Self::Invoice,
            "redemption" => Self::Redemption,
            _ => return None,
        })
    }
}

/// Where the currency of a row comes from.
pub(super) enum CurrencyOf<'a> {
    /// From a column of its own.
    Row,
    Known(Currency),
    /// From a row of the bundle that cannot be read itself.
    ToldElsewhere,
    Unknown {
        column: &'static str,
        file: String,
        id: &'a str,
    },
}

pub(super) type Place<'a> = (&'a Sheet<'a>, &'a Record<'a>);

/// How a search from row to row, each the next one's child, ends.
enum Found<'a> {
    Cell(Place<'a>, &'a str),
    Missing { child: Place<'a>, column: &'static str, id: &'a str },
}

pub(super) struct Known<'a> {
    rows: BTreeMap<(&'static str, &'a str), Place<'a>>,
    parties: BTreeSet<PartyId>,
    currencies: BTreeMap<(Thing, String), Currency>,
    /// Rows of evidence.csv by what they are evidence of, in their order.
    evidence: BTreeMap<(&'static str, &'a str), Vec<Place<'a>>>,
    /// Rows of schedules by their file and contract.
    steps: BTreeMap<(&'static str, &'a str), Vec<Place<'a>>>,
    /// Rows of the reviews by what they review.
    reviews: BTreeMap<(&'static str, &'a str), Vec<Place<'a>>>,
    dir: &'a Path,
}

impl<'a> Known<'a> {
    /// Takes in what the bundle holds and asks the ledger for the rest.
    pub async fn gather(
        dir: &'a Path,
        sheets: &'a [Sheet<'a>],
        ledger: &impl Lookup,
    ) -> Result<Self, Failure> {
        let mut rows = BTreeMap::new();
        let (mut evidence, mut reviews) = (BTreeMap::new(), BTreeMap::new());
        let mut steps: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for sheet in sheets {
            let file = sheet.file;
            for record in &sheet.records {
                let place = (sheet, record);
                for thing in [Some(file.thing()), file.other_thing()].into_iter().flatten() {
                    rows.entry((thing, sheet.cell(record, "id"))).or_insert(place);
                }
                if matches!(file.name, "price_steps.csv" | "refund_steps.csv") {
                    let contract = sheet.cell(record, "contract");
                    steps.entry((file.name, contract)).or_default().push(place);
                }
                let of = |thing| (thing, sheet.cell(record, thing));
                let index: &mut BTreeMap<_, Vec<_>> = match file.name {
                    "evidence.csv" => &mut evidence,
                    "application_reviews.csv" | "claim_reviews.csv" => &mut reviews,
                    _ => continue,
                };
                for subject in ["application", "claim"].map(of) {
                    if !subject.1.is_empty() {
                        index.entry(subject).or_default().push(place);
                    }
                }
            }
        }
        let (parties, currencies) = (BTreeSet::new(), BTreeMap::new());
        let mut known = Self { rows, parties, currencies, evidence, steps, reviews, dir };
        let parties = known.foreign_parties(sheets);
        if !parties.is_empty() {
            known.parties = ledger.parties(&parties).await?;
        }
        for (thing, ids) in known.foreign_things(sheets) {
            let currencies = ledger.currencies(thing, &ids).await?;
            known.currencies.extend(currencies.into_iter().map(|(id, ccy)| ((thing, id), ccy)));
        }
        Ok(known)
    }

    fn foreign_parties(&self, sheets: &[Sheet<'_>]) -> BTreeSet<PartyId> {
        let mut foreign = BTreeSet::new();
        for sheet in sheets {
            for column in sheet.columns().filter(|column| column.names_party) {
                let cells = sheet.records.iter().map(|record| sheet.cell(record, column.name));
                let missing = cells.filter(|id| !self.has_party(id));
                foreign.extend(missing.filter_map(|id| id.parse::<PartyId>().ok()));
            }
        }
        foreign
    }

    fn foreign_things(&self, sheets: &'a [Sheet<'a>]) -> BTreeMap<Thing, BTreeSet<String>> {
        let mut foreign = BTreeMap::<_, BTreeSet<_>>::new();
        for sheet in sheets {
            for record in &sheet.records {
                if let Found::Missing { column, id, .. } =
                    self.find((sheet, record), sheet.file.parent, "currency")
                    && let Some(thing) = Thing::named(column)
                    && id.parse::<PartyId>().is_ok()
                {
                    foreign.entry(thing).or_default().insert(id.to_owned());
                }
            }
        }
        foreign
    }

    pub fn has_party(&self, id: &str) -> bool {
        self.rows.contains_key(&("party", id))
            || id.parse().is_ok_and(|id: PartyId| self.parties.contains(&id))
    }

    /// The bundle's folder.
    pub const fn dir(&self) -> &'a Path {
        self.dir
    }

    /// Whether the bundle has a row of such a thing.
    pub fn has(&self, thing: &'static str, id: &str) -> bool {
        self.rows.contains_key(&(thing, id))
    }

    /// The rows of evidence.csv that name the application or claim.
    pub fn evidence(&self, subject: &'static str, id: &'a str) -> &[Place<'a>] {
        self.evidence.get(&(subject, id)).map_or(&[], Vec::as_slice)
    }

    /// The rows of a schedule that name the contract.
    pub fn steps(&self, file: &'static str, contract: &'a str) -> &[Place<'a>] {
        self.steps.get(&(file, contract)).map_or(&[], Vec::as_slice)
    }

    /// The steps of the review of an application or claim that the bundle has.
    pub fn reviews(&self, subject: &'static str, id: &'a str) -> &[Place<'a>] {
        self.reviews.get(&(subject, id)).map_or(&[], Vec::as_slice)
    }

    pub fn currency(&self, sheet: &'a Sheet<'a>, record: &'a Record<'a>) -> CurrencyOf<'a> {
        let row = (sheet, record);
        match self.find(row, sheet.file.parent, "currency") {
            Found::Cell(owner, _) if std::ptr::eq(owner.1, record) => CurrencyOf::Row,
            Found::Cell(_, text) => {
                text.parse().map_or(CurrencyOf::ToldElsewhere, CurrencyOf::Known)
            }
            Found::Missing { child, column, id } => {
                let of = Thing::named(column).map(|thing| (thing, id.to_owned()));
                if let Some(currency) = of.and_then(|of| self.currencies.get(&of)) {
                    CurrencyOf::Known(*currency)
                } else if std::ptr::eq(child.1, record) && id.parse::<PartyId>().is_ok() {
                    CurrencyOf::Unknown { column, file: format!("{column}s.csv"), id }
                } else {
                    CurrencyOf::ToldElsewhere
                }
            }
        }
    }

    /// Who acts: the party of that column where the bundle tells it.
    pub fn by(&self, sheet: &'a Sheet<'a>, record: &'a Record<'a>) -> Text {
        let (parent, column) =
            sheet.file.by.split_once('.').unwrap_or((sheet.file.parent, sheet.file.by));
        let party = match self.find((sheet, record), parent, column) {
            Found::Cell(_, id) => id.parse::<PartyId>().ok(),
            Found::Missing { .. } => None,
        };
        let by = party.as_ref().map_or("importer", PartyId::as_str);
        by.parse().expect("a party id is a text")
    }

    /// Looks for a column in a row, then in the row that it names as its parent, and so on.
    fn find(&self, from: Place<'a>, parent: &'static str, column: &str) -> Found<'a> {
        let ((mut sheet, mut record), mut parent) = (from, parent);
        loop {
            if sheet.columns().any(|known| known.name == column) {
                return Found::Cell((sheet, record), sheet.cell(record, column));
            }
            let id = sheet.cell(record, parent);
            let Some(next) = self.rows.get(&(parent, id)) else {
                return Found::Missing { child: (sheet, record), column: parent, id };
            };
            (sheet, record) = *next;
            parent = sheet.file.parent;
        }
    }
}
