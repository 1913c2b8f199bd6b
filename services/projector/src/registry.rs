//! registry's facts as rows: parties, stakes, card specifications and reference prices.

use loopledger_model::registry::Event;
use loopledger_views::micros;
use loopledger_views::rows::{
    Capability, CardSpec, Control, Party, ReferencePrice, Rows, Stake, Stamp,
};

pub(crate) fn project(stamp: Stamp, event: Event, rows: &mut Rows) {
    match event {
        Event::PartyRegistered(party) => rows.parties.push(Party {
            stamp,
            id: party.id,
            name: party.name,
            kind: party.kind,
            country: party.country,
            uscc: party.uscc,
            lei: party.lei,
        }),
        Event::StakeRecorded(stake) => rows.stakes.push(Stake {
            stamp,
            owner: stake.owner,
            owned: stake.owned,
            percent: stake.percent,
            to_at: stake.to.map(micros),
        }),
        Event::CardSpecPublished(spec) => rows.card_specs.push(CardSpec {
            stamp,
            model: spec.model,
            precision: spec.basis.precision,
            sparsity: spec.basis.sparsity,
            p_per_card: spec.p_per_card,
            tdp_w: spec.tdp_w,
            source: spec.source,
        }),
        Event::PriceObserved(price) => rows.prices.push(ReferencePrice {
            stamp,
            model: price.model,
            unit: price.unit,
            price: price.price,
            currency: price.currency,
            source: price.source,
        }),
        Event::CapabilityStated(stated) => {
            let workloads: Vec<&str> = stated.workloads.iter().map(|class| class.name()).collect();
            rows.capabilities.push(Capability {
                stamp,
                model: stated.model,
                workloads: workloads.join(" "),
                source: stated.source,
            });
        }
        Event::ControlStated(stated) => rows.controls.push(Control {
            stamp,
            model: stated.model,
            destination: stated.destination,
            status: stated.status,
            source: stated.source,
        }),
    }
}
