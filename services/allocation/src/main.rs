//! The allocation service as a process of its own.

use loopledger_allocation::Allocation;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    loopledger_service::process::main::<Allocation>().await
}
