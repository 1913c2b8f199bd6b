//! What `up` and `token` understand about who may use the HTTP API.

use clap::Args;
use loopledger_gateway::auth::{KeySource, Role};
use loopledger_model::{PartyId, ProgrammeId};

/// Without any of it the API serves this machine only, without tokens, as the operator.
#[derive(Debug, Clone, Args)]
pub struct AccessArgs {
    /// Let in only who brings a token of `loopledger token`
    #[arg(long, env = "LEDGER_AUTH", conflicts_with = "jwks")]
    pub auth: bool,
    /// Let in only who brings a token signed by a key of this JSON Web Key Set (EdDSA, RS256): a file, or
    /// an address by https, or by http on this machine
    #[arg(long, value_name = "FILE|URL", env = "LEDGER_JWKS", requires = "issuer")]
    pub jwks: Option<KeySource>,
    /// Whose tokens those have to be
    #[arg(long, value_name = "ISSUER", env = "LEDGER_ISSUER")]
    pub issuer: Option<String>,
    /// For whom they have to be made
    #[arg(long, value_name = "AUDIENCE", env = "LEDGER_AUDIENCE", default_value = "loopledger")]
    pub audience: String,
}

#[derive(Debug, Args)]
pub struct TokenArgs {
    /// regulator, programme_office, reviewer, provider, fund_manager, company or operator
    #[arg(long, required_unless_present = "key_set")]
    pub role: Option<Role>,
    /// Print the public key instead, as a JSON Web Key Set for --jwks; makes the key where there is none
    #[arg(long, conflicts_with = "role")]
    pub key_set: bool,
    /// The party that it speaks for
    #[arg(long, value_name = "ID")]
    pub party: Option<PartyId>,
    /// A programme that it works on; any number of them
    #[arg(long = "programme", value_name = "ID")]
    pub programmes: Vec<ProgrammeId>,
    /// A fund that it manages; any number of them
    #[arg(long = "fund", value_name = "ID")]
    pub funds: Vec<PartyId>,
    /// Who uses it, as the record of accesses names them
    #[arg(long, value_name = "NAME", default_value = "developer")]
    pub subject: String,
    /// How long it counts
    #[arg(long, value_name = "SECONDS", default_value_t = 3600,
        value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub valid: u32,
}
