//! The importer's view of the ledger: the services it asks and what the views know already.

use std::collections::{BTreeMap, BTreeSet};

use loopledger_model::{Currency, Partition, Partitions, PartyId};
use loopledger_service::protocol::{Answer, Request};
use loopledger_service::trace::TraceContext;
use loopledger_service::{AskFailure, Asker};
use loopledger_views::{Denominated, Views};

use crate::import::{Ask, ContextCommand, Failure, Lookup, Thing};
use crate::stack::Stack;

pub struct Ledger {
    pub asker: Asker,
    pub views: Views,
    pub partitions: Partitions,
}

impl Ledger {
    pub fn of(stack: &Stack) -> Self {
        let (asker, views) = (stack.asker(), stack.views.clone());
        Self { asker, views, partitions: stack.journal.partitions() }
    }
}

impl Ask for Ledger {
    fn partitions(&self) -> Partitions {
        self.partitions
    }

    async fn ask(
        &self,
        partition: Partition,
        request: &Request<&ContextCommand>,
    ) -> Result<Vec<Answer>, Failure> {
        let asked = self.asker.ask(partition, request, TraceContext::start()).await;
        asked.map(|response| response.answers).map_err(|failure: AskFailure| {
            if failure.is_retryable() {
                Failure::Passing(failure.to_string())
            } else {
                Failure::Lasting(failure.to_string())
            }
        })
    }
}

impl Lookup for Ledger {
    async fn parties(&self, ids: &BTreeSet<PartyId>) -> Result<BTreeSet<PartyId>, Failure> {
        let ids: Vec<PartyId> = ids.iter().cloned().collect();
        self.views.known_parties(&ids).await.map_err(|error| failure(&error))
    }

    async fn currencies(
        &self,
        of: Thing,
        ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Currency>, Failure> {
        self.views.currencies(denominated(of), ids).await.map_err(|error| failure(&error))
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

fn failure(error: &loopledger_views::Error) -> Failure {
    if error.is_retryable() {
        Failure::Passing(error.to_string())
    } else {
        Failure::Lasting(error.to_string())
    }
}
