//! The deployment of docker-compose.yml, every part in a container of its own, where a Docker engine is there or can be
//! started; where none is, that is said and nothing is tried.

#[path = "../system/readme/calls.rs"]
mod calls;
mod deployment;
mod engine;
#[path = "../system/http.rs"]
#[expect(dead_code, reason = "the system tests use the rest")]
mod http;
#[path = "../system/program.rs"]
#[expect(dead_code, reason = "the system tests use the rest")]
mod program;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use serde_json::{Value, json};

use calls::{Call, calls};
use deployment::Deployment;
use engine::{Engine, NATS, POSTGRES};
use http::{Caller, Http};
use program::{Ledger, built, project, scenario};

/// To the terminal, whether the test passes or not.
fn say(text: &str) {
    drop(writeln!(std::io::stderr(), "compose: {text}"));
}

#[test]
fn the_readmes_calls_are_answered_by_the_deployment_as_by_the_local_stack() {
    let engine = match Engine::find() {
        Ok(engine) => engine,
        Err(why) => return say(&format!("SKIPPED, the deployment was not tried: {why}")),
    };
    // Its folder has the key that tokens are signed with.
    let keys = Ledger::new();
    let key_set = keys.run(&["token", "--key-set"]).succeeded().stdout;
    let deployment = Deployment::start(&engine, &key_set);
    let http = Http::at(deployment.http.clone());
    program::wait_until("the gateway is ready", || http.get("/readyz").json()["lag"] == 0);
    assert_eq!(http.get("/v1/loops").status, 401, "nobody is let in without a token");

    let operator = Caller::new(&http, &keys, &["--role", "operator"]);
    let tar = Command::new("tar")
        .arg("-C")
        .arg(scenario("lp-loop"))
        .args(["-cf", "-", "."])
        .output()
        .expect("tar runs");
    let imported = operator.send("/v1/bundles", "application/x-tar", &tar.stdout);
    assert_eq!(imported.status, 200, "{}", imported.body);
    let report = imported.body.rsplit("data: ").next().unwrap_or_default();
    let report: Value = serde_json::from_str(report.trim()).expect("a report");
    assert_eq!([&report["accepted"], &report["rows"]], [58, 58], "{report}");
    assert_eq!(report["position"], 27);
    for Call { method, path, headers, body, answer } in calls() {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let reply = operator.call(method, &path, &headers, &body);
        assert_eq!(reply.json(), answer, "{method} {path}: {}", reply.body);
    }
    containers_can_do_no_more_than_they_have_to(&deployment);
    what_was_answered_outlives_every_container(&deployment, &operator);
    drop(deployment);
    servers_of_the_images_hold_a_ledger(&engine);
    say("the README's calls were answered by the deployment as it says");
}

fn containers_can_do_no_more_than_they_have_to(deployment: &Deployment<'_>) {
    for service in ["voucher", "projector", "gateway"] {
        let user = deployment.compose(&["exec", "-T", service, "id", "-u"]);
        assert_eq!(user.trim(), "10001", "{service}");
        let write = "touch /usr/local/bin/x 2>&1 || echo refused";
        let written = deployment.compose(&["exec", "-T", service, "sh", "-c", write]);
        assert!(written.contains("Read-only file system"), "{service}: {written}");
    }
}

/// The test of tests/containers, which has to be built first.
fn servers_of_the_images_hold_a_ledger(engine: &Engine) {
    let cargo = |what: &[&str]| {
        let mut command = Command::new(env!("CARGO"));
        let manifest = ["test", "--quiet", "--manifest-path", "tests/containers/Cargo.toml"];
        command.args(manifest).args(["--locked", "--target-dir", "target/containers"]).args(what);
        command.current_dir(project()).env("LOOPLEDGER_PROGRAM", built("loopledger"));
        engine.tell(&mut command).env("NATS_IMAGE", NATS).env("POSTGRES_IMAGE", POSTGRES);
        command.output().expect("cargo runs")
    };
    let made = cargo(&["--no-run"]);
    if !made.status.success() {
        let why = String::from_utf8_lossy(&made.stderr).into_owned();
        let why = why.lines().next_back().unwrap_or_default().to_owned();
        return say(&format!("SKIPPED, its servers were not tried alone: {why}"));
    }
    let tried = cargo(&[]);
    let said = String::from_utf8_lossy(&tried.stdout);
    assert!(tried.status.success() && said.contains("1 passed"), "{said}");
    say("its images' servers held a ledger");
}

/// False also where nobody answers.
fn is_ready(address: &str) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(address)?;
        let mut answer = String::new();
        write!(stream, "GET /readyz HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
        stream.read_to_string(&mut answer)?;
        std::io::Result::Ok(answer)
    };
    ask().is_ok_and(|answer| answer.contains("\"lag\":0"))
}

fn what_was_answered_outlives_every_container(deployment: &Deployment<'_>, operator: &Caller<'_>) {
    let before = operator.gets("/v1/vouchers");
    deployment.compose(&["restart", "--timeout", "20"]);
    program::wait_until("the gateway is ready again", || is_ready(&deployment.http));
    assert_eq!(operator.gets("/v1/vouchers?after=31"), before);
    let again = json!({ "contract": "k-3", "id": "lk-3", "at": "2025-04-29T00:00:00Z",
        "amount": { "amount": "336000.00", "currency": "CNY" } });
    program::wait_until("the voucher service answers again", || {
        let reply = operator.give("/v1/vouchers/v-r1/locks", "lock-1", &again);
        reply.json() == json!({ "position": 30, "events": 1, "repeated": true })
    });
}
