//! What the commands about one claim, one voucher and keys understand.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use loopledger_model::VoucherId;

/// A claim as in claims.csv. Cells are read by the importer, which says what is wrong with them.
#[derive(Debug, Args)]
pub struct ClaimArgs {
    /// Only say what the claim would be paid and by which rules; claims are made by `import`
    #[arg(long, required = true)]
    pub dry_run: bool,
    /// The claim's id [default: one that no claim has]
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    #[arg(long, value_name = "ID")]
    pub programme: String,
    /// The voucher, or the name of the one that the claim would make
    #[arg(long, value_name = "ID")]
    pub voucher: String,
    #[arg(long, value_name = "ID")]
    pub invoice: String,
    /// The most that is asked for [default: what the rules come to]
    #[arg(long)]
    pub amount: Option<String>,
    #[arg(long)]
    pub card_hours: Option<String>,
    /// Ids of metered usage, apart by spaces [default: all of the invoice's service time]
    #[arg(long, value_name = "IDS")]
    pub usage: Option<String>,
    /// Part of the invoice that is for storage
    #[arg(long, value_name = "AMOUNT")]
    pub storage: Option<String>,
    /// Part of the invoice that is for network
    #[arg(long, value_name = "AMOUNT")]
    pub network: Option<String>,
    /// Part of the invoice that is for security
    #[arg(long, value_name = "AMOUNT")]
    pub security: Option<String>,
    /// Part of the invoice that is for something else
    #[arg(long, value_name = "AMOUNT")]
    pub other: Option<String>,
    /// `provider` or `firm`, where the programme leaves it open
    #[arg(long, value_name = "SIDE")]
    pub payee: Option<String>,
    /// Who claims: a staff number or an account
    #[arg(long, value_name = "PERSON")]
    pub by: String,
    /// The party that they act for
    #[arg(long, value_name = "ID")]
    pub of: String,
    /// The day of the claim [default: now]
    #[arg(long, value_name = "DATE")]
    pub at: Option<String>,
    #[arg(long, value_name = "KIND")]
    pub applicant_kind: Option<String>,
    #[arg(long, value_name = "true|false")]
    pub start_up: Option<String>,
    #[arg(long, value_name = "true|false")]
    pub young_founder: Option<String>,
    #[arg(long, value_name = "ORIGIN")]
    pub compute_origin: Option<String>,
    #[arg(long, value_name = "true|false")]
    pub filed_model: Option<String>,
    #[arg(long, value_name = "PURPOSE")]
    pub purpose: Option<String>,
    /// A piece of evidence, as kind,sha256,size or kind,sha256,size,number; any number of them
    #[arg(long, value_name = "PIECE", value_parser = piece)]
    pub evidence: Vec<[String; 4]>,
    /// Print one JSON document instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Exactly one of a voucher's code and the check of one.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["code", "check"])))]
pub struct VoucherArgs {
    /// The voucher; a code that is checked has to state it, if it is named
    #[arg(required_unless_present = "check")]
    pub voucher: Option<VoucherId>,
    /// Print the voucher's signed code
    #[arg(long, requires = "key")]
    pub code: bool,
    /// The issuer's private key, as `keys new` has written it
    #[arg(long, value_name = "FILE", env = "LOOPLEDGER_ISSUER_KEY")]
    pub key: Option<PathBuf>,
    /// Print the code as a QR code too
    #[arg(long, requires = "code")]
    pub qr: bool,
    /// Say whether a code is genuine and what it states; needs no ledger
    #[arg(long, value_name = "CODE", requires = "public_key")]
    pub check: Option<String>,
    /// The issuer's public key
    #[arg(long, value_name = "FILE", env = "LOOPLEDGER_ISSUER_PUBLIC_KEY")]
    pub public_key: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a key pair of Ed25519: the private key goes to a new file, the public key is printed
    New {
        /// The file of the private key, which must not be there yet
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

fn piece(text: &str) -> Result<[String; 4], String> {
    let mut cells = text.split(',').map(str::to_owned);
    let piece: [_; 4] = std::array::from_fn(|_| cells.next().unwrap_or_default());
    if piece[2].is_empty() || cells.next().is_some() {
        return Err("write kind,sha256,size or kind,sha256,size,number".to_owned());
    }
    Ok(piece)
}
