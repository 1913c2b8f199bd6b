//! The registry service as a process of its own.

use loopledger_registry::Registry;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    loopledger_service::process::main::<Registry>().await
}
