//! The database itself keeps callers apart: every table is tried with every role, and answers are those of before.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::http::{Caller, Http};
use crate::program::{Ledger, Up, scenario};

/// Told to everybody who may ask at all.
const PUBLIC: [&str; 7] =
    ["capabilities", "card_specs", "controls", "cut_searches", "parties", "prices", "progress"];

/// The database of a ledger that runs, asked past the program.
struct Database {
    owner: String,
    projector: String,
    gateway: String,
}

impl Database {
    fn of(ledger: &Ledger) -> Self {
        let text = std::fs::read(ledger.data().join("stack.json")).expect("it is described");
        let description: Value = serde_json::from_slice(&text).expect("JSON");
        let owner = description["database_url"].as_str().expect("an address").to_owned();
        let (_, place) = owner.split_once('@').expect("a user before the place");
        let login = |name: &str| {
            let file = ledger.data().join("postgres").join(format!("{name}-password"));
            let password = std::fs::read_to_string(file).expect("a password is kept");
            format!("postgres://loopledger_{name}:{}@{place}", password.trim())
        };
        Self { projector: login("projector"), gateway: login("gateway"), owner }
    }

    fn ask(&self, url: &str, script: &str) -> Vec<String> {
        let mut psql = Command::new("psql")
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--dbname", url])
            .env("PGOPTIONS", "-c search_path=loopledger")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("psql comes with PostgreSQL");
        let mut input = psql.stdin.take().expect("it is piped");
        let script = script.to_owned();
        let writing = std::thread::spawn(move || input.write_all(script.as_bytes()));
        let output = psql.wait_with_output().expect("psql ends");
        writing.join().expect("it writes").expect("psql reads");
        String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
    }

    /// Every table and its first column.
    fn tables(&self) -> Vec<(String, String)> {
        let question = "SELECT relname || ' ' || attname FROM pg_class JOIN pg_attribute \
            ON attrelid = pg_class.oid AND attnum = 1 WHERE relnamespace = 'loopledger'::REGNAMESPACE \
            AND relkind = 'r' ORDER BY 1;";
        let split = |line: &String| {
            let (table, column) = line.split_once(' ').expect("two words");
            (table.to_owned(), column.to_owned())
        };
        self.ask(&self.owner, question).iter().map(split).collect()
    }

    /// What was allowed, as `table action`, after some statements.
    fn allowed(&self, url: &str, first: &str) -> BTreeSet<String> {
        let mut script = String::new();
        for (table, column) in self.tables() {
            for (action, statement) in [
                ("select", format!("SELECT FROM {table} WHERE FALSE")),
                ("insert", format!("INSERT INTO {table} SELECT * FROM {table} WHERE FALSE")),
                ("update", format!("UPDATE {table} SET {column} = {column} WHERE FALSE")),
                ("delete", format!("DELETE FROM {table} WHERE FALSE")),
                ("truncate", format!("TRUNCATE {table}")),
            ] {
                script += &format!(
                    "BEGIN READ WRITE; {first}; {statement};\n\\echo {table} {action} :SQLSTATE\nROLLBACK;\n"
                );
            }
        }
        let lines = self.ask(url, &script);
        let tried = lines.iter().filter(|line| line.split(' ').count() == 3);
        let results: Vec<_> = tried.filter_map(|line| line.rsplit_once(' ')).collect();
        assert_eq!(results.len(), self.tables().len() * 5, "{lines:?}");
        let known = ["00000", "42501"];
        assert!(results.iter().all(|(_, state)| known.contains(state)), "{results:?}");
        let allowed = results.into_iter().filter(|(_, state)| *state == "00000");
        allowed.map(|(what, _)| what.to_owned()).collect()
    }

