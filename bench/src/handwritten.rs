//! The peer: a schema as one writes it by hand, one transaction a payment.

use tokio_postgres::{Client, NoTls};

use crate::clients::{self, Load, Outcome};

pub struct Peer {
    url: String,
    invoices: u32,
}

impl Peer {
    pub async fn prepare(url: &str, invoices: u32) -> anyhow::Result<Self> {
        let client = connect(url).await?;
        client
            .batch_execute(
                "CREATE TABLE invoices (id TEXT PRIMARY KEY, amount NUMERIC NOT NULL,
                     paid NUMERIC NOT NULL DEFAULT 0 CHECK (paid <= amount));
                 CREATE TABLE payments (id TEXT PRIMARY KEY, invoice TEXT NOT NULL REFERENCES invoices,
                     amount NUMERIC NOT NULL, at TIMESTAMPTZ NOT NULL, reference TEXT);",
            )
            .await?;
        let fill = format!(
            "INSERT INTO invoices SELECT 'in-' || n, 1000000 FROM generate_series(0, {}) n",
            invoices - 1
        );
        client.batch_execute(&fill).await?;
        client.batch_execute("ANALYZE; CHECKPOINT").await?;
        Ok(Self { url: url.to_owned(), invoices })
    }

    pub async fn pay(&self, load: Load, round: usize) -> anyhow::Result<Outcome> {
        let mut connections = Vec::new();
        // Beyond its cores a PostgreSQL server gains nothing from more connections: clients share them as a pool would.
        for _ in 0..load.clients.min(64) {
            connections
                .push(std::sync::Arc::new(tokio::sync::Mutex::new(Session::new(&self.url).await?)));
        }
        let invoices = self.invoices;
        clients::run(load, |client| {
            let session = connections[client % connections.len()].clone();
            let mut number = 0_u32;
            move || {
                number += 1;
                let invoice = invoice(client, number, invoices);
                let id = format!("pg-{round}-{}-{client}-{number}", load.clients);
                let session = session.clone();
                async move {
                    session.lock().await.pay(&id, &invoice).await?;
                    Ok(1)
                }
            }
        })
        .await
    }
}

/// The invoices of a client's payments: spread over all, the same for both sides.
pub fn invoice(client: usize, number: u32, invoices: u32) -> String {
    let spread = u64::from(number).wrapping_mul(2_654_435_761).wrapping_add(client as u64 * 7919);
    format!("in-{}", spread % u64::from(invoices))
}

async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

struct Session {
    client: Client,
    select: tokio_postgres::Statement,
    update: tokio_postgres::Statement,
    insert: tokio_postgres::Statement,
}

impl Session {
    async fn new(url: &str) -> anyhow::Result<Self> {
        let client = connect(url).await?;
        let select = client
            .prepare("SELECT (amount - paid)::TEXT FROM invoices WHERE id = $1 FOR UPDATE")
            .await?;
        let update = client.prepare("UPDATE invoices SET paid = paid + 1 WHERE id = $1").await?;
        let insert = client
            .prepare("INSERT INTO payments VALUES ($1, $2, 1, '2025-03-20', 'bank-0001')")
            .await?;
        Ok(Self { client, select, update, insert })
    }

    async fn pay(&mut self, id: &str, invoice: &str) -> anyhow::Result<()> {
        let transaction = self.client.transaction().await?;
        let left: String = transaction.query_one(&self.select, &[&invoice]).await?.get(0);
        anyhow::ensure!(left.parse::<f64>()? >= 1.0, "the invoice is paid");
        transaction.execute(&self.update, &[&invoice]).await?;
        transaction.execute(&self.insert, &[&id, &invoice]).await?;
        Ok(transaction.commit().await?)
    }
}
