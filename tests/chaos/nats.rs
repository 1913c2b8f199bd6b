//! NATS's text protocol, as much as a client needs that asks and reads one answer at a time.
//!
//! It shares nothing with the program's own connection, so a mistake there is not repeated here.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

/// How long an answer may take until the command is sent again on another connection.
const PATIENCE: Duration = Duration::from_secs(2);

pub struct Connection {
    stream: BufReader<TcpStream>,
    inbox: String,
    asked: u64,
}

/// A message: its headers as they came, and its body.
pub struct Message {
    pub headers: String,
    pub body: Vec<u8>,
}

fn broken(what: impl Into<String>) -> io::Error {
    io::Error::other(what.into())
}

impl Connection {
    /// To one of the servers of the address, another one each time.
    pub fn open(urls: &str) -> io::Result<Self> {
        static OPENED: AtomicU64 = AtomicU64::new(0);
        let number = OPENED.fetch_add(1, Ordering::Relaxed);
        let all: Vec<&str> = urls.split(',').collect();
        let url = all[usize::try_from(number).expect("few") % all.len()];
        let address = url.strip_prefix("nats://").ok_or_else(|| broken(url))?;
        let (credentials, address) = address.split_once('@').ok_or_else(|| broken(url))?;
        let (user, pass) = credentials.split_once(':').ok_or_else(|| broken(url))?;
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let inbox = format!("_INBOX.chaos.{}.{number}", std::process::id());
        let mut connection = Self { stream: BufReader::new(stream), inbox, asked: 0 };
        let hello = connection.line()?;
        if !hello.starts_with("INFO ") {
            return Err(broken(hello));
        }
        let options = json!({
            "verbose": false, "pedantic": false, "user": user, "pass": pass, "lang": "test",
            "version": "1", "protocol": 1, "headers": true, "no_responders": true,
        });
        let inbox = connection.inbox.clone();
        connection.send(format!("CONNECT {options}\r\nSUB {inbox}.* 1\r\nPING\r\n").as_bytes())?;
        let answer = connection.line()?;
        if answer == "PONG" { Ok(connection) } else { Err(broken(answer)) }
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(broken("the server hung up"));
        }
        Ok(line.trim_end().to_owned())
    }

    /// Sends a request and reads nothing.
    pub fn ask(&mut self, subject: &str, body: &[u8]) -> io::Result<()> {
        self.asked += 1;
        let head = format!("PUB {subject} {}.{} {}\r\n", self.inbox, self.asked, body.len());
        self.send(&[head.as_bytes(), body, b"\r\n"].concat())
    }

    /// The answer to the last request; those to earlier ones are late and dropped.
    pub fn answer(&mut self) -> io::Result<Message> {
        let expected = format!("{}.{}", self.inbox, self.asked);
        loop {
            let line = self.line()?;
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let size = |word: &str| word.parse::<usize>().map_err(|_| broken(line.as_str()));
            let (subject, headers, all) = match words.as_slice() {
                ["PING"] => {
                    self.send(b"PONG\r\n")?;
                    continue;
                }
                ["PONG" | "+OK"] | ["INFO", ..] => continue,
                ["MSG", subject, _, all] | ["MSG", subject, _, _, all] => (*subject, 0, size(all)?),
                ["HMSG", subject, _, headers, all] | ["HMSG", subject, _, _, headers, all] => {
                    (*subject, size(headers)?, size(all)?)
                }
                _ => return Err(broken(line)),
            };
            let mut bytes = vec![0; all + 2];
            self.stream.read_exact(&mut bytes)?;
            if subject == expected {
                let headers_text = String::from_utf8_lossy(&bytes[..headers]).into_owned();
                return Ok(Message { headers: headers_text, body: bytes[headers..all].to_vec() });
            }
        }
    }

    /// A question to JetStream's API.
    pub fn api(&mut self, subject: &str, question: &Value) -> io::Result<Value> {
        self.ask(&format!("$JS.API.{subject}"), question.to_string().as_bytes())?;
        let answer = self.answer()?;
        serde_json::from_slice(&answer.body).map_err(|error| broken(error.to_string()))
    }
}

/// The bytes that base64 stands for.
pub fn from_base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for character in text.bytes().filter(|character| *character != b'=') {
        let value = ALPHABET.iter().position(|known| *known == character).expect("it is base64");
        held = (held << 6) | u32::try_from(value).expect("below 64");
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).expect("eight bits"));
        }
    }
    bytes
}