    /// The rows that somebody sees, by table.
    fn rows(&self, first: Option<&str>) -> Rows {
        let url = if first.is_some() { &self.gateway } else { &self.owner };
        let (tables, mut script) = (self.tables(), String::new());
        for (table, _) in &tables {
            let first = first.unwrap_or("SELECT");
            script += &format!(
                "\\echo {table}\nBEGIN; {first};\nSELECT to_json({table}) FROM {table};\nROLLBACK;\n"
            );
        }
        let mut rows = Rows::new();
        let mut of = String::new();
        for line in self.ask(url, &script) {
            if tables.iter().any(|(table, _)| *table == line) {
                of = line;
                rows.entry(of.clone()).or_default();
            } else if let Ok(row @ Value::Object(_)) = serde_json::from_str(&line) {
                rows.entry(of.clone()).or_default().push(row);
            }
        }
        assert_eq!(rows.len(), tables.len());
        rows
    }
}

type Rows = BTreeMap<String, Vec<Value>>;

/// The parties, but of the many buyers that are alike one.
fn parties(all: &Rows) -> Vec<&str> {
    let ids = all["parties"].iter().map(|row| row["id"].as_str().expect("an id"));
    ids.filter(|id| !id.starts_with("b-") || *id == "b-01").collect()
}

fn party(id: &str) -> String {
    format!("SET LOCAL ROLE loopledger_party; SET LOCAL loopledger.parties = '{id}'")
}

const READER: &str = "SET LOCAL ROLE loopledger_reader";

fn every_role_may_do_its_own_and_no_more(database: &Database) {
    let tables = database.tables();
    let tables: Vec<&str> = tables.iter().map(|(table, _)| table.as_str()).collect();
    assert!(tables.len() > 25, "{tables:?}");
    let all = |action: &str, but: &[&str]| -> BTreeSet<String> {
        let of = tables.iter().filter(|table| !but.contains(table));
        of.map(|table| format!("{table} {action}")).collect()
    };
    let migrations = "refinery_schema_history";
    let mut projector = all("select", &[]);
    projector.extend(all("insert", &[migrations, "progress"]));
    projector.extend(["progress update", "loops update"].map(str::to_owned));
    assert_eq!(database.allowed(&database.projector, "SELECT"), projector);
    let gateway = BTreeSet::from(["progress select".to_owned()]);
    assert_eq!(database.allowed(&database.gateway, "SELECT"), gateway);
    let reader = all("select", &[migrations]);
    assert_eq!(database.allowed(&database.gateway, READER), reader);
    let party_sees = all("select", &[migrations, "commits"]);
    assert_eq!(database.allowed(&database.gateway, &party("provider-a")), party_sees);
    // By itself, without being told to write, the gateway's session changes nothing at all.
    let written = database.ask(
        &database.gateway,
        "INSERT INTO loopledger_accesses.accesses (subject, role, method, path, query)\n\
         VALUES ('a', 'b', 'c', 'd', 'e');\n\\echo :SQLSTATE\n",
    );
    assert_eq!(written, ["25006"]);
}

/// What a party has, by the rows' own words: ids that a row may name to be seen by it.
fn belongings(all: &Rows, party: &str) -> BTreeSet<String> {
    let mut related = BTreeSet::from([party.to_owned()]);
    let mut add = |table: &str, columns: &[&str], id: &str, ids: &BTreeSet<String>| {
        let is =
            |row: &Value, column: &str| row[column].as_str().is_some_and(|id| ids.contains(id));
        let of = all[table].iter().filter(|row| columns.iter().any(|column| is(row, column)));
        related.extend(of.filter_map(|row| row[id].as_str().map(str::to_owned)));
        related.clone()
    };
    let own = BTreeSet::from([party.to_owned()]);
    add("pools", &["operator"], "id", &own);
    add("vouchers", &["holder"], "id", &own);
    add("voucher_facts", &["provider"], "claim", &own);
    add("funds", &["manager"], "id", &own);
    add("commitments", &["lp"], "fund", &own);
    let so_far = add("contracts", &["buyer", "seller"], "id", &own);
    let mut so_far = add("allocations", &["pool"], "contract", &so_far);
    for _ in 0..5 {
        so_far = add("contracts", &["id"], "backing_contract", &so_far);
    }
    add("allocations", &["pool", "contract"], "id", &so_far)
}

fn names(row: &Value, what: &dyn Fn(&str) -> bool) -> bool {
    row.as_object().expect("a row").values().any(|cell| match cell.as_array() {
        Some(parts) => parts.iter().filter_map(Value::as_str).any(what),
        None => cell.as_str().is_some_and(what),
    })
}

