//! The allocation service as a process of its own.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    loopledger_service::process::main(&loopledger_allocation::SERVICE).await
}
