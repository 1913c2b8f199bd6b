//! Whether a caller may give a command: the endpoint's table, held against the command and the ledger.

use std::time::Duration;

use loopledger_model::{PartyId, ProgrammeId};
use loopledger_views::Belonging;
use serde_json::Value;

use super::endpoints::{Endpoint, Own};
use super::{Commands, Services};
use crate::auth::{Caller, Role};
use crate::problem::Problem;

const APPLICANTS_STEPS: [&str; 3] = ["supply", "withdraw", "appeal"];
/// For the ledger's word on whose a thing is.
pub(super) const FRESH_WITHIN: Duration = Duration::from_secs(10);

impl<S: Services> Commands<S> {
    /// Refused like a thing that is not there: nobody learns of what is others'.
    pub(super) async fn check(
        &self,
        endpoint: &Endpoint,
        caller: &Caller,
        fields: &Value,
    ) -> Result<(), Problem> {
        if caller.role == Role::Operator {
            return Ok(());
        }
        let mut foreign = None;
        for may in endpoint.may.iter().filter(|may| may.role == caller.role) {
            let mut all_own = true;
            for (pointer, own) in may.own {
                if !self.is_own(caller, fields.pointer(pointer), *own).await? {
                    foreign.get_or_insert(*pointer);
                    all_own = false;
                    break;
                }
            }
            if all_own {
                return Ok(());
            }
        }
        Err(match foreign {
            Some(pointer) => {
                let name = pointer.trim_start_matches('/').replace('/', ".");
                Problem::not_known(format!("`{name}` has to name one of yours"))
            }
            None => Problem::forbidden(format!("a {} may not do this", caller.role.name())),
        })
    }

    async fn is_own(
        &self,
        caller: &Caller,
        field: Option<&Value>,
        own: Own,
    ) -> Result<bool, Problem> {
        let Some(field) = field else { return Ok(false) };
        let id = field.as_str().unwrap_or_default();
        let party = caller.party.as_ref().map(PartyId::as_str);
        let programmes: Vec<&str> = caller.programmes.iter().map(ProgrammeId::as_str).collect();
        Ok(match own {
            Own::Party => party == Some(id),
            Own::Programme => programmes.contains(&id),
            Own::Fund => caller.funds.iter().any(|fund| fund.as_str() == id),
            Own::Person => {
                let of = field.get("of").and_then(Value::as_str);
                let person = field.get("id").and_then(Value::as_str);
                of.is_some() && of == party && person == Some(caller.subject.as_str())
            }
            Own::ApplicantsStep => {
                let step = field.as_object().and_then(|step| step.keys().next());
                step.is_some_and(|step| APPLICANTS_STEPS.contains(&step.as_str()))
            }
            Own::OfParty(how) => self.belongs(how, id, party.as_slice()).await?,
            Own::OfFund(how) => {
                let funds: Vec<&str> = caller.funds.iter().map(PartyId::as_str).collect();
                self.belongs(how, id, &funds).await?
            }
            Own::OfProgramme(how) => self.belongs(how, id, &programmes).await?,
        })
    }

    async fn belongs(&self, how: Belonging, id: &str, owners: &[&str]) -> Result<bool, Problem> {
        if owners.is_empty() {
            return Ok(false);
        }
        self.views.wait_for(self.told(), FRESH_WITHIN).await?;
        Ok(self.views.belongs(how, id, owners).await?)
    }
}
