//! Bundles over HTTP: the same rows, ids, errors and answers as on the command line.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::http::{Caller, Http, Reply};
use crate::program::{Bundle, Ledger, Up, folder_of, scenario};

const TAR: &str = "application/x-tar";

pub fn tar(folder: &Path) -> Vec<u8> {
    let tar = Command::new("tar").arg("-C").arg(folder).args(["-cf", "-", "."]).output();
    let tar = tar.expect("tar runs");
    assert!(tar.status.success());
    tar.stdout
}

fn send(http: &Http, path: &str, folder: &Path) -> Reply {
    http.send("POST", path, &[("Content-Type", TAR)], &tar(folder))
}

/// Names and data of the events.
fn events(reply: &Reply) -> Vec<(String, Value)> {
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.header("content-type"), "text/event-stream");
    let event = |text: &str| {
        let part = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        let data = part("data: ").expect("data");
        let data = serde_json::from_str(data).expect("JSON");
        (part("event: ").expect("a name").to_owned(), data)
    };
    reply.body.split("\n\n").filter(|text| text.contains("event: ")).map(event).collect()
}

#[track_caller]
pub fn report(reply: &Reply) -> Value {
    let (name, data) = events(reply).pop().expect("an event");
    assert_eq!(name, "report", "{data}");
    data
}

fn counts(report: &Value) -> [u64; 4] {
    let refused = report["refused"].as_array().expect("a list").len() as u64;
    let count = |name: &str| report[name].as_u64().expect("a count");
    [count("rows"), count("accepted"), count("unchanged"), refused]
}

#[test]
fn a_bundle_is_imported_over_http_as_on_the_command_line_and_only_once() {
    let (ledger, other) = (Ledger::new(), Ledger::new());
    let up = Up::start(&ledger);
    let http = Http::of(&ledger);
    let first = send(&http, "/v1/bundles", &scenario("lp-loop"));
    let told = events(&first);
    let progress: Vec<u64> = told
        .iter()
        .filter(|(name, _)| name == "progress")
        .map(|(_, data)| data["settled"].as_u64().expect("a count"))
        .collect();
    assert!(progress.is_sorted() && !progress.is_empty(), "{told:?}");
    let report_of_first = report(&first);
    let [rows, accepted, unchanged, refused] = counts(&report_of_first);
    assert_eq!((accepted, unchanged, refused), (rows, 0, 0));
    other.import(&scenario("lp-loop")).succeeded();
    let position = report_of_first["position"].as_u64().expect("a position");
    let flows = http.get(&format!("/v1/flows?after={position}")).json();
    assert_eq!(flows["flows"], other.query(&["flows"])["flows"]);
    // Again, by either way, nothing changes.
    assert_eq!(
        counts(&report(&send(&http, "/v1/bundles", &scenario("lp-loop")))),
        [rows, 0, rows, 0]
    );
    let again = ledger.import(&scenario("lp-loop")).succeeded();
    assert!(again.stdout.contains(&format!("{rows} unchanged")), "{}", again.stdout);
    assert_eq!(http.get("/v1/flows").json()["position"], json!(position));
    refusals_name_file_and_line(&ledger, &http);
    what_cannot_be_read_changes_nothing(&ledger, &http);
    assert_eq!(up.interrupt(), Some(0));
}

fn refusals_name_file_and_line(ledger: &Ledger, http: &Http) {
    let text = "id,name,kind,country\nnew-1,One,company,CN\nprovider-a,Another,company,CN\nnew-2,Two,company,CN\n";
    let folder = folder_of([("parties.csv", text)]);
    let stopped = report(&send(http, "/v1/bundles", folder.path()));
    assert_eq!(counts(&stopped), [3, 1, 0, 1], "{stopped}");
    assert_eq!(stopped["not_sent"], 1);
    let refused = &stopped["refused"][0];
    assert_eq!((&refused["file"], &refused["line"]), (&json!("parties.csv"), &json!(3)));
    let told = ledger.import(folder.path());
    assert_eq!(told.code, Some(3));
    let line =
        format!("parties.csv line 3: refused ({}): ", refused["code"].as_str().expect("a code"));
    assert!(told.stdout.contains(&line), "{}", told.stdout);
    let on = report(&send(http, "/v1/bundles?on_refusal=continue", folder.path()));
    assert_eq!(counts(&on), [3, 1, 1, 1], "{on}");
}

