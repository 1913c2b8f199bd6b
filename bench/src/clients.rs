//! Clients that ask one thing after the other for as long as they are measured.

use std::future::Future;
use std::time::{Duration, Instant};

/// So many clients, each with one request at a time.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub clients: usize,
    pub measured: Duration,
}

/// What a load came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub done: u64,
    pub seconds: f64,
    /// Of single requests, in microseconds, sorted.
    pub latencies: Vec<u32>,
}

impl Outcome {
    pub fn per_second(&self) -> f64 {
        self.done as f64 / self.seconds
    }

    pub fn percentile(&self, share: f64) -> u32 {
        let last = self.latencies.len().saturating_sub(1);
        let place = (last as f64 * share).round() as usize;
        self.latencies.get(place).copied().unwrap_or_default()
    }
}

/// Runs the clients: `client(n)` makes the n-th one's request function, which answers how many things were done.
pub async fn run<R, F>(load: Load, mut client: impl FnMut(usize) -> R) -> anyhow::Result<Outcome>
where
    R: FnMut() -> F + Send + 'static,
    F: Future<Output = anyhow::Result<u64>> + Send,
{
    let begin = Instant::now() + Duration::from_secs(1);
    let end = begin + load.measured;
    let tasks: Vec<_> = (0..load.clients)
        .map(|n| {
            let mut request = client(n);
            tokio::spawn(async move {
                let (mut done, mut latencies) = (0, Vec::new());
                loop {
                    let asked = Instant::now();
                    if asked >= end {
                        return anyhow::Ok((done, latencies));
                    }
                    let count = request().await?;
                    let answered = Instant::now();
                    if asked >= begin && answered <= end {
                        done += count;
                        latencies.push(u32::try_from((answered - asked).as_micros())?);
                    }
                }
            })
        })
        .collect();
    let mut outcome =
        Outcome { done: 0, seconds: load.measured.as_secs_f64(), latencies: Vec::new() };
    for task in tasks {
        let (done, latencies) = task.await??;
        outcome.done += done;
        outcome.latencies.extend(latencies);
    }
    outcome.latencies.sort_unstable();
    Ok(outcome)
}