fn a_party_sees_its_own_rows_and_all_of_them(database: &Database) {
    let all = database.rows(None);
    let (mut seen_rows, mut hidden_rows) = (0, 0);
    for id in parties(&all) {
        let (related, seen) = (belongings(&all, id), database.rows(Some(&party(id))));
        let on_loops: BTreeSet<&str> = all["loops"]
            .iter()
            .filter_map(|found| found["parties"].as_array())
            .filter(|parties| parties.iter().any(|party| party == id))
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for (table, rows) in all.iter().filter(|(table, _)| !PUBLIC.contains(&table.as_str())) {
            let on_a_loop = |row: &Value| {
                let side = |name: &str| row[name].as_str().is_some_and(|id| on_loops.contains(id));
                table == "flows" && (side("from_party") || side("buyer")) && side("to_party")
            };
            for row in &seen[table] {
                let own = names(row, &|cell| related.contains(cell)) || on_a_loop(row);
                assert!(own, "{id} sees of {table}: {row}");
            }
            // A government is named by its programmes, whose office is another kind of caller.
            let by_itself = !["commits", "programmes"].contains(&table.as_str());
            let mut own = rows.iter().filter(|row| by_itself && names(row, &|cell| cell == id));
            let missing = own.find(|row| !seen[table].contains(row));
            assert!(missing.is_none(), "{id} does not see of {table}: {missing:?}");
            seen_rows += seen[table].len();
            hidden_rows += rows.len() - seen[table].len();
        }
    }
    assert!(seen_rows > 300 && hidden_rows > 300, "{seen_rows} seen, {hidden_rows} not");
}

fn a_stranger_sees_nothing_but_registers(database: &Database) {
    let all = database.rows(None);
    let (stranger, reader) =
        (database.rows(Some(&party("nobody-at-all"))), database.rows(Some(READER)));
    let nobody = database.rows(Some("SELECT"));
    for (table, rows) in &all {
        let public = PUBLIC.contains(&table.as_str());
        assert_eq!(stranger[table].len(), if public { rows.len() } else { 0 }, "{table}");
        assert_eq!(nobody[table].len(), usize::from(table == "progress"), "{table}");
        if table != "refinery_schema_history" {
            assert_eq!(reader[table].len(), rows.len(), "{table}");
        }
    }
}

/// What each role asks of its own, of everybody that there is.
fn questions(all: &Rows) -> Vec<(Vec<String>, String)> {
    let ids = |table: &str, column: &str| -> BTreeSet<String> {
        all[table].iter().filter_map(|row| row[column].as_str().map(str::to_owned)).collect()
    };
    let mut asked = Vec::new();
    let mut ask = |role: &[&str], path: String| {
        let role: Vec<String> =
            ["--role"].iter().chain(role).map(|word| (*word).to_owned()).collect();
        for seen in ["", "as_of=2025-04-15", "as_known=2099-01-01"] {
            let joint = if path.contains('?') { '&' } else { '?' };
            asked.push((role.clone(), format!("{path}{joint}{seen}")));
        }
    };
    let (funds, contracts) = (ids("funds", "id"), &all["contracts"]);
    let period = "from=2025-02-01&to=2025-09-01";
    for id in parties(all) {
        for role in ["provider", "company"] {
            let role = [role, "--party", id];
            ask(&role, format!("/v1/flows?party={id}"));
            ask(&role, format!("/v1/contracts?party={id}"));
            ask(&role, format!("/v1/prices?party={id}"));
            for fund in &funds {
                ask(&role, format!("/v1/lp-account?lp={id}&fund={fund}"));
            }
            let own = |row: &&Value| row["buyer"] == id || row["seller"] == id;
            for contract in contracts.iter().filter(own).filter_map(|row| row["id"].as_str()) {
                ask(&role, format!("/v1/implied?contract={contract}"));
            }
        }
        ask(&["company", "--party", id], format!("/v1/reviews?applicant={id}"));
        let provider = ["provider", "--party", id];
        ask(&provider, format!("/v1/reviews?provider={id}"));
        ask(&provider, format!("/v1/claims?provider={id}"));
        ask(&provider, format!("/v1/statement?provider={id}&{period}"));
        for pool in all["pools"].iter().filter(|pool| pool["operator"] == id) {
            let pool = pool["id"].as_str().expect("an id");
            ask(&provider, format!("/v1/utilization?pool={pool}&{period}"));
            ask(&provider, format!("/v1/utilization?pool={pool}&{period}&by=day"));
        }
    }
    for fund in &funds {
        let manager = ["fund_manager", "--fund", fund];
        ask(&manager, format!("/v1/loops?party={fund}"));
        ask(&manager, format!("/v1/loops?party={fund}&level=group"));
        ask(&manager, format!("/v1/flows?party={fund}"));
        ask(&manager, format!("/v1/fund?fund={fund}"));
        for lp in ids("commitments", "lp") {
            ask(&manager, format!("/v1/lp-account?fund={fund}&lp={lp}"));
        }
    }
    for programme in ids("programmes", "id") {
        for role in ["programme_office", "reviewer"] {
            let office = [role, "--programme", &programme];
            for path in ["vouchers", "programme", "claims", "reviews", "caps"] {
                ask(&office, format!("/v1/{path}?programme={programme}"));
            }
        }
    }
    asked
}