fn what_cannot_be_read_changes_nothing(ledger: &Ledger, http: &Http) {
    let before = ledger.query(&["flows"])["position"].clone();
    let broken = Bundle::lp_loop().append("payments.csv", "pm-9,in-1,1.001,2025-07-01,");
    let reply = send(http, "/v1/bundles", broken.path());
    assert_eq!((reply.status, reply.problem().as_str()), (422, "bundle-unreadable"));
    let problem = &reply.json()["problems"][0];
    let said = ledger.import(broken.path());
    assert_eq!(said.code, Some(2));
    let line = format!("payments.csv line {}", problem["line"]);
    assert!(said.stderr.contains(&line), "{line}: {}", said.stderr);
    assert!(said.stderr.contains(problem["reason"].as_str().expect("a reason")), "{problem}");
    let none = folder_of([("read.me", "nothing")]);
    let reply = send(http, "/v1/bundles", none.path());
    assert_eq!(reply.status, 422, "{}", reply.body);
    assert!(!reply.body.contains("/tmp"), "{}", reply.body);
    let good = tar(&scenario("lp-loop"));
    for (path, media, body, status) in [
        ("/v1/bundles", "application/zip", &good[..], 415),
        ("/v1/bundles", TAR, b"no tar at all", 400),
        ("/v1/bundles?on_refusal=perhaps", TAR, &good, 400),
        ("/v1/bundles?after=x", TAR, &good, 400),
        ("/v1/bundles?surprise=1", TAR, &good, 400),
    ] {
        let reply = http.send("POST", path, &[("Content-Type", media)], body);
        assert_eq!(reply.status, status, "{path}: {}", reply.body);
    }
    assert_eq!(ledger.query(&["flows"])["position"], before);
}

#[test]
fn whoever_may_give_each_of_its_commands_may_send_a_bundle() {
    let ledger = Ledger::new();
    let _up = Up::start_with(&ledger, &[("LEDGER_AUTH", "true")]);
    let http = Http::of(&ledger);
    let caller = |arguments: &[&str]| Caller::new(&http, &ledger, arguments);
    let operator = caller(&["--role", "operator"]);
    let all = tar(&scenario("lp-loop"));
    let position = report(&operator.send("/v1/bundles", TAR, &all))["position"].clone();
    let vouchers = "id,programme,holder,amount,at\nv-new,cv-2025,reseller-r,100.00,2025-05-01\n";
    let folder = folder_of([("vouchers.csv", vouchers)]);
    let office = caller(&["--role", "programme_office", "--programme", "cv-2025"]);
    assert_eq!(
        counts(&report(&office.send("/v1/bundles", TAR, &tar(folder.path())))),
        [1, 1, 0, 0]
    );
    let refused = office.send("/v1/bundles", TAR, &all);
    assert_eq!(refused.status, 403, "{}", refused.body);
    assert_eq!(refused.json()["line"], 2, "the first row that it may not give: {}", refused.body);
    let elsewhere = caller(&["--role", "programme_office", "--programme", "cv-2026"]);
    let refused = elsewhere.send("/v1/bundles", TAR, &tar(folder.path()));
    assert_eq!((refused.status, refused.json()["file"].clone()), (404, json!("vouchers.csv")));
    for role in ["regulator", "company", "reviewer"] {
        let caller = caller(&["--role", role, "--party", "company-c", "--programme", "cv-2025"]);
        let refused = caller.send("/v1/bundles", TAR, &all);
        assert_eq!(refused.status, 403, "{role}: {}", refused.body);
    }
    let fact = operator.gets("/v1/vouchers?programme=cv-2025")["position"].clone();
    assert_eq!(fact.as_u64(), position.as_u64().map(|position| position + 1));
    let command = &operator.gets(&format!("/v1/facts/{fact}"))["commands"][0];
    assert_eq!(
        (&command["by"], &command["command"]),
        (&json!("developer"), &json!("import:vouchers:v-new"))
    );
}
