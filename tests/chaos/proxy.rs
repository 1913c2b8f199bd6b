//! A proxy between NATS clients and their server that harms what passes: it delays, repeats, holds back and cuts.
//!
//! Invariant: what arrives is what was sent, whole frames of it, but for the last one of a connection that is cut.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::random::Random;

/// How often an acknowledgement is swallowed on a connection that stays: its writer waits seconds for it.
const SWALLOWED: u32 = 1;
/// How long the server has for what came before the connection's end.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// What happens to one frame on its way to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Harm {
    Delayed,
    /// Delivered twice, at once.
    Twice,
    /// Delivered a second time, later.
    Echoed,
    /// The connection ends in the middle of the frame.
    Cut,
    /// Delivered, and the connection ends before the answer.
    AnswerLost,
    /// Delivered, and only its answer is dropped.
    AnswerSwallowed,
    /// The connection ends, and it is delivered some time after that.
    Late,
}

/// As many percent of the commits on their way to the journal.
const COMMITS: [(Harm, u64); 6] = [
    (Harm::Delayed, 10),
    (Harm::Twice, 5),
    (Harm::Echoed, 5),
    (Harm::Cut, 3),
    (Harm::AnswerLost, 3),
    (Harm::Late, 3),
];
/// The same for requests to the services.
const REQUESTS: [(Harm, u64); 5] = [
    (Harm::Delayed, 10),
    (Harm::Twice, 5),
    (Harm::Echoed, 5),
    (Harm::Cut, 1),
    (Harm::AnswerLost, 1),
];

pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    server: String,
    random: Mutex<Random>,
    done: Mutex<BTreeMap<Harm, u32>>,
    calm: AtomicBool,
}

/// One client's two connections.
struct Link {
    client: TcpStream,
    server: Mutex<TcpStream>,
    /// Subjects whose next message is not delivered.
    swallowed: Mutex<Vec<String>>,
}

/// What a client or the server sends at once: a line, and a message's bytes.
struct Frame {
    bytes: Vec<u8>,
    subject: String,
    reply: Option<String>,
}

impl Proxy {
    /// Listens before the server at this address, until the test ends.
    pub fn start(server: String, random: Random) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (random, done) = (Mutex::new(random), Mutex::default());
        let shared = Arc::new(Shared { server, random, done, calm: AtomicBool::new(false) });
        let carrying = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = Arc::clone(&carrying);
                // A connection that breaks is what a client has to live with.
                std::thread::spawn(move || drop(carry(&shared, client)));
            }
        });
        Ok(Self { address, shared })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on everything passes unharmed.
    pub fn calm(&self) {
        self.shared.calm.store(true, Ordering::Relaxed);
    }

    pub fn summary(&self) -> String {
        format!("{:?}", self.shared.done.lock().expect("no connection panicked"))
    }
}

impl Shared {
    fn harm(&self, frame: &Frame) -> Option<(Harm, Duration)> {
        if self.calm.load(Ordering::Relaxed) {
            return None;
        }
        let chances: &[(Harm, u64)] = match frame.subject.split('.').next() {
            Some("ledger") => &COMMITS,
            Some("cmd") => &REQUESTS,
            _ => &[(Harm::Delayed, 2)],
        };
        let mut random = self.random.lock().expect("no connection panicked");
        let mut done = self.done.lock().expect("no connection panicked");
        let mut drawn = random.between(0, 100);
        let chosen = chances.iter().find(|(_, percent)| {
            let chosen = drawn < *percent;
            drawn = drawn.wrapping_sub(*percent);
            chosen
        });
        let (harm, time) = match chosen.map(|(harm, _)| *harm)? {
            Harm::AnswerLost
                if done.get(&Harm::AnswerSwallowed).is_none_or(|times| *times < SWALLOWED) =>
            {
                (Harm::AnswerSwallowed, 0)
            }
            Harm::Delayed => (Harm::Delayed, random.between(1, 30)),
            Harm::Echoed => (Harm::Echoed, random.between(1, 1500)),
            Harm::Late => (Harm::Late, random.between(1, 400)),
            harm @ (Harm::Twice | Harm::Cut | Harm::AnswerLost | Harm::AnswerSwallowed) => {
                (harm, 0)
            }
        };
        *done.entry(harm).or_default() += 1;
        Some((harm, Duration::from_millis(time)))
    }
}

