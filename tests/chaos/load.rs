//! Clients that send their requests until each is answered, and what they were told.
//!
//! Invariant: a request without an answer is sent again as it was, under the same command ids.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::market::Request;
use crate::nats::{Connection, Message};

/// Far more than an answer takes when the program was just killed.
const LIMIT: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(20);

/// One command and what it was answered.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub context: &'static str,
    pub id: String,
    pub command: Value,
    pub answer: Value,
}

/// What all clients have in common.
pub struct Load {
    data: PathBuf,
    /// Commands answered; faults come at counts of it.
    pub answered: AtomicU64,
    /// Requests sent again for want of an answer.
    pub repeats: AtomicU64,
    exchanges: Mutex<Vec<Exchange>>,
    failed: AtomicBool,
}

#[expect(clippy::disallowed_methods, reason = "a client gives up at a deadline")]
fn now() -> Instant {
    Instant::now()
}

/// Where the program that runs on the folder has its NATS server.
pub fn nats_url(data: &Path) -> Option<String> {
    let text = std::fs::read(data.join("stack.json")).ok()?;
    let described: Value = serde_json::from_slice(&text).ok()?;
    Some(described["nats_url"].as_str()?.to_owned())
}

impl Load {
    pub fn new(data: PathBuf) -> Self {
        let (answered, repeats) = (AtomicU64::new(0), AtomicU64::new(0));
        let (exchanges, failed) = (Mutex::default(), AtomicBool::new(false));
        Self { data, answered, repeats, exchanges, failed }
    }

    /// Whether a client has given up.
    pub fn failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    pub fn exchanges(&self) -> Vec<Exchange> {
        self.exchanges.lock().expect("no client panicked").clone()
    }

    /// Sends the requests one after the other.
    pub fn run(&self, requests: &[Request]) {
        let (mut connection, mut last) = (None, 0);
        for request in requests {
            last = last.max(self.obtain(&mut connection, request, last));
        }
    }

    /// Sends a request until it is answered; the highest position that was answered.
    fn obtain(&self, connection: &mut Option<Connection>, request: &Request, after: u64) -> u64 {
        let asked = |(id, command): &(String, Value)| json!({ "id": id, "by": "chaos", "after": after, "command": command });
        let commands: Vec<Value> = request.commands.iter().map(asked).collect();
        let body = json!({ "commands": commands, "stop_at_refusal": request.stop_at_refusal });
        let body = body.to_string().into_bytes();
        let (subject, deadline) = (format!("cmd.{}.0", request.context), now() + LIMIT);
        let mut cut = request.cut;
        loop {
            let url = nats_url(&self.data);
            if connection.is_none() {
                *connection = url.and_then(|url| Connection::open(&url).ok());
            }
            let answer = connection.as_mut().and_then(|open| {
                open.ask(&subject, &body).ok()?;
                if cut { None } else { open.answer().ok() }
            });
            cut = false;
            match answer {
                None => *connection = None,
                Some(message) => {
                    if let Some(answers) = answers(&message, request) {
                        return self.note(request, answers);
                    }
                }
            }
            self.failed.fetch_or(now() >= deadline, Ordering::Relaxed);
            assert!(!self.failed(), "no answer within {LIMIT:?}: {request:?}");
            self.repeats.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(PAUSE);
        }
    }

    fn note(&self, request: &Request, answers: Vec<Value>) -> u64 {
        let last = answers.iter().filter_map(|answer| answer["position"].as_u64()).max();
        let exchanges = request.commands.iter().zip(answers).map(|((id, command), answer)| {
            let (id, command) = (id.clone(), command.clone());
            Exchange { context: request.context, id, command, answer }
        });
        self.exchanges.lock().expect("no client panicked").extend(exchanges);
        self.answered.fetch_add(request.commands.len() as u64, Ordering::Relaxed);
        last.unwrap_or(0)
    }
}

/// The answers in a message; nothing where it says to ask again.
fn answers(message: &Message, request: &Request) -> Option<Vec<Value>> {
    if !message.headers.is_empty() {
        let headers = &message.headers;
        let passing = headers.starts_with("NATS/1.0 503") || headers.contains("Error-Code: 503");
        assert!(passing || !headers.contains("Error-Code"), "{headers} for {request:?}");
        if passing {
            return None;
        }
    }
    let response: Value = serde_json::from_slice(&message.body).expect("an answer is JSON");
    let answers = response["answers"].as_array().expect("a list of answers").clone();
    assert_eq!(answers.len(), request.commands.len(), "{answers:?} for {request:?}");
    let late = answers.iter().any(|answer| answer["answer"] == "not_caught_up");
    (!late).then_some(answers)
}
