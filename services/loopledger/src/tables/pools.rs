//! Pools and reservations as people read them.

use loopledger_exports::figures::{day, grouped};
use loopledger_views::{PoolTold, Pools, ReservationTold, Reservations};

use super::{table, with_position};

/// The pools, and under them what is told of each in a line of its own.
pub fn pools(answer: &Pools) -> String {
    let headings = [
        "pool",
        "operator",
        "site",
        "model",
        "stage",
        ">cards",
        ">lit",
        ">given",
        ">reserved",
        ">serials",
        ">disputed",
    ];
    let listed = table(&headings, answer.pools.iter().map(pool));
    let count = answer.pools.len();
    let listed = with_position(&listed, ["pool", "pools"], count, answer.position);
    let said = answer.pools.iter().flat_map(said_of);
    std::iter::once(listed).chain(said).collect::<Vec<_>>().join("\n")
}

fn pool(pool: &PoolTold) -> Vec<String> {
    let serials: u64 = pool.serials.values().sum();
    let number = |number: u64| grouped(&number.to_string());
    vec![
        pool.pool.to_string(),
        pool.operator.to_string(),
        pool.site.to_string(),
        pool.model.to_string(),
        pool.stage.map_or_else(String::new, |stage| stage.to_string()),
        number(pool.cards.into()),
        number(pool.lit.into()),
        number(pool.allocated),
        number(pool.reserved),
        number(serials),
        pool.disputed.len().to_string(),
    ]
}

fn said_of(told: &PoolTold) -> Vec<String> {
    let pool = &told.pool;
    let permitted = told.oversells.iter().map(|permitted| {
        let (from, to) = (day(permitted.from), day(permitted.to));
        format!(
            "{pool} may be sold {} times from {from} to {to}, permitted by {} of {}",
            permitted.factor, permitted.by, permitted.of
        )
    });
    let counted = told.counts.iter().map(|counted| {
        format!("{pool}: {} cards {} from {} on", counted.cards, counted.state, day(counted.at))
    });
    let disputed = told.disputed.iter().map(|card| {
        let pools: Vec<&str> = card.pools.iter().map(loopledger_model::PoolId::as_str).collect();
        let (serial, pools) = (&card.serial, pools.join(", "));
        format!("{pool}: card {serial} is disputed since {}: {pools}", day(card.at))
    });
    let provenances = told.provenances.iter().map(|said| {
        let of = said.serial.as_ref().map_or("its cards", |serial| serial.as_str());
        let document = said.document.as_ref().map(|number| format!(" ({number})"));
        format!(
            "{pool}: {of} from {}{}, says {}, {}",
            said.supplier,
            document.unwrap_or_default(),
            said.source,
            day(said.at)
        )
    });
    let controls = told.controls.iter().map(|stated| {
        let status = stated.status.to_string().replace('_', " ");
        format!(
            "{} to {}: {status} from {} on, says {}",
            told.model,
            stated.destination,
            day(stated.at),
            stated.source
        )
    });
    permitted.chain(counted).chain(disputed).chain(provenances).chain(controls).collect()
}

pub fn reservations(answer: &Reservations) -> String {
    let headings = [
        "reservation",
        "pool",
        ">cards",
        "from",
        "to",
        "made",
        "held until",
        "contract",
        "state",
        "since",
        "allocation",
    ];
    let listed = table(&headings, answer.reservations.iter().map(reservation));
    let count = answer.reservations.len();
    with_position(&listed, ["reservation", "reservations"], count, answer.position)
}

fn reservation(told: &ReservationTold) -> Vec<String> {
    let blank = String::new;
    let state = serde_json::to_value(told.state).ok();
    vec![
        told.reservation.to_string(),
        told.pool.to_string(),
        told.cards.to_string(),
        day(told.from),
        day(told.to),
        day(told.made_at),
        day(told.held_until),
        told.contract.as_ref().map_or_else(blank, ToString::to_string),
        state.and_then(|state| state.as_str().map(str::to_owned)).unwrap_or_default(),
        told.settled_at.map_or_else(blank, day),
        told.allocation.as_ref().map_or_else(blank, ToString::to_string),
    ]
}
