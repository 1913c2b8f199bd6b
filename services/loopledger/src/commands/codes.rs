//! Vouchers' signed codes: made from the ledger by whoever has the issuer's key, checked by anybody without it.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use loopledger_model::VoucherId;
use loopledger_service::clock;
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use serde::Serialize;

use super::{UNREADABLE, print};
use crate::args::{StackArgs, VoucherArgs};
use crate::code::{KeyError, PrivateKey, PublicKey, Stated, VERSION};
use crate::stack::Stack;
use loopledger_exports::figures::{day, grouped};

/// A code is not genuine.
const REFUSED: u8 = 3;

#[derive(Serialize)]
struct Signed {
    code: String,
    stated: Stated,
}

#[derive(Serialize)]
struct Checked {
    genuine: bool,
    /// Its last day is over.
    expired: bool,
    stated: Option<Stated>,
    reason: Option<String>,
}

pub(super) fn new_key(out: &Path) -> anyhow::Result<ExitCode> {
    told(PrivateKey::create(out), |key| print(&key.public().to_string()))
}

pub(super) async fn voucher(args: &StackArgs, asked: VoucherArgs) -> anyhow::Result<ExitCode> {
    if let (Some(code), Some(file)) = (&asked.check, &asked.public_key) {
        let key = match PublicKey::read(file) {
            Ok(key) => key,
            Err(error) => return told(Err(error), |()| Ok(())),
        };
        return check(&key, code, asked.voucher.as_ref(), asked.json);
    }
    let file = asked.key.as_deref().context("the issuer's key is missing: name it with --key")?;
    let id = asked.voucher.as_ref().context("name the voucher")?;
    let key = match PrivateKey::read(file) {
        Ok(key) => key,
        Err(error) => return told(Err(error), |()| Ok(())),
    };
    let stated = stated(args, id, &key).await?;
    let code = key.sign(&stated);
    let qr = asked.qr.then(|| drawn(&code)).transpose()?;
    if asked.json {
        print(&serde_json::to_string(&Signed { code, stated })?)?;
    } else {
        print(&code)?;
    }
    qr.map_or(Ok(()), |qr| print(&qr))?;
    Ok(ExitCode::SUCCESS)
}

/// A key file that cannot be used is unreadable input.
fn told<T>(
    key: Result<T, KeyError>,
    done: impl FnOnce(T) -> anyhow::Result<()>,
) -> anyhow::Result<ExitCode> {
    match key {
        Ok(key) => done(key).map(|()| ExitCode::SUCCESS),
        Err(error) => {
            eprintln!("error: {error}");
            Ok(ExitCode::from(UNREADABLE))
        }
    }
}

async fn stated(args: &StackArgs, id: &VoucherId, key: &PrivateKey) -> anyhow::Result<Stated> {
    let mut stack = Stack::reach(args).await?;
    let found = match stack.fresh_views().await {
        Ok(()) => stack.views.issued(id).await.map_err(Into::into),
        Err(error) => Err(error),
    };
    stack.close().await;
    let issued = found?.with_context(|| format!("no voucher {id} is recorded"))?;
    Ok(Stated {
        currency: issued.currency,
        expires_at: issued.expires_at,
        face: issued.face,
        holder: issued.holder,
        issued_at: issued.issued_at,
        issuer: issued.issuer,
        key: key.public().id(),
        programme: issued.programme,
        v: VERSION,
        voucher: issued.voucher,
    })
}

fn drawn(code: &str) -> anyhow::Result<String> {
    let qr = QrCode::with_error_correction_level(code, EcLevel::L)
        .context("the code does not fit into a QR code")?;
    Ok(qr.render::<Dense1x2>().build())
}

fn check(
    key: &PublicKey,
    code: &str,
    voucher: Option<&VoucherId>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let checked = match key.check(code) {
        Ok(stated) => of_voucher(stated, voucher),
        Err(reason) => refused(None, reason.to_string()),
    };
    print(&if json { serde_json::to_string(&checked)? } else { shown(&checked) })?;
    Ok(if checked.genuine { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) })
}

fn of_voucher(stated: Stated, voucher: Option<&VoucherId>) -> Checked {
    if let Some(asked) = voucher.filter(|asked| **asked != stated.voucher) {
        let reason = format!("the code is that of voucher {}, not of {asked}", stated.voucher);
        return refused(Some(stated), reason);
    }
    let expired = stated.expires_at.is_some_and(|end| end <= clock::now());
    Checked { genuine: true, expired, stated: Some(stated), reason: None }
}

const fn refused(stated: Option<Stated>, reason: String) -> Checked {
    Checked { genuine: false, expired: false, stated, reason: Some(reason) }
}

fn shown(checked: &Checked) -> String {
    let (Some(stated), None) = (&checked.stated, &checked.reason) else {
        let reason = checked.reason.as_deref().unwrap_or_default();
        return format!("not genuine: {reason}");
    };
    let until = match stated.expires_at {
        None => "without an end".to_owned(),
        Some(end) if checked.expired => format!("which ended {}", day(end)),
        Some(end) => format!("valid until {}", day(end)),
    };
    let Stated { voucher, programme, holder, issuer, key, face, currency, issued_at, .. } = stated;
    let (face, issued) = (grouped(face), day(*issued_at));
    format!(
        "genuine: voucher {voucher} of {programme}, {face} {currency} for {holder}, {until}\n\
         issued {issued} by {issuer}, key {key}\n\
         what is left of it only the ledger knows"
    )
}
