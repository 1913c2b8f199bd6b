//! Reviews, caps of groups and the register of parties.

use std::process::ExitCode;

use loopledger_views::{RegisteredQuery, ReviewQuery};

use super::{query_ledger, seen};
use crate::args::{OfficeCommand, StackArgs};
use crate::stack::Stack;
use crate::tables;

pub(super) async fn ask(args: &StackArgs, asked: OfficeCommand) -> anyhow::Result<ExitCode> {
    match asked {
        OfficeCommand::Reviews { programme, subject, applicant, provider, view } => {
            let query = ReviewQuery { programme, subject, applicant, provider };
            let ask =
                async |stack: &Stack| Ok(stack.views.reviews(&query, seen(view.seen)).await?);
            query_ledger(args, view, ask, tables::reviews).await
        }
        OfficeCommand::Caps { programme, view } => {
            let ask = async |stack: &Stack| {
                Ok(stack.views.caps(programme.as_ref(), seen(view.seen)).await?)
            };
            query_ledger(args, view, ask, tables::caps).await
        }
        OfficeCommand::Register { kind, country, view } => {
            let query = RegisteredQuery { kind, country };
            let ask =
                async |stack: &Stack| Ok(stack.views.registered(&query, seen(view.seen)).await?);
            query_ledger(args, view, ask, tables::registered).await
        }
    }
}
