//! A network between client and server that loses what it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub struct Proxy {
    port: u16,
    network: Arc<Network>,
}

struct Network {
    loses_requests: AtomicBool,
    loses_answers: AtomicBool,
    /// Connections end when it changes.
    cuts: watch::Sender<u32>,
}

impl Proxy {
    pub async fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let network = Arc::new(Network {
            loses_requests: AtomicBool::new(false),
            loses_answers: AtomicBool::new(false),
            cuts: watch::Sender::new(0),
        });
        let shared = Arc::clone(&network);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await else { continue };
                tokio::spawn(carry(Arc::clone(&shared), client, server));
            }
        });
        Self { port, network }
    }

    pub fn url(&self) -> String {
        format!("nats://ledger:secret@127.0.0.1:{}", self.port)
    }

    pub fn lose_requests(&self, lose: bool) {
        self.network.loses_requests.store(lose, Ordering::SeqCst);
    }

    pub fn lose_answers(&self, lose: bool) {
        self.network.loses_answers.store(lose, Ordering::SeqCst);
    }

    /// Breaks every connection; new ones can be made.
    pub fn cut(&self) {
        self.network.cuts.send_modify(|cuts| *cuts += 1);
    }
}

async fn carry(network: Arc<Network>, client: TcpStream, server: TcpStream) {
    let mut cuts = network.cuts.subscribe();
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = pump(from_client, to_server, &network.loses_requests) => {}
        () = pump(from_server, to_client, &network.loses_answers) => {}
        _ = cuts.changed() => {}
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, loses: &AtomicBool) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if !loses.load(Ordering::SeqCst) && to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
