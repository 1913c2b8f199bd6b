//! The ledger as an importer asks it: its services, and its views.

use loopledger_importer::{Ask, ContextCommand, Failure};
use loopledger_model::{Partition, Partitions};
use loopledger_service::Asker;
use loopledger_service::protocol::{Answer, Request};
use loopledger_service::trace::TraceContext;
use loopledger_views::Views;

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
        let answered = self.asker.ask(partition, request, TraceContext::start()).await;
        Ok(answered?.answers)
    }
}
