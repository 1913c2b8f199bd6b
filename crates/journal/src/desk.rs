//! Requests to services of the same process: handed over as they are, where a server between the two would have to be
//! waited for four times.
//!
//! Invariant: a service is at a desk only while it takes requests; who is not there is asked over NATS.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use loopledger_model::Partition;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::requests::{AskError, RequestError};

/// How many requests wait at most until a service takes them; whoever hands over more waits.
const WAITING: usize = 256;

/// Where the services of one process are found.
#[derive(Debug, Clone, Default)]
pub struct Desk(Arc<RwLock<BTreeMap<Partition, mpsc::Sender<Handed>>>>);

/// A request, and where its answer goes.
#[derive(Debug)]
pub(crate) struct Handed {
    pub(crate) body: Bytes,
    pub(crate) traceparent: Option<String>,
    pub(crate) answer: oneshot::Sender<Result<Bytes, RequestError>>,
}

/// A service's place at a desk.
#[derive(Debug)]
pub(crate) struct Seat {
    desk: Desk,
    partition: Partition,
    sender: mpsc::Sender<Handed>,
    pub(crate) requests: mpsc::Receiver<Handed>,
}

impl Desk {
    /// From now on the requests of a partition are handed over here.
    pub(crate) fn sit_down(&self, partition: Partition) -> Seat {
        let (sender, requests) = mpsc::channel(WAITING);
        let mut services = self.0.write().unwrap_or_else(PoisonError::into_inner);
        services.insert(partition, sender.clone());
        Seat { desk: self.clone(), partition, sender, requests }
    }

    fn service(&self, partition: Partition) -> Option<mpsc::Sender<Handed>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&partition).cloned()
    }

    /// Hands a request over and waits for the answer; gives the body back where nobody takes it.
    pub(crate) async fn request(
        &self,
        partition: Partition,
        traceparent: Option<&str>,
        body: Bytes,
        within: Duration,
    ) -> Result<Result<Bytes, AskError>, Bytes> {
        let Some(service) = self.service(partition) else { return Err(body) };
        let (answer, answered) = oneshot::channel();
        let handed = Handed { body, traceparent: traceparent.map(ToOwned::to_owned), answer };
        let unanswered = |cause: String| AskError::Unanswered { partition, cause };
        let exchange = async {
            if let Err(mpsc::error::SendError(handed)) = service.send(handed).await {
                return Err(handed.body);
            }
            Ok(match answered.await {
                Ok(Ok(answer)) => Ok(answer),
                Ok(Err(RequestError { code, message: description })) => {
                    Err(AskError::Failed { partition, code, description })
                }
                Err(_) => Err(unanswered("its service has ended".to_owned())),
            })
        };
        let late = |_| Ok(Err(unanswered(format!("waited {within:?}"))));
        timeout(within, exchange).await.unwrap_or_else(late)
    }
}

impl Seat {
    /// Takes no new requests; those that were handed over are still given.
    pub(crate) fn stand_up(&mut self) {
        let mut services = self.desk.0.write().unwrap_or_else(PoisonError::into_inner);
        let is_own = |sender: &mpsc::Sender<Handed>| sender.same_channel(&self.sender);
        if services.get(&self.partition).is_some_and(is_own) {
            services.remove(&self.partition);
        }
        drop(services);
        self.requests.close();
    }
}
