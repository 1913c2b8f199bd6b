//! Messages of a pull consumer, asked for some at a time.
//!
//! Invariant: what is still to come is counted where it is asked for and where it comes, and nowhere else. The client's own
//! stream counts a request when it hears that it was sent, which can be after the first messages for it have come; those
//! it takes for outstanding ever after, until it waits for nothing but them.

use std::time::Duration;

use async_nats::jetstream::{self, Context};
use async_nats::{Message, StatusCode, Subscriber};
use bytes::Bytes;
use futures::StreamExt as _;
use serde_json::json;
use tokio::time::timeout;

/// The server says this often that it has nothing new; two silent ones make the consumer suspect.
const HEARTBEAT: Duration = Duration::from_secs(4);
/// At least two heartbeats; then what the server still has to send is not sent any more, and asked for again.
const EXPIRES: Duration = Duration::from_secs(10);

pub(crate) struct Pull {
    context: Context,
    /// Where messages are asked for.
    subject: String,
    inbox: String,
    messages: Subscriber,
    /// As many are asked for at once.
    batch: usize,
    to_come: usize,
}

impl Pull {
    pub(crate) async fn of(
        context: Context,
        stream: &str,
        consumer: &str,
        batch: usize,
    ) -> Result<Self, String> {
        let client = context.client();
        let inbox = client.new_inbox();
        let messages = client.subscribe(inbox.clone()).await.map_err(|error| error.to_string())?;
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}");
        Ok(Self { context, subject, inbox, messages, batch, to_come: 0 })
    }

    /// Waits for the next message; an error says why there will be none.
    pub(crate) async fn next(&mut self) -> Result<jetstream::Message, String> {
        loop {
            if self.to_come <= self.batch / 2 {
                self.ask().await?;
            }
            let message = timeout(2 * HEARTBEAT, self.messages.next()).await;
            let message = message.map_err(|_| "the consumer is silent")?;
            let message = message.ok_or("the consumer has ended")?;
            match message.status {
                None | Some(StatusCode::OK) => {
                    self.to_come = self.to_come.saturating_sub(1);
                    return Ok(jetstream::Message { message, context: self.context.clone() });
                }
                Some(StatusCode::IDLE_HEARTBEAT) => {}
                Some(StatusCode::TIMEOUT) => self.to_come -= self.not_sent(&message),
                Some(status) => {
                    let reason = message.description.as_deref().unwrap_or("no reason");
                    return Err(format!("the server answers {status}: {reason}"));
                }
            }
        }
    }

    async fn ask(&mut self) -> Result<(), String> {
        let request = json!({
            "batch": self.batch,
            "expires": EXPIRES.as_nanos(),
            "idle_heartbeat": HEARTBEAT.as_nanos(),
        });
        let (subject, inbox) = (self.subject.clone(), self.inbox.clone());
        let request = Bytes::from(request.to_string());
        let client = self.context.client();
        let asked = client.publish_with_reply(subject, inbox, request).await;
        asked.map_err(|error| error.to_string())?;
        self.to_come += self.batch;
        Ok(())
    }

    /// How many messages of a request that has expired will not come.
    fn not_sent(&self, expired: &Message) -> usize {
        let stated =
            expired.headers.as_ref().and_then(|headers| headers.get("Nats-Pending-Messages"));
        let stated = stated.and_then(|count| count.as_str().parse().ok());
        stated.unwrap_or(self.batch).min(self.to_come)
    }
}
