//! The fund service as a process of its own.

use loopledger_fund::FundDecider;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    loopledger_service::process::main::<FundDecider>().await
}
