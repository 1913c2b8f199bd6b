//! The images' servers one by one: a ledger on a NATS and a database that testcontainers starts.
//!
//! tests/compose runs it, on the engine that it has found, with the images that it has made.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use testcontainers::core::{IntoContainerPort as _, WaitFor};
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerAsync, GenericImage, ImageExt as _};

const PASSWORD: &str = "a-password-of-the-tests";

fn told(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is set by tests/compose"))
}

/// Where the container is reached that listens on this port.
async fn reached(container: &ContainerAsync<GenericImage>, port: u16) -> String {
    let port = container.get_host_port_ipv4(port.tcp()).await.expect("it is published");
    format!("127.0.0.1:{port}")
}

/// What the program prints with these servers, or with private ones.
#[track_caller]
fn run(data: &Path, servers: &[(&str, String)], arguments: &[&str]) -> String {
    let mut command = Command::new(told("LOOPLEDGER_PROGRAM"));
    command.args(arguments).arg("--data").arg(data).envs(servers.iter().cloned());
    let output = command.output().expect("the program runs");
    let [said, complaint] =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{arguments:?}: {said}{complaint}");
    said
}

#[tokio::test]
async fn servers_of_the_images_hold_a_ledger_as_private_ones_do() {
    let network = format!("loopledger-containers-{}", std::process::id());
    let nats = GenericImage::new(told("NATS_IMAGE").as_str(), "latest")
        .with_exposed_port(4222.tcp())
        .with_wait_for(WaitFor::message_on_stderr("Server is ready"))
        .with_cmd(["nats-server", "--jetstream", "--store_dir", "/tmp/journal"])
        .with_network(&network)
        .start()
        .await
        .expect("NATS starts");
    let postgres = GenericImage::new(told("POSTGRES_IMAGE").as_str(), "latest")
        .with_exposed_port(5432.tcp())
        .with_wait_for(WaitFor::message_on_stderr("ready to accept connections"))
        .with_env_var("POSTGRES_USER", "loopledger")
        .with_env_var("POSTGRES_DB", "loopledger")
        .with_env_var("POSTGRES_PASSWORD", PASSWORD)
        .with_env_var("POSTGRES_INITDB_ARGS", "--encoding=UTF8 --locale=C")
        .with_cmd(["postgres", "-c", "timezone=UTC"])
        .with_network(&network)
        .start()
        .await
        .expect("PostgreSQL starts");
    let (nats_at, postgres_at) = (reached(&nats, 4222).await, reached(&postgres, 5432).await);
    let servers = [
        ("NATS_URL", format!("nats://{nats_at}")),
        ("DATABASE_URL", format!("postgres://loopledger:{PASSWORD}@{postgres_at}/loopledger")),
    ];
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/lp-loop");
    let scenario = scenario.to_str().expect("a readable path");
    let folder = TempDir::new().expect("a temporary folder");
    // PostgreSQL's unprivileged user passes through it where the tests run as root.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).expect("our own folder");
    let found = [&servers[..], &[]].map(|servers| {
        let data = folder.path().join(format!("data-{}", servers.len()));
        run(&data, servers, &["import", scenario]);
        ["loops", "flows"].map(|list| run(&data, servers, &[list, "--json"]))
    });
    assert_eq!(found[0], found[1]);
    run(&folder.path().join("data-2"), &servers, &["verify"]);
}