fn carry(shared: &Shared, client: TcpStream) -> io::Result<()> {
    let server = TcpStream::connect(&shared.server)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, from_server) = (client.try_clone()?, server.try_clone()?);
    let (server, swallowed) = (Mutex::new(server), Mutex::default());
    let link = Arc::new(Link { client, server, swallowed });
    let back = Arc::clone(&link);
    std::thread::spawn(move || {
        // Either way the client hears nothing more.
        drop(back.answer(BufReader::new(from_server)));
        drop(back.client.shutdown(Shutdown::Both));
    });
    let carried = link.deliver(shared, BufReader::new(from_client));
    drop(link.client.shutdown(Shutdown::Both));
    link.server.lock().expect("no writer panicked").shutdown(Shutdown::Both)?;
    carried
}

impl Link {
    /// From the server to the client.
    fn answer(&self, mut from: BufReader<TcpStream>) -> io::Result<()> {
        while let Some(frame) = Frame::read(&mut from)? {
            let mut swallowed = self.swallowed.lock().expect("no reader panicked");
            if let Some(at) = swallowed.iter().position(|subject| *subject == frame.subject) {
                swallowed.swap_remove(at);
                continue;
            }
            drop(swallowed);
            (&self.client).write_all(&frame.bytes)?;
        }
        Ok(())
    }

    /// From the client to the server.
    fn deliver(
        self: &Arc<Self>,
        shared: &Shared,
        mut from: BufReader<TcpStream>,
    ) -> io::Result<()> {
        while let Some(frame) = Frame::read(&mut from)? {
            let Some((harm, time)) = shared.harm(&frame) else {
                self.send(&frame.bytes)?;
                continue;
            };
            match harm {
                Harm::Delayed => {
                    std::thread::sleep(time);
                    self.send(&frame.bytes)?;
                }
                Harm::Twice => self.send(&[&frame.bytes[..], &frame.bytes].concat())?,
                Harm::Echoed => {
                    self.send(&frame.bytes)?;
                    let link = Arc::clone(self);
                    std::thread::spawn(move || {
                        std::thread::sleep(time);
                        // The connection may have ended meanwhile.
                        drop(link.send(&frame.bytes));
                    });
                }
                Harm::AnswerSwallowed => {
                    self.swallowed.lock().expect("no reader panicked").extend(frame.reply);
                    self.send(&frame.bytes)?;
                }
                Harm::Cut => return self.send(&frame.bytes[..frame.bytes.len() / 2]),
                Harm::AnswerLost | Harm::Late => {
                    self.client.shutdown(Shutdown::Both)?;
                    std::thread::sleep(time);
                    self.send(&frame.bytes)?;
                    std::thread::sleep(LAST_WORDS);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn send(&self, bytes: &[u8]) -> io::Result<()> {
        self.server.lock().expect("no writer panicked").write_all(bytes)
    }
}

impl Frame {
    /// The next frame; nothing at the end of the connection.
    fn read(from: &mut BufReader<TcpStream>) -> io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        if from.read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&bytes).into_owned();
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let (subject, reply, size) = match words.as_slice() {
            ["PUB", subject, size]
            | ["HPUB", subject, _, size]
            | ["MSG", subject, _, size]
            | ["HMSG", subject, _, _, size] => (*subject, None, *size),
            ["PUB", subject, reply, size]
            | ["HPUB", subject, reply, _, size]
            | ["MSG", subject, _, reply, size]
            | ["HMSG", subject, _, reply, _, size] => (*subject, Some(*reply), *size),
            _ => return Ok(Some(Self { bytes, subject: String::new(), reply: None })),
        };
        let size: usize = size.parse().map_err(|_| io::Error::other(line.clone()))?;
        let head = bytes.len();
        bytes.resize(head + size + 2, 0);
        from.read_exact(&mut bytes[head..])?;
        Ok(Some(Self { bytes, subject: subject.to_owned(), reply: reply.map(ToOwned::to_owned) }))
    }
}
