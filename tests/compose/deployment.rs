//! docker-compose.yml, brought up with passwords of its own and taken down with all it kept.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use crate::engine::{Engine, LEDGER, NATS, POSTGRES};
use crate::say;

/// Whose passwords the file asks for.
const USERS: [&str; 12] = [
    "NATS_LEDGER",
    "NATS_SYSTEM",
    "NATS_REGISTRY",
    "NATS_VOUCHER",
    "NATS_FUND",
    "NATS_PURCHASE",
    "NATS_ALLOCATION",
    "NATS_PROJECTOR",
    "NATS_GATEWAY",
    "POSTGRES",
    "POSTGRES_PROJECTOR",
    "POSTGRES_GATEWAY",
];

pub struct Deployment<'a> {
    engine: &'a Engine,
    project: String,
    folder: TempDir,
    /// Where the gateway listens.
    pub http: String,
}

impl<'a> Deployment<'a> {
    /// Lets in whoever has a token of this key set.
    pub fn start(engine: &'a Engine, key_set: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let keys = folder.path().join("jwks.json");
        std::fs::write(&keys, key_set).expect("our own folder");
        // Its reader is another user.
        let open = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(&keys, open).expect("our own file");
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755))
            .expect("our own folder");
        let [nats, postgres, http] = free_ports();
        let mut settings = format!(
            "NATS_IMAGE={NATS}\nPOSTGRES_IMAGE={POSTGRES}\nLEDGER_IMAGE={LEDGER}\nJWKS_FILE={}\n\
             NATS_PORT={nats}\nPOSTGRES_PORT={postgres}\nHTTP_PORT={http}\n",
            keys.display()
        );
        for user in USERS {
            writeln!(settings, "{user}_PASSWORD=p{}", random_hex()).expect("memory");
        }
        std::fs::write(folder.path().join("env"), settings).expect("our own folder");
        let project = format!("loopledger-test-{}", std::process::id());
        let deployment = Self { engine, project, folder, http: format!("127.0.0.1:{http}") };
        let up = ["up", "--detach", "--no-build", "--pull", "never", "--wait"];
        if let Err(error) = deployment.ask(&up) {
            say(&deployment.ask(&["logs", "--tail", "20"]).unwrap_or_default());
            panic!("the deployment does not come up: {error}");
        }
        deployment
    }

    fn ask(&self, arguments: &[&str]) -> Result<String, String> {
        let settings = self.folder.path().join("env");
        let settings = settings.to_str().expect("a readable path");
        let about = ["--project-name", &self.project, "--env-file", settings];
        self.engine.compose(&[&about, arguments].concat())
    }

    /// What `docker compose` prints for it.
    #[track_caller]
    pub fn compose(&self, arguments: &[&str]) -> String {
        self.ask(arguments).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
    }
}

impl Drop for Deployment<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.ask(&["down", "--volumes", "--timeout", "10"]) {
            say(&format!("the deployment was not taken down: {error}"));
        }
    }
}

/// Held together, so that they differ.
fn free_ports() -> [u16; 3] {
    let held = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
    held.map(|held| held.local_addr().expect("it is bound").port())
}

fn random_hex() -> String {
    let mut bytes = [0; 16];
    let mut source = std::fs::File::open("/dev/urandom").expect("a Linux system");
    std::io::Read::read_exact(&mut source, &mut bytes).expect("random bytes");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
