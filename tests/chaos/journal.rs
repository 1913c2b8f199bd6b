//! The journal as it lies in the stream, message by message.

use std::io;

use serde_json::{Value, json};

use crate::nats::{Connection, from_base64};

/// A stored message.
#[derive(Debug, Clone)]
pub struct Commit {
    pub position: u64,
    pub subject: String,
    pub headers: Vec<(String, String)>,
    pub body: Value,
}

impl Commit {
    pub fn header(&self, name: &str) -> Option<&str> {
        let same = |(known, _): &&(String, String)| known.eq_ignore_ascii_case(name);
        self.headers.iter().find(same).map(|(_, value)| value.as_str())
    }

    pub fn context(&self) -> &str {
        self.subject.split('.').nth(1).unwrap_or_default()
    }

    pub fn entries(&self) -> impl Iterator<Item = &Value> {
        self.body["entries"].as_array().into_iter().flatten()
    }
}

/// Every message from 1 to the last; one that is missing is an error.
pub fn read(connection: &mut Connection) -> io::Result<Vec<Commit>> {
    let streams = connection.api("STREAM.NAMES", &json!({ "subject": "ledger.>" }))?;
    let [Value::String(stream)] = &streams["streams"].as_array().map_or(&[][..], Vec::as_slice)
    else {
        return Err(io::Error::other(format!("not one stream has the commits: {streams}")));
    };
    let about = connection.api(&format!("STREAM.INFO.{stream}"), &json!({}))?;
    let state = &about["state"];
    let last = state["last_seq"].as_u64().unwrap_or(0);
    if state["messages"].as_u64() != Some(last) || state["num_deleted"].as_u64().unwrap_or(0) != 0 {
        return Err(io::Error::other(format!("the stream has gaps: {state}")));
    }
    (1..=last).map(|position| one(connection, stream, position)).collect()
}

fn one(connection: &mut Connection, stream: &str, position: u64) -> io::Result<Commit> {
    let question = json!({ "seq": position });
    let answer = connection.api(&format!("STREAM.MSG.GET.{stream}"), &question)?;
    let message = &answer["message"];
    let text = |field: &str| message[field].as_str().unwrap_or_default();
    if message["seq"].as_u64() != Some(position) {
        return Err(io::Error::other(format!("message {position} is not there: {answer}")));
    }
    let headers = String::from_utf8_lossy(&from_base64(text("hdrs"))).into_owned();
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_owned(), value.trim().to_owned()))
    };
    let body = serde_json::from_slice(&from_base64(text("data")))?;
    let headers = headers.lines().filter_map(header).collect();
    Ok(Commit { position, subject: text("subject").to_owned(), headers, body })
}
