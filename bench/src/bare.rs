//! The limits under everything: messages of a size stored by the same nats-server for a client without a ledger, and
//! appends to a file on the same disk.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use async_nats::jetstream;
use async_nats::{ConnectOptions, ServerAddr};

use crate::clients::{self, Load, Outcome};

pub struct Bare {
    client: async_nats::Client,
    context: jetstream::Context,
}

/// What the ledger's stream holds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stored {
    pub commits: u64,
    pub bytes: u64,
}

impl Stored {
    pub const fn since(self, before: Self) -> Self {
        Self { commits: self.commits - before.commits, bytes: self.bytes - before.bytes }
    }
}

const STREAM: &str = "BARE";
const SUBJECT: &str = "bare.commits";

impl Bare {
    pub async fn connect(url: &str) -> anyhow::Result<Self> {
        let address: ServerAddr = url.parse()?;
        let (user, password) = address.username().zip(address.password()).context("no user")?;
        let options = ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned());
        let client = options.connect(address.clone()).await?;
        let context = jetstream::new(client.clone());
        Ok(Self { client, context })
    }

    /// Makes a stream like the ledger's, which is there, beside it.
    pub async fn prepare(&self) -> anyhow::Result<()> {
        let mut config = self.context.get_stream("LEDGER").await?.cached_info().config.clone();
        (config.name, config.subjects) = (STREAM.to_owned(), vec![SUBJECT.to_owned()]);
        self.context.create_stream(config).await?;
        Ok(())
    }

    pub fn server_version(&self) -> String {
        self.client.server_info().version
    }

    pub async fn stored(&self) -> anyhow::Result<Stored> {
        let stream = self.context.get_stream("LEDGER").await?;
        let state = &stream.cached_info().state;
        Ok(Stored { commits: state.messages, bytes: state.bytes })
    }

    /// Messages of so many bytes, as many in flight as the load has clients.
    pub async fn measure(&self, load: Load, bytes: usize) -> anyhow::Result<Outcome> {
        let payload = bytes::Bytes::from(vec![b'x'; bytes]);
        clients::run(load, |_| {
            let (client, payload) = (self.client.clone(), payload.clone());
            move || {
                let (client, payload) = (client.clone(), payload.clone());
                async move {
                    let answer = client.request(SUBJECT, payload).await?;
                    let stored = answer.payload.starts_with(b"{\"stream\":\"BARE\"");
                    anyhow::ensure!(stored, "not stored: {:?}", answer.payload);
                    Ok(1)
                }
            }
        })
        .await
    }
}

/// Appends of so many bytes to a file, each flushed to the disk.
pub fn measure_file(folder: &Path, load: Load, bytes: usize) -> anyhow::Result<Outcome> {
    let mut file = File::create(folder.join("appended"))?;
    let content = vec![b'x'; bytes];
    let mut latencies = Vec::new();
    let begin = Instant::now();
    while begin.elapsed() < load.measured {
        let asked = Instant::now();
        file.write_all(&content)?;
        file.sync_data()?;
        latencies.push(u32::try_from(asked.elapsed().as_micros())?);
    }
    let seconds = begin.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let done = latencies.len() as u64;
    Ok(Outcome { done, done_in_all: done, seconds, latencies })
}
