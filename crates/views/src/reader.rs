//! For whom rows are read: what the database itself holds an answer to.
//!
//! Invariant: views for callers read nobody's rows before it is said for whom.

use std::future::Future;

use loopledger_model::{PartyId, ProgrammeId};
use tokio_postgres::GenericClient;
use tokio_postgres::types::Type;

use crate::error::Error;

/// Takes a role for the rest of the transaction, and says whose rows count.
const TAKE: &str = "SELECT set_config('role', $1, TRUE), \
    set_config('loopledger.parties', $2, TRUE), set_config('loopledger.programmes', $3, TRUE)";

const SEE_EVERYTHING: &str = "SELECT set_config('role', 'loopledger_reader', TRUE) \
    WHERE current_user = 'loopledger_party'";

/// Who reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reader {
    /// Somebody who may see every row.
    Everything,
    /// Somebody who sees the rows of these parties and programmes.
    Own { parties: Vec<PartyId>, programmes: Vec<ProgrammeId> },
}

tokio::task_local! {
    static READER: Reader;
}

/// Does the work with views for callers reading for this reader.
pub async fn reading_as<T>(reader: Reader, work: impl Future<Output = T>) -> T {
    READER.scope(reader, work).await
}

/// For whom this task reads; nobody where it was not said.
pub(crate) fn current() -> Option<Reader> {
    READER.try_with(Clone::clone).ok()
}

impl Reader {
    pub(crate) async fn take_role(&self, client: &impl GenericClient) -> Result<(), Error> {
        let (role, parties, programmes) = match self {
            Self::Everything => ("loopledger_reader", String::new(), String::new()),
            Self::Own { parties, programmes } => (
                "loopledger_party",
                joined(parties.iter().map(PartyId::as_str)),
                joined(programmes.iter().map(ProgrammeId::as_str)),
            ),
        };
        let settings =
            [(&role as _, Type::TEXT), (&parties as _, Type::TEXT), (&programmes as _, Type::TEXT)];
        client.query_typed(TAKE, &settings).await?;
        Ok(())
    }
}

/// From here on the transaction reads every row, for figures that rest on others' rows too, such as a balance or a
/// share. The question says what of it is told.
pub(crate) async fn see_everything(client: &impl GenericClient) -> Result<(), Error> {
    client.query_typed(SEE_EVERYTHING, &[]).await?;
    Ok(())
}

/// No id has a comma.
fn joined<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    ids.collect::<Vec<_>>().join(",")
}