/// Without what a contract's other side keeps to itself, and what a fund's investors do.
fn told_to_both(role: &[String], path: &str, mut answer: Value) -> Value {
    if role.iter().any(|word| word == "fund_manager") && path.starts_with("/v1/flows") {
        let flows = answer["flows"].as_array_mut().expect("flows");
        flows.retain(|flow| flow["kind"] != "contribution" && flow["kind"] != "distribution");
    }
    if path.starts_with("/v1/contracts") {
        for contract in answer["contracts"].as_array_mut().into_iter().flatten() {
            let contract = contract.as_object_mut().expect("a contract");
            contract.retain(|name, _| {
                !["resale", "sold_on", "capacity_owner"].contains(&name.as_str())
            });
        }
    }
    answer
}

fn answers_are_the_operators(ledger: &Ledger, database: &Database) {
    let http = Http::of(ledger);
    let operator = Caller::new(&http, ledger, &["--role", "operator"]);
    let (mut role, mut caller) = (Vec::new(), None);
    let mut answered = 0;
    for (of, path) in questions(&database.rows(None)) {
        if of != role {
            let arguments: Vec<&str> = of.iter().map(String::as_str).collect();
            caller = Some(Caller::new(&http, ledger, &arguments));
            role = of;
        }
        let reply = caller.as_ref().expect("somebody asks").get(&path);
        let expected = operator.get(&path);
        assert_eq!(reply.status, expected.status, "{role:?} {path}: {}", reply.body);
        let [own, all] = [&reply, &expected].map(|reply| told_to_both(&role, &path, reply.json()));
        assert_eq!(own, all, "{role:?} {path}");
        answered += usize::from(reply.status == 200);
    }
    assert!(answered > 100, "{answered}");
}

#[test]
fn the_database_shows_each_caller_its_own_rows_also_after_a_rebuild_and_a_rollback() {
    let ledger = Ledger::new();
    let up = Up::start_with(&ledger, &[("LEDGER_AUTH", "true")]);
    ledger.import(&scenario("lp-loop")).succeeded();
    for bundle in ["half-dark", "fund-of-funds", "guidance-fund", "terminations"] {
        // What has an id of another bundle's is refused, the rest is there.
        let folder = scenario(bundle);
        let folder = folder.to_str().expect("a readable path");
        ledger.run(&["import", folder, "--on-refusal", "continue"]);
    }
    let database = Database::of(&ledger);
    every_role_may_do_its_own_and_no_more(&database);
    a_stranger_sees_nothing_but_registers(&database);
    a_party_sees_its_own_rows_and_all_of_them(&database);
    answers_are_the_operators(&ledger, &database);
    for change in ["rebuild", "rollback"] {
        ledger.run(&[change]).succeeded();
        every_role_may_do_its_own_and_no_more(&database);
        a_stranger_sees_nothing_but_registers(&database);
    }
    assert_eq!(up.interrupt(), Some(0));
}
