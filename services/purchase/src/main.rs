//! The purchase service as a process of its own.

use loopledger_purchase::Purchase;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    loopledger_service::process::main::<Purchase>().await
}
