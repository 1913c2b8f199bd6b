//! Who may use the HTTP API of the local stack, and tokens of its own key.
//!
//! Invariant: the key is made by `up --auth` in the data folder, and tokens of it count on that folder only.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use loopledger_exports::lists::Listed;
use loopledger_gateway::auth::{Access, Caller, KeySource, Keys, Terms, Verifier};
use loopledger_service::clock;
use loopledger_views::RecordedAccess;
use serde::Serialize;
use serde_json::json;

use super::{UNREADABLE, print, print_answer};
use crate::args::{AccessArgs, AnswerFormat, StackArgs, TokenArgs};
use crate::code::PrivateKey;
use crate::stack::Stack;

const ISSUER: &str = "loopledger-local";

fn key_file(args: &StackArgs) -> PathBuf {
    args.data().join("token-key.pem")
}

/// Nothing, and said why, where the address is open to others than this machine and no token is asked for.
pub(super) fn access(
    args: &StackArgs,
    http: SocketAddr,
    asked: AccessArgs,
) -> anyhow::Result<Option<Access>> {
    let AccessArgs { auth, jwks, issuer, audience } = asked;
    let (source, issuer) = match (auth, jwks.zip(issuer)) {
        (_, Some((source, issuer))) => (source, issuer),
        (true, None) => (local_key(args)?, ISSUER.to_owned()),
        (false, None) if http.ip().is_loopback() => return Ok(Some(Access::Open)),
        (false, None) => {
            eprintln!(
                "error: {http} can be reached from other machines: ask for tokens with --auth or --jwks"
            );
            return Ok(None);
        }
    };
    let verifier = Verifier::new(Keys::new(source), Terms { issuer, audience });
    Ok(Some(Access::Tokens(Arc::new(verifier))))
}

/// The folder's key; made at first use.
fn local_key(args: &StackArgs) -> anyhow::Result<KeySource> {
    let file = key_file(args);
    let key = if file.exists() {
        PrivateKey::read(&file)?
    } else {
        std::fs::create_dir_all(args.data())
            .with_context(|| format!("the folder {} cannot be made", args.data().display()))?;
        PrivateKey::create(&file)?
    };
    let public = key.public();
    Ok(KeySource::Fixed { id: public.id(), public: public.bytes() })
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    #[serde(flatten)]
    caller: Caller,
}

pub(super) fn token(args: &StackArgs, asked: TokenArgs) -> anyhow::Result<ExitCode> {
    let Some(role) = asked.role else { return key_set(args) };
    let key = match PrivateKey::read(&key_file(args)) {
        Ok(key) => key,
        Err(error) => {
            eprintln!("error: {error}; `loopledger up --auth` makes the key of a data folder");
            return Ok(ExitCode::from(UNREADABLE));
        }
    };
    let TokenArgs { party, programmes, funds, subject, valid, .. } = asked;
    let (programmes, funds) = (programmes.into_iter().collect(), funds.into_iter().collect());
    let caller = Caller { subject, role, party, programmes, funds };
    let iat = clock::now().as_second();
    let claims =
        Claims { iss: ISSUER, aud: "loopledger", iat, exp: iat + i64::from(valid), caller };
    let header = json!({ "alg": "EdDSA", "kid": key.public().id(), "typ": "JWT" }).to_string();
    let [header, claims] =
        [header, serde_json::to_string(&claims)?].map(|part| URL_SAFE_NO_PAD.encode(part));
    let signed = format!("{header}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(key.sign_bytes(signed.as_bytes()));
    print(&format!("{signed}.{signature}"))?;
    Ok(ExitCode::SUCCESS)
}

fn key_set(args: &StackArgs) -> anyhow::Result<ExitCode> {
    if let KeySource::Fixed { id, public } = local_key(args)? {
        let x = URL_SAFE_NO_PAD.encode(public);
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": id, "x": x });
        print(&json!({ "keys": [key] }).to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What is told of accesses.
#[derive(Serialize)]
struct Accesses {
    accesses: Vec<RecordedAccess>,
}

impl Listed for Accesses {
    const LIST: Option<&'static str> = Some("accesses");
    const COLUMNS: &'static [&'static str] =
        &["number", "at", "subject", "role", "method", "path", "query"];
}

pub(super) async fn accesses(args: &StackArgs, format: AnswerFormat) -> anyhow::Result<ExitCode> {
    let stack = Stack::reach(args).await?;
    let recorded = stack.views.accesses().await;
    stack.close().await;
    print_answer(&Accesses { accesses: recorded? }, format, lines)?;
    Ok(ExitCode::SUCCESS)
}

fn lines(Accesses { accesses }: &Accesses) -> String {
    let line = |access: &RecordedAccess| {
        let RecordedAccess { number, at, subject, role, method, path, query } = access;
        let asked = if query.is_empty() { path.clone() } else { format!("{path}?{query}") };
        format!("{number}  {at}  {role}  {subject}  {method} {asked}")
    };
    accesses.iter().map(line).collect::<Vec<_>>().join("\n")
}
