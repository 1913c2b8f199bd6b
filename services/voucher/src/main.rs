//! The voucher service as a process of its own.

use loopledger_voucher::Vouchers;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    loopledger_service::process::main::<Vouchers>().await
}
