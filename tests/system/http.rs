//! The HTTP API of a ledger that runs, asked as any client asks it.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::program::Ledger;

pub struct Http {
    address: String,
}

/// What came back. Header names are in lower case.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
    /// The body as it came, which may be no text.
    pub bytes: Vec<u8>,
}

impl Reply {
    /// Nothing where it does not go as far as the headers' end.
    fn read(answer: &[u8]) -> Option<Self> {
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
        let head = str::from_utf8(&answer[..end]).expect("headers are text");
        let bytes = answer[end + 4..].to_vec();
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let status = status.and_then(|code| code.parse().ok()).expect("a status");
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        let body = String::from_utf8_lossy(&bytes).into_owned();
        Some(Self { status, headers: headers.collect(), body, bytes })
    }

    /// Null where the body is no JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The name of the problem or the refusal, without its prefix.
    pub fn problem(&self) -> String {
        let kind = self.json()["type"].as_str().unwrap_or_default().to_owned();
        kind.rsplit(':').next().unwrap_or_default().to_owned()
    }
}

impl Http {
    pub fn of(ledger: &Ledger) -> Self {
        let text = std::fs::read(ledger.data().join("stack.json")).expect("it is described");
        let description: Value = serde_json::from_slice(&text).expect("JSON");
        let base = description["http"].as_str().expect("an address");
        Self::at(base.strip_prefix("http://").expect("an HTTP address").to_owned())
    }

    /// A ledger that others run there.
    pub const fn at(address: String) -> Self {
        Self { address }
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// HTTP/1.0, so that the answer's end is the connection's.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(&self.address).expect("the API listens");
        let mut head = format!("{method} {path} HTTP/1.0\r\nHost: {}\r\n", self.address);
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if method != "GET" || !body.is_empty() {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        write!(stream, "{head}\r\n").expect("the API reads");
        // A body that is too large is answered before all of it is read.
        let sent = stream.write_all(body);
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        let Some(reply) = Reply::read(&answer) else {
            panic!("no answer to {method} {path}: {sent:?}, {read:?}, {answer:?}");
        };
        reply
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], &[])
    }

    /// A command with a key.
    pub fn give(&self, path: &str, key: &str, body: &Value) -> Reply {
        let headers = [("Idempotency-Key", key), ("Content-Type", "application/json")];
        self.send("POST", path, &headers, body.to_string().as_bytes())
    }
}

/// Somebody with a token.
pub struct Caller<'a> {
    http: &'a Http,
    bearer: String,
}

impl<'a> Caller<'a> {
    /// With the arguments of `loopledger token`.
    pub fn new(http: &'a Http, ledger: &Ledger, arguments: &[&str]) -> Self {
        let token = ledger.run(&[&["token"], arguments].concat()).succeeded().stdout;
        Self { http, bearer: format!("Bearer {}", token.trim()) }
    }

    pub fn get(&self, path: &str) -> Reply {
        self.http.send("GET", path, &[("Authorization", &self.bearer)], &[])
    }

    /// With headers of one's own.
    pub fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut all = vec![("Authorization", self.bearer.as_str())];
        all.extend(headers);
        self.http.send(method, path, &all, body.as_bytes())
    }

    pub fn send(&self, path: &str, media_type: &str, body: &[u8]) -> Reply {
        let headers = [("Authorization", self.bearer.as_str()), ("Content-Type", media_type)];
        self.http.send("POST", path, &headers, body)
    }

    pub fn give(&self, path: &str, key: &str, body: &Value) -> Reply {
        let headers = [("Idempotency-Key", key), ("Content-Type", "application/json")];
        self.call("POST", path, &headers, &body.to_string())
    }

    /// The command is done.
    #[track_caller]
    pub fn gives(&self, path: &str, key: &str, body: &Value) -> Value {
        let reply = self.give(path, key, body);
        assert_eq!(reply.status, 201, "{path}: {}", reply.body);
        reply.json()
    }

    /// The query is answered.
    #[track_caller]
    pub fn gets(&self, path: &str) -> Value {
        let reply = self.get(path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        reply.json()
    }
}
