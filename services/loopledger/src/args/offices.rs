//! What programme offices and supervisors ask of reviews, caps and the register.

use clap::Subcommand;
use loopledger_model::registry::PartyKind;
use loopledger_model::{Country, PartyId, ProgrammeId};

use super::ViewArgs;

#[derive(Debug, Subcommand)]
pub enum OfficeCommand {
    /// Who took which step in the review of applications and claims, under which version of the rules
    Reviews {
        /// Only reviews of this programme
        #[arg(long, value_name = "ID")]
        programme: Option<ProgrammeId>,
        /// Only the review of this application or claim
        #[arg(long, value_name = "ID")]
        subject: Option<String>,
        /// Only reviews of what was submitted on behalf of this party
        #[arg(long, value_name = "ID")]
        applicant: Option<PartyId>,
        /// Only reviews of claims for this provider's service
        #[arg(long, value_name = "ID")]
        provider: Option<PartyId>,
        #[command(flatten)]
        view: ViewArgs,
    },
    /// What the holders of a group got of a programme in a year, against the cap of one holder
    Caps {
        /// Only this programme
        #[arg(long, value_name = "ID")]
        programme: Option<ProgrammeId>,
        #[command(flatten)]
        view: ViewArgs,
    },
    /// The parties that are registered
    Register {
        /// Only parties of this kind
        #[arg(long, value_name = "KIND")]
        kind: Option<PartyKind>,
        /// Only parties of this country
        #[arg(long, value_name = "CC")]
        country: Option<Country>,
        #[command(flatten)]
        view: ViewArgs,
    },
}
