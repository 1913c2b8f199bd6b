//! Clients that ask one thing after the other, for as long as they are measured or until there is nothing left.
//!
//! Invariant: what was answered within the measured time counts, whenever it was asked, and nothing else.

use std::future::Future;
use std::time::{Duration, Instant};

/// So many clients, each with one request at a time.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub clients: usize,
    /// What is done before does not count.
    pub warm_up: Duration,
    pub measured: Duration,
}

/// What became of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    Done,
    /// The rules said no: nothing is left to take.
    Refused,
}

/// What a load came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub done: u64,
    /// What was done before and after the measured time too.
    pub done_in_all: u64,
    pub seconds: f64,
    /// Of single requests, in microseconds, sorted.
    pub latencies: Vec<u32>,
}

impl Outcome {
    fn of(seconds: f64, clients: impl IntoIterator<Item = (u64, u64, Vec<u32>)>) -> Self {
        let mut outcome = Self { done: 0, done_in_all: 0, seconds, latencies: Vec::new() };
        for (done, done_in_all, latencies) in clients {
            outcome.done += done;
            outcome.done_in_all += done_in_all;
            outcome.latencies.extend(latencies);
        }
        outcome.latencies.sort_unstable();
        outcome
    }

    pub fn per_second(&self) -> f64 {
        self.done as f64 / self.seconds
    }

    /// In microseconds.
    pub fn percentile(&self, share: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let place = (last as f64 * share).round() as usize;
        f64::from(self.latencies.get(place).copied().unwrap_or_default())
    }
}

/// Runs the clients: `client(n)` makes the n-th one's request function, which answers how many things were done.
pub async fn run<R, F>(load: Load, mut client: impl FnMut(usize) -> R) -> anyhow::Result<Outcome>
where
    R: FnMut() -> F + Send + 'static,
    F: Future<Output = anyhow::Result<u64>> + Send,
{
    let begin = Instant::now() + load.warm_up;
    let end = begin + load.measured;
    let tasks: Vec<_> = (0..load.clients)
        .map(|n| {
            let mut request = client(n);
            tokio::spawn(async move {
                let (mut done, mut done_in_all, mut latencies) = (0, 0, Vec::new());
                loop {
                    let asked = Instant::now();
                    if asked >= end {
                        return anyhow::Ok((done, done_in_all, latencies));
                    }
                    let count = request().await?;
                    let answered = Instant::now();
                    done_in_all += count;
                    if (begin..=end).contains(&answered) {
                        done += count;
                        latencies.push(u32::try_from((answered - asked).as_micros())?);
                    }
                }
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.push(task.await??);
    }
    Ok(Outcome::of(load.measured.as_secs_f64(), all))
}

/// Every client takes until it is refused.
pub async fn run_out<R, F>(
    clients: usize,
    mut client: impl FnMut(usize) -> R,
) -> anyhow::Result<Outcome>
where
    R: FnMut() -> F + Send + 'static,
    F: Future<Output = anyhow::Result<Taken>> + Send,
{
    let begin = Instant::now();
    let tasks: Vec<_> = (0..clients)
        .map(|n| {
            let mut request = client(n);
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                loop {
                    let asked = Instant::now();
                    if request().await? == Taken::Refused {
                        let done = latencies.len() as u64;
                        return anyhow::Ok((done, done, latencies));
                    }
                    latencies.push(u32::try_from(asked.elapsed().as_micros())?);
                }
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.push(task.await??);
    }
    Ok(Outcome::of(begin.elapsed().as_secs_f64(), all))
}
