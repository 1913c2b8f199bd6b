//! The ledger's views as what an import looks up.

use std::collections::{BTreeMap, BTreeSet};

use loopledger_model::{Currency, PartyId};
use loopledger_views::{Denominated, Views};

use super::{Failure, Lookup, Thing};

impl Lookup for Views {
    async fn parties(&self, ids: &BTreeSet<PartyId>) -> Result<BTreeSet<PartyId>, Failure> {
        let ids: Vec<PartyId> = ids.iter().cloned().collect();
        Ok(self.known_parties(&ids).await?)
    }

    async fn currencies(
        &self,
        of: Thing,
        ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Currency>, Failure> {
        Ok(Self::currencies(self, denominated(of), ids).await?)
    }
}

const fn denominated(thing: Thing) -> Denominated {
    match thing {
        Thing::Fund => Denominated::Fund,
        Thing::Programme => Denominated::Programme,
        Thing::Contract => Denominated::Contract,
        Thing::Voucher => Denominated::Voucher,
        Thing::Invoice => Denominated::Invoice,
        Thing::Redemption => Denominated::Redemption,
    }
}
